"""The serving store in a real Redis keeps the contract and the names of the template, and notices what was lost."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pyarrow as pa
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.errors import Emptied, Fenced, FootfallError
from footfall.stores.base import Loaded, ServingStore
from footfall.stores.redis import RedisStore
from footfall.stores.redis.keys import KEPT_LINES
from footfall.stores.views import VIEWS, refresh
from tests.contracts.store_contract import Product, StoreContract, User, part, users
from tests.servers.redis import Redis

RANDOM = Random(7).randbytes


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


@pytest.fixture
def plain(server: Redis) -> Iterator[Any]:
    """What any other program sees."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def store(server: Redis, plain: Any) -> Iterator[RedisStore]:
    with RedisStore.open(server.url, random=RANDOM) as store:
        yield store


class TestRedisStore(StoreContract):
    @pytest.fixture
    def store(self, server: Redis, plain: Any) -> Iterator[ServingStore]:
        with RedisStore.open(server.url, random=RANDOM) as store:
            yield store


def line(number: int) -> dict[str, object]:
    return {"timestamp": f"2026-01-02T00:00:{number:02}Z", "line": f"line {number}"}


def lines(plain: Any) -> list[str]:
    return [fields["line"] for _, fields in plain.xrange("state_logs")]


def test_look_up_data_have_the_keys_of_the_template_and_missing_values_are_left_out(
    store: RedisStore, plain: Any
) -> None:
    store.load_products([Product("VD1", "shoes", "Ünï", 9.5, None, "a.svg"), Product("VD2", None, None, None)])
    store.load_users([User("{A-1}", "F", "1981-11-14"), User("b", None, "1990-01-01")])

    assert plain.hgetall("product:VD1") == {"cat": "shoes", "title": "Ünï", "price": "9.5", "image": "a.svg"}
    assert plain.hgetall("product:VD2") == {}
    assert plain.hgetall("visitor:{A-1}") == {"birthday": "1981-11-14", "gender": "F"}
    assert plain.hgetall("visitor:b") == {"birthday": "1990-01-01"}


def test_a_product_of_which_only_the_id_is_known_is_known(store: RedisStore) -> None:
    store.load_products([Product("VD2", None, None, None)])

    assert store.products(["VD2", "VD3"]) == [(None, None), None]
    assert store.load_products([Product("VD2", None, None, None)]) == Loaded(unchanged=1)


def test_a_value_that_is_missing_in_the_next_load_goes(store: RedisStore, plain: Any) -> None:
    store.load_products([Product("a", "shoes", "Old", 1.0)])

    assert store.load_products([Product("a", "shoes", None, None)]) == Loaded(updated=1)
    assert plain.hgetall("product:a") == {"cat": "shoes"}


def test_an_empty_text_is_not_a_missing_value(store: RedisStore) -> None:
    store.load_users([User("a", "", None)])

    assert store.visitors(["a"]) == [("", None)]


def test_what_another_loader_of_the_template_wrote_is_found_and_taken_over(store: RedisStore, plain: Any) -> None:
    plain.hset("product:x", mapping={"cat": "hats", "title": "Hat", "price": "dear"})

    assert store.products(["x"]) == [("hats", "Hat")]
    assert store.load_products([Product("x", "hats", "Hat", 2.0)]) == Loaded(updated=1)
    assert pa.Table.from_batches(store.all_products()).column("price").to_pylist() == [2.0]


def test_bytes_of_another_program_that_are_no_text_do_not_hide_the_rest(store: RedisStore, plain: Any) -> None:
    store.load_products([Product("a"), Product("b", None, None, None)])
    plain.hset("product:x", "title", b"\xff\xfe!")

    assert store.products(["a", "x", "b", "y"]) == [("shoes", "A shoe"), (None, "\ufffd\ufffd!"), (None, None), None]


