"""What every log promises. A backend subclasses ``LogContract`` and gives it a ``directory`` and ``opener``.

Only methods of ``footfall.log.base.Log`` are used. The opener is called in other processes, so it is picklable.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pytest

from footfall.core.codes import coded, constant
from footfall.core.errors import OffsetOutOfRange, UsageError
from footfall.core.events import Batch
from footfall.log.base import Append, Chunk, Log, Place, StreamSettings

Opener = Callable[[], Log]

STREAM: Final = "clicks"
_TIMEOUT: Final = 30.0


def numbers(first: int, rows: int) -> Batch:
    """Rows that say their number."""
    return pa.RecordBatch.from_pydict({"n": pa.array(range(first, first + rows), pa.int64())})


def add(log: Log, first: int, rows: int, *, partition: int = 0, watermark: int | None = None) -> int:
    """Append numbered rows; the offset of the first."""
    return log.append([Append(STREAM, partition, numbers(first, rows), watermark)])[0]


def chunks(log: Log, *, partition: int = 0, place: Place | None = None, max_rows: int = 100_000) -> list[Chunk]:
    """All that there is to read from a place on."""
    place = log.place(STREAM, partition) if place is None else place
    found: list[Chunk] = []
    while (read := log.read(STREAM, partition, place, max_rows=max_rows)).chunks:
        assert place < read.place
        assert read.rows <= max_rows
        found += read.chunks
        place = read.place
    return found


def values(found: Sequence[Chunk]) -> list[int]:
    """The numbers in some chunks."""
    return [n for chunk in found for n in chunk.batch.column("n").to_pylist()]


def write_numbers(opener: Opener, writer: int, batches: int) -> None:
    """In another process: append batches of three rows, numbered so that each writer's are known."""
    with opener() as log:
        for i in range(batches):
            add(log, writer * 1_000_000 + 3 * i, 3, partition=i % 2)


def follow(opener: Opener, rows: int, results: multiprocessing.Queue[list[int]]) -> None:
    """In another process: read both partitions until so many rows came."""
    with opener() as log:
        places = {(STREAM, partition): Place() for partition in range(2)}
        found: list[int] = []
        while len(found) < rows and log.wait(places, timeout=_TIMEOUT):
            for (stream, partition), place in list(places.items()):
                read = log.read(stream, partition, place, max_rows=7)
                places[stream, partition] = read.place
                found += values(read.chunks)
        results.put(found)


