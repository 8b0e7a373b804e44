"""Turns rows and messages that cannot be used into failed events, and failed events into a list to work on.

A failed event's id is made of where it came from and its bytes, so setting it aside twice is the same as once:
the list is a fold over the stream, in which the latest record of an id counts. A row of a file that was brought in
stays so when the file is read again. An event at which a user's function raised is open again when it raises again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
import xxhash

from footfall.core.errors import Reason
from footfall.core.events import FAILED, FAILED_SCHEMA, Batch
from footfall.log.base import Append, Chunk, Log, Place

OPEN: Final = "open"
REPLAYED: Final = "replayed"
_FUNCTION: Final = "function:"
"""How the layout begins of an event at which a user's function raised; the function's name follows."""
_DETAIL: Final = 500
"""Characters of the explanation that are kept."""


class _Bad(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def detail(self) -> str: ...
    @property
    def raw(self) -> bytes: ...


class StillWrong(Exception):
    """A failed event cannot be brought in like this. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedEvent:
    """One event that was set aside, and what became of it."""

    id: str
    """32 hex digits."""
    status: str
    reason: Reason
    detail: str
    source: str
    line: int | None
    layout: str
    raw: bytes
    timestamp_ms: int
    partition: int

    @property
    def event_id(self) -> bytes:
        """The id as it stands in the stream."""
        return bytes.fromhex(self.id)


def function_layout(name: str) -> str:
    """The layout of events at which this function raised: JSON, to be handed to it again."""
    return f"{_FUNCTION}{name}"


def function_of(layout: str) -> str | None:
    """The function that events of this layout are to be handed to again; None if they are not a function's."""
    return layout.removeprefix(_FUNCTION) if layout.startswith(_FUNCTION) else None


def failed_id(source: str, line: int, raw: bytes) -> bytes:
    """The id of what stood at this line (or offset) of this source."""
    return xxhash.xxh3_128_digest(b"%s\x00%d\x00%s" % (source.encode(), line, raw))


def failed_batch(
    bad: Sequence[_Bad],
    *,
    source: str,
    layout: str,
    now_ms: int,
    status: str = OPEN,
    same_anywhere: bool = False,
    ids: Sequence[bytes] = (),
) -> Batch:
    """Rows that could not be used, as a batch of ``failed-events``.

    ``same_anywhere`` makes events with the same bytes one failed event, wherever they stood; ``ids`` says of each
    by itself which failed event it is.
    """
    ids = ids or [failed_id("" if same_anywhere else source, 0 if same_anywhere else row.line, row.raw) for row in bad]
    records = [
        {
            "timestamp": now_ms,
            "event_id": event_id,
            "status": status,
            "reason": str(row.reason),
            "detail": row.detail[:_DETAIL],
            "source": source,
            "line": row.line,
            "layout": layout,
            "raw": row.raw,
        }
        for row, event_id in zip(bad, ids, strict=True)
    ]
    return to_batch(records)


def set_aside(chunks: Iterable[Chunk]) -> list[Append]:
    """What to append for the messages among these events that are none."""
    return [
        Append(
            FAILED,
            0,
            failed_batch(
                chunk.unreadable,
                source=f"{chunk.stream}-{chunk.partition}",
                layout=chunk.format,
                now_ms=chunk.appended_ms,
            ),
        )
        for chunk in chunks
        if chunk.unreadable
    ]


def marks(events: Iterable[FailedEvent], *, status: str, now_ms: int) -> Batch:
    """Records saying what became of these failed events."""
    return to_batch(
        {
            "timestamp": now_ms,
            "event_id": event.event_id,
            "status": status,
            "reason": str(event.reason),
            "detail": event.detail[:_DETAIL],
            "source": event.source,
            "line": event.line,
            "layout": event.layout,
            "raw": event.raw,
        }
        for event in events
    )


def to_batch(records: Iterable[dict[str, Any]]) -> Batch:
    """Records with FAILED_SCHEMA's fields as a batch."""
    return pa.RecordBatch.from_pylist(list(records), schema=FAILED_SCHEMA)


class FailedEvents:
    """The failed events of a log: what is in the list, and which ids are known."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._ids: dict[bytes, int] = {}
        self._places: dict[int, Place] = {}

    def appends_for(self, batch: Batch, *, partition: int = 0) -> list[Append]:
        """What to append so that each of these failed events is in the stream, once."""
        self._catch_up()
        ids = batch.column("event_id").to_pylist()
        fresh: dict[bytes, int] = {}
        for row, event_id in enumerate(ids):
            if event_id not in self._ids:
                fresh.setdefault(event_id, row)
        if not fresh:
            return []
        return [Append(FAILED, partition, batch.take(pa.array(list(fresh.values()))))]

    def list(self) -> list[FailedEvent]:
        """All failed events, each with its latest status, in the order in which they were set aside."""
        events: dict[str, FailedEvent] = {}
        for partition, batch in self._batches():
            for event in events_of(batch, partition):
                held = events.get(event.id)
                if held is None or held.status == OPEN or function_of(event.layout) is not None:
                    events[event.id] = event
        return list(events.values())

    def _batches(self) -> Iterator[tuple[int, Batch]]:
        for partition in range(self._log.partitions(FAILED)):
            place = self._log.place(FAILED, partition)
            while (read := self._log.read(FAILED, partition, place)).chunks:
                place = read.place
                for chunk in read.chunks:
                    yield partition, chunk.batch

    def _catch_up(self) -> None:
        for partition in range(self._log.partitions(FAILED)):
            place = self._places.get(partition) or self._log.place(FAILED, partition)
            while (read := self._log.read(FAILED, partition, place)).chunks:
                place = read.place
                for chunk in read.chunks:
                    self._ids.update(dict.fromkeys(chunk.batch.column("event_id").to_pylist(), partition))
            self._places[partition] = place


def events_of(batch: Batch, partition: int) -> Iterator[FailedEvent]:
    """The failed events that the records of a batch speak of, in order."""
    for row in batch.to_pylist():
        yield _event(row, partition)


def _event(row: dict[str, Any], partition: int) -> FailedEvent:
    return FailedEvent(
        id=row["event_id"].hex(),
        status=row["status"],
        reason=Reason(row["reason"]),
        detail=row["detail"],
        source=row["source"],
        line=row["line"],
        layout=row["layout"],
        raw=row["raw"],
        timestamp_ms=int(row["timestamp"].timestamp() * 1000),
        partition=partition,
    )
