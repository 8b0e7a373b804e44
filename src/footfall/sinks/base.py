"""Turns streams into files and tables elsewhere: what a sink reads from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from footfall.core.events import Batch


@dataclass(frozen=True, slots=True)
class Span:
    """The events in a range of offsets of one partition. There may be fewer events than offsets."""

    offset: int
    """The range's first."""
    batches: Sequence[Batch]
    bookmark: int
    """The source's own note of where to read on after these events."""
    end: int
    """The offset after the range."""


class Source(Protocol):
    """A stream, as a sink sees it."""

    @property
    def name(self) -> str:
        """The stream's name."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """What its batches look like."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether an event may come again, with the same ``event_id``, a bounded number of events later."""
        ...

    def bounds(self) -> Sequence[tuple[int, int]]:
        """For each partition, the first offset still kept and the offset that the next event will get."""
        ...

    def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
        """The events from an offset to the end: each span begins where the one before it ended.

        ``bookmark`` is the one of the span that ended at ``offset``; None when there was none, and
        ``offset`` is then the first one still kept.
        """
        ...


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file, and the events it holds: those of one day in a range of offsets."""

    partition: int
    first: int
    end: int
    """The offset after the range."""
    day: str
    """Of the events' time, in UTC: ``2026-11-25``."""
    rows: int
    path: Path


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that retention removed from the log before they were converted."""

    partition: int
    first: int
    end: int

    def __str__(self) -> str:
        return f"partition {self.partition}: offsets {self.first} to {self.end - 1} had left the log before"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did."""

    rows: int = 0
    gaps: Sequence[Gap] = ()


class Warehouse(Protocol):
    """Streams as Parquet files, each event once. Safe to use from several processes."""

    def refresh(self, source: Source) -> Refreshed:
        """Convert what the stream has beyond the files."""
        ...

    def parts(self, stream: str) -> Sequence[Part]:
        """The files that together hold what was converted. Read them inside ``reading``."""
        ...

    def reading(self, streams: Iterable[str]) -> AbstractContextManager[None]:
        """Keep all files of these streams in place for a while."""
        ...