def test_ids_of_any_text_are_found(store: RedisStore) -> None:
    ids = ["", " ", 'quo"ted', "\\u0041", "nul\0", "Ünï ☃ 𝄞", "{a}:b"]
    store.load_users([User(one, "F", None) for one in ids])

    assert store.visitors([*ids, "A"]) == [*[("F", None)] * len(ids), None]


def test_views_are_read_with_plain_redis_cli(server: Redis, store: RedisStore) -> None:
    for name in VIEWS:
        store.put_views({name: [{"line": f"of {name}", "timestamp": "t"}]}, as_of=1, publication=1)

    def said(*command: str) -> str:
        done = subprocess.run(
            ["redis-cli", "-p", str(server.port), *command], capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout.strip()

    for name in VIEWS.keys() - {"state_logs"}:
        assert json.loads(said("GET", name)) == [{"line": f"of {name}", "timestamp": "t"}]
    assert said("TYPE", "state_logs") == "stream"
    assert "of state_logs" in said("XRANGE", "state_logs", "-", "+")


def test_views_of_what_was_published_are_put_under_their_keys(store: RedisStore, plain: Any) -> None:
    minute = 29_000_000
    store.publish("p0", {"category_popularity": part(minute=[minute], category=["hats"], count=[3])}, as_of=minute)

    assert refresh(store, minute * 60_000) == minute * 60_000
    assert json.loads(plain.get("last_15_minutes"))[-1]["visits"] == 0
    assert set(store.views()) == set(VIEWS)


def test_a_line_of_the_detector_is_appended_once_however_often_its_view_is_put(store: RedisStore, plain: Any) -> None:
    store.put_views({"state_logs": [line(2), line(1)]}, as_of=1, publication=1)
    store.put_views({"state_logs": [line(2), line(1)]}, as_of=1, publication=1)
    store.put_views({"state_logs": [line(4), line(3), line(2)]}, as_of=2, publication=2)
    store.put_views({"state_logs": [line(3), line(2), line(1)]}, as_of=2, publication=1)  # an older one

    assert lines(plain) == ["line 1", "line 2", "line 3", "line 4"]
    assert store.view("state_logs") == [line(4), line(3), line(2)]


def test_a_line_that_was_gone_from_the_view_and_comes_back_is_not_doubled(store: RedisStore, plain: Any) -> None:
    store.put_views({"state_logs": [line(2), line(1)]}, as_of=1, publication=1)
    store.put_views({"state_logs": [line(1)]}, as_of=1, publication=2)
    store.put_views({"state_logs": [line(2), line(1)]}, as_of=1, publication=3)

    assert lines(plain) == ["line 1", "line 2"]


def test_equal_lines_are_as_many_as_there_were(store: RedisStore, plain: Any) -> None:
    store.put_views({"state_logs": [line(1)]}, as_of=1, publication=1)
    store.put_views({"state_logs": [line(1), line(1)]}, as_of=1, publication=2)

    assert lines(plain) == ["line 1", "line 1"]


def test_the_stream_of_lines_is_bounded(store: RedisStore, plain: Any) -> None:
    for first in range(0, 3 * KEPT_LINES, 100):
        rows = [{"timestamp": n, "line": str(n)} for n in reversed(range(first, first + 100))]
        store.put_views({"state_logs": rows}, as_of=1, publication=first)

    assert lines(plain) == [str(n) for n in range(2 * KEPT_LINES, 3 * KEPT_LINES)]


@settings(deadline=None)
@given(puts=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=12))
def test_any_sequence_of_views_gives_each_line_once(server: Redis, puts: list[tuple[int, int]]) -> None:
    with redis.Redis.from_url(server.url, decode_responses=True) as plain:
        plain.flushall()
        with RedisStore.open(server.url, random=RANDOM) as store:
            for number, (first, count) in enumerate(puts):
                rows = [line(n) for n in reversed(range(first, first + count))]
                store.put_views({"state_logs": rows}, as_of=number, publication=number)
            seen = {f"line {n}" for first, count in puts for n in range(first, first + count)}
            assert sorted(lines(plain)) == sorted(seen)


