"""Turns rows and messages that cannot be used into failed events, and failed events into a list to work on.

A failed event's id is made of where it came from and its bytes, so setting it aside twice is the same as once:
the list is a fold over the stream, in which the latest record of an id counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa
import xxhash

from footfall.core.errors import Reason
from footfall.core.events import FAILED, FAILED_SCHEMA, Batch
from footfall.log.base import Append, Log, Place

OPEN: Final = "open"
REPLAYED: Final = "replayed"
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


def failed_id(source: str, line: int, raw: bytes) -> bytes:
    """The id of what stood at this line (or offset) of this source."""
    return xxhash.xxh3_128_digest(b"%s\x00%d\x00%s" % (source.encode(), line, raw))


def failed_batch(
    bad: Sequence[_Bad], *, source: str, layout: str, now_ms: int, status: str = OPEN, same_anywhere: bool = False
) -> Batch:
    """Rows that could not be used, as a batch of ``failed-events``.

    ``same_anywhere`` makes events with the same bytes one failed event, wherever they stood.
    """
    records = [
        {
            "timestamp": now_ms,
            "event_id": failed_id("", 0, row.raw) if same_anywhere else failed_id(source, row.line, row.raw),
            "status": status,
            "reason": str(row.reason),
            "detail": row.detail[:_DETAIL],
            "source": source,
            "line": row.line,
            "layout": layout,
            "raw": row.raw,
        }
        for row in bad
    ]
    return to_batch(records)


def replayed_batch(events: Iterable[FailedEvent], *, now_ms: int) -> Batch:
    """Records saying that these failed events were brought in."""
    return to_batch(
        {
            "timestamp": now_ms,
            "event_id": event.event_id,
            "status": REPLAYED,
            "reason": str(event.reason),
            "detail": event.detail,
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
            for row in batch.to_pylist():
                event = _event(row, partition)
                held = events.get(event.id)
                if held is None or held.status == OPEN:
                    events[event.id] = event
        return list(events.values())

    def _batches(self) -> Iterator[tuple[int, Batch]]:
        for partition in range(self._log.info(FAILED).settings.partitions):
            place = self._log.place(FAILED, partition)
            while (read := self._log.read(FAILED, partition, place)).chunks:
                place = read.place
                for chunk in read.chunks:
                    yield partition, chunk.batch

    def _catch_up(self) -> None:
        for partition in range(self._log.info(FAILED).settings.partitions):
            place = self._places.get(partition) or self._log.place(FAILED, partition)
            while (read := self._log.read(FAILED, partition, place)).chunks:
                place = read.place
                for chunk in read.chunks:
                    self._ids.update(dict.fromkeys(chunk.batch.column("event_id").to_pylist(), partition))
            self._places[partition] = place


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
