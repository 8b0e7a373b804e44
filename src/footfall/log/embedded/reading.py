"""Turns a place in a partition into checked chunks: one query, few reads, no copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from footfall.core.errors import DamagedBatch, FootfallError, OffsetOutOfRange
from footfall.core.events import Batch
from footfall.log.base import Chunk, Place, Read
from footfall.log.embedded.frames import batch_of, damaged
from footfall.log.embedded.manifest import FILE, Manifest, Row
from footfall.log.embedded.segments import DamagedBytes, Range, SegmentReader
from footfall.log.embedded.settings import EmbeddedSettings

_TOGETHER: Final = 4 * 1024 * 1024
"""Frames near one another are read in one go of at most this many bytes."""
_GAP: Final = 64 * 1024
"""Reading over a gap of this many bytes is cheaper than another system call."""

NAMED: Final = (
    "SELECT b.sequence, b.base_offset, b.rows, b.watermark, b.appended_ms, s.path, b.position, b.length, b.crc "
    "FROM batches b JOIN segments s ON s.id = b.segment WHERE b.stream = ? AND b.partition = ? "
)
_AHEAD: Final = "b.sequence >= ? AND b.base_offset + max(b.rows, 1) > ? "
_NEXT: Final = f"{NAMED} AND {_AHEAD} ORDER BY b.sequence LIMIT ?"
_ANY: Final = f"SELECT 1 FROM batches b WHERE b.stream = ? AND b.partition = ? AND {_AHEAD} LIMIT 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Named:
    """A batch as the manifest names it."""

    sequence: int
    base: int
    """The offset of its first row."""
    rows: int
    watermark: int | None
    appended_ms: int
    range: Range

    @property
    def after(self) -> Place:
        """The place after it."""
        return Place(self.base + self.rows, self.sequence + 1)


@dataclass(frozen=True, slots=True)
class Source:
    """A partition that is read."""

    stream: str
    number: int
    """Of the stream, in the manifest."""
    partition: int


class Reader:
    """Reads partitions. Safe to use from several threads."""

    def __init__(self, manifest: Manifest, segments: SegmentReader, settings: EmbeddedSettings) -> None:
        self._manifest = manifest
        self._segments = segments
        self._settings = settings
        self._half_read: dict[Source, tuple[Range, Batch]] = {}
        """The batch in whose middle the latest read of a partition ended; checked when it came from disk."""

    def anything(self, number: int, partition: int, place: Place) -> bool:
        """Whether there is something to read from this place on."""
        return self._manifest.one(_ANY, (number, partition, place.sequence, place.offset)) is not None

    def read(self, source: Source, place: Place, max_rows: int) -> Read:
        """The next chunks of a partition."""
        values = (source.number, source.partition, place.sequence, place.offset, self._settings.read_batches)
        named = [named_of(row) for row in self._manifest.rows_up_to(max_rows, 2, _NEXT, values)]
        if not named or named[0].base > place.offset:
            self._check_place(source, place, named)
        chunks: list[Chunk] = []
        try:
            for name, batch in self._batches(source, named):
                chunk, place = _cut(source, name, batch, place, max_rows)
                max_rows -= chunk.batch.num_rows
                chunks.append(chunk)
                if place.sequence == name.sequence:
                    self._half_read[source] = (name.range, batch)
        except DamagedBytes as error:
            if not chunks:
                raise self._reason(source, place, named[0], error) from error
        return Read(chunks, place)

    def _batches(self, source: Source, named: Sequence[Named]) -> Iterator[tuple[Named, Batch]]:
        """Each named batch with its rows, until enough bytes were read. DamagedBytes at a damaged one."""
        half = self._half_read.pop(source, None)
        if half is not None and named and half[0] == named[0].range:
            yield named[0], half[1]
            named = named[1:]
        budget = self._settings.read_bytes
        for run in _runs(named):
            if budget <= 0:
                return
            data = read_bytes(self._segments, [name.range for name in run])
            for name in run:
                yield name, decoded(data, name.range.position - run[0].range.position, name)
                budget -= name.range.length

    def _check_place(self, source: Source, place: Place, named: Sequence[Named]) -> None:
        """Raise what is wrong with a place at which no batch was found."""
        start, end = bounds(self._manifest, source.number, source.partition)
        if place.offset < start.offset:
            raise _out_of_range(source, place, f"retention removed it; the first offset is {start.offset}")
        if place.offset > end.offset:
            raise _out_of_range(source, place, f"the next event will have offset {end.offset}")
        if named and named[0].sequence > max(place.sequence, start.sequence):
            raise DamagedBatch(
                stream=source.stream,
                partition=source.partition,
                offset=place.offset,
                file=FILE,
                why=f"batch {place.sequence} is not in the manifest",
            )
        if named and named[0].base > place.offset:
            raise _out_of_range(source, place, f"batch {named[0].sequence} begins at offset {named[0].base}")

    def _reason(self, source: Source, place: Place, name: Named, error: DamagedBytes) -> FootfallError:
        start, _ = bounds(self._manifest, source.number, source.partition)
        if place.offset < start.offset:
            return _out_of_range(source, place, f"retention removed it; the first offset is {start.offset}")
        return damaged(source.stream, source.partition, name.base, name.range.path, error)


def named_of(row: Row) -> Named:
    """The batch that a row of ``NAMED`` names."""
    sequence, base, rows, watermark, appended_ms, *where = row
    return Named(sequence, base, rows, watermark, appended_ms, Range(*where))


def bounds(manifest: Manifest, number: int, partition: int) -> tuple[Place, Place]:
    """The first place of a partition, and the one after its last batch."""
    row = manifest.one(
        "SELECT start_offset, start_sequence, end_offset, end_sequence FROM partitions "
        "WHERE stream = ? AND partition = ?",
        (number, partition),
    )
    return (Place(row[0], row[1]), Place(row[2], row[3])) if row else (Place(), Place())


def read_bytes(segments: SegmentReader, ranges: Sequence[Range]) -> pa.Buffer:
    """The bytes of neighbouring ranges. Raises DamagedBytes if the file cannot be read."""
    try:
        return segments.read(ranges)
    except OSError as error:
        raise DamagedBytes(f"the file cannot be read ({error.strerror})") from error


def decoded(data: pa.Buffer, start: int, name: Named) -> Batch:
    """The batch whose bytes begin at ``start``, checked."""
    here = data.slice(min(start, data.size), min(name.range.length, max(data.size - start, 0)))
    return batch_of(here, name.range, name.rows)


def _cut(source: Source, name: Named, batch: Batch, place: Place, max_rows: int) -> tuple[Chunk, Place]:
    """What a read at ``place`` takes of a batch, and the place after it.

    The watermark comes with the last row: it speaks of what follows the whole batch.
    """
    begin = place.offset - name.base
    rows = min(name.rows - begin, max_rows)
    if begin < 0 or rows < 0:
        raise DamagedBytes(f"the manifest says that it begins at offset {name.base}, the one before ends elsewhere")
    whole = begin + rows == name.rows
    piece = batch if rows == name.rows else batch.slice(begin, rows)
    watermark = name.watermark if whole else None
    chunk = Chunk(source.stream, source.partition, place.offset, piece, watermark, name.appended_ms)
    return chunk, name.after if whole else Place(place.offset + rows, name.sequence)


def _runs(named: Sequence[Named]) -> Iterator[list[Named]]:
    """Neighbours in one segment, to be read together."""
    run: list[Named] = []
    for name in named:
        if run and not _near(run, name):
            yield run
            run = []
        run.append(name)
    if run:
        yield run


def _near(run: Sequence[Named], name: Named) -> bool:
    first, last, here = run[0].range, run[-1].range, name.range
    return here.path == last.path and 0 <= here.position - last.end <= _GAP and here.end - first.position <= _TOGETHER


def _out_of_range(source: Source, place: Place, why: str) -> OffsetOutOfRange:
    return OffsetOutOfRange(
        f"Offset {place.offset} of {source.stream}-{source.partition} is not in the log: {why}.",
        remedy="Read from an offset that is there, or from 'earliest' or 'latest'.",
    )
