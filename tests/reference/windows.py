"""Windows once more, in plain Python: which rows are in which windows, and which rows are late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.slices import Window
from tests.reference.aggregates import aggregate_of
from tests.reference.changelogs import MARK, Row


@dataclass
class Span:
    start: int
    end: int
    key: tuple[Any, ...] = ()
    rows: list[Row] = field(default_factory=list)


def windows_at(window: Window, time: int) -> list[tuple[int, int]]:
    """The windows that a time is in, cut by the clock."""
    if window.kind == "TUMBLE":
        start = time - (time - window.offset) % window.size
        return [(start, start + window.size)]
    if window.kind == "HOP":
        start = time - (time - window.offset) % window.slide
        starts = range(start, time - window.size, -window.slide)
        return [(one, one + window.size) for one in starts]
    start = time - (time - window.offset) % window.size
    ends = range(start + window.slide, start + window.size + 1, window.slide)
    return [(start, end) for end in ends if time < end]


def spans_of(window: Window, keys: Sequence[str], rows: Sequence[Row]) -> tuple[list[Span], int, int]:
    """The windows with their rows; how many rows were late, and how many had no time."""
    found: list[Span] = []
    late = timeless = 0
    for row in rows:
        time, key = row[window.time], tuple(row[name] for name in keys)
        if time is None:
            timeless += 1
        elif window.kind == "SESSION":
            late += not _into_session(found, Span(time, time + window.size, key, [row]), row[MARK])
        else:
            late += not _into_windows(found, windows_at(window, time), key, row)
    return found, late, timeless


def _into_windows(found: list[Span], windows: list[tuple[int, int]], key: tuple[Any, ...], row: Row) -> bool:
    timely = [(start, end) for start, end in windows if end - 1 > row[MARK]]
    for start, end in timely:
        same = [one for one in found if (one.start, one.end, one.key) == (start, end, key)]
        if not same:
            found.append(Span(start, end, key, [row]))
        for one in same:
            one.rows.append(row)
    return bool(timely)


def _into_session(found: list[Span], new: Span, mark: int) -> bool:
    for one in list(found):
        if one.key == new.key and one.end - 1 > mark and one.start <= new.end and new.start <= one.end:
            new.start, new.end = min(one.start, new.start), max(one.end, new.end)
            new.rows = one.rows + new.rows
            found.remove(one)
    if new.end - 1 <= mark:
        return False
    found.append(new)
    return True


def aggregated(spans: Sequence[Span], keys: Sequence[str], calls: Sequence[AggregateCall]) -> list[Row]:
    """What a window aggregate puts out of these."""
    return [
        dict(zip(keys, one.key, strict=True))
        | {call.name: aggregate_of(call, one.rows) for call in calls}
        | {"window_start": one.start, "window_end": one.end, "window_time": one.end - 1}
        for one in spans
    ]
