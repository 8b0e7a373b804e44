"""Nothing that can be read of a stream is lost, whatever cannot be read; and a moment's place in a stream is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import Unavailable
from footfall.core.events import SHOWN
from footfall.core.hashing import id_from_text
from footfall.engine.offers_tail import Tail, first_since
from footfall.log.base import Append, Chunk, Place, StreamSettings
from footfall.log.embedded import EmbeddedLog
from tests.unit.offering import Shaky, shaky_log, shown_batch
from tests.unit.streams import START, open_log


def append(log: EmbeddedLog, *names: str, partition: int = 0) -> None:
    log.append([Append(SHOWN, partition, shown_batch(names, at=START))])


def ids(chunks: Iterable[Chunk]) -> list[bytes]:
    return [each for chunk in chunks for each in chunk.batch.column("event_id").to_pylist()]


def ids_of(names: Sequence[str]) -> list[bytes]:
    return [id_from_text(name) for name in names]


def segment(directory: Path) -> Path:
    """The only one that there is."""
    (file,) = directory.rglob("*.seg*")
    return file


def damage(directory: Path, *, at: float) -> None:
    """Change a byte in the only segment, at this share of its length."""
    file = segment(directory)
    content = bytearray(file.read_bytes())
    content[int(len(content) * at)] ^= 0xFF
    file.write_bytes(bytes(content))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def shaky(tmp_path: Path, clock: ManualClock) -> Iterator[Shaky]:
    with shaky_log(tmp_path, clock=clock) as log:
        yield log


@pytest.mark.parametrize("failing", [0, 1])
def test_what_was_read_before_another_partition_failed_comes_again(shaky: Shaky, failing: int) -> None:
    tail = Tail(shaky, SHOWN, since_ms=0)
    append(shaky, "a", partition=0)
    append(shaky, "b", partition=1)
    shaky.failing = [(SHOWN, failing)]

    taken: list[Chunk] = []
    with pytest.raises(Unavailable):
        taken.extend(tail.take())
    taken.extend(tail.take())

    assert set(ids(taken)) == set(ids_of("ab"))


def test_what_was_not_worked_through_comes_again(shaky: Shaky) -> None:
    tail = Tail(shaky, SHOWN, since_ms=0)
    append(shaky, "a")
    append(shaky, "b")

    def work() -> None:
        for _ in tail.take():
            raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        work()

    assert ids(tail.take()) == ids_of("ab")
    assert list(tail.take()) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_of_a_damaged_stream_all_comes_but_the_damaged_batches(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], bad: set[int]
) -> None:
    directory = tmp_path_factory.mktemp("log")
    names = [[f"{number}.{i}" for i in range(rows)] for number, rows in enumerate(batches)]
    with open_log(directory, clock=ManualClock(START)) as log:
        tail = Tail(log, SHOWN, since_ms=0)
        sizes = [0]
        for some in names:
            append(log, *some)
            sizes.append(segment(directory).stat().st_size)
        file = segment(directory)
        content = bytearray(file.read_bytes())
        for number in bad & set(range(len(batches))):
            content[(sizes[number] + sizes[number + 1]) // 2] ^= 0xFF
        file.write_bytes(bytes(content))

        found = ids(tail.take())

        assert found == ids_of([name for number, some in enumerate(names) if number not in bad for name in some])
        append(log, "later")
        assert ids(tail.take()) == ids_of(["later"])


def test_damage_in_what_is_read_on_from_its_middle_is_passed_over(tmp_path: Path, clock: ManualClock) -> None:
    with open_log(tmp_path, clock=clock) as log:
        append(log, "a", "b", "c")
        append(log, "d")
        place = log.read(SHOWN, 0, Place(), max_rows=2).place
    damage(tmp_path, at=0.25)
    with open_log(tmp_path, clock=clock) as log:
        tail = Tail(log, SHOWN, since_ms=0)
        tail._places[0] = place

        assert ids(tail.take()) == ids_of("d")


def test_what_is_not_of_the_streams_schema_is_passed_over(shaky: Shaky) -> None:
    odd = [
        pa.RecordBatch.from_pydict({"something": ["else"]}),
        shown_batch(["x"], at=START).drop_columns(["userId"]),
        pa.RecordBatch.from_pylist([{**row, "event_id": "text"} for row in shown_batch(["x"], at=START).to_pylist()]),
    ]
    tail = Tail(shaky, SHOWN, since_ms=0)
    append(shaky, "a")
    shaky.append([Append(SHOWN, 0, batch) for batch in odd])
    append(shaky, "b")

    assert ids(tail.take()) == ids_of("ab")


def test_events_that_retention_removes_meanwhile_are_passed_over(tmp_path: Path, clock: ManualClock) -> None:
    with open_log(tmp_path, clock=clock) as log:
        log.create(SHOWN, StreamSettings(partitions=1, keep_for=timedelta(hours=1)))
        tail = Tail(log, SHOWN, since_ms=0)
        append(log, "a")
        clock.advance(7200)
        append(log, "b")
        assert log.enforce_retention() == 1

        assert ids(tail.take()) == ids_of("b")


def test_what_was_appended_before_is_not_read(shaky: Shaky, clock: ManualClock) -> None:
    append(shaky, "a")
    clock.advance(10)
    append(shaky, "b")

    assert ids(Tail(shaky, SHOWN, since_ms=START + 10_000).take()) == ids_of("b")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30), st.integers(-1, 100))
def test_the_first_event_since_a_moment_is_found(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, int]], seconds: int
) -> None:
    clock = ManualClock(START)
    appended: list[int] = []
    with open_log(tmp_path_factory.mktemp("log"), clock=clock) as log:
        for rows, pause in batches:
            clock.advance(pause)
            append(log, *[f"{len(appended) + i}" for i in range(rows)])
            appended += [clock.now_ms()] * rows
        since = START + seconds * 1000

        place = first_since(log, SHOWN, 0, since_ms=since)

        assert place.offset == sum(1 for at in appended if at < since)
        assert log.read(SHOWN, 0, place).rows == len(appended) - place.offset
