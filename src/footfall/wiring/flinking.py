"""Turns the log's address into the place that a Flink cluster reads from and writes to, and makes topics there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from footfall.core.errors import UsageError
from footfall.core.events import CLICKS
from footfall.pipeline import EMBEDDED, Pipeline
from footfall.sql.flink.topics import KafkaPlace
from footfall.wiring.backends import addresses, kafka_settings, kafka_topics


def kafka_address(kafka: str | None, *, settings: Path | None = None) -> str | None:
    """The address of the Kafka that is meant: the one given (``HOST:PORT``, or an address), or that of the log."""
    if kafka is not None:
        return kafka if "://" in kafka else f"kafka://{kafka}"
    found = addresses(settings).log
    return None if found == EMBEDDED else found


def kafka_place(address: str) -> KafkaPlace:
    """Where a cluster finds the streams. Raises UsageError for an address that is none; secrets are not shown."""
    found = kafka_settings(address)
    return KafkaPlace(
        brokers=found.brokers,
        prefix=found.prefix,
        format=found.format,
        registry=found.registry,
        client=found.client,
    )


def make_topics(address: str, *, reads: Iterable[str], writes: Iterable[str], pipeline: Pipeline) -> None:
    """Make the topics of streams that are written and not there yet, cut and kept as our own are.

    Raises UsageError when a stream that is read is not there.
    """
    topics = kafka_topics(kafka_settings(address))
    there = topics.all()
    made = set(writes)
    for stream in reads:
        if stream not in there and stream not in made:
            raise UsageError(
                f"There is no stream {stream} in Kafka (no topic {topics.topic(stream)}).",
                remedy=f"Say which one a table is with --stream TABLE=STREAM. There are: {', '.join(there) or 'none'}.",
            )
    for stream in sorted(made - there.keys()):
        topics.create(stream, pipeline.streams()[CLICKS])
