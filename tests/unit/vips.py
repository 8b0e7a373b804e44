"""Builds a stream as a user's function puts it out, and what its messages must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from footfall.core.errors import Unavailable
from footfall.core.events import EVENT_ID, TIME, Batch
from footfall.core.hashing import id_from_text
from footfall.log.base import Append, Log, StreamSettings
from footfall.sinks.messages import Message
from tests.unit.streams import START

VIPS = "vip-action"
SCHEMA = pa.schema([("timestamp", TIME), ("event_id", EVENT_ID), ("userId", pa.string()), ("clicks", pa.int64())])


def vips(numbers: Sequence[int]) -> Batch:
    """An event for each number."""
    columns = [
        pa.array([START + n for n in numbers], pa.int64()).cast(TIME),
        pa.array([event_id(n) for n in numbers], EVENT_ID),
        pa.array([f"user-{n}" for n in numbers], pa.string()),
        pa.array(numbers, pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def event_id(n: int) -> bytes:
    """A number's id."""
    return id_from_text(f"vip {n}")


def make(log: Log, partitions: int = 1) -> None:
    """Make the stream."""
    log.create(VIPS, StreamSettings(partitions=partitions))


def put(log: Log, *numbers: int, partition: int = 0) -> None:
    """Append the numbers' events as one batch."""
    log.append([Append(VIPS, partition, vips(numbers))])


@dataclass
class Memory:
    """A target that keeps messages in memory, and is away for a while."""

    kept: list[Message] = field(default_factory=list)
    away: int = 0
    """So many calls fail."""
    before: int = 0
    """So many messages arrive all the same when a call fails."""
    calls: int = 0

    def send(self, messages: Sequence[Message]) -> None:
        self.calls += 1
        if self.away:
            self.away -= 1
            self.kept += messages[: self.before]
            raise Unavailable("The broker is away.", remedy="Wait.")
        self.kept += messages

    def close(self) -> None:
        """Nothing to let go of."""
