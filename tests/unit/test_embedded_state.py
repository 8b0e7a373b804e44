"""State of an embedded log: it reads back as it was written, however many commits wrote it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.codes import coded
from footfall.core.errors import DamagedBatch
from footfall.core.events import Batch
from footfall.log.base import Commit, StateWrite
from footfall.log.codecs.arrow import encode
from footfall.log.embedded import EmbeddedLog, EmbeddedSettings
from footfall.log.embedded.frames import batches_of, merged
from footfall.log.embedded.segments import DIRECTORY, Range, SegmentReader
from footfall.log.embedded.state import state_of
from footfall.log.packing import block_of

GROUP = "count"
BY_FOUR = EmbeddedSettings(merge_rows=4)


def visits(first: int, rows: int = 1) -> Batch:
    """Numbered rows with a coded column whose dictionary is the batch's own, and some that are null."""
    numbers = np.arange(first, first + rows)
    codes = np.where(numbers % 5 == 0, -1, np.arange(rows)).astype(np.int32)
    return pa.RecordBatch.from_arrays([coded(codes, [f"user-{n}" for n in numbers]), pa.array(numbers)], ["user", "n"])


def write(batch: Batch, *, table: str = "seen", partition: int = 0, reset: bool = False) -> StateWrite:
    return StateWrite(GROUP, partition, table, batch, reset)


def add(log: EmbeddedLog, batches: Sequence[Batch], *, table: str = "seen") -> None:
    """One commit a batch."""
    for batch in batches:
        log.commit(Commit(state=[write(batch, table=table)]))


def rows_in_manifest(log: EmbeddedLog) -> int:
    return int(log._reading.rows("SELECT count(*) FROM state")[0][0])


def segments(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*.seg"))


def same(found: Sequence[Batch], expected: Sequence[Batch]) -> bool:
    return [b.schema for b in found] == [b.schema for b in expected] and [b.to_pylist() for b in found] == [
        b.to_pylist() for b in expected
    ]


# ---------------------------------------------------------------- what is merged


@pytest.mark.alone
def test_many_small_commits_leave_few_rows_and_read_back_fast(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path) as log:
        for first in range(0, 20_000, 100):  # a hundred writes a commit: each is a row of its own, and syncs are slow
            log.commit(Commit(state=[write(visits(n)) for n in range(first, first + 100)]))

        assert rows_in_manifest(log) < 600
        begin = time.perf_counter()
        found = log.state(GROUP, 0)["seen"]
        assert time.perf_counter() - begin < 1
        assert [batch.column("n")[0].as_py() for batch in found] == list(range(20_000))
        assert all(batch.num_rows == 1 for batch in found)
        assert log.verify().damage == ()


@pytest.mark.parametrize("commits", [3, 4, 5, 15, 16, 17, 63, 64, 65, 150])
def test_each_batch_comes_back_alone_and_in_order(tmp_path: Path, commits: int) -> None:
    written = [visits(10 * i, i % 4) for i in range(commits)]
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        add(log, written)
        assert rows_in_manifest(log) <= 12
        assert same(log.state(GROUP, 0)["seen"], written)

    with EmbeddedLog.open(tmp_path) as log:
        assert same(log.state(GROUP, 0)["seen"], written)


def test_rows_are_merged_when_a_power_of_the_setting_is_complete(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        sizes = []
        for i in range(17):
            add(log, [visits(i)])
            sizes.append([rows for (rows,) in log._reading.rows("SELECT rows FROM state ORDER BY number")])

    assert [sizes[i] for i in (2, 3, 4, 7, 14, 15, 16)] == [
        [1, 1, 1],
        [4],
        [4, 1],
        [4, 4],
        [4, 4, 4, 1, 1, 1],
        [16],
        [16, 1],
    ]


@given(st.integers(0, 10**6), st.integers(2, 200))
def test_a_block_is_the_largest_power_that_ends_there(number: int, rows: int) -> None:
    block = block_of(number, rows)

    assert (number + 1) % block == 0
    assert (number + 1) % (block * rows) != 0


@pytest.mark.parametrize("rows", [0, 1])
def test_merging_can_be_turned_off(tmp_path: Path, rows: int) -> None:
    with EmbeddedLog.open(tmp_path, settings=EmbeddedSettings(merge_rows=rows)) as log:
        add(log, [visits(i) for i in range(9)])
        assert rows_in_manifest(log) == 9


def test_tables_partitions_and_groups_are_not_mixed(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        for i in range(21):
            log.commit(
                Commit(
                    state=[
                        write(visits(i)),
                        write(visits(100 + i), table="other"),
                        write(visits(200 + i), partition=1),
                        StateWrite("sum", 0, "seen", visits(300 + i)),
                    ]
                )
            )

        assert same(log.state(GROUP, 0)["seen"], [visits(i) for i in range(21)])
        assert same(log.state(GROUP, 0)["other"], [visits(100 + i) for i in range(21)])
        assert same(log.state(GROUP, 1)["seen"], [visits(200 + i) for i in range(21)])
        assert same(log.state("sum", 0)["seen"], [visits(300 + i) for i in range(21)])


def test_batches_of_other_columns_stay_as_they_are(tmp_path: Path) -> None:
    other = pa.RecordBatch.from_pydict({"text": ["a", None]})
    written = [visits(i) if i % 3 else other for i in range(40)]
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        add(log, written)
        assert same(log.state(GROUP, 0)["seen"], written)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_compressed_batches_are_merged_as_they_are(tmp_path: Path, compression: str | None) -> None:
    settings = EmbeddedSettings(merge_rows=4, compression=compression)  # type: ignore[arg-type]
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        add(log, [visits(100 * i, 100) for i in range(18)])
        assert same(log.state(GROUP, 0)["seen"], [visits(100 * i, 100) for i in range(18)])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12), st.data())
def test_frames_merged_in_any_steps_are_the_same_batches(parts: list[tuple[int, bool]], data: st.DataObject) -> None:
    other = pa.RecordBatch.from_pydict({"text": ["a", None]})
    written = [other if odd else visits(i, rows) for i, (rows, odd) in enumerate(parts)]
    frames = [(encode(batch), batch.num_rows) for batch in written]
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(frames) - 1))
        end = data.draw(st.integers(begin + 1, len(frames)))
        rows = sum(n for _, n in frames[begin:end])
        frames[begin:end] = [(merged([frame for frame, _ in frames[begin:end]], rows).data, rows)]
    whole = merged([frame for frame, _ in frames], sum(n for _, n in frames))

    found = batches_of(whole.data, Range("", 0, whole.data.size, whole.crc), whole.rows)

    assert same(found, written)


