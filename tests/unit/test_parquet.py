"""The Parquet warehouse holds each event exactly once, wherever it was interrupted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.core.errors import Failure
from footfall.sinks.base import Span
from footfall.sinks.parquet import ParquetWarehouse

SCHEMA = pa.schema([("n", pa.int64()), ("word", pa.dictionary(pa.int32(), pa.string()))])
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pyarrow.parquet", "pytest"])


@dataclass
class Numbers:
    """A stream of the numbers from ``starts`` to ``ends``, a partition each; bookmarks are offsets times ten."""

    ends: list[int]
    starts: list[int] = field(default_factory=lambda: [0, 0])
    step: int = 7
    name: str = "numbers"
    schema: pa.Schema = SCHEMA
    bookmarks: list[int | None] = field(default_factory=list)

    def bounds(self) -> Sequence[tuple[int, int]]:
        return list(zip(self.starts, self.ends, strict=True))

    def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
        assert bookmark in {None, offset * 10}
        self.bookmarks.append(bookmark)
        end = self.ends[partition]
        while offset < end:
            numbers = list(range(offset, min(offset + self.step, end)))
            words = pa.array([f"w{n % 3}-{n // 50}" for n in numbers]).dictionary_encode()
            yield Span(offset, [pa.RecordBatch.from_arrays([numbers, words], schema=SCHEMA)], (numbers[-1] + 1) * 10)
            offset = numbers[-1] + 1


def warehouse(directory: Path) -> ParquetWarehouse:
    """One with small limits, so that every way is gone."""
    return ParquetWarehouse(directory, large=60, small=20, many=3)


def held(store: ParquetWarehouse, partition: int) -> list[int]:
    found: list[int] = []
    for part in store.parts("numbers"):
        if part.partition == partition:
            table = pq.read_table(part.path)
            assert table.num_rows == part.rows
            assert table.column("word").to_pylist() == [f"w{n % 3}-{n // 50}" for n in table.column("n").to_pylist()]
            found += table.column("n").to_pylist()
    return found


def test_each_event_is_there_once_and_in_order_however_often_it_is_refreshed(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([0, 0])
    for ends in ([5, 0], [5, 3], [150, 4], [150, 4], [151, 9], [160, 40], [161, 41], [170, 200]):
        source.ends = ends
        store.refresh(source)

        assert [held(store, p) for p in (0, 1)] == [list(range(end)) for end in ends]
    assert None not in source.bookmarks[2:]


def test_a_refresh_without_news_writes_nothing(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([50, 3])
    assert store.refresh(source).rows == 53
    before = store.parts("numbers")

    assert store.refresh(source).rows == 0
    assert store.parts("numbers") == before


def test_files_are_closed_when_they_are_large(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    store.refresh(Numbers([500, 0]))

    assert all(60 <= part.rows <= 66 for part in store.parts("numbers")[:-1])


def test_many_small_files_are_put_together_and_deleted(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([0, 0])
    for end in range(1, 41):
        source.ends = [end, 0]
        store.refresh(source)

    files = list((tmp_path / "numbers").glob("*.parquet"))
    assert len(files) <= 5
    assert held(store, 0) == list(range(40))


def test_files_stay_while_somebody_reads_and_are_counted_once_all_the_same(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([0, 0])
    with store.reading(["numbers"]):
        for end in range(1, 6):
            source.ends = [end, 0]
            store.refresh(source)
        listed = {path.name for path in (tmp_path / "numbers").glob("*.parquet")}
        assert {"part-0-0-1.parquet", "part-0-0-4.parquet"} <= listed
        assert held(store, 0) == [0, 1, 2, 3, 4]

    store.refresh(source)
    assert not (tmp_path / "numbers" / "part-0-0-1.parquet").exists()


def test_events_that_retention_removed_are_reported_once_and_the_rest_is_converted(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([10, 0])
    store.refresh(source)
    source.starts, source.ends = [15, 0], [30, 0]

    assert [str(gap) for gap in store.refresh(source).gaps] == ["partition 0: offsets 10 to 14 had left the log before"]
    assert store.refresh(source).gaps == ()
    assert held(store, 0) == [*range(10), *range(15, 30)]


def test_files_on_both_sides_of_a_gap_are_never_put_together(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([1, 0])
    for start, end in ((0, 1), (0, 2), (5, 6), (5, 7), (5, 8), (5, 9)):
        source.starts, source.ends = [start, 0], [end, 0]
        store.refresh(source)

    assert held(store, 0) == [0, 1, 5, 6, 7, 8]
    assert all(one.end <= other.first for one, other in pairwise(store.parts("numbers")))


def test_a_log_that_was_replaced_is_reported_with_what_to_do(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    store.refresh(Numbers([10, 0]))

    with pytest.raises(Failure, match=r"up to offset 10, but the log ends at 4.*delete"):
        store.refresh(Numbers([4, 0]))


def test_a_source_that_fails_leaves_whole_files_only(tmp_path: Path) -> None:
    @dataclass
    class Failing(Numbers):
        def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
            for span in super().read(partition, offset, bookmark):
                if span.offset > 80:
                    raise Failure("damaged")
                yield span

    store = warehouse(tmp_path)
    with pytest.raises(Failure, match="damaged"):
        store.refresh(Failing([200, 0]))
    assert not list((tmp_path / "numbers").glob("*.tmp"))
    store.refresh(Numbers([200, 0]))

    assert held(store, 0) == list(range(200))


def test_several_threads_and_processes_refresh_at_once_without_doubling(tmp_path: Path) -> None:
    threads = [threading.Thread(target=lambda: warehouse(tmp_path).refresh(Numbers([300, 90]))) for _ in range(4)]
    processes = [FORKS.Process(target=refresh_killed_at, args=(tmp_path, 0, [300, 90])) for _ in range(2)]
    for thread, process in zip(threads, processes, strict=False):
        thread.start()
        process.start()
    for thread in threads[2:]:
        thread.start()
    for process in processes:
        process.join()
    for thread in threads:
        thread.join()

    assert held(warehouse(tmp_path), 0) == list(range(300))
    assert held(warehouse(tmp_path), 1) == list(range(90))


def refresh_killed_at(directory: Path, step: int, ends: list[int]) -> None:
    """Refresh, and be killed just before the ``step``-th change of a file (never, for 0)."""
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        ours = event in {"open", "os.rename", "os.remove", "os.chmod"} and str(directory) in str(arguments[0])
        if ours or (event == "os.chmod" and isinstance(arguments[0], int)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    warehouse(directory).refresh(Numbers(ends))


def test_a_kill_before_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    killed = 0
    for step in range(1, 100):
        directory = tmp_path / str(step)
        store = warehouse(directory)
        for end in (2, 4, 6):  # small files, so that the killed refresh also puts files together
            store.refresh(Numbers([end, 0]))
        process = FORKS.Process(target=refresh_killed_at, args=(directory, step, [8, 70]))
        process.start()
        process.join()
        whole = [held(store, 0), held(store, 1)]
        assert whole == [list(range(len(one))) for one in whole]
        store.refresh(Numbers([8, 70]))

        assert [held(store, 0), held(store, 1)] == [list(range(8)), list(range(70))]
        assert not list((directory / "numbers").glob("*.tmp"))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
    assert killed > 10
