"""Turns a stream into its batches since a moment, and then those that come: all partitions, in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from footfall.core.errors import DamagedBatch, OffsetOutOfRange
from footfall.engine.logs import logger
from footfall.log.base import Chunk, Log, Place

_ROWS: Final = 1_000
"""Read at a time: what is decoded together."""


class Tail:
    """Reads a stream on from the first event that was appended at ``since_ms`` or later. For one thread."""

    def __init__(self, log: Log, stream: str, *, since_ms: int) -> None:
        self._log = log
        self._stream = stream
        partitions = range(log.info(stream).settings.partitions)
        self._places = {p: first_since(log, stream, p, since_ms=since_ms) for p in partitions}

    @property
    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it reads next, as ``Log.wait`` wants it."""
        return {(self._stream, partition): place for partition, place in self._places.items()}

    def take(self) -> list[Chunk]:
        """What has come since the last time, at most 1,000 events a partition; nothing: that was all.

        Events that cannot be read, because their bytes are damaged or retention was faster, are passed over and
        that is logged: the ones after them still come.
        """
        return [chunk for partition in self._places for chunk in self._of(partition)]

    def _of(self, partition: int) -> Sequence[Chunk]:
        while True:
            try:
                read = self._log.read(self._stream, partition, self._places[partition], max_rows=_ROWS)
            except (DamagedBatch, OffsetOutOfRange) as error:
                at = "latest" if isinstance(error, DamagedBatch) else "earliest"
                self._places[partition] = self._log.place(self._stream, partition, at=at)
                logger().error("events_passed_over", stream=self._stream, partition=partition, error=str(error))
            else:
                self._places[partition] = read.place
                return read.chunks


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