# ---------------------------------------------------------------- what is dropped, and what is large


def test_a_reset_drops_merged_rows_too(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        add(log, [visits(i) for i in range(22)])
        log.commit(Commit(state=[write(visits(50), reset=True)]))
        assert same(log.state(GROUP, 0)["seen"], [visits(50)])

        add(log, [visits(i) for i in range(51, 60)])
        assert same(log.state(GROUP, 0)["seen"], [visits(i) for i in range(50, 60)])


def test_large_rows_are_left_where_they_are(tmp_path: Path) -> None:
    settings = EmbeddedSettings(merge_rows=4, inline_bytes=2_000)
    written = [visits(0, 1000), *(visits(i) for i in range(1, 20)), visits(20, 1000), visits(21)]
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        add(log, written[:4])
        assert [n for (n,) in log._reading.rows("SELECT rows FROM state ORDER BY number")] == [1000, 3]
        add(log, written[4:])
        assert same(log.state(GROUP, 0)["seen"], written)


def large(i: int) -> Batch:
    """Bytes that do not get smaller by packing."""
    noise = np.random.default_rng(i).bytes(700)
    return pa.RecordBatch.from_pydict({"noise": [noise]})


@pytest.mark.parametrize("segment_bytes", [1, 3_000, 10_000_000])
def test_large_merged_rows_are_in_segments_that_go_away_with_them(tmp_path: Path, segment_bytes: int) -> None:
    settings = EmbeddedSettings(merge_rows=4, inline_bytes=1_500, segment_bytes=segment_bytes)
    written = [large(i) for i in range(64)]
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        add(log, written[:63])
        assert segments(tmp_path)
        add(log, written[63:])

        assert log._reading.rows("SELECT count(*), count(segment) FROM state") == [(1, 1)]
        assert same(log.state(GROUP, 0)["seen"], written)
        assert log.verify().damage == ()
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        assert len(segments(tmp_path)) == 1
        assert log._reading.rows("SELECT named FROM segments WHERE named <> 0") == [(1,)]
        log.commit(Commit(state=[write(large(0), reset=True)]))
        assert segments(tmp_path) == []


def test_a_segment_begun_by_the_same_commit_is_kept(tmp_path: Path) -> None:
    settings = EmbeddedSettings(merge_rows=4, inline_bytes=1_500, segment_bytes=1)
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        add(log, [large(i) for i in range(3)])
        log.commit(Commit(state=[write(visits(0, 1000), table="other"), write(large(3))]))
        assert log._reading.rows("SELECT count(segment) FROM state") == [(2,)]

    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        assert same(log.state(GROUP, 0)["other"], [visits(0, 1000)])
        assert same(log.state(GROUP, 0)["seen"], [large(i) for i in range(4)])


# ---------------------------------------------------------------- what goes wrong


def test_a_damaged_row_is_not_merged_and_stays_reported(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        add(log, [visits(0), visits(1)])
        log._writing.rows("UPDATE state SET crc = crc + 1 WHERE number = 1")
        add(log, [visits(2), visits(3), visits(4)])

        assert [d.offset for d in log.verify().damage] == [1]
        with pytest.raises(DamagedBatch, match="state seen of group count"):
            log.state(GROUP, 0)


def test_a_merged_row_with_a_flipped_bit_is_reported(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path, settings=BY_FOUR) as log:
        add(log, [visits(i) for i in range(4)])
        data = bytearray(log._reading.rows("SELECT bytes FROM state")[0][0])
        for at in (0, len(data) // 2, len(data) - 1):
            flipped = data.copy()
            flipped[at] ^= 4
            log._writing.rows("UPDATE state SET bytes = ?", (bytes(flipped),))
            with pytest.raises(DamagedBatch, match="checksum"):
                log.state(GROUP, 0)
            assert len(log.verify().damage) == 1


@pytest.mark.parametrize("wrong", [b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd" + bytes(50)])
def test_bytes_that_only_look_merged_are_damaged(tmp_path: Path, wrong: bytes) -> None:
    with EmbeddedLog.open(tmp_path) as log:
        add(log, [visits(0)])
        crc = merged([pa.py_buffer(wrong)], 1).crc
        log._writing.rows("UPDATE state SET bytes = ?, crc = ?", (wrong, crc))
        with pytest.raises(DamagedBatch):
            log.state(GROUP, 0)


def test_whoever_reads_while_rows_are_merged_finds_all_of_them(tmp_path: Path) -> None:
    settings = EmbeddedSettings(merge_rows=3, inline_bytes=1_500, segment_bytes=1)
    written = [large(i) for i in range(250)]
    expected = [batch.to_pylist() for batch in written]
    with EmbeddedLog.open(tmp_path, settings=settings) as log, EmbeddedLog.open(tmp_path) as other:
        writer = threading.Thread(target=add, args=(log, written))
        writer.start()
        reads = 0
        while writer.is_alive() or reads == 0:
            found = [batch.to_pylist() for batch in other.state(GROUP, 0).get("seen", ())]
            assert found == expected[: len(found)]
            reads += 1
        writer.join()
        assert same(other.state(GROUP, 0)["seen"], written)


class Interrupted(SegmentReader):
    """Something happens before the first read."""

    def __init__(self, root: Path, happens: Callable[[], None]) -> None:
        super().__init__(root)
        self._happens: list[Callable[[], None]] = [happens]

    def read(self, ranges: Sequence[Range]) -> pa.Buffer:
        while self._happens:
            self._happens.pop()()
        return super().read(ranges)


def test_a_segment_that_goes_away_between_looking_and_reading_is_not_damage(tmp_path: Path) -> None:
    settings = EmbeddedSettings(merge_rows=3, inline_bytes=1_500, segment_bytes=1)
    written = [large(i) for i in range(9)]
    with EmbeddedLog.open(tmp_path, settings=settings) as log:
        add(log, written[:8])
        before = segments(tmp_path)
        reader = Interrupted(tmp_path / DIRECTORY, lambda: add(log, written[8:]))

        assert same(state_of(log._reading, reader, GROUP, 0)["seen"], written)
        assert not set(before[:-1]) & set(segments(tmp_path))


_WRITER = """
import sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from footfall.log.embedded import EmbeddedLog, EmbeddedSettings
from footfall.log.base import Commit
from tests.unit.test_embedded_state import large, write
settings = EmbeddedSettings(merge_rows=3, inline_bytes=1500, segment_bytes=6000)
with EmbeddedLog.open(Path(sys.argv[1]), settings=settings) as log:
    for i in range(100_000):
        log.commit(Commit(state=[write(large(i))]))
        print(i, flush=True)
"""


@pytest.mark.parametrize("commits", [8, 26, 27, 50])
def test_a_writer_that_is_killed_leaves_all_that_it_committed(tmp_path: Path, commits: int) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _WRITER, str(tmp_path), str(root / "src"), str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(commits):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        last = commits + len(writer.stdout.readlines())

    with EmbeddedLog.open(tmp_path) as log:
        found = log.state(GROUP, 0)["seen"]
        assert len(found) in {last, last + 1}  # killed after the commit, before it was said
        assert same(found, [large(i) for i in range(len(found))])
        assert log.verify().damage == ()
