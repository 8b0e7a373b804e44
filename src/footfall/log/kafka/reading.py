"""Turns messages into chunks of events: decoded together, cut at the marks, without those that came before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import Message

from footfall.core.events import CLICKS, FAILED, RETRY, SHOWN, Batch
from footfall.log.base import Chunk, Place, Read, Unreadable
from footfall.log.codecs.base import Codec, Decoded
from footfall.log.kafka.fetching import Fetcher, Key
from footfall.log.kafka.marks import Mark, mark_of, offset_of
from footfall.log.kafka.topics import Topics

REMEMBERED: Final = 200_000
"""Events of a partition in which one that was written twice is recognised."""
_TIME: Final = "timestamp"
_LOOK_BACK: Final = 120_000
"""So many messages before the place are looked at when reading begins there: as many as one commit may write, and more,
since its marks are among them."""


@dataclass(slots=True)
class _Seen:
    """The ids of the events of a partition that were read lately."""

    next: int
    """The offset up to which they are known."""
    ids: OrderedDict[bytes, None]

    def without_repeats(self, batch: Batch) -> list[int] | None:
        """The rows that are new, and remembered from now on; None if all are."""
        ids: list[bytes] = batch.column("event_id").to_pylist()
        fresh = []
        for row, event_id in enumerate(ids):
            if event_id not in self.ids:
                self.ids[event_id] = None
                fresh.append(row)
        while len(self.ids) > REMEMBERED:
            self.ids.popitem(last=False)
        return None if len(fresh) == len(ids) else fresh


class Reader:
    """Reads streams. Threads share it."""

    def __init__(
        self, fetcher: Fetcher, topics: Topics, codec: Codec, *, schema: Callable[[str], pa.Schema | None]
    ) -> None:
        self._fetcher = fetcher
        self._topics = topics
        self._codec = codec
        self._schema = schema
        self._lock = threading.RLock()
        self._seen: dict[tuple[str, int], _Seen] = {}

    def read(self, stream: str, partition: int, place: Place, *, max_rows: int, before: int | None) -> Read:
        """See ``Log.read``."""
        key = (self._topics.topic(stream), partition)
        with self._lock:
            seen = self._seen_until(stream, partition, key, place.offset, whole=max_rows > 1)
            messages = self._fetch(key, place.offset, max_rows, before)
            if not messages:
                return Read((), place)
            chunks = self._chunks(stream, partition, messages)
            end = offset_of(messages[-1])
            if seen is not None:
                chunks = [_fresh(chunk, seen) for chunk in chunks]
                seen.next = end + 1
        return Read(chunks, Place(end + 1))

    def _fetch(self, key: Key, offset: int, rows: int, before: int | None) -> list[Message]:
        """Messages with at most so many events; a mark that follows the last one comes with it."""
        messages = self._fetcher.take(key, offset, rows, before=before)
        found = [*messages]
        missing = rows - events_in(messages)
        while messages and missing:
            offset = offset_of(found[-1]) + 1
            messages = self._more(key, offset, missing, before)
            found += messages
            missing -= events_in(messages)
        if found and not missing:
            offset = offset_of(found[-1]) + 1
            following = self._more(key, offset, 1, before)
            if following and following[0].value() is None:
                found += following
            else:
                self._fetcher.put_back(key, following)
        return found

    def _more(self, key: Key, offset: int, most: int, before: int | None) -> list[Message]:
        if before is not None and offset >= before:
            return []
        return self._fetcher.take_held(key, offset, most, before=before)

    def _seen_until(self, stream: str, partition: int, key: Key, offset: int, *, whole: bool) -> _Seen | None:
        """What was read lately before the offset, from the log if need be."""
        schema = self._schema(stream)
        if not whole or not remembers(stream) or schema is None or "event_id" not in schema.names:
            return None
        seen = self._seen.get((stream, partition))
        if seen is None or seen.next != offset:
            seen = self._seen[stream, partition] = _Seen(offset, OrderedDict())
            low, _ = self._fetcher.bounds(key)
            at = max(low, offset - _LOOK_BACK)
            while at < offset and (messages := self._fetcher.take(key, at, _LOOK_BACK, before=offset)):
                for chunk in self._chunks(stream, partition, messages):
                    seen.without_repeats(chunk.batch)
                at = offset_of(messages[-1]) + 1
        return seen

    # -- chunks -------------------------------------------------------------------------------------------

    def _chunks(self, stream: str, partition: int, messages: Sequence[Message]) -> list[Chunk]:
        values: list[Any] = list(map(Message.value, messages))
        sources = messages
        cuts: list[tuple[int, Mark, int]] = []
        if marks := [at for at, value in enumerate(values) if value is None]:
            for before, at in enumerate(marks):
                if (mark := mark_of(messages[at])) is not None:
                    cuts.append((at - before, mark, offset_of(messages[at])))
            sources = [message for message, value in zip(messages, values, strict=True) if value is not None]
            values = [value for value in values if value is not None]
        schema = self._schema(stream)
        if schema is None:
            return []
        keys = [source.key() for source in sources] if self._codec.name == "quix" else None
        decoded = _timed(self._codec.decode(stream, values, schema=schema, keys=keys), sources)
        offsets = np.fromiter(map(offset_of, sources), dtype=np.int64, count=len(sources))
        cutter = _Cutter(stream, partition, self._codec.name, decoded, offsets)
        chunks = [cutter.until(end, mark, at) for end, mark, at in cuts]
        if cutter.begun < len(values):
            chunks.append(cutter.until(len(values), Mark(None, sources[-1].timestamp()[1]), 0))
        return chunks


def _timed(decoded: Decoded, sources: Sequence[Message]) -> Decoded:
    """The events with the time of their message, where they do not say it themselves: others may leave it there."""
    place = decoded.batch.schema.get_field_index(_TIME)
    if place < 0 or not decoded.batch.column(place).null_count:
        return decoded
    times = decoded.batch.column(place)
    of_message = [sources[origin].timestamp()[1] for origin in decoded.origins.tolist()]
    filled = pc.coalesce(times, pa.array(of_message, pa.int64()).cast(times.type))
    return replace(decoded, batch=decoded.batch.set_column(place, decoded.batch.schema.field(place), filled))


class _Cutter:
    """Cuts what was decoded together into chunks."""

    def __init__(self, stream: str, partition: int, format: str, decoded: Decoded, offsets: np.ndarray) -> None:  # noqa: A002
        self._stream = stream
        self._partition = partition
        self._format = format
        self._decoded = decoded
        self._offsets = offsets
        self._bad = list(decoded.bad)
        self.begun = 0
        """The first message that is in no chunk yet."""

    def until(self, end: int, mark: Mark, at: int) -> Chunk:
        """The events of the messages up to one, which a mark at this offset follows."""
        decoded, begin = self._decoded, self.begun
        first, last = np.searchsorted(decoded.origins, (begin, end))
        rows = self._offsets[decoded.origins[first:last]]
        unreadable = []
        while self._bad and self._bad[0].index < end:
            bad = self._bad.pop(0)
            unreadable.append(Unreadable(int(self._offsets[bad.index]), bad.reason, bad.detail, bad.raw))
        self.begun = end
        together = not len(rows) or int(rows[-1] - rows[0]) == len(rows) - 1
        return Chunk(
            self._stream,
            self._partition,
            int(rows[0]) if len(rows) else int(self._offsets[begin]) if begin < end else at,
            decoded.batch.slice(first, last - first),
            mark.watermark,
            mark.appended_ms,
            row_offsets=None if together else rows,
            unreadable=unreadable,
            format=self._format,
        )


def events_in(messages: Sequence[Message]) -> int:
    """How many of them are not marks."""
    return len(messages) - list(map(Message.value, messages)).count(None)


def remembers(stream: str) -> bool:
    """Whether what comes twice on the stream is left out.

    Enrichment sorts clicks out itself, for good; failed events and shown offers say several things under one id.
    """
    return stream not in {CLICKS, FAILED, SHOWN} and not stream.endswith(RETRY)


def _fresh(chunk: Chunk, seen: _Seen) -> Chunk:
    rows = seen.without_repeats(chunk.batch)
    if rows is None:
        return chunk
    taken = pa.array(rows, pa.int64())
    return Chunk(
        chunk.stream,
        chunk.partition,
        chunk.offset,
        chunk.batch.take(taken),
        chunk.watermark,
        chunk.appended_ms,
        row_offsets=chunk.offsets[rows],
        unreadable=chunk.unreadable,
        format=chunk.format,
    )
