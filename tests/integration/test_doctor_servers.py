"""`footfall doctor` also looks at the servers that the addresses name."""

from __future__ import annotations

from pathlib import Path

import pytest

from footfall import wiring
from footfall.apps.cli.doctor import servers
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis


def test_without_addresses_there_is_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert servers() == []


def test_servers_that_answer_are_well(
    monkeypatch: pytest.MonkeyPatch, kafka: Kafka, redis_server: Redis, postgres: Postgres
) -> None:
    monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}")
    monkeypatch.setenv("FOOTFALL_STORE", redis_server.url)
    monkeypatch.setenv("FOOTFALL_WAREHOUSE", postgres.database())

    assert [(check.name, check.ok) for check in servers()] == [("log", True), ("store", True), ("warehouse", True)]


def test_a_server_that_is_away_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_STORE", "redis://ann:geheim@127.0.0.1:1/0")
    monkeypatch.setenv("FOOTFALL_WAREHOUSE", "postgresql://ann:geheim@127.0.0.1:1/clickstream")

    found = wiring.trouble()

    assert set(found) == {"store", "warehouse"}
    assert all(text is not None and "127.0.0.1:1" in text and "geheim" not in text for text in found.values())
