"""Turns streams into Parquet files, a folder a day of event time (UTC), each event exactly once.

A stream's folder holds ``day=2026-11-25/part-<partition>-<from>-<to>.parquet`` (``to`` is excluded): the events of that
day in a range of offsets. A range's files are staged, whole and synced; then the manifest names all of them, and where
to go on, at once; then they move into their folders. So a range counts as a whole or not at all, and what any tool
finds in the folders of days is committed. Small files wait for others of their day, and are put together while only we
read them: a file in a day's folder is never changed and never deleted.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import Failure, Unavailable
from footfall.core.events import Batch
from footfall.sinks.base import Gap, Part, Refreshed, Source, Span
from footfall.sinks.parquet.days import by_day
from footfall.sinks.parquet.files import name_of, stage, table_of
from footfall.sinks.parquet.locks import lock_to_read, nobody_reading, writing
from footfall.sinks.parquet.manifest import (
    STAGED,
    Held,
    Manifest,
    Progress,
    path_of,
    read_manifest,
    sync,
    write_manifest,
)
from footfall.sinks.parquet.merging import Patience, settled
from footfall.sinks.parquet.publishing import publish, remove_leftovers
from footfall.sinks.parquet.seen import LOOK_BACK, Seen

_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large files become, in rows."""

    held: int = 262_144
    """The most of a range, which is what a conversion holds in memory; one read more may come on top."""
    patience: Patience = field(default_factory=Patience)
    look_back: int = LOOK_BACK
    """Offsets in which a repetition is looked for."""


class ParquetWarehouse:
    """Parquet files in one directory, a folder a stream. Safe to use from several processes."""

    def __init__(self, directory: Path, *, limits: Limits = Limits(), clock: Clock = _CLOCK) -> None:
        self.directory = directory
        self._limits = limits
        self._clock = clock

    def parts(self, stream: str) -> list[Part]:
        """The files that together hold the converted events, by partition and offset.

        Read them inside ``reading``, or one may be replaced by a larger one in between.
        """
        folder = self.directory / stream
        files = sorted(read_manifest(folder).files, key=lambda one: (one.partition, one.first, one.day))
        return [Part(one.partition, one.first, one.end, one.day, one.rows, path_of(folder, one)) for one in files]

    def refresh(self, source: Source) -> Refreshed:
        """Convert what the stream has beyond the files. A second process waits until the first is through."""
        folder = self.directory / source.name
        with _errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with writing(folder):
                writer = _Writer(folder, source, self._limits, self._clock, read_manifest(folder))
                return writer.refresh()

    @contextmanager
    def reading(self, streams: Iterable[str]) -> Iterator[None]:
        """Keep all files of these streams in place for a while."""
        folders = sorted({self.directory / stream for stream in streams})
        with _errors(self.directory):
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            locks = [lock_to_read(folder) for folder in folders]
        try:
            yield
        finally:
            for lock in locks:
                os.close(lock)


@dataclass(slots=True)
class _Range:
    """Consecutive events of a partition that become files together."""

    first: int
    end: int
    bookmark: int | None
    batches: list[Batch] = field(default_factory=list)
    rows: int = 0

    def add(self, span: Span) -> None:
        """The next events."""
        self.batches += [batch for batch in span.batches if batch.num_rows]
        self.rows += sum(batch.num_rows for batch in span.batches)
        self.end, self.bookmark = span.end, span.bookmark


@dataclass(slots=True)
class _Writer:
    """The one writer of a stream's folder, for one refresh."""

    folder: Path
    source: Source
    limits: Limits
    clock: Clock
    manifest: Manifest
    rows: int = 0

    def refresh(self) -> Refreshed:
        """Convert what is new, and publish what has waited long enough."""
        self._publish()
        before = frozenset(self.manifest.files)
        gaps = [self._convert(partition, *bounds) for partition, bounds in enumerate(self.source.bounds())]
        self._settle(self.manifest, before)
        return Refreshed(self.rows, tuple(gap for gap in gaps if gap))

    def _convert(self, partition: int, start: int, end: int) -> Gap | None:
        before = self.manifest.progress.get(partition)
        done = before.end if before else 0
        if done > end:
            raise Failure(
                f"The warehouse holds {self.source.name}-{partition} up to offset {done}, but the log ends at {end}.",
                remedy=f"The log was replaced: delete {self.folder}; it is made again from the log.",
            )
        gap = Gap(partition, done, start) if start > done else None
        if done < end:
            known = before is not None and not gap
            self._ranges(partition, Progress(done, before.bookmark) if known and before else Progress(start, None))
        return gap

    def _ranges(self, partition: int, at: Progress) -> None:
        """Everything from there on, cut into ranges."""
        seen = self._seen(partition, at.end) if self.source.repeats else None
        held = _Range(at.end, at.end, at.bookmark)
        for span in self.source.read(partition, at.end, at.bookmark):
            if span.offset != held.end:
                raise Failure(f"{self.source.name}-{partition} was read at {span.offset} instead of {held.end}.")
            held.add(span)
            if held.rows >= self.limits.held:
                self._commit(partition, held, seen)
                held = _Range(held.end, held.end, held.bookmark)
        if held.end > held.first:
            self._commit(partition, held, seen)

    def _seen(self, partition: int, end: int) -> Seen:
        own = [one for one in self.manifest.files if one.partition == partition]
        return Seen(self.folder, own, end=end, look_back=self.limits.look_back)

    def _commit(self, partition: int, held: _Range, seen: Seen | None) -> None:
        """Stage the range's files, one a day, name them in the manifest, and publish those that need not wait."""
        added = []
        table = table_of(held.batches) if held.batches else None
        if table is not None and seen is not None:
            table = seen.new(table, end=held.end)
        if table is not None and table.num_rows:
            added = [self._stage(partition, held, day, rows) for day, rows in by_day(table)]
        self._settle(self.manifest.after(partition, Progress(held.end, held.bookmark), added), None)
        self.rows += sum(one.rows for one in added)

    def _stage(self, partition: int, held: _Range, day: str, rows: pa.Table) -> Held:
        one = Held(
            partition=partition,
            first=held.first,
            end=held.end,
            day=day,
            rows=rows.num_rows,
            name=name_of(partition, held.first, held.end),
        )
        stage(self.folder, one, [rows])
        return one

    def _settle(self, manifest: Manifest, before: Collection[Held] | None) -> None:
        """Put waiting files together, commit, and publish; nothing if all is as it was."""
        manifest = settled(self.folder, manifest, self.limits.patience, now_ms=self.clock.now_ms(), before=before)
        if manifest == self.manifest:
            return
        if manifest.files:
            sync(self.folder / STAGED)
        write_manifest(self.folder, manifest)
        self.manifest = manifest
        self._publish()

    def _publish(self) -> None:
        """Tidy up, unless one of ours reads just now: then it is done the next time."""
        with nobody_reading(self.folder) as alone:
            if alone:
                publish(self.folder, self.manifest)
                remove_leftovers(self.folder, self.manifest)


@contextmanager
def _errors(place: Path) -> Iterator[None]:
    """The operating system's and Parquet's errors as ours."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The warehouse at {place} cannot be written: {error}.", remedy="Check the disk's space and the rights."
        ) from error
    except pa.ArrowInvalid as error:
        raise Failure(
            f"The warehouse at {place} has a damaged file: {error}.",
            remedy="Delete this folder: it is made again from what the log keeps.",
        ) from error
