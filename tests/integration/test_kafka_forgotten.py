"""What Kafka removed before anybody read it is no sign that a store was emptied."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition

from footfall.core.events import CLICKS
from footfall.pipeline import PROCESSORS
from tests.integration.kafkas import admin, make_topic
from tests.observing import footfall
from tests.servers.kafka import Kafka

CLICK = b'{"timestamp":1700000000000,"userId":"v","productId":"VD1","event_type":"view"}'


def test_a_worker_starts_on_a_topic_whose_first_events_were_removed_unread(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that others made forgets by the events' own times: a file of last year goes as soon as it comes."""
    prefix = "forgotten."
    make_topic(kafka, prefix + CLICKS, partitions=1)
    producer = Producer({"bootstrap.servers": kafka.address})
    for _ in range(3):
        producer.produce(prefix + CLICKS, CLICK)
    producer.flush()
    client = admin(kafka)
    removed = client.delete_records([TopicPartition(prefix + CLICKS, 0, 3)])
    assert [result.result(30).low_watermark for result in removed.values()] == [3]
    monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix={prefix}")

    for _ in range(2):  # the first tells the group where it stands; the second finds no position but that
        footfall("run", *PROCESSORS, "--until-end", "--data-dir", tmp_path)
