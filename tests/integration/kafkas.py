"""Opens logs on the tests' Kafka, and speaks to it as programs of others do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from footfall.core.clock import Clock, SystemClock
from footfall.core.events import CLICKS
from footfall.log.base import Chunk, Log, Place
from footfall.log.checkpoints.embedded import EmbeddedCheckpoints
from footfall.log.codecs.choosing import codec
from footfall.log.kafka import KafkaLog, KafkaSettings
from tests.servers.kafka import Kafka

TIMEOUT: Final = 30.0
_CLOCK: Final = SystemClock()


@contextmanager
def opened(
    kafka: Kafka, directory: Path, *, prefix: str | None = None, options: str = "", clock: Clock = _CLOCK
) -> Iterator[KafkaLog]:
    """A log of the directory's own; its positions and state are in there."""
    settings = KafkaSettings.parse(f"kafka://{kafka.address}?prefix={prefix or directory.name}.{options}")
    chosen = codec(settings.format, registry=settings.registry, topic=settings.topic)
    checkpoints = EmbeddedCheckpoints(directory / "checkpoints")
    with KafkaLog(settings, codec=chosen, checkpoints=checkpoints, clock=clock) as log:
        yield log


def chunks(log: Log, stream: str = CLICKS, *, place: Place | None = None, max_rows: int = 100_000) -> list[Chunk]:
    """All that there is in partition 0 from a place on."""
    at = log.place(stream, 0) if place is None else place
    found: list[Chunk] = []
    while (read := log.read(stream, 0, at, max_rows=max_rows)).chunks:
        found += read.chunks
        at = read.place
    return found


def column(found: Sequence[Chunk], name: str) -> list[Any]:
    """The values of a column in some chunks."""
    return [value for chunk in found for value in chunk.batch.column(name).to_pylist()]


def numbers(first: int, rows: int) -> pa.RecordBatch:
    """Rows that say their number, each with an id."""
    ids = [number.to_bytes(16, "big") for number in range(first, first + rows)]
    return pa.RecordBatch.from_pydict(
        {"event_id": pa.array(ids, pa.binary(16)), "n": pa.array(range(first, first + rows), pa.int64())}
    )


def admin(kafka: Kafka) -> AdminClient:
    """What an operator's tools work with. It answers as long as it is held."""
    return AdminClient({"bootstrap.servers": kafka.address})


def make_topic(kafka: Kafka, name: str, *, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
    """A topic made by somebody else."""
    client = admin(kafka)
    made = client.create_topics([NewTopic(name, partitions, 1, config=dict(config or {}))], operation_timeout=10)
    made[name].result(TIMEOUT)


def delete_topic(kafka: Kafka, name: str) -> None:
    """Delete a topic, and wait until it is gone."""
    client = admin(kafka)
    client.delete_topics([name], operation_timeout=10)[name].result(TIMEOUT)


def produce(
    kafka: Kafka, topic: str, messages: Sequence[bytes | None], *, keys: Sequence[bytes] | None = None, **options: Any
) -> None:
    """Messages of somebody else's producer, one after the other in partition 0."""
    producer = Producer({"bootstrap.servers": kafka.address, "linger.ms": 0, **options})
    for number, message in enumerate(messages):
        producer.produce(topic, message, keys[number] if keys else None, partition=0)
    assert producer.flush(TIMEOUT) == 0


def consume(kafka: Kafka, topic: str, count: int, *, patience: float = TIMEOUT) -> list[Message]:
    """So many messages as somebody else's consumer gets them; each may take ``patience`` seconds."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.address,
            "group.id": f"others-{topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    try:
        found: list[Message] = []
        while len(found) < count:
            got = consumer.consume(count - len(found), patience)
            assert got, f"{len(found)} of {count} messages came"
            found += got
        return found
    finally:
        consumer.close()
