"""What a source brings becomes durable together with the place that it has come to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import UsageError
from footfall.core.events import CLICKS, FAILED
from footfall.core.hashing import partition_of
from footfall.engine.ingest import Ingest, Splitter, ingest_file, ingest_replay, replay_place
from footfall.log.embedded import EmbeddedLog
from footfall.sources.base import Block
from footfall.sources.replay import Pace, Published, Replay, ReplayPlace
from tests.unit.streams import LATENESS, MINUTE, START, File, bad, clicks, events, open_log

SOURCE = "clicks.tsv"
NOW = START + 30 * 86_400_000
"""By the wall clock."""
LATER = START + 30 * 86_400_000
"""The clicks are loaded long after they happened."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=3) as log:
        yield log


def source(log: EmbeddedLog, *, batch_rows: int = 100_000, clock: ManualClock | None = None) -> Ingest:
    return Ingest(log, source=SOURCE, layout="{}", clock=clock or ManualClock(LATER), batch_rows=batch_rows)


def block(minutes: Sequence[float], *, broken: int = 0, first: int = 0) -> Block:
    """A click at each of these minutes, numbered by product, and some rows that are none."""
    rows = [
        {"timestamp": START + round(m * MINUTE), "userId": f"user-{i % 7}", "productId": f"P{first + i}"}
        for i, m in enumerate(minutes)
    ]
    return Block(clicks(rows), [bad(1_000 + n) for n in range(broken)])


def load(log: EmbeddedLog, *blocks: Block, batch_rows: int = 100_000) -> Ingest:
    ingest = source(log, batch_rows=batch_rows)
    ingest_file(ingest, iter(blocks), lateness=LATENESS, stop=threading.Event())
    return ingest


def numbers(log: EmbeddedLog) -> list[int]:
    return sorted(int(row["productId"][1:]) for row in events(log, CLICKS))


def place(log: EmbeddedLog) -> ReplayPlace:
    return replay_place(log, SOURCE)


def watermarks(log: EmbeddedLog, partition: int) -> list[int | None]:
    return [chunk.watermark for chunk in log.read(CLICKS, partition, log.place(CLICKS, partition)).chunks]


# -- splitting ------------------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1, max_size=3), max_size=30), st.integers(1, 5))
def test_each_click_goes_to_the_partition_of_its_visitor_and_keeps_its_order(users: list[str], count: int) -> None:
    batch = clicks([{"userId": user, "productId": str(n)} for n, user in enumerate(users)])
    parts = Splitter(count).split(batch)
    found = {p.partition: p.batch.column("productId").to_pylist() for p in parts}
    expected: dict[int, list[str]] = {}
    for n, user in enumerate(users):
        expected.setdefault(partition_of(user, count), []).append(str(n))
    assert found == expected
    for part in parts:
        part.batch.validate(full=True)
        assert {partition_of(user, count) for user in part.batch.column("userId").to_pylist()} == {part.partition}


# -- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_rows", [1, 3, 100_000])
def test_a_file_is_in_the_log_once_in_order_of_its_times(log: EmbeddedLog, batch_rows: int) -> None:
    ingest = load(log, block([0, 3, 1, 30]), block([25, 28, 60], first=4), batch_rows=batch_rows)
    assert numbers(log) == list(range(7))
    for partition in range(3):
        times = [row["timestamp"] for row in events(log, CLICKS) if partition_of(row["userId"], 3) == partition]
        assert times == sorted(times)
    assert (ingest.tally.events, ingest.tally.good, ingest.tally.rejected) == (7, 7, 0)


def test_every_partition_hears_the_watermark_at_the_end_of_the_file(log: EmbeddedLog) -> None:
    load(log, block([0, 90]))
    for partition in range(3):
        assert max(w for w in watermarks(log, partition) if w is not None) == START + 80 * MINUTE


def test_a_later_file_is_late_by_what_the_earlier_one_brought(log: EmbeddedLog) -> None:
    load(log, block([0, 100]))
    load(log, block([89, 90, 101], first=2))
    late = {row["productId"] for row in events(log, CLICKS) if row.get("late")}
    assert late == {"P2"}


def test_a_file_without_a_single_usable_row_is_refused(log: EmbeddedLog) -> None:
    with pytest.raises(UsageError, match="None of the first 1,000 rows"):
        load(log, block([], broken=1_000))


def test_a_file_whose_good_rows_are_held_back_is_not_taken_for_an_unusable_one(log: EmbeddedLog) -> None:
    ingest = load(log, block([0, 1, 2], broken=1_000), block([3], first=3))
    assert (ingest.tally.good, ingest.tally.rejected) == (4, 1_000)


