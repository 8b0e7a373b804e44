"""Turns custom events into the same without those that are in the log already.

Clicks that come twice are sorted out on their way (processors/dedupe.py). Nothing works on custom events, and a page
that is left sends its events by a beacon and then once more: so the intake writes each of them once. It remembers
the latest 100,000. An event is the same if its id, userId, name and properties are: nobody loses an event because
their ids are not as unique as they should be.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from footfall.core.errors import DamagedBatch, OffsetOutOfRange
from footfall.core.events import CUSTOM, Batch
from footfall.core.hashing import column_hashes, lanes_of, row_hashes
from footfall.engine.logs import logger
from footfall.log.base import Chunk, Log, Place

EVENTS: Final = 100_000
"""So many are remembered."""
_CONTENT: Final = ("userId", "name", "properties")
_ROWS: Final = 10_000
"""Read at a time: what is decoded together."""


class SeenCustom:
    """Which custom events are in the log: the latest ``capacity``. For one thread."""

    def __init__(self, log: Log, *, capacity: int = EVENTS) -> None:
        """Reads the end of the stream: at most ``capacity`` events a partition."""
        self._capacity = capacity
        self._keys: OrderedDict[int, None] = OrderedDict()
        written: list[tuple[int, list[int]]] = []
        for partition in range(log.partitions(CUSTOM)):
            written += [(c.appended_ms, _keys_of(c.batch)) for c in _end_of(log, partition, capacity)]
        for _, keys in sorted(written, key=lambda one: one[0]):
            self._remember(keys)

    def fresh(self, customs: Batch) -> Batch:
        """The events that are not in the log yet, each once, in their order (CUSTOM_SCHEMA). Remembers nothing."""
        keys = _keys_of(customs)
        first = {key: row for row, key in reversed([*enumerate(keys)])}
        rows = sorted(row for key, row in first.items() if key not in self._keys)
        return customs if len(rows) == len(keys) else customs.take(pa.array(rows, type=pa.int64()))

    def add(self, customs: Batch) -> None:
        """These are in the log now: for good, so not before the commit."""
        self._remember(_keys_of(customs))

    def _remember(self, keys: Iterable[int]) -> None:
        for key in keys:
            self._keys[key] = None
            self._keys.move_to_end(key)
        while len(self._keys) > self._capacity:
            self._keys.popitem(last=False)


def _keys_of(customs: Batch) -> list[int]:
    """A number of 64 bits for each event: two events have the same one if they are the same."""
    if not customs.num_rows:
        return []
    lanes = lanes_of(customs.column("event_id"))
    content = [column_hashes(_coded(customs.column(name))) for name in _CONTENT]
    keys: list[int] = row_hashes([lanes[:, 0], lanes[:, 1], *content]).tolist()
    return keys


def _coded(texts: pa.Array) -> pa.Array:
    return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()


def _end_of(log: Log, partition: int, rows: int) -> Iterator[Chunk]:
    """The last events of a partition, as far as they can be read: a damaged end must not stop those that come."""
    start, end = log.place(CUSTOM, partition), log.place(CUSTOM, partition, at="latest")
    place = Place(max(start.offset, end.offset - rows), start.sequence)
    while True:
        try:
            read = log.read(CUSTOM, partition, place, max_rows=_ROWS)
        except (DamagedBatch, OffsetOutOfRange) as error:
            logger().error("events_passed_over", stream=CUSTOM, partition=partition, error=str(error))
            return
        if not read.chunks:
            return
        yield from read.chunks
        place = read.place
