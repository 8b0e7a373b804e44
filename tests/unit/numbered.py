"""Builds a stream of numbers that any warehouse can be filled from, and reads back which of them a warehouse holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.clock import Clock, ManualClock
from footfall.core.events import EVENT_ID, TIME, Batch
from footfall.sinks.base import Span
from footfall.sinks.parquet import ParquetWarehouse
from footfall.sinks.parquet.merging import Patience
from footfall.sinks.parquet.warehouse import Limits

DAY_MS = 86_400_000
FIRST_DAY = 1_795_564_800_000  # 2026-11-25
SCHEMA = pa.schema(
    [
        ("timestamp", TIME),
        ("event_id", EVENT_ID),
        ("n", pa.int64()),
        ("word", pa.dictionary(pa.int32(), pa.string())),
    ]
)
NAME = "numbers"


def word(n: int) -> str:
    """A number's text: few at a time, so that it is worth a dictionary."""
    return f"w{n % 3}-{n // 50}"


def rows(numbers: Sequence[int], times: Sequence[int]) -> Batch:
    """Numbers with these times (ms) as events."""
    ids = [n.to_bytes(16) for n in numbers]
    words = pa.array([word(n) for n in numbers], pa.string()).dictionary_encode()
    columns = [pa.array(times, pa.int64()).cast(TIME), pa.array(ids, EVENT_ID), pa.array(numbers, pa.int64()), words]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


@dataclass
class Numbers:
    """A stream: the event at an offset is the number that ``number`` says, or none. Bookmarks are offsets times ten."""

    ends: list[int]
    starts: list[int] = field(default_factory=lambda: [0, 0])
    step: int = 7
    day: Callable[[int], int] = lambda n: n // 25
    number: Callable[[int], int | None] = lambda offset: offset
    repeats: bool = False
    name: str = NAME
    schema: pa.Schema = SCHEMA
    bookmarks: list[int | None] = field(default_factory=list)

    def bounds(self) -> Sequence[tuple[int, int]]:
        return list(zip(self.starts, self.ends, strict=True))

    def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
        assert bookmark in {None, offset * 10}
        self.bookmarks.append(bookmark)
        while offset < self.ends[partition]:
            end = min(offset + self.step, self.ends[partition])
            numbers = [n for at in range(offset, end) if (n := self.number(at)) is not None]
            yield Span(offset, [rows(numbers, [self.time(n) for n in numbers])], end * 10, end)
            offset = end

    def time(self, n: int) -> int:
        """When the number happened."""
        return FIRST_DAY + self.day(n) * DAY_MS + n


SMALL = Limits(held=30, patience=Patience(rows=20, many=3), look_back=50)
"""So that every way is gone."""


def warehouse(directory: Path, *, limits: Limits = SMALL, clock: Clock | None = None) -> ParquetWarehouse:
    """One whose files are small, and whose time stands still."""
    return ParquetWarehouse(directory, limits=limits, clock=clock or ManualClock())


def held(store: ParquetWarehouse, partition: int) -> list[int]:
    """The numbers that our own readers find, in order."""
    found: list[int] = []
    with store.reading([NAME]):
        for part in store.parts(NAME):
            table = pq.read_table(part.path, partitioning=None)
            numbers = table.column("n").to_pylist()
            assert len(numbers) == part.rows
            assert table.column("word").to_pylist() == [word(n) for n in numbers]
            if part.partition == partition:
                found += numbers
    return sorted(found)


def seen_by_others(directory: Path) -> list[int]:
    """The numbers that a tool finds which knows nothing of us, in all partitions."""
    found: list[int] = []
    for path in (directory / NAME).glob("*/*.parquet"):
        found += pq.read_table(path, partitioning=None).column("n").to_pylist()
    return sorted(found)