def test_many_clients_load_the_same_rows_and_each_is_new_once(server: Redis, store: RedisStore) -> None:
    done: list[Loaded] = []

    def load() -> None:
        with RedisStore.open(server.url, random=RANDOM) as another:
            done.append(another.load_users(users(3_000)))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(done, Loaded()) == Loaded(new=3_000, unchanged=9_000)


def test_a_store_may_be_first_used_by_many_at_the_same_moment(server: Redis, plain: Any) -> None:
    generations: list[str] = []

    def open_one() -> None:
        with RedisStore.open(server.url, random=RANDOM) as store:
            store.version()
            generations.append(store.generation)

    threads = [threading.Thread(target=open_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(generations) == 8
    assert len(set(generations)) == 1


@pytest.mark.parametrize(
    "trusting",
    [
        lambda store: store.version(),
        lambda store: store.products(["a"]),
        lambda store: list(store.all_visitors()),
        lambda store: store.load_users(users(1)),
        lambda store: store.counts(),
        lambda store: store.publish("p0", {}, as_of=1),
        lambda store: store.partials(),
        lambda store: store.put_views({"a": []}, as_of=1, publication=1),
        lambda store: store.view("a"),
        lambda store: store.views(),
        lambda store: store.all_views(),
    ],
)
def test_an_emptied_server_is_noticed_by_whatever_is_asked(store: RedisStore, plain: Any, trusting: Any) -> None:
    store.load_products([Product("a")])
    plain.flushall()

    with pytest.raises(Emptied, match="footfall rebuild"):
        trusting(store)
    assert plain.keys() == []


def test_a_server_that_was_emptied_while_nobody_looked_is_noticed_by_its_generation(server: Redis, plain: Any) -> None:
    with RedisStore.open(server.url, random=RANDOM) as store:
        known = store.generation
    RedisStore.open(server.url, random=RANDOM, known=known).close()
    plain.flushall()

    with pytest.raises(Emptied, match="footfall rebuild"):
        RedisStore.open(server.url, random=RANDOM, known=known)
    RedisStore.open(server.url, random=RANDOM).close()
    with pytest.raises(Emptied):
        RedisStore.open(server.url, random=RANDOM, known=known)


def test_after_a_refill_the_one_goes_on_and_the_others_are_told(server: Redis, store: RedisStore, plain: Any) -> None:
    plain.flushall()
    with RedisStore.open(server.url, random=RANDOM) as filling:
        filling.load_products([Product("a")])
        generation = filling.accept_emptied()

        assert filling.products(["a"]) == [("shoes", "A shoe")]
        assert filling.generation == generation == plain.get("footfall:generation")
    with pytest.raises(FootfallError, match="another server"):
        store.version()


def test_views_of_a_partition_are_published_by_whoever_began_last(server: Redis, plain: Any) -> None:
    with RedisStore.open(server.url, random=RANDOM) as frozen, RedisStore.open(server.url, random=RANDOM) as awake:
        before, after = frozen.turn(), awake.turn()
        frozen.publish("0", {"sessions": part(n=[1])}, as_of=5, turn=before)
        awake.publish("0", {"sessions": part(n=[2])}, as_of=5, turn=after)
        stands = plain.hgetall("footfall:partials:turns"), plain.get("footfall:partials:number")
        with pytest.raises(Fenced, match="another worker"):
            frozen.publish("0", {"raw_data": part(n=[9]), "sessions": part(n=[1])}, as_of=9, turn=before)
        assert [batch.to_pydict() for batch in awake.partials().batches["sessions"]] == [{"n": [2]}]
        assert (plain.hgetall("footfall:partials:turns"), plain.get("footfall:partials:number")) == stands
        frozen.publish("1", {"sessions": part(n=[3])}, as_of=5, turn=before)
        awake.publish("0", {"sessions": part(n=[4])}, as_of=6, turn=after)
