"""Turns failed events, as they are or corrected, into clicks: each of them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import Reason, UsageError
from footfall.core.events import CLICK_SCHEMA, CLICKS, FAILED, Batch
from footfall.engine.failed import OPEN, FailedEvent, FailedEvents, replayed_batch
from footfall.engine.ingest import GROUP, Splitter
from footfall.log.base import Append, Commit, DurableLog
from footfall.log.codecs import json as flat
from footfall.sources.again import parse_row


@dataclass(slots=True)
class _Sorted:
    """Failed events, by what became of them now."""

    clicks: list[Batch] = field(default_factory=list)
    brought_in: list[FailedEvent] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def replay_failed(
    log: DurableLog, rows: Mapping[str, bytes], *, clock: Clock, lateness: timedelta = timedelta(minutes=10)
) -> dict[str, Any]:
    """Bring in failed events (id to the row's bytes, corrected or not), and mark those that could be used.

    The clicks and the marks become durable together, so an event is brought in once however often it is tried.
    """
    known = {event.id: event for event in FailedEvents(log).list()}
    unknown = [event_id for event_id in rows if event_id not in known]
    if unknown:
        raise UsageError(f"There is no failed event {unknown[0]}.", remedy="See `footfall failed list --status all`.")
    wanted = [known[event_id] for event_id in rows]
    already = [event for event in wanted if event.status != OPEN]
    result = _Sorted()
    for event in wanted:
        if event.status == OPEN:
            _parse(event, rows[event.id], result)
    if result.clicks:
        _append(log, result, now_ms=clock.now_ms(), lateness_ms=lateness // timedelta(milliseconds=1))
    return {
        "replayed": len(result.brought_in),
        "rejected": len(result.again),
        "already_replayed": len(already),
        "reasons": result.again[:20],
    }


def _parse(event: FailedEvent, raw: bytes, result: _Sorted) -> None:
    if event.layout == "json":
        if not event.source.startswith(f"{CLICKS}-"):
            result.again.append(f"{event.id}: {event.source} is not fed by hand; mend the function and run it again")
            return
        if event.reason is Reason.ID_CONFLICT and raw == event.raw:
            result.again.append(f"{event.id}: its event_id belongs to another click; give it one of its own, or none")
            return
        clicks, bad = flat.decode([raw], CLICK_SCHEMA)
        reasons = [one.detail for one in bad]
    else:
        block = parse_row(event.layout, raw)
        clicks, reasons = block.clicks, [f"{one.reason}: {one.detail}" for one in block.bad]
    if clicks.num_rows == 1 and not reasons:
        result.clicks.append(clicks)
        result.brought_in.append(event)
    else:
        result.again.append(f"{event.id}: {'; '.join(reasons) or 'not one row'}")


def _append(log: DurableLog, result: _Sorted, *, now_ms: int, lateness_ms: int) -> None:
    clicks = pa.Table.from_batches(result.clicks).unify_dictionaries().combine_chunks().to_batches()[0]
    clicks = _marked_late(clicks, high=_high(log), lateness_ms=lateness_ms)
    splitter = Splitter(log.info(CLICKS).settings.partitions)
    marks = Append(FAILED, 0, replayed_batch(result.brought_in, now_ms=now_ms))
    log.commit(Commit(outputs=[*splitter.split(clicks), marks]))


def _marked_late(clicks: Batch, *, high: int | None, lateness_ms: int) -> Batch:
    """The same clicks, late where the stream has gone on by more than the allowed lateness."""
    if high is None:
        return clicks
    late = [time < high - lateness_ms for time in clicks.column("timestamp").cast(pa.int64()).to_pylist()]
    position = clicks.schema.get_field_index("late")
    return clicks.set_column(position, clicks.schema.field(position), pa.array(late))


def _high(log: DurableLog) -> int | None:
    saved: Sequence[Batch] = log.state(GROUP, 0).get("high", ())
    return max((value for batch in saved for value in batch.column("high").to_pylist()), default=None)
