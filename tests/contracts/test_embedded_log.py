"""The embedded log keeps the contract of logs, and its own promises: commits, retention, clean-up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced, OffsetOutOfRange
from footfall.log.base import Append, Commit, DurableLog, Place, Position, StateWrite, StreamSettings
from footfall.log.embedded import EmbeddedLog, EmbeddedSettings
from tests.contracts.log_contract import STREAM, LogContract, Opener, add, chunks, numbers, values

GROUP = "enrich"


def moved(expected: Place, place: Place, *, group: str = GROUP) -> Position:
    return Position(group, STREAM, 0, expected, place)


def state(first: int, rows: int, *, table: str = "seen", reset: bool = False) -> StateWrite:
    return StateWrite(GROUP, 0, table, numbers(first, rows), reset)


def tables(log: DurableLog) -> dict[str, list[int]]:
    return {
        name: [n for batch in batches for n in batch.column("n").to_pylist()]
        for name, batches in log.state(GROUP, 0).items()
    }


def segments(directory: Path) -> list[str]:
    return sorted(path.parent.name for path in directory.rglob("*.seg"))


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def opener(self, tmp_path: Path) -> Opener:
        return partial(EmbeddedLog.open, tmp_path / "log")


class TestCheckpoints:
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        with EmbeddedLog.open(tmp_path) as log:
            log.create(STREAM, StreamSettings(partitions=1))
            yield log

    def test_a_group_that_never_committed_stands_at_the_beginning(self, log: EmbeddedLog) -> None:
        assert log.position(GROUP, STREAM, 0) == Place()
        assert (list(log.groups()), dict(log.state(GROUP, 0))) == ([], {})

    def test_a_commit_brings_outputs_positions_and_state(self, log: EmbeddedLog, tmp_path: Path) -> None:
        outputs = [Append(STREAM, 0, numbers(0, 3))]

        assert log.commit(
            Commit(outputs=outputs, positions=[moved(Place(), Place(3, 1))], state=[state(0, 2)])
        ).offsets == [0]

        with EmbeddedLog.open(tmp_path) as other:
            assert other.position(GROUP, STREAM, 0) == Place(3, 1)
            assert tables(other) == {"seen": [0, 1]}
            assert values(chunks(other)) == [0, 1, 2]

    def test_a_fenced_commit_leaves_nothing_behind(self, log: EmbeddedLog) -> None:
        log.commit(Commit(positions=[moved(Place(), Place(3, 1))], state=[state(0, 2)]))

        with pytest.raises(Fenced, match="stands at offset 3"):
            log.commit(
                Commit(
                    outputs=[Append(STREAM, 0, numbers(0, 3))],
                    positions=[moved(Place(), Place(9, 9), group="other"), moved(Place(), Place(5, 2))],
                    state=[state(5, 1, reset=True)],
                )
            )

        assert (log.position(GROUP, STREAM, 0), log.position("other", STREAM, 0)) == (Place(3, 1), Place())
        assert (tables(log), values(chunks(log)), log.verify().damage) == ({"seen": [0, 1]}, [], ())

    def test_of_two_workers_that_start_from_one_place_one_is_fenced(self, log: EmbeddedLog) -> None:
        fenced: list[Fenced] = []
        together = threading.Barrier(4)

        def work(worker: int) -> None:
            together.wait()
            try:
                outputs = [Append(STREAM, 0, numbers(10 * worker, 3))]
                log.commit(Commit(outputs=outputs, positions=[moved(Place(), Place(worker + 1, 1))]))
            except Fenced as error:
                fenced.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        winner = log.position(GROUP, STREAM, 0).offset - 1
        assert len(fenced) == 3
        assert values(chunks(log)) == [10 * winner, 10 * winner + 1, 10 * winner + 2]

    @pytest.mark.parametrize("rows", [1, 10_000])
    def test_state_adds_up_until_a_reset(self, log: EmbeddedLog, rows: int, tmp_path: Path) -> None:
        log.commit(Commit(state=[state(0, rows), state(0, 1, table="other")]))
        log.commit(Commit(state=[state(rows, rows)]))
        before = tables(log)
        log.commit(Commit(state=[state(5, rows, reset=True), state(rows, 1)]))

        assert before == {"seen": list(range(2 * rows)), "other": [0]}
        assert tables(log) == {"seen": [*range(5, 5 + rows), rows], "other": [0]}
        assert ("__state" in segments(tmp_path)) == (rows > 1)
        assert [info.name for info in log.streams()] == [STREAM]

    def test_state_without_rows_keeps_its_table(self, log: EmbeddedLog) -> None:
        log.commit(Commit(state=[state(0, 4)]))
        log.commit(Commit(state=[state(0, 0, reset=True)]))

        assert tables(log) == {"seen": []}

    def test_segments_of_dropped_state_go_away(self, tmp_path: Path) -> None:
        with EmbeddedLog.open(tmp_path, settings=EmbeddedSettings(segment_bytes=1, inline_bytes=0)) as log:
            for first in range(5):
                log.commit(Commit(state=[state(first, 10, reset=True)]))

            assert tables(log) == {"seen": list(range(4, 14))}
            assert segments(tmp_path) == ["__state"]

    def test_a_deleted_group_starts_from_the_beginning(self, log: EmbeddedLog) -> None:
        log.commit(Commit(positions=[moved(Place(), Place(3, 1))], state=[state(0, 10_000)]))
        log.commit(Commit(positions=[moved(Place(), Place(3, 1), group="other")]))

        log.delete_group(GROUP)

        assert (log.position(GROUP, STREAM, 0), tables(log), list(log.groups())) == (Place(), {}, ["other"])


class TestRetention:
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(1_000_000)

    @pytest.fixture
    def log(self, tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
        with EmbeddedLog.open(tmp_path, clock=clock, settings=EmbeddedSettings(segment_bytes=1)) as log:
            yield log

    def test_batches_older_than_keep_for_go_oldest_first(self, log: EmbeddedLog, clock: ManualClock) -> None:
        log.create(STREAM, StreamSettings(partitions=2, keep_for=timedelta(seconds=25)))
        for first in range(0, 50, 5):
            add(log, first, 5)
            clock.advance(10)

        assert log.enforce_retention() == 8
        assert log.place(STREAM, 0) == Place(offset=40, sequence=8)
        assert values(chunks(log)) == list(range(40, 50))
        assert log.verify().damage == ()

    def test_batches_beyond_keep_bytes_go_oldest_first(self, log: EmbeddedLog, clock: ManualClock) -> None:
        log.create("probe", StreamSettings(partitions=1))
        log.append([Append("probe", 0, numbers(0, 5))])
        one = log.info("probe").bytes
        log.create(STREAM, StreamSettings(partitions=2, keep_for=None, keep_bytes=3 * one))
        for first in range(0, 50, 5):
            add(log, first, 5, partition=first // 5 % 2)
            clock.advance(1)

        assert log.enforce_retention() == 7
        assert log.info(STREAM).starts == (20, 15)
        assert log.info(STREAM).bytes == 3 * one
        assert values(chunks(log, partition=1)) == [35, 36, 37, 38, 39, 45, 46, 47, 48, 49]

    def test_a_reader_behind_is_told_the_first_offset(self, log: EmbeddedLog, clock: ManualClock) -> None:
        log.create(STREAM, StreamSettings(partitions=1, keep_for=timedelta(seconds=5)))
        add(log, 0, 5)
        halfway = log.read(STREAM, 0, Place(), max_rows=2).place
        clock.advance(10)
        add(log, 5, 5)
        log.enforce_retention()

        for place in (Place(), halfway):
            assert log.wait({(STREAM, 0): place}, timeout=0)
            with pytest.raises(OffsetOutOfRange, match="the first offset is 5"):
                log.read(STREAM, 0, place)

    def test_an_emptied_partition_goes_on_counting(self, log: EmbeddedLog, clock: ManualClock) -> None:
        log.create(STREAM, StreamSettings(partitions=1, keep_for=timedelta(seconds=5)))
        add(log, 0, 5, watermark=4)
        clock.advance(10)
        log.enforce_retention()

        assert log.place(STREAM, 0) == log.place(STREAM, 0, at="latest") == Place(5, 1)
        with pytest.raises(OffsetOutOfRange):
            log.read(STREAM, 0, Place())
        assert add(log, 5, 1) == 5
        assert values(chunks(log)) == [5]

    def test_positions_and_state_stay(self, log: EmbeddedLog, clock: ManualClock) -> None:
        log.create(STREAM, StreamSettings(partitions=1, keep_for=timedelta(seconds=5)))
        add(log, 0, 5)
        log.commit(Commit(positions=[moved(Place(), Place(2, 0))], state=[state(0, 10_000)]))
        clock.advance(1000)
        log.enforce_retention()

        assert log.position(GROUP, STREAM, 0) == Place(2, 0)
        assert tables(log) == {"seen": list(range(10_000))}

    def test_files_that_hold_nothing_any_more_are_removed(
        self, log: EmbeddedLog, clock: ManualClock, tmp_path: Path
    ) -> None:
        log.create(STREAM, StreamSettings(partitions=1, keep_for=timedelta(seconds=25)))
        for first in range(0, 50, 5):
            add(log, first, 5)
            clock.advance(10)
        before = len(segments(tmp_path))
        log.enforce_retention()

        assert (before, len(segments(tmp_path))) == (10, 2)