def test_a_stop_leaves_what_is_held_back_to_the_next_run(log: EmbeddedLog) -> None:
    stop = threading.Event()

    def blocks() -> Iterator[Block]:
        yield block([0, 1])
        stop.set()
        yield block([2], first=2)

    ingest_file(source(log), blocks(), lateness=LATENESS, stop=stop)
    assert numbers(log) == []
    load(log, block([0, 1, 2]))
    assert numbers(log) == [0, 1, 2]


def test_a_row_is_set_aside_once_however_often_its_file_is_loaded(log: EmbeddedLog) -> None:
    for _ in range(2):
        load(log, block([0], broken=3))
    assert sorted(row["line"] for row in events(log, FAILED)) == [1_000, 1_001, 1_002]


# -- replays --------------------------------------------------------------------------------------------------


def replaying(reader: File, log: EmbeddedLog, *, clock: ManualClock, original: bool, turns: int | None = None) -> None:
    """Replay from where the log stands; only this many turns, as if it was killed then."""
    published: Iterator[Published] = Replay(
        reader,
        source=SOURCE,
        pace=Pace(),
        clock=clock,
        stop=threading.Event(),
        original_time=original,
        start=place(log),
    ).published()
    ingest = source(log, clock=clock)
    ingest_replay(ingest, islice(published, turns), lateness=LATENESS, original_time=original)


@pytest.mark.parametrize("original", [False, True])
def test_a_replay_started_again_at_its_end_adds_nothing(log: EmbeddedLog, original: bool) -> None:
    reader, clock = File([block([0, 5, 20])]), ManualClock(NOW)
    for _ in range(2):
        replaying(reader, log, clock=clock, original=original)
        assert numbers(log) == [0, 1, 2]
        assert place(log) == ReplayPlace(0, 3)


def test_a_place_is_kept_only_when_nothing_before_it_is_held_back(tmp_path: Path) -> None:
    kept = []
    for turns in range(1, 6):
        with open_log(tmp_path / str(turns)) as log:
            reader = File([block([0, 10, 11, 13, 40])])
            replaying(reader, log, clock=ManualClock(LATER), original=True, turns=turns)
            kept.append(place(log).rows)
            assert numbers(log) == list(range(place(log).rows))
    assert kept == [0, 0, 1, 1, 4]


def test_a_place_is_not_kept_while_a_click_of_a_fast_clock_before_it_is_held_back(tmp_path: Path) -> None:
    with open_log(tmp_path) as log:
        reader = File([block([0, 60 * 24 * 60, 20, 40])])
        replaying(reader, log, clock=ManualClock(NOW), original=True, turns=4)
        assert place(log).rows <= 1
        replaying(reader, log, clock=ManualClock(NOW), original=True)
        assert set(numbers(log)) == {0, 1, 2, 3}


def test_a_replay_tells_every_partition_the_time_once_a_second(log: EmbeddedLog) -> None:
    clock = ManualClock(NOW)
    replaying(File([block([0] * 15)]), log, clock=clock, original=False)
    for partition in range(3):
        said = [w for w in watermarks(log, partition) if w is not None]
        assert len(said) == 3
        assert [b - a >= 1_000 for a, b in pairwise(said)] == [True, True]


def test_two_replays_of_different_files_keep_their_places_apart(log: EmbeddedLog) -> None:
    for name, rows in (("a", 1), ("b", 2)):
        turns = [Published(block([0] * rows).clicks, ReplayPlace(0, rows))]
        ingest = Ingest(log, source=name, layout="{}", clock=ManualClock(LATER))
        ingest_replay(ingest, iter(turns), lateness=LATENESS, original_time=False)
    assert (replay_place(log, "a").rows, replay_place(log, "b").rows) == (1, 2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
    st.lists(st.integers(1, 9), max_size=4),
    st.booleans(),
)
def test_a_replay_killed_between_any_two_commits_brings_every_row_and_each_lateness_once(
    tmp_path_factory: pytest.TempPathFactory, minutes: list[int], kills: list[int], original: bool
) -> None:
    def final(kills: Sequence[int]) -> list[tuple[str, bool]]:
        reader, clock = File([block(minutes[:4]), block(minutes[4:], first=4)]), ManualClock(LATER)
        with open_log(tmp_path_factory.mktemp("log"), partitions=2) as log:
            for turns in kills:
                replaying(reader, log, clock=clock, original=original, turns=turns)
            replaying(reader, log, clock=clock, original=original)
            seen: dict[str, tuple[str, bool]] = {}
            for row in events(log, CLICKS):
                seen.setdefault(row["event_id"], (row["productId"], bool(row.get("late"))))
            return sorted(seen.values())

    assert final(kills) == final([])


def test_a_row_dated_ahead_of_the_clock_does_not_make_the_others_late(log: EmbeddedLog) -> None:
    far_ahead = (LATER - START) / MINUTE + 6

    ingest = load(log, block([0, 1, far_ahead, 2, 3]))

    assert [row for row in events(log, CLICKS) if row.get("late")] == []
    assert ingest.high == START + 3 * MINUTE
