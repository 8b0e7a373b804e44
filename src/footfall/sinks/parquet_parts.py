"""Turns batches into one Parquet file, and a folder's file names into the offsets that they hold."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.events import Batch
from footfall.sinks.base import Part

GROUP: Final = 65_536
"""Rows a row group: what a writer holds in memory."""
_BOOKMARK: Final = b"footfall.bookmark"


class PartWriter:
    """Writes the next file of a partition; nothing is there until ``finish``."""

    def __init__(self, folder: Path, partition: int, first: int) -> None:
        self.folder, self.partition = folder, partition
        self.first = self.end = first
        self._file: Any = None
        self._writer: Any = None
        self._held: list[Batch] = []

    def add(self, batch: Batch) -> None:
        """Add events to the file. Batches of another schema than the first are adapted to it."""
        if batch.num_rows == 0:
            return
        self._held.append(batch)
        self.end += batch.num_rows
        if sum(held.num_rows for held in self._held) >= GROUP:
            self._flush()

    def finish(self, bookmark: int | None) -> None:
        """Make the file visible under its name, safely on disk."""
        self._flush()
        if self._writer is None:
            return
        if bookmark is not None:
            self._writer.add_key_value_metadata({_BOOKMARK: str(bookmark)})
        self._writer.close()
        self._writer = None
        self._file.flush()
        os.fsync(self._file.fileno())
        os.fchmod(self._file.fileno(), 0o444)
        self._file.close()
        name = f"part-{self.partition}-{self.first}-{self.end}.parquet"
        self._temporary.rename(self.folder / name)
        _sync(self.folder)

    def discard(self) -> None:
        """Leave nothing behind of a file that was not finished."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        return self.folder / f"part-{self.partition}-{self.first}.tmp"

    def _flush(self) -> None:
        if not self._held:
            return
        table = pa.Table.from_batches(self._held).unify_dictionaries()
        self._held = []
        if self._writer is None:
            self._file = self._temporary.open("wb")
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd", compression_level=1)
        self._writer.write_table(table.cast(self._writer.schema), row_group_size=GROUP)


def listed(folder: Path) -> list[Part]:
    """All files, by partition and first offset, the longest first."""
    found = []
    for path in folder.glob("part-*.parquet"):
        _, partition, first, end = path.stem.split("-")
        found.append(Part(int(partition), int(first), int(end), path))
    return sorted(found, key=lambda part: (part.partition, part.first, -part.end))


def effective(listed: Sequence[Part]) -> list[Part]:
    """Without the files that another one covers."""
    kept: list[Part] = []
    for part in listed:
        if not kept or kept[-1].partition != part.partition or part.first >= kept[-1].end:
            kept.append(part)
    return kept


def last(parts: Sequence[Part], partition: int) -> Part | None:
    """The newest file of a partition."""
    return max((part for part in parts if part.partition == partition), key=lambda part: part.end, default=None)


def runs(parts: Sequence[Part], small: int, large: int) -> Iterator[list[Part]]:
    """Neighbouring small files without a gap between them, at most ``large`` rows together."""
    run: list[Part] = []
    for part in parts:
        fits = run and part.first == run[-1].end and part.end - run[0].first <= large
        if run and not (fits and part.rows < small):
            yield run
            run = []
        if part.rows < small:
            run.append(part)
    if run:
        yield run


def bookmark(path: Path) -> int | None:
    """What the source noted for reading on after this file."""
    found = pq.read_metadata(path).metadata.get(_BOOKMARK)
    return None if found is None else int(found)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
