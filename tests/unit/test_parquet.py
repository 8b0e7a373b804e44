"""The Parquet warehouse holds each event exactly once, in the folder of its day."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Failure
from footfall.core.events import EVENT_ID, TIME
from footfall.sinks.base import Span
from footfall.sinks.parquet import ParquetWarehouse
from footfall.sinks.parquet.days import NO_DAY, by_day
from footfall.sinks.parquet.merging import WAIT_MS, Patience
from footfall.sinks.parquet.warehouse import Limits
from tests.faults.killed_warehouse import FORKS, refresh_killed_at
from tests.unit.numbered import DAY_MS, FIRST_DAY, NAME, SCHEMA, Numbers, held, rows, seen_by_others, warehouse


def test_each_event_is_there_once_and_in_order_however_often_it_is_refreshed(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([0, 0])
    for ends in ([5, 0], [5, 3], [150, 4], [150, 4], [151, 9], [160, 40], [161, 41], [170, 200]):
        source.ends = ends
        store.refresh(source)

        assert [held(store, p) for p in (0, 1)] == [list(range(end)) for end in ends]
        assert Counter(seen_by_others(tmp_path)) <= Counter(n for end in ends for n in range(end))
    assert None not in source.bookmarks[2:]


def test_each_event_is_in_the_folder_of_its_day_in_utc(tmp_path: Path) -> None:
    last_ms = rows([1, 2, 3], [FIRST_DAY - 1, FIRST_DAY, FIRST_DAY + DAY_MS])
    before_1970 = rows([4], [-1])

    table = pa.Table.from_batches([last_ms, before_1970])

    assert {day: one.column("n").to_pylist() for day, one in by_day(table)} == {
        "1969-12-31": [4],
        "2026-11-24": [1],
        "2026-11-25": [2],
        "2026-11-26": [3],
    }


def test_events_without_a_time_have_a_folder_that_every_tool_knows() -> None:
    timeless = pa.table({"n": [1, 2]})
    missing = pa.table({"timestamp": pa.array([None, FIRST_DAY, None], TIME), "n": [1, 2, 3]})

    assert [(day, one.column("n").to_pylist()) for day, one in by_day(timeless)] == [(NO_DAY, [1, 2])]
    assert [(day, one.column("n").to_pylist()) for day, one in by_day(missing)] == [
        (NO_DAY, [1, 3]),
        ("2026-11-25", [2]),
    ]


def test_other_tools_find_each_event_once_with_its_day(tmp_path: Path) -> None:
    warehouse(tmp_path).refresh(Numbers([100, 40]))
    glob = tmp_path / NAME / "*" / "*.parquet"

    [(count, distinct, first, last)] = duckdb.execute(
        f"SELECT count(*), count(DISTINCT event_id), min(day), max(day) "
        f"FROM read_parquet('{glob}', hive_partitioning = true) WHERE day >= '2026-11-25'"
    ).fetchall()
    dataset = pyarrow.dataset.dataset(tmp_path / NAME, format="parquet", partitioning="hive")

    assert (count, distinct) == (140, 100)
    assert (str(first), str(last)) == ("2026-11-25", "2026-11-28")
    assert dataset.count_rows() == 140
    assert set(dataset.to_table().column("day").to_pylist()) == {f"2026-11-{day}" for day in range(25, 29)}


def test_every_row_lies_in_the_folder_that_its_time_says(tmp_path: Path) -> None:
    warehouse(tmp_path).refresh(Numbers([100, 40], day=lambda n: n % 3))

    for path in (tmp_path / NAME).glob("*/*.parquet"):
        times = pq.read_table(path, partitioning=None).column("timestamp").to_pylist()
        assert {f"day={time.astimezone(UTC).date()}" for time in times} == {path.parent.name}


def test_a_refresh_without_news_writes_nothing(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([50, 3])
    assert store.refresh(source).rows == 53
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    assert store.refresh(source).rows == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_many_small_files_of_a_day_are_put_together(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([0, 0])
    for end in range(1, 41):
        source.ends = [end, 0]
        store.refresh(source)

    assert set(per_day(store)) == {"2026-11-25", "2026-11-26"}
    assert max(per_day(store).values()) <= 5
    assert len(list((tmp_path / NAME / "_staged").iterdir())) < 8  # what was put together is gone
    assert held(store, 0) == list(range(40))


def per_day(store: ParquetWarehouse) -> Counter[str]:
    """How many files count for each day."""
    return Counter(part.day for part in store.parts(NAME))


def test_other_tools_see_few_events_of_a_day_later_and_many_at_once(tmp_path: Path) -> None:
    clock = ManualClock()
    store, source = warehouse(tmp_path, clock=clock), Numbers([0, 0], day=lambda n: 0)
    published = []
    for end in (1, 2, 3, 21, 22, 23):
        source.ends = [end, 0]
        store.refresh(source)
        published.append(len(seen_by_others(tmp_path)))
    assert published == [1, 1, 1, 21, 21, 21]

    clock.advance(WAIT_MS / 1000)
    assert store.refresh(source).rows == 0
    assert seen_by_others(tmp_path) == list(range(23))
    assert len(list((tmp_path / NAME).glob("*/*.parquet"))) == 3


def test_what_is_in_a_folder_of_a_day_never_changes(tmp_path: Path) -> None:
    clock = ManualClock()
    store, source, found = warehouse(tmp_path, clock=clock), Numbers([0, 0]), dict[Path, bytes]()
    for end in range(1, 120, 3):
        source.ends = [end, end // 2]
        store.refresh(source)
        clock.advance(WAIT_MS / 5_000)
        now = {path: path.read_bytes() for path in (tmp_path / NAME).glob("*/*.parquet")}
        assert found.items() <= now.items()
        found = now


def test_events_scattered_over_many_days_leave_few_files_a_day(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path, limits=Limits(held=30, patience=Patience(rows=100, many=4))), Numbers([0, 0])
    source.day = lambda n: n * 7_919 % 10
    for end in range(0, 450, 45):
        source.ends = [end, 0]
        store.refresh(source)

    assert len(per_day(store)) == 10
    assert max(per_day(store).values()) <= 5
    assert held(store, 0) == list(range(405))


def test_files_stay_while_somebody_reads_and_go_into_their_places_after(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([2, 0])
    store.refresh(source)
    with store.reading([NAME]):
        before = [(part.path, part.path.read_bytes()) for part in store.parts(NAME)]
        for end in range(3, 40):
            source.ends = [end, 0]
            store.refresh(source)
        assert held(store, 0) == list(range(39))
        assert [(path, path.read_bytes()) for path, _ in before] == before
        assert seen_by_others(tmp_path) == [0, 1]

    store.refresh(source)
    assert held(store, 0) == list(range(39))
    assert len(seen_by_others(tmp_path)) == 23


def test_events_that_retention_removed_are_reported_once_and_the_rest_is_converted(tmp_path: Path) -> None:
    store, source = warehouse(tmp_path), Numbers([10, 0])
    store.refresh(source)
    source.starts, source.ends = [15, 0], [30, 0]

    assert [str(gap) for gap in store.refresh(source).gaps] == ["partition 0: offsets 10 to 14 had left the log before"]
    assert store.refresh(source).gaps == ()
    assert held(store, 0) == [*range(10), *range(15, 30)]


# ---------------------------------------------------------------- logs with gaps and repetitions


def test_offsets_without_an_event_are_passed(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    source = Numbers([0, 0], number=lambda offset: offset if offset % 3 else None)
    for end in (1, 2, 40, 41, 43, 43, 90):
        source.ends = [end, 0]
        store.refresh(source)
        assert held(store, 0) == [n for n in range(end) if n % 3]

    assert source.bookmarks[-1] == 430  # also a range without any event is passed for good


def test_an_event_that_comes_again_is_dropped_if_the_source_says_that_it_may(tmp_path: Path) -> None:
    def again(offset: int) -> int:
        return offset - 20 if offset % 20 < 5 and offset >= 20 else offset

    for repeats in (True, False):
        store, source = warehouse(tmp_path / str(repeats)), Numbers([0, 0], number=again, repeats=repeats)
        for end in range(0, 200, 11):
            source.ends = [end, 0]
            store.refresh(source)
        everything = [again(offset) for offset in range(end)]

        assert held(store, 0) == sorted(set(everything) if repeats else everything)


def test_an_event_twice_in_one_range_counts_once(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    assert store.refresh(Numbers([10, 0], number=lambda offset: offset // 2, repeats=True)).rows == 5
    assert held(store, 0) == list(range(5))


def test_a_stream_without_ids_is_converted_also_if_it_may_repeat(tmp_path: Path) -> None:
    @dataclass
    class Bare(Numbers):
        def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
            for span in super().read(partition, offset, bookmark):
                yield Span(span.offset, [b.drop_columns(["event_id"]) for b in span.batches], span.bookmark, span.end)

    assert warehouse(tmp_path).refresh(Bare([70, 0], repeats=True)).rows == 70


def test_files_with_other_columns_are_put_together_too(tmp_path: Path) -> None:
    @dataclass
    class Wider(Numbers):
        def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
            for span in super().read(partition, offset, bookmark):
                wider = [b.append_column("more", pa.array(["x"] * b.num_rows)) for b in span.batches]
                yield Span(span.offset, wider, span.bookmark, span.end)

    store = warehouse(tmp_path)
    for end in range(1, 9):
        store.refresh((Numbers if end < 4 else Wider)([end, 0]))

    assert held(store, 0) == list(range(8))


# ---------------------------------------------------------------- what is wrong


def test_a_log_that_was_replaced_is_reported_with_what_to_do(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    store.refresh(Numbers([10, 0]))

    with pytest.raises(Failure, match=r"up to offset 10, but the log ends at 4.*delete"):
        store.refresh(Numbers([4, 0]))


def test_files_of_an_older_layout_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    pq.write_table(pa.Table.from_batches([rows([1], [FIRST_DAY])]), tmp_path / NAME / "part-0-0-1.parquet")

    with pytest.raises(Failure, match=r"older Footfall.*Delete this folder: it is made again"):
        warehouse(tmp_path).refresh(Numbers([10, 0]))


@pytest.mark.parametrize("written", [b"{", b'{"version":2}', b'{"files":[{}]}'])
def test_a_damaged_manifest_is_refused_with_what_to_do(tmp_path: Path, written: bytes) -> None:
    store = warehouse(tmp_path)
    store.refresh(Numbers([10, 0]))
    (tmp_path / NAME / "_manifest.json").write_bytes(written)

    with pytest.raises(Failure, match=r"_manifest.json .*Delete this folder: it is made again"):
        store.refresh(Numbers([10, 0]))


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
    assert not list(tmp_path.rglob("*.tmp"))
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


def test_the_first_day_is_what_the_other_tests_say() -> None:
    assert datetime.fromtimestamp(FIRST_DAY / 1000, UTC) == datetime(2026, 11, 25, tzinfo=UTC)
    assert SCHEMA.field("event_id").type == EVENT_ID
