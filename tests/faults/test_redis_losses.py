"""A Redis that was emptied, evicts, is full, read-only, closed to us or away: noticed, and said without secrets."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import redis

from footfall.core.errors import Emptied, FootfallError, Unavailable, UsageError
from footfall.log.base import Place
from footfall.log.checkpoints.redis import RedisCheckpoints
from footfall.servers.redis import RedisServer, RedisSettings
from footfall.servers.redis.errors import failure
from footfall.stores.redis import RedisStore
from tests.contracts.checkpoint_contract import STREAM, add, held, move
from tests.contracts.store_contract import Product
from tests.faults.buggy_redis import WithoutGeneration
from tests.servers.redis import Redis

RANDOM = Random(7).randbytes
SECRET = "s3cr3t-Zebra"  # noqa: S105 - of a server of these tests
SHORT = RedisSettings(connect_timeout=timedelta(seconds=1), timeout=timedelta(seconds=1))
MEGABYTE = 1024 * 1024


@pytest.fixture
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


@pytest.fixture
def plain(server: Redis) -> Iterator[Any]:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def store(server: Redis) -> Iterator[RedisStore]:
    with RedisStore.open(server.url, random=RANDOM, settings=SHORT) as store:
        yield store


@pytest.fixture
def checkpoints(server: Redis) -> Iterator[RedisCheckpoints]:
    with contextlib.closing(RedisCheckpoints.open(server.url, random=RANDOM, settings=SHORT)) as checkpoints:
        yield checkpoints


def said(url: str, **options: Any) -> FootfallError:
    """The error of an attempt to open a store."""
    with pytest.raises(FootfallError) as raised:
        RedisStore.open(url, random=RANDOM, settings=SHORT, **options)
    return raised.value


def believes_an_emptied_server(server: RedisServer, plain: Any) -> bool:
    """Whether a store and checkpoints on this server go on after it was emptied."""
    store, checkpoints = RedisStore(server), RedisCheckpoints(server)
    store.load_products([Product("a")])
    checkpoints.save([move(0, 1)], [add(1)])
    plain.flushall()
    try:
        store.version()
        checkpoints.save([move(0, 1)], [add(1)])
    except Emptied:
        return False
    return True


def test_an_emptied_server_is_noticed_at_the_next_version_and_save(server: Redis, plain: Any) -> None:
    with contextlib.closing(RedisServer.open(server.url, random=RANDOM)) as opened:
        assert not believes_an_emptied_server(opened, plain)


def test_a_server_without_a_generation_would_be_believed(server: Redis, plain: Any) -> None:
    with contextlib.closing(WithoutGeneration.open(server.url, random=RANDOM)) as opened:
        assert believes_an_emptied_server(opened, plain)


def test_a_server_that_comes_back_without_its_data_is_noticed(server: Redis, checkpoints: RedisCheckpoints) -> None:
    checkpoints.save([move(0, 1)], [add(1)])
    server.kill()
    server.start()

    with pytest.raises(Emptied, match=r"redis://127.0.0.1:\d+/0 has lost what Footfall kept there.*footfall rebuild"):
        checkpoints.save([move(1, 2)], [add(2)])


def test_one_database_of_a_server_may_be_emptied_alone(server: Redis, plain: Any, store: RedisStore) -> None:
    with RedisStore.open(server.url.removesuffix("0") + "3", random=RANDOM) as third:
        third.load_products([Product("a")])
        plain.flushdb()

        assert third.products(["a"]) == [("shoes", "A shoe")]
        with pytest.raises(Emptied):
            store.version()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_may_evict_is_refused_with_the_command_that_mends_it(
    server: Redis, plain: Any, policy: str
) -> None:
    plain.config_set("maxmemory-policy", policy)
    RedisStore.open(server.url, random=RANDOM).close()  # without a limit it never evicts
    plain.config_set("maxmemory", 100 * MEGABYTE)

    error = said(server.url)
    assert isinstance(error, UsageError)
    assert policy in str(error)
    assert "redis-cli CONFIG SET maxmemory-policy noeviction" in error.remedy
    plain.config_set("maxmemory-policy", "noeviction")
    RedisStore.open(server.url, random=RANDOM).close()


def test_a_server_that_begins_to_evict_while_we_work_is_noticed(server: Redis, plain: Any, store: RedisStore) -> None:
    plain.config_set("maxmemory-policy", "volatile-lru")
    for n in range(40):
        plain.set(f"others:{n}", os.urandom(50_000).hex(), ex=1_000)
    plain.config_set("maxmemory", plain.info("memory")["used_memory"] - MEGABYTE)

    with pytest.raises(Emptied, match=r"thrown away \d+ keys"):
        store.version()


def test_a_server_that_tells_nothing_about_itself_is_used_and_that_is_said_once(server: Redis, plain: Any) -> None:
    plain.execute_command("ACL", "SETUSER", "ann", "on", f">{SECRET}", "~*", "+@all", "-info", "-config")
    heard: list[str] = []
    url = server.url.replace("redis://", f"redis://ann:{SECRET}@")
    with RedisStore.open(url, random=RANDOM, warn=heard.append) as store:
        store.load_products([Product("a")])
        assert store.version() == 1

    [warning] = heard
    assert "noeviction" in warning
    assert SECRET not in warning


def test_a_full_server_is_unavailable_and_goes_on_when_it_has_room(
    plain: Any, store: RedisStore, checkpoints: RedisCheckpoints
) -> None:
    checkpoints.save([move(0, 1)], [add(1)])
    plain.config_set("maxmemory", 1)

    with pytest.raises(Unavailable, match=r"maxmemory is reached.*CONFIG SET maxmemory"):
        checkpoints.save([move(1, 2)], [add(2, reset=True)])
    with pytest.raises(Unavailable, match="maxmemory"):
        store.load_products([Product("a")])
    with pytest.raises(Unavailable, match="maxmemory"):
        store.publish("p0", {}, as_of=1)
    assert checkpoints.position("g", STREAM, 0) == Place(1, 1)
    assert held(checkpoints.state("g", 0)) == {"seen": [[1]]}

    plain.config_set("maxmemory", 0)
    checkpoints.save([move(1, 2)], [add(2)])
    assert held(checkpoints.state("g", 0)) == {"seen": [[1], [2]]}


def test_a_read_only_replica_is_unavailable(plain: Any, checkpoints: RedisCheckpoints) -> None:
    plain.replicaof("127.0.0.1", "1")

    with pytest.raises(Unavailable, match="READONLY"):
        checkpoints.save([move(0, 1)], [add(1)])


@pytest.mark.parametrize("user", ["", "ann"])
def test_a_wrong_password_is_said_without_it(server: Redis, plain: Any, user: str) -> None:
    plain.config_set("requirepass", "another")
    plain.auth("another")

    error = said(server.url.replace("redis://", f"redis://{user}:{SECRET}@"))
    assert isinstance(error, UsageError)
    assert "does not let us in" in str(error)
    assert SECRET not in f"{error!r} {error} {error.__cause__!r}"
    assert "does not let us in" in str(said(server.url))
    RedisStore.open(server.url.replace("redis://", "redis://:another@"), random=RANDOM).close()


@pytest.mark.parametrize(
    ("url", "kind", "text"),
    [
        (f"redis://:{SECRET}@no-such-host.invalid:6379/0", Unavailable, "no-such-host.invalid"),
        (f"redis://:{SECRET}@127.0.0.1:1/0", Unavailable, "cannot be reached"),
        (f"rediss://:{SECRET}@127.0.0.1:1/0", Unavailable, "rediss://127.0.0.1:1/0"),
        (f"redis://:{SECRET}/x@127.0.0.1:1/0", UsageError, "%2F for /"),
        (f"http://:{SECRET}@127.0.0.1:1/0", UsageError, "redis://USER:PASSWORD@HOST:PORT/DB"),
    ],
)
def test_a_wrong_address_is_said_without_its_secret(url: str, kind: type[FootfallError], text: str) -> None:
    error = said(url)

    assert isinstance(error, kind)
    assert text in str(error)
    assert SECRET not in f"{error!r} {error} {error.__cause__!r}"
    assert SECRET not in "".join(traceback.format_exception(error))


def test_a_database_that_is_not_there_is_said(server: Redis) -> None:
    assert "no database of this number" in str(said(server.url.removesuffix("0") + "99"))


def test_a_plain_server_behind_a_tls_address_is_unavailable(server: Redis) -> None:
    assert isinstance(said(server.url.replace("redis://", "rediss://")), Unavailable)


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.exceptions.ResponseError("BUSY Redis is busy running a script"),
        redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        redis.exceptions.MaxConnectionsError("Too many connections"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_what_passes_is_unavailable(error: Exception) -> None:
    assert isinstance(failure("redis://here/0", error), Unavailable)
