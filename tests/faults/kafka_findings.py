"""Turns topics and tables, read with plain clients, into what must not be there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from footfall.core.events import ENRICHED, FAILED, OFFERS, SESSIONS
from footfall.log.base import Log
from footfall.sinks import tables
from footfall.sinks.tables import Table, TableSink

STREAMS: Final = (ENRICHED, SESSIONS, OFFERS)
TABLES: Final[Mapping[str, Table]] = {
    ENRICHED: tables.ENRICHED_CLICKS,
    SESSIONS: tables.SESSIONS,
    OFFERS: tables.OFFERS,
}
_ANSWER: Final = 20.0


@dataclass(slots=True)
class Topics:
    """What the output topics hold, as any other client sees it."""

    messages: int = 0
    duplicates: int = 0
    wrong: list[str] = field(default_factory=list)
    """Ids that came again with another content, and failed events."""

    @property
    def report(self) -> str:
        """For people."""
        return f"{self.duplicates} duplicates among {self.messages} messages of the output topics"


def on_topics(brokers: str, prefix: str) -> Topics:
    """Read the output topics from their beginning to their end."""
    found = Topics()
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": f"{prefix}onlooker", "enable.partition.eof": True, "log_level": 0}
    )
    try:
        for stream in (*STREAMS, FAILED):
            seen: dict[str, str] = {}
            for message in _messages(consumer, prefix + stream):
                value = message.value()
                if value is None:
                    continue
                if stream == FAILED:
                    found.wrong.append(f"a failed event: {value[:300]!r}")
                    continue
                event = json.loads(value)
                content, found.messages = json.dumps(event, sort_keys=True), found.messages + 1
                before = seen.setdefault(event["event_id"], content)
                found.duplicates += before is not content
                if before != content:
                    found.wrong.append(f"{stream}: an id came again with another content: {before}, {content}")
    finally:
        consumer.close()
    del found.wrong[20:]
    return found


def _messages(consumer: Consumer, topic: str) -> list[Message]:
    partitions = sorted(consumer.list_topics(topic, timeout=_ANSWER).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    messages: list[Message] = []
    ended = 0
    while ended < len(partitions):
        read = consumer.consume(1_000, timeout=0.1)
        ended += sum(one.error() is not None for one in read)
        messages += [one for one in read if one.error() is None]
    return messages


def found_in_tables(log: Log, target: TableSink) -> list[str]:
    """Rows of the tables that are missing, doubled or others than our readers give."""
    found = []
    for stream, table in TABLES.items():
        wanted: Counter[str] = Counter()
        for number in range(log.info(stream).settings.partitions):
            place = log.place(stream, number)
            while (read := log.read(stream, number, place)).chunks:
                place = read.place
                wanted.update(_row(row) for chunk in read.chunks for row in table.rows(chunk.batch).to_pylist())
        got = Counter(_row(row) for batch in target.read(table) for row in batch.to_pylist())
        for kind, rows in (("lost or different", wanted - got), ("duplicated or different", got - wanted)):
            if rows:
                found.append(f"table {table.name}: {rows.total()} of {wanted.total()} {kind}: {next(iter(rows))}")
    return found


def _row(row: Mapping[str, Any]) -> str:
    return repr(sorted(row.items()))
