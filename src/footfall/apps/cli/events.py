"""Turns a stream's partitions into batches to print, and batches into lines.

Offsets order the events of one partition only; across partitions the time of the append decides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from footfall.apps.plain import plain, plain_json
from footfall.core.events import Batch, key_of
from footfall.core.hashing import partition_of
from footfall.log.base import Chunk, Log, Place
from footfall.log.codecs import json as flat
from footfall.log.codecs import quix

AT_A_TIME: Final = 1_000
"""Events read from a partition before the next one has its turn."""
WAIT: Final = 0.5


def onward(
    log: Log, stream: str, *, key: str | None, limit: int | None, at: str, follow: bool, stop: threading.Event
) -> Iterator[Batch]:
    """The events from a place on (``earliest`` or ``latest``), at most ``limit``; ``follow`` waits for more."""
    places = {number: log.place(stream, number, at=at) for number in partitions(log, stream, key)}
    left = limit
    while not stop.is_set():
        moved = False
        for number, place in places.items():
            read = log.read(stream, number, place, max_rows=AT_A_TIME if left is None else min(AT_A_TIME, left))
            moved = moved or bool(read.chunks)
            places[number] = read.place
            for chunk in read.chunks:
                batch = of_key(chunk.batch, stream, key)
                batch = batch if left is None else batch.slice(0, left)
                if batch.num_rows:
                    yield batch
                    left = None if left is None else left - batch.num_rows
                if left == 0:
                    return
        if moved:
            continue
        if not follow:
            return
        log.wait({(stream, number): place for number, place in places.items()}, timeout=WAIT)


def newest(log: Log, stream: str, *, key: str | None, limit: int) -> Iterator[Batch]:
    """The newest ``limit`` events there are, oldest first."""
    info = log.info(stream)
    found: list[tuple[int, int, Batch]] = []
    for number in partitions(log, stream, key):
        first = info.starts[number] if key is not None else max(info.starts[number], info.ends[number] - limit)
        chunks = last_rows(log, stream, number, Place(first), key=key, limit=limit)
        found.extend((chunk.appended_ms, number, chunk.batch) for chunk in chunks)
    found.sort(key=lambda one: one[:2])
    skip = max(0, sum(batch.num_rows for _, _, batch in found) - limit)
    for _, _, batch in found:
        if skip < batch.num_rows:
            yield batch.slice(skip)
        skip = max(0, skip - batch.num_rows)


def last_rows(log: Log, stream: str, partition: int, place: Place, *, key: str | None, limit: int) -> list[Chunk]:
    """The last ``limit`` events (of a key) of one partition."""
    kept: list[Chunk] = []
    rows = 0
    while (read := log.read(stream, partition, place, max_rows=100 * AT_A_TIME)).chunks:
        place = read.place
        for chunk in read.chunks:
            batch = of_key(chunk.batch, stream, key)
            if not batch.num_rows:
                continue
            kept.append(Chunk(stream, partition, chunk.offset, batch, chunk.watermark, chunk.appended_ms))
            rows += batch.num_rows
            while rows - kept[0].batch.num_rows >= limit:
                rows -= kept.pop(0).batch.num_rows
    return kept


def partitions(log: Log, stream: str, key: str | None) -> list[int]:
    """The partitions to look at: all, or that of the key."""
    count = log.partitions(stream)
    return list(range(count)) if key is None else [partition_of(key, count)]


def of_key(batch: Batch, stream: str, key: str | None) -> Batch:
    """The rows of this visitor (or username); all of them without a key, or where there are no visitors."""
    if key is None or (column := key_of(stream)) not in batch.schema.names:
        return batch
    return batch.filter(pc.equal(batch.column(column).cast(pa.string()), key))


class Printer:
    """Makes lines of batches: ``json``, ``quix`` or ``table``."""

    def __init__(self, style: str) -> None:
        self._style = style
        self._columns: list[str] = []

    def lines(self, batch: Batch) -> Iterator[str]:
        """The batch's events as lines."""
        match self._style:
            case "quix":
                yield from (plain_json(message.decode()) for message in quix.encode(batch))
            case "table":
                yield from self._table(batch)
            case _:
                yield from (plain_json(message.decode()) for message in flat.encode(batch))

    def _table(self, batch: Batch) -> Iterator[str]:
        if not self._columns:
            self._columns = list(batch.schema.names)
            yield "\t".join(map(cell, self._columns))
        for row in flat.rows(batch):
            yield "\t".join(cell(row.get(name)) for name in self._columns)


def cell(value: Any) -> str:
    """A value in a table: no tabs, line ends or other control characters in it."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text.replace("\t", " ").replace("\n", " ").replace("\r", " "))