class LogContract:
    """Subclass it once a backend."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Opens the log under test; each test has one of its own."""
        raise NotImplementedError

    whole = True
    """Whether the batches of several processes never mix."""

    def after(self, *, rows: int, batches: int, marks: int = 0) -> Place:
        """The place after so many rows in so many batches, of which so many have a watermark or no rows."""
        return Place(rows, batches)

    @pytest.fixture
    def log(self, opener: Opener) -> Iterator[Log]:
        with opener() as log:
            log.create(STREAM, StreamSettings(partitions=2))
            yield log

    def test_offsets_count_the_events_of_each_partition(self, log: Log) -> None:
        assert [add(log, 0, 3), add(log, 3, 2), add(log, 0, 5, partition=1), add(log, 5, 1)] == [0, 3, 0, 5]
        assert log.info(STREAM).ends == (6, 5)

    def test_events_are_read_in_the_order_they_were_appended(self, log: Log) -> None:
        for first in range(0, 100, 10):
            add(log, first, 10)

        found = chunks(log)

        assert values(found) == list(range(100))
        assert [offset for chunk in found for offset in chunk.offsets] == list(range(100))

    def test_appended_together_in_one_call_get_consecutive_offsets(self, log: Log) -> None:
        appends = [Append(STREAM, p, numbers(first, 2)) for first, p in ((0, 0), (0, 1), (2, 0))]

        assert list(log.append(appends)) == [0, 0, 2]
        assert values(chunks(log)) == [0, 1, 2, 3]

    @pytest.mark.parametrize("max_rows", [1, 2, 3, 5, 7, 1000])
    def test_reads_of_any_size_bring_the_same_events(self, log: Log, max_rows: int) -> None:
        for first, rows in ((0, 5), (5, 0), (5, 1), (6, 12), (18, 3)):
            add(log, first, rows)

        assert values(chunks(log, max_rows=max_rows)) == list(range(21))

    def test_a_place_in_the_middle_of_a_batch_names_that_batch(self, log: Log) -> None:
        add(log, 0, 5)
        add(log, 5, 5)

        place = log.read(STREAM, 0, Place(), max_rows=7).place

        assert place == self.after(rows=7, batches=1)
        assert values(chunks(log, place=place)) == [7, 8, 9]

    def test_a_batch_without_rows_is_passed_once(self, log: Log) -> None:
        add(log, 0, 2)
        add(log, 0, 0, watermark=77)

        first = log.read(STREAM, 0, Place())
        after = log.read(STREAM, 0, first.place)

        assert [(chunk.batch.num_rows, chunk.watermark) for chunk in first.chunks][-1] in {(0, 77), (2, 77)}
        assert values(first.chunks) == [0, 1]
        assert first.place == self.after(rows=2, batches=2, marks=1)
        assert (list(after.chunks), after.place) == ([], first.place)

    def test_a_watermark_comes_with_the_last_row_of_its_batch(self, log: Log) -> None:
        add(log, 0, 4, watermark=9)

        assert [chunk.watermark for chunk in chunks(log, max_rows=3)] == [None, 9]

    def test_nothing_new_leaves_the_place_where_it_is(self, log: Log) -> None:
        add(log, 0, 4)
        latest = log.place(STREAM, 0, at="latest")

        assert latest == self.after(rows=4, batches=1)
        assert log.read(STREAM, 0, latest).place == latest

    def test_an_offset_without_its_batch_number_is_found(self, log: Log) -> None:
        for first in range(0, 30, 3):
            add(log, first, 3)

        assert values(chunks(log, place=Place(offset=13))) == list(range(13, 30))
        assert not log.wait({(STREAM, 0): Place(offset=30)}, timeout=0.01)

    def test_a_place_after_the_end_is_out_of_range(self, log: Log) -> None:
        add(log, 0, 4)

        with pytest.raises(OffsetOutOfRange, match="next event will have offset 4"):
            log.read(STREAM, 0, Place(offset=5, sequence=2))

    def test_batches_read_back_as_they_were(self, log: Log) -> None:
        batch = pa.RecordBatch.from_pydict(
            {
                "user": coded(pa.array([0, 2, -1, 1]).to_numpy(), ["ada", "bob", "cyd"]),
                "same": constant("x", 4),
                "flag": [True, None, False, True],
                "text": ["a", None, "", "ü"],
                "list": [[{"k": 1}], [], None, [{"k": 2}, {"k": None}]],
                "id": pa.array([bytes([i]) * 16 for i in range(4)], pa.binary(16)),
            }
        )
        pieces = [batch, batch.slice(1, 2), batch.slice(3), batch.slice(0, 0)]
        for piece in pieces:
            log.append([Append(STREAM, 0, piece)])

        found = [chunk.batch for chunk in chunks(log)]

        assert [row for b in found for row in b.to_pylist()] == [row for b in pieces for row in b.to_pylist()]
        assert {b.schema for b in found} == {batch.schema}

    def test_what_was_appended_is_there_after_a_restart(self, log: Log, opener: Opener) -> None:
        add(log, 0, 4, watermark=3)
        log.close()

        with opener() as again:
            assert values(chunks(again)) == [0, 1, 2, 3]
            assert add(again, 4, 1) == self.after(rows=4, batches=1, marks=1).offset

    def test_creating_a_stream_again_changes_nothing(self, log: Log) -> None:
        add(log, 0, 4)
        log.create(STREAM, StreamSettings(partitions=7))

        assert log.info(STREAM).settings.partitions == 2
        assert [info.name for info in log.streams()] == [STREAM]

    def test_a_read_ends_before_an_offset(self, log: Log) -> None:
        add(log, 0, 4, watermark=1)
        add(log, 4, 4, watermark=2)

        assert values(log.read(STREAM, 0, Place(), before=3).chunks) == [0, 1, 2]
        assert list(log.read(STREAM, 0, log.read(STREAM, 0, Place(), before=3).place, before=3).chunks) == []

    def test_an_unknown_stream_or_partition_is_a_usage_error(self, log: Log) -> None:
        with pytest.raises(UsageError, match=f"no stream 'nosuch'.*{STREAM}"):
            log.info("nosuch")
        with pytest.raises(UsageError, match="no partition 2"):
            add(log, 0, 1, partition=2)
        with pytest.raises(UsageError, match="'middle' is not a place"):
            log.place(STREAM, 0, at="middle")

    def test_waiting_ends_at_once_when_there_is_something(self, log: Log) -> None:
        add(log, 0, 1)

        assert log.wait({(STREAM, 1): Place(), (STREAM, 0): Place()}, timeout=0.0)

    def test_waiting_for_nothing_ends_after_the_timeout(self, log: Log) -> None:
        add(log, 0, 1)

        assert not log.wait({(STREAM, 0): self.after(rows=1, batches=1), (STREAM, 1): Place()}, timeout=0.02)

    def test_an_append_wakes_who_waits(self, log: Log) -> None:
        woken: list[bool] = []
        waiter = threading.Thread(target=lambda: woken.append(log.wait({(STREAM, 1): Place()}, timeout=_TIMEOUT)))
        waiter.start()
        add(log, 0, 0, partition=1, watermark=5)
        waiter.join()

        assert woken == [True]

    def test_appends_of_many_threads_are_all_there_once(self, log: Log) -> None:
        threads = [threading.Thread(target=lambda t=t: [add(log, 100 * t + i, 1) for i in range(20)]) for t in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        found = values(chunks(log))

        assert sorted(found) == sorted(100 * t + i for t in range(6) for i in range(20))
        assert all([n for n in found if n // 100 == t] == [100 * t + i for i in range(20)] for t in range(6))

    def test_several_processes_write_and_read_at_once(self, log: Log, opener: Opener) -> None:
        context = multiprocessing.get_context("spawn")
        results: multiprocessing.Queue[list[int]] = context.Queue()
        readers = [context.Process(target=follow, args=(opener, 180, results)) for _ in range(2)]
        writers = [context.Process(target=write_numbers, args=(opener, writer, 20)) for writer in range(2)]
        for process in (*readers, *writers):
            process.start()
        write_numbers(opener, 2, 20)
        found = [results.get(timeout=_TIMEOUT) for _ in readers]
        for process in (*readers, *writers):
            process.join()
        results.close()

        expected = sorted(writer * 1_000_000 + n for writer in range(3) for n in range(60))
        assert [sorted(each) for each in found] == [expected, expected]
        stored = values(chunks(log))
        assert not self.whole or all(stored[i + 1] - stored[i] == 1 for i in range(0, len(stored), 3))
        assert [n for n in stored if n < 1_000_000] == sorted(n for n in stored if n < 1_000_000)
