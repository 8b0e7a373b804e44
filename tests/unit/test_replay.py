"""Clicks are published when their turn has come, once each, and a replay goes on where it stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import UsageError
from footfall.sources.base import Block
from footfall.sources.replay import Pace, Published, Replay, ReplayPlace, ahead
from tests.unit.streams import START, File, bad, clicks

Seconds = Sequence[float]


def block(times: Seconds, first: int = 0) -> Block:
    """A click at each of these times (s after START)."""
    rows = [{"timestamp": START + round(t * 1000), "productId": f"P{first + i}"} for i, t in enumerate(times)]
    return Block(clicks(rows))


def file(*blocks: Seconds) -> File:
    starts = np.cumsum([0, *(len(times) for times in blocks)]).tolist()
    return File([block(times, first) for times, first in zip(blocks, starts, strict=False)])


def replay(
    reader: File,
    *,
    pace: Pace = Pace(),  # noqa: B008 - frozen
    clock: ManualClock | None = None,
    loop: bool = False,
    original_time: bool = False,
    start: ReplayPlace = ReplayPlace(),  # noqa: B008 - frozen
    source: str = "clicks.tsv",
    stop: threading.Event | None = None,
) -> Iterator[Published]:
    return Replay(
        reader,
        source=source,
        pace=pace,
        clock=clock or ManualClock(START),
        stop=stop or threading.Event(),
        loop=loop,
        original_time=original_time,
        start=start,
    ).published()


def products(published: Sequence[Published]) -> list[str]:
    return [text for turn in published for text in turn.clicks.column("productId").to_pylist()]


def ids(published: Sequence[Published]) -> list[bytes]:
    return [one for turn in published for one in turn.clicks.column("event_id").to_pylist()]


def seconds(reader: File, pace: Pace, *, start: ReplayPlace = ReplayPlace()) -> list[float]:  # noqa: B008 - frozen
    """When each click was published, in s since the replay began."""
    clock = ManualClock(START)
    found = []
    for turn in replay(reader, pace=pace, clock=clock, start=start):
        times = [int(t.timestamp() * 1000) for t in turn.clicks.column("timestamp").to_pylist()]
        assert set(times) <= {clock.now_ms()}
        found += [(t - START) / 1000 for t in times]
    return found


def test_kept_timing_waits_as_long_as_the_clicks_are_apart_at_most_ten_seconds_and_never_back() -> None:
    reader = file([0, 1.5, 1.5, 100, 90, 91], [93])
    assert seconds(reader, Pace(keep_timing=True)) == pytest.approx([0, 1.5, 1.5, 11.5, 11.5, 12.5, 14.5], abs=0.011)


def test_kept_timing_at_twice_the_speed_takes_half_the_time() -> None:
    reader = file([0, 2, 60])
    assert seconds(reader, Pace(keep_timing=True, speed=2)) == pytest.approx([0, 1, 6], abs=0.011)


def test_otherwise_a_click_is_published_every_200_milliseconds() -> None:
    reader = file([0, 500, 3], [4, 4])
    assert seconds(reader, Pace()) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], abs=0.011)


def test_clicks_that_are_due_within_a_tick_are_published_together() -> None:
    turns = list(replay(file([0] * 1_000), pace=Pace(interval=timedelta(milliseconds=1))))
    assert len(products(turns)) == 1_000
    assert len(turns) <= 102


def test_a_long_wait_shows_a_sign_of_life_every_second() -> None:
    clock = ManualClock(START)
    shown = [(clock.now_ms() - START) // 1000 for _ in replay(file([0, 10]), pace=Pace(keep_timing=True), clock=clock)]
    assert shown == [0, *range(9), 10, 10]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 40))
def test_every_row_is_published_once_however_the_file_is_cut_into_blocks_and_wherever_it_stopped(
    sizes: list[int], stopped: int
) -> None:
    reader = file(*([0.0] * size for size in sizes))
    rows = sum(sizes)
    whole = list(replay(reader))
    assert products(whole) == [f"P{n}" for n in range(rows)]
    assert whole[-1].place == ReplayPlace(0, rows)
    first = list(islice(replay(reader), min(stopped, rows)))
    place = first[-1].place if first else ReplayPlace()
    rest = list(replay(reader, start=place))
    assert products(first + rest) == [f"P{n}" for n in range(rows)]
    assert ids(first + rest) == ids(whole)


def test_ids_are_made_of_file_round_and_row() -> None:
    whole = ids(list(islice(replay(file([0, 0]), loop=True), 4)))
    assert len(set(whole)) == 4
    assert ids(list(islice(replay(file([0, 0]), loop=True, start=ReplayPlace(1, 0)), 2))) == whole[2:]
    assert not set(ids(list(replay(file([0, 0]), source="other.tsv")))) & set(whole)


def test_a_loop_goes_on_in_the_round_and_row_where_it_stopped() -> None:
    turns = list(islice(replay(file([0], [1, 2]), loop=True, start=ReplayPlace(3, 2)), 4))
    assert products(turns) == ["P2", "P0", "P1", "P2"]
    assert [turn.place for turn in turns] == [ReplayPlace(3, 3), *(ReplayPlace(4, n) for n in (1, 2, 3))]


def test_a_loop_that_stopped_at_the_end_of_the_file_goes_on_with_the_next_round() -> None:
    turns = list(islice(replay(file([0, 1]), loop=True, start=ReplayPlace(0, 2)), 1))
    assert (products(turns), turns[0].place) == (["P0"], ReplayPlace(1, 1))


def test_a_loop_over_a_file_without_usable_rows_is_refused_instead_of_turning_for_ever() -> None:
    reader = File([Block(clicks([]), [bad(2)])])
    with pytest.raises(UsageError, match="no row that can be used"):
        list(islice(replay(reader, loop=True), 10))


def test_a_loop_of_original_times_ends_each_round_like_a_file() -> None:
    turns = list(islice(replay(file([0, 1]), loop=True, original_time=True), 6))
    assert [turn.last_of_file for turn in turns] == [False, False, True] * 2
    assert [turn.place for turn in turns if turn.last_of_file] == [ReplayPlace(0, 2), ReplayPlace(1, 2)]


def test_original_times_and_ids_are_kept() -> None:
    source = block([0, 400, 3])
    turns = list(replay(File([source]), original_time=True))
    assert ids(turns) == source.clicks.column("event_id").to_pylist()
    times = [t for turn in turns for t in turn.clicks.column("timestamp").to_pylist()]
    assert times == source.clicks.column("timestamp").to_pylist()


def test_only_time_and_id_of_a_published_click_are_new() -> None:
    source = block([0]).clicks
    (turn, _) = replay(File([Block(source)]))
    for name in source.schema.names:
        if name not in {"timestamp", "event_id"}:
            assert turn.clicks.column(name).to_pylist() == source.column(name).to_pylist()


def test_rows_that_cannot_be_used_are_handed_on_with_the_place_before_them() -> None:
    reader = File([block([0]), Block(clicks([]), [bad(3)]), block([1], first=1)])
    turns = list(replay(reader))
    assert [(len(turn.bad), turn.place.rows) for turn in turns] == [(0, 1), (1, 1), (0, 2), (0, 2)]


def test_a_stop_ends_a_replay_in_the_middle_of_a_block() -> None:
    stop = threading.Event()
    turns = replay(file([0] * 5), stop=stop)
    first = list(islice(turns, 2))
    stop.set()
    assert list(turns) == []
    assert products(first) == ["P0", "P1"]


def test_what_reading_ahead_raises_is_raised_where_the_blocks_are_used() -> None:
    def blocks() -> Iterator[Block]:
        yield block([0])
        raise UsageError("the file is torn")

    read = ahead(blocks(), threading.Event())
    next(read)
    with pytest.raises(UsageError, match="torn"):
        next(read)


def test_reading_ahead_ends_its_thread_when_the_blocks_are_not_wanted_any_more() -> None:
    endless = (block([n]) for n in iter(int, 1))
    read = ahead(endless, threading.Event())
    next(read)
    read.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
