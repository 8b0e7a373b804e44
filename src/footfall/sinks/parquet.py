"""Turns streams into Parquet files that are named for the offsets they hold, each event exactly once.

A stream's folder holds ``part-<partition>-<from>-<to>.parquet`` (``to`` is excluded). A file is written under
another name, synced and renamed: so it is whole or not there, and its name says where to go on. When small
files were put together, the result covers them: a file inside another one's range counts for nothing, and is
deleted as soon as no query reads it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.errors import Failure, Unavailable
from footfall.sinks.base import Gap, Part, Refreshed, Source
from footfall.sinks.parquet_parts import GROUP, PartWriter, bookmark, effective, last, listed, runs

LARGE: Final = 1_000_000
"""A file is closed when it holds this many rows."""
SMALL: Final = 100_000
"""Files below this many rows are put together …"""
MANY: Final = 32
"""… when a partition has more of them than this."""


class ParquetWarehouse:
    """Parquet files in one directory, a folder a stream. Safe to use from several processes."""

    def __init__(self, directory: Path, *, large: int = LARGE, small: int = SMALL, many: int = MANY) -> None:
        self.directory = directory
        self._large, self._small, self._many = large, small, many

    def parts(self, stream: str) -> list[Part]:
        """The files that together hold the converted events, by partition and offset, without overlap.

        Read them inside ``reading``, or one may be replaced by a larger one in between.
        """
        return effective(listed(self.directory / stream))

    def refresh(self, source: Source) -> Refreshed:
        """Convert what the stream has beyond the files. A second process waits until the first is through."""
        folder = self.directory / source.name
        with _errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder / "writer.lock", fcntl.LOCK_EX):
                for torn in folder.glob("*.tmp"):
                    torn.unlink()
                parts = effective(listed(folder))
                rows, gaps = 0, []
                for partition, (start, end) in enumerate(source.bounds()):
                    added, gap = self._convert(source, partition, last(parts, partition), (start, end))
                    rows += added
                    gaps += [gap] if gap else []
                self._coalesce(folder)
                _drop_covered(folder)
        return Refreshed(rows, tuple(gaps))

    @contextmanager
    def reading(self, streams: Iterable[str]) -> Iterator[None]:
        """Keep all files of these streams in place for a while."""
        folders = sorted({self.directory / stream for stream in streams})
        with _errors(self.directory):
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            locks = [_lock(folder / "readers.lock", fcntl.LOCK_SH) for folder in folders]
        try:
            yield
        finally:
            for lock in locks:
                os.close(lock)

    def _convert(
        self, source: Source, partition: int, newest: Part | None, bounds: tuple[int, int]
    ) -> tuple[int, Gap | None]:
        start, end = bounds
        done = newest.end if newest else 0
        if done > end:
            raise Failure(
                f"The warehouse holds {source.name}-{partition} up to offset {done}, but the log ends at {end}.",
                remedy=f"The log was replaced: delete {self.directory / source.name}; it is made again from the log.",
            )
        gap = Gap(partition, done, start) if start > done else None
        if done >= end:
            return 0, gap
        offset, mark = (start, None) if gap or newest is None else (done, bookmark(newest.path))
        writer = PartWriter(self.directory / source.name, partition, offset)
        try:
            for span in source.read(partition, offset, mark):
                if span.offset != writer.end:
                    raise Failure(f"{source.name}-{partition} was read at {span.offset} instead of {writer.end}.")
                for batch in span.batches:
                    writer.add(batch)
                if writer.end - writer.first >= self._large:
                    writer.finish(span.bookmark)
                    writer = PartWriter(writer.folder, partition, span.end)
                mark = span.bookmark
            writer.finish(mark)
        finally:
            writer.discard()
        return writer.end - offset, gap

    def _coalesce(self, folder: Path) -> None:
        parts = effective(listed(folder))
        for _, own in groupby(parts, key=lambda part: part.partition):
            several = list(own)
            if sum(part.rows < self._small for part in several) > self._many:
                for run in runs(several, self._small, self._large):
                    _merge(folder, run)


def _merge(folder: Path, run: Sequence[Part]) -> None:
    if len(run) < 2:
        return
    writer = PartWriter(folder, run[0].partition, run[0].first)
    try:
        for part in run:
            with pq.ParquetFile(part.path) as file:
                for batch in file.iter_batches(GROUP):
                    writer.add(batch)
        writer.finish(bookmark(run[-1].path))
    finally:
        writer.discard()


def _drop_covered(folder: Path) -> None:
    """Delete the files that another one covers, unless somebody is reading."""
    everything = listed(folder)
    covered = set(everything) - set(effective(everything))
    if not covered:
        return
    try:
        lock = _lock(folder / "readers.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    try:
        for part in covered:
            part.path.unlink()
    finally:
        os.close(lock)


def _lock(path: Path, how: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, how)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    handle = _lock(path, how)
    try:
        yield
    finally:
        os.close(handle)


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
            remedy="Delete this folder: it is made again from the log.",
        ) from error
