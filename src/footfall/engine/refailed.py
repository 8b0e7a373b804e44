"""Turns failed events, as they are or corrected, into events of their stream or work for a function: each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import Fenced, Reason, UsageError
from footfall.core.events import CART, CLICKS, FAILED, SCHEMAS, Batch, key_of
from footfall.engine.failed import OPEN, REPLAYED, FailedEvent, FailedEvents, StillWrong, function_of, marks
from footfall.engine.function_retry import corrected, make_retry_stream, partition_for, place_of
from footfall.engine.ingest import GROUP, Splitter
from footfall.log.base import Append, Commit, DurableLog, Position
from footfall.log.codecs import json as flat
from footfall.log.codecs.base import Codec
from footfall.log.codecs.choosing import FORMATS, codec
from footfall.sources.again import parse_row

Codecs = Callable[[str], Codec]
_GROUP: Final = "failed replay"
"""Whose position in ``failed-events`` keeps two replays at the same time from bringing in an event twice."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of failed events that were to be brought in."""

    figures: Mapping[str, Any]
    functions: Sequence[str]
    """Functions that are handed events again, as soon as they run."""


@dataclass(slots=True)
class _Sorted:
    """Failed events, by what became of them now."""

    clicks: list[Batch] = field(default_factory=list)
    others: dict[str, list[Batch]] = field(default_factory=dict)
    """Events of other streams, by stream: selections that their table did not take, custom events."""
    handed_over: dict[str, list[FailedEvent]] = field(default_factory=dict)
    """By function."""
    brought_in: list[FailedEvent] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def replay_failed(
    log: DurableLog,
    rows: Mapping[str, bytes],
    *,
    clock: Clock,
    lateness: timedelta = timedelta(minutes=10),
    codecs: Codecs = codec,
) -> Replayed:
    """Bring in failed events (id to the row's bytes, corrected or not), and mark those that could be used.

    The events and the marks become durable together, so an event is brought in once however often it is tried.
    ``codecs`` gives the codec of messages that could not be read.
    """
    while True:
        try:
            late = lateness // timedelta(milliseconds=1)
            return _replay(log, rows, now_ms=clock.now_ms(), lateness_ms=late, codecs=codecs)
        except Fenced:  # somebody else has replayed meanwhile: see what is left to do
            continue


def _replay(log: DurableLog, rows: Mapping[str, bytes], *, now_ms: int, lateness_ms: int, codecs: Codecs) -> Replayed:
    expected, end = log.position(_GROUP, FAILED, 0), log.place(FAILED, 0, at="latest")
    known = {event.id: event for event in FailedEvents(log).list()}
    unknown = [event_id for event_id in rows if event_id not in known]
    if unknown:
        raise UsageError(f"There is no failed event {unknown[0]}.", remedy="See `footfall failed list --status all`.")
    wanted = [known[event_id] for event_id in rows]
    already = [event for event in wanted if event.status != OPEN]
    result = _Sorted()
    for event in wanted:
        if event.status == OPEN:
            _sort(event, rows[event.id], result, codecs)
    if result.brought_in:
        outputs = [
            *_clicks(log, result.clicks, lateness_ms=lateness_ms),
            *(append for stream, some in result.others.items() for append in _split(log, stream, some)),
            *_handed_over(log, result, now_ms=now_ms),
        ]
        outputs.append(Append(FAILED, 0, marks(result.brought_in, status=REPLAYED, now_ms=now_ms)))
        log.commit(Commit(outputs=outputs, positions=[Position(_GROUP, FAILED, 0, expected, end)]))
    figures = {
        "replayed": len(result.brought_in),
        "rejected": len(result.again),
        "already_replayed": len(already),
        "reasons": result.again[:20],
    }
    return Replayed(figures, list(result.handed_over))


def _sort(event: FailedEvent, raw: bytes, result: _Sorted, codecs: Codecs) -> None:
    try:
        if function := function_of(event.layout):
            result.handed_over.setdefault(function, []).append(corrected(event, raw))
        elif event.layout == "json" and event.source.startswith(f"{CART}-"):
            result.others.setdefault(CART, []).append(_decoded(raw, CART))
        else:
            stream, batch = _again(event, raw, codecs)
            (result.clicks if stream == CLICKS else result.others.setdefault(stream, [])).append(batch)
    except StillWrong as error:
        result.again.append(f"{event.id}: {error}")
    else:
        result.brought_in.append(event)


def _again(event: FailedEvent, raw: bytes, codecs: Codecs) -> tuple[str, Batch]:
    """The row as a click, or as an event of another stream. Raises StillWrong when it is none."""
    if event.layout in FORMATS:
        if not event.source.startswith(f"{CLICKS}-"):
            raise StillWrong(f"{event.source} is not fed by hand")
        if event.reason is Reason.ID_CONFLICT and raw == event.raw:
            raise StillWrong("its event_id belongs to another click; give it one of its own, or none")
        return CLICKS, _read_again(event.layout, raw, codecs)
    block = parse_row(event.layout, raw)
    reasons = [f"{one.reason}: {one.detail}" for one in block.bad]
    found = [(stream, batch) for stream, batch in ((CLICKS, block.clicks), *block.others) if batch.num_rows]
    if reasons or [batch.num_rows for _, batch in found] != [1]:
        raise StillWrong("; ".join(reasons) or "not one row")
    return found[0]


def _read_again(layout: str, raw: bytes, codecs: Codecs) -> Batch:
    """The clicks of a message. What people correct is JSON, whatever the format: nobody writes Avro by hand.

    A message with several rows, some of which were taken before, gives all of them: those come twice, and count once.
    """
    by_hand = layout == "json" or (layout == "avro" and not raw.startswith(b"\0"))
    if by_hand:
        return _decoded(raw, CLICKS)
    found = codecs(layout).decode(CLICKS, [raw], schema=SCHEMAS[CLICKS])
    if found.bad:
        raise StillWrong(found.bad[0].detail)
    return found.batch


def _decoded(raw: bytes, stream: str) -> Batch:
    """The message as an event of the stream. Raises StillWrong when it is none."""
    events, bad = flat.decode([raw], SCHEMAS[stream])
    if bad:
        raise StillWrong(bad[0].detail)
    return events


def _clicks(log: DurableLog, batches: Sequence[Batch], *, lateness_ms: int) -> Sequence[Append]:
    high = _high(log)
    return _split(log, CLICKS, [_marked_late(one, high=high, lateness_ms=lateness_ms) for one in batches])


def _split(log: DurableLog, stream: str, batches: Sequence[Batch]) -> Sequence[Append]:
    """What brings these events to their partitions."""
    if not batches:
        return []
    events = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]
    return Splitter(log.partitions(stream), key=key_of(stream)).split(events, stream=stream)


def _handed_over(log: DurableLog, result: _Sorted, *, now_ms: int) -> Iterator[Append]:
    """Events for the retry streams of their functions, in the order in which they were set aside."""
    for function, events in result.handed_over.items():
        by_partition: dict[tuple[str, int], list[FailedEvent]] = {}
        for event in events:
            stream, _ = place_of(event)
            retry = make_retry_stream(log, function, stream)
            partition = partition_for(event, log.partitions(stream))
            by_partition.setdefault((retry, partition), []).append(event)
        for (retry, partition), some in by_partition.items():
            yield Append(retry, partition, marks(some, status=REPLAYED, now_ms=now_ms))


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
