"""A query over topics that only other programs write reads them as its tables declare them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.integration.kafkas import make_topic
from tests.observing import ROOT, footfall
from tests.servers.kafka import Kafka

QUERY = ROOT / "src/footfall/examples/vip/vip.sql"
NOON = 1_772_366_400_000


def test_messages_of_others_are_read_with_the_declared_columns_and_the_messages_own_time(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix=foreign.")
    users = [{"user_id": "a", "name": "Ada", "level": "PLATINUM"}, {"user_id": "b", "name": "Bob", "level": "GOLD"}]
    clicks = [{"user_id": user, "page": page, "action": "cart"} for page, user in enumerate("abca")]
    producer = Producer({"bootstrap.servers": kafka.address})
    for topic, rows in (("user", users), ("click", clicks)):
        make_topic(kafka, f"foreign.{topic}", partitions=1)
        for row in rows:
            producer.produce(f"foreign.{topic}", json.dumps(row).encode(), timestamp=NOON)
    producer.flush()

    footfall("sql", QUERY, "--until-end", "--data-dir", tmp_path)

    said = footfall(
        "tail", "vip-action", "--from", "earliest", "--limit", "2", "--format", "json", "--data-dir", tmp_path
    )
    rows = [json.loads(line) for line in said.splitlines()]
    assert [(row["user_id"], row["name"], row["page"], row["event_time"]) for row in rows] == [
        ("a", "Ada", 0, NOON),
        ("a", "Ada", 3, NOON),
    ]
