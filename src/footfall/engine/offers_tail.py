"""Turns a stream into its batches since a moment, and then those that come: all partitions, in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from footfall.core.errors import DamagedBatch, OffsetOutOfRange
from footfall.core.events import SCHEMAS, Batch
from footfall.engine.logs import logger
from footfall.log.base import Chunk, Log, Place, Read

_ROWS: Final = 1_000
"""Read at a time: what is decoded together."""


class Tail:
    """Reads a stream on from the first event that was appended at ``since_ms`` or later. For one thread."""

    def __init__(self, log: Log, stream: str, *, since_ms: int) -> None:
        self._log = log
        self._stream = stream
        partitions = range(log.partitions(stream))
        self._places = {p: first_since(log, stream, p, since_ms=since_ms) for p in partitions}

    @property
    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it reads next, as ``Log.wait`` wants it."""
        return {(self._stream, partition): place for partition, place in self._places.items()}

    def take(self) -> Iterator[Chunk]:
        """All that has come since the last time, in turns of at most 1,000 events a partition.

        A partition's place moves on once whoever takes the chunks has done with them: when the work on one breaks
        off, or another partition cannot be read, nothing is lost, and some chunks may come again.

        Events that cannot be used, because their bytes are damaged, retention was faster or they are not of the
        stream's schema, are passed over and that is logged: the ones after them still come.
        """
        came = True
        while came:
            came = False
            for partition in self._places:
                read = self._read(partition)
                yield from (chunk for chunk in read.chunks if self._is_ours(chunk))
                self._places[partition] = read.place
                came = came or bool(read.chunks)

    def _read(self, partition: int) -> Read:
        while True:
            place = self._places[partition]
            try:
                return self._log.read(self._stream, partition, place, max_rows=_ROWS)
            except OffsetOutOfRange as error:
                self._pass_over(partition, self._log.place(self._stream, partition), why=str(error))
            except DamagedBatch as error:
                self._pass_over(partition, after_batch(self._log, self._stream, partition, place), why=str(error))

    def _pass_over(self, partition: int, place: Place, *, why: str) -> None:
        self._places[partition] = place
        logger().error("events_passed_over", stream=self._stream, partition=partition, error=why)

    def _is_ours(self, chunk: Chunk) -> bool:
        if _fits(chunk.batch, self._stream):
            return True
        where = {"stream": self._stream, "partition": chunk.partition, "offset": chunk.offset}
        logger().error("events_passed_over", **where, error="not of the stream's schema")
        return False


def after_batch(log: Log, stream: str, partition: int, place: Place) -> Place:
    """The place after the batch in which this one lies, whose rows cannot be read.

    Found by halving: reading the next batch from an offset before its first one is refused.
    """
    following, end = place.sequence + 1, log.place(stream, partition, at="latest")
    if following >= end.sequence:
        return end
    low, high = place.offset, end.offset
    while low < high:
        middle = (low + high) // 2
        try:
            log.read(stream, partition, Place(middle, following), max_rows=1)
        except OffsetOutOfRange:
            low = middle + 1
            continue
        except DamagedBatch:  # the next one, or one after it
            pass
        high = middle
    return Place(low, following)


def _fits(batch: Batch, stream: str) -> bool:
    """Whether the batch has what every batch of the stream has; columns that may be null may be missing."""
    names = set(batch.schema.names)
    return all(
        batch.schema.field(field.name).type.equals(field.type) if field.name in names else field.nullable
        for field in SCHEMAS[stream]
    )


def first_since(log: Log, stream: str, partition: int, *, since_ms: int) -> Place:
    """The place of the first event that was appended at this wall-clock time (ms) or later; else the end.

    Found by halving: a few events are read, however long the stream is. A clock that was set back while the stream
    was written moves the place by no more than the clock was moved.
    """
    low = log.place(stream, partition)
    end = log.place(stream, partition, at="latest")
    high = end.offset
    while low.offset < high:
        middle = (low.offset + high) // 2
        try:
            read = log.read(stream, partition, Place(middle, low.sequence), max_rows=1)
        except OffsetOutOfRange:  # retention was faster
            low = log.place(stream, partition)
            continue
        except DamagedBatch:
            return low
        if not read.rows or read.chunks[-1].appended_ms >= since_ms:
            high = middle
        else:
            low = read.place
    return low
