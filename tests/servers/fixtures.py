"""Turns each server into a fixture. They start when a test asks for them, and are shared by all who do.

Whoever kills, freezes or fills one makes one for itself: ``with Kafka() as kafka: …``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.flink import Flink
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.registry import Registry


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A running Kafka; take topic names of your own."""
    with Kafka() as running:
        yield running


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A running Redis; take keys of your own."""
    with Redis() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL; `postgres.database()` gives a database of your own."""
    with Postgres() as running:
        yield running


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A running RabbitMQ; take queue names of your own."""
    with RabbitMQ() as running:
        yield running


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    """A running schema registry; take subjects of your own."""
    with Registry() as running:
        yield running


@pytest.fixture(scope="session")
def flink() -> Iterator[Flink]:
    """A running Flink with a SQL Gateway; take a session of your own, and end the jobs that you start."""
    with Flink() as running:
        yield running
