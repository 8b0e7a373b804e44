"""Turns a stream of the log into what the warehouse reads from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from footfall.core.events import SCHEMAS, is_internal
from footfall.log.base import Log, Place
from footfall.sinks.base import Source, Span

_ROWS = 65_536  # a read


class LogSource:
    """One stream of a log, to its end as of now."""

    def __init__(self, log: Log, stream: str, schema: pa.Schema) -> None:
        self.name = stream
        self.schema = schema
        self.repeats = log.repeats
        self._log = log

    def bounds(self) -> Sequence[tuple[int, int]]:
        """First and next offset of each partition."""
        info = self._log.info(self.name)
        return list(zip(info.starts, info.ends, strict=True))

    def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
        """The events from an offset on; bookmarks are the log's sequence numbers."""
        if bookmark is None:
            place = self._log.place(self.name, partition)
        else:
            place = Place(offset, bookmark)
        while (read := self._log.read(self.name, partition, place, max_rows=_ROWS)).chunks:
            batches = [chunk.batch for chunk in read.chunks]
            yield Span(place.offset, batches, read.place.sequence, read.place.offset)
            place = read.place


def log_sources(log: Log) -> list[Source]:
    """All streams of a log that have a known shape, but those that are of use to Footfall alone."""
    names = [info.name for info in log.streams() if not is_internal(info.name)]
    return [LogSource(log, name, schema) for name in names if (schema := schema_of(log, name))]


def schema_of(log: Log, stream: str) -> pa.Schema | None:
    """A stream's columns: a built-in one's, or those of the first batch that another one holds."""
    if stream in SCHEMAS:
        return SCHEMAS[stream]
    for partition in range(len(log.info(stream).starts)):
        read = log.read(stream, partition, log.place(stream, partition), max_rows=1)
        for chunk in read.chunks:
            return chunk.batch.schema
    return None
