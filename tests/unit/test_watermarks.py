"""Time in a partition moves with its newest punctual event, less the lateness, event by event."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.watermarks import BEGINNING, Watermark, WatermarkSettings

SETTINGS = WatermarkSettings(lateness=timedelta(milliseconds=10), fast_clock=timedelta(milliseconds=20))
NOW = 1_000
Arrival = tuple[list[tuple[int, bool]], int, int | None]
"""Events (time, called late by its source), the time of their append, the watermark announced with it."""
EVENTS = st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=6)
ARRIVALS = st.lists(st.tuples(EVENTS, st.integers(20, 60), st.none() | st.integers(0, 90)), min_size=1, max_size=8)


def plain(arrivals: list[Arrival]) -> tuple[list[bool], int]:
    """The rule, event by event: which events are late, and the newest event time that counts."""
    high, flags = BEGINNING, []
    for events, appended, announced in arrivals:
        for time, said in events:
            late = said or time < high - 10
            flags.append(late)
            if not late and time <= appended + 20:
                high = max(high, time)
        if announced is not None:
            high = max(high, min(announced + 10, appended + 20))
    return flags, high


def observed(arrivals: list[Arrival], groups: list[int]) -> tuple[list[bool], int]:
    """The same with several arrivals at once, cut into groups at these places."""
    watermark, flags = Watermark(SETTINGS), []
    edges = sorted({0, len(arrivals), *(g % len(arrivals) for g in groups)})
    for start, stop in pairwise(edges):
        group = arrivals[start:stop]
        floors = [BEGINNING]
        for _, appended, announced in group:
            bound = BEGINNING if announced is None else watermark.bounded(announced, appended_ms=appended)
            floors.append(max(floors[-1], bound))
        sizes = [len(events) for events, _, _ in group]
        rows = [row for events, _, _ in group for row in events]
        late = watermark.observe(
            np.array([time for time, _ in rows], dtype=np.int64),
            late=np.array([said for _, said in rows], dtype=np.bool_),
            appended_ms=np.repeat([appended for _, appended, _ in group], sizes),
            floor=np.repeat(np.array(floors[:-1], dtype=np.int64), sizes),
        )
        flags += late.tolist()
        watermark.advance(floors[-1])
    return flags, watermark.high


@given(ARRIVALS, st.lists(st.integers(0, 8)))
def test_any_cut_gives_the_same_late_flags_and_the_same_time(arrivals: list[Arrival], groups: list[int]) -> None:
    assert observed(arrivals, groups) == plain(arrivals)


def see(watermark: Watermark, *times: int, appended: int = NOW) -> list[bool]:
    flags = watermark.observe(np.array(times), late=np.zeros(len(times), dtype=np.bool_), appended_ms=appended)
    found: list[bool] = flags.tolist()
    return found


def test_an_event_is_late_only_when_it_is_older_than_the_watermark() -> None:
    watermark = Watermark(SETTINGS)
    assert see(watermark, 100, 90, 89, 100) == [False, False, True, False]
    assert (watermark.high, watermark.value) == (100, 90)


def test_a_fast_clock_does_not_move_time_on_and_its_event_is_not_late() -> None:
    watermark = Watermark(SETTINGS)
    assert see(watermark, 500, NOW + 21, 501) == [False, False, False]
    assert watermark.high == 501
    assert see(watermark, NOW + 20) == [False]
    assert watermark.high == NOW + 20


def test_what_a_source_called_late_stays_late_and_does_not_move_time_on() -> None:
    watermark = Watermark(SETTINGS)
    flags = watermark.observe(np.array([700, 500]), late=np.array([True, False]), appended_ms=NOW)
    assert (flags.tolist(), watermark.high) == ([True, False], 500)


def test_an_announced_watermark_is_bounded_by_its_append() -> None:
    watermark = Watermark(SETTINGS)
    assert watermark.bounded(400, appended_ms=NOW) == 410
    assert watermark.bounded(NOW + 500, appended_ms=NOW) == NOW + 20


def test_time_never_goes_back() -> None:
    watermark = Watermark(SETTINGS, high=300)
    watermark.advance(200)
    see(watermark, 295)
    assert watermark.high == 300


def test_no_events_change_nothing() -> None:
    watermark = Watermark(SETTINGS)
    assert see(watermark) == []
    assert watermark.high == BEGINNING
