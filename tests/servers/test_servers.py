"""The servers of the tests are real ones: they answer, they die, they come back, and they leave nothing behind."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import psutil
import psycopg
import pytest
import redis
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.servers.flink import Flink
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.process import HOST, Server, is_alive, tree
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.registry import Registry

ALL: tuple[type[Server], ...] = (Kafka, Redis, Postgres, RabbitMQ, Registry, Flink)


def processes(server: Server) -> list[psutil.Process]:
    """All that belong to a running server."""
    assert server._process is not None
    return tree(server._process)


@pytest.mark.parametrize("make", ALL)
def test_a_server_survives_all_that_tests_do_to_it(make: Callable[[], Server]) -> None:
    with make() as server:
        port = server.port
        assert server.answers()

        server.freeze()
        assert not answers(server), "it is frozen"
        server.thaw()
        assert server.answers()

        killed = processes(server)
        server.kill()
        assert not any(map(is_alive, killed))
        assert not answers(server), "it is killed"
        server.start()
        assert server.answers()
        assert server.port == port

        stopped = processes(server)
        server.stop()
        assert not any(map(is_alive, stopped))
        server.start()
        assert server.answers()

        last = processes(server)
        folder = server.folder
    assert not any(map(is_alive, last))
    assert not folder.exists()


def answers(server: Server) -> bool:
    """Whether it answers; also a client's patience may end."""
    with contextlib.suppress(OSError):
        return server.answers()
    return False


def test_a_frozen_server_is_killed_and_comes_back() -> None:
    with Redis() as server:
        server.freeze()
        server.kill()
        server.start()

        assert server.answers()


def test_two_of_a_kind_run_beside_each_other() -> None:
    with RabbitMQ() as one, RabbitMQ() as other:
        assert one.port != other.port
        assert one.answers()
        assert other.answers()


def test_a_redis_keeps_what_it_is_told_to_keep() -> None:
    with Redis("--appendonly", "yes", "--appendfsync", "always") as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        server.kill()
        server.start()

        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"


def test_a_registry_keeps_its_schemas() -> None:
    schema = Schema('{"type": "record", "name": "Click", "fields": []}', "AVRO")
    with Registry() as server:
        with SchemaRegistryClient({"url": server.url}) as client:
            number = client.register_schema("click-data-value", schema)
        server.kill()
        server.start()

        with SchemaRegistryClient({"url": server.url}) as client:
            assert client.register_schema("click-data-value", schema) == number


def test_each_who_asks_gets_an_empty_database(postgres: Postgres) -> None:
    first, second = postgres.database(), postgres.database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE t (name text)")
        connection.execute("INSERT INTO t VALUES ('Zoë')")

    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)
    with psycopg.connect(first) as connection:
        assert connection.execute("SELECT * FROM t").fetchone() == ("Zoë",)


def test_a_server_that_ends_by_itself_says_why() -> None:
    with pytest.raises(AssertionError, match="no-such-option"), Redis("--no-such-option", "1"):
        pass


def test_servers_listen_to_this_machine_alone(
    rabbitmq: RabbitMQ, redis_server: Redis, postgres: Postgres, flink: Flink
) -> None:
    for server in (rabbitmq, redis_server, postgres, flink):
        for process in processes(server):
            heard = {one.laddr.ip for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
            assert heard <= {HOST}, server.name


def test_a_port_that_is_taken_is_not_given(redis_server: Redis) -> None:
    with pytest.raises(OSError, match="in use"):
        socket.create_server((HOST, redis_server.port))
