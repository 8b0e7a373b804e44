"""Turns failed events of a user's function, corrected or not, into work for the function: each of them once.

They wait in a stream of the function's own (``NAME.retry``), as records of ``failed-events``, in the partition
that holds the state of their key. There the function reads them, after what it has seen of its own stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
import pyarrow as pa

from footfall.core.errors import OffsetOutOfRange
from footfall.core.events import RETRY, SCHEMAS, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.engine.failed import REPLAYED, FailedEvent, StillWrong
from footfall.log.base import Log, Place, StreamSettings
from footfall.log.codecs import json as flat
from footfall.log.codecs.rows import BadMessage

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
"""Names that a stream may have."""


def retry_stream(function: str) -> str:
    """The stream in which events wait to be handed to the function again."""
    return f"{function if _PLAIN.fullmatch(function) else id_from_text(function).hex()}{RETRY}"


def make_retry_stream(log: Log, function: str, stream: str) -> str:
    """Make the retry stream of a function over ``stream``, cut like it. What waits there is never removed."""
    name = retry_stream(function)
    log.create(name, StreamSettings(partitions=log.partitions(stream), keep_for=None))
    return name


def place_of(event: FailedEvent) -> tuple[str, int]:
    """The stream and the partition in which the event stands."""
    stream, _, partition = event.source.rpartition("-")
    return stream, int(partition)


def corrected(event: FailedEvent, raw: bytes) -> FailedEvent:
    """The event as it is to be handed over: with this row, but under the id it always had.

    Raises StillWrong, saying what is wrong, when the row is no event of its stream.
    """
    if raw != event.raw:
        row, before = object_of(raw), object_of(event.raw)
        row |= {name: before[name] for name in ("event_id",) if name in before}
        schema = SCHEMAS.get(place_of(event)[0])
        raw = msgspec.json.encode(row)
        raw = raw if schema is None else flat.encode(_decoded(raw, schema))[0]
    return replace(event, status=REPLAYED, raw=raw)


def partition_for(event: FailedEvent, partitions: int) -> int:
    """Where the state of its key is: where it came from, unless a correction has made it another visitor's."""
    stream, partition = place_of(event)
    visitor = object_of(event.raw).get("userId")
    return partition if stream not in SCHEMAS or visitor is None else partition_of(visitor, partitions)


def object_of(raw: bytes) -> dict[str, Any]:
    """The row as a function for one event is handed it. Raises StillWrong when it is not a JSON object."""
    row = flat.parse(raw, index=0)
    if not isinstance(row, Mapping):
        raise StillWrong(row.detail if isinstance(row, BadMessage) else "not a JSON object")
    return dict(row)


def batch_of(log: Log, event: FailedEvent) -> Batch:
    """The row as a function for batches is handed it. Raises StillWrong when the columns cannot hold it."""
    return _decoded(event.raw, SCHEMAS.get(place_of(event)[0]) or _schema(log, event))


def _decoded(raw: bytes, schema: pa.Schema) -> Batch:
    batch, bad = flat.decode([raw], schema)
    if bad:
        raise StillWrong(bad[0].detail)
    return batch


def _schema(log: Log, event: FailedEvent) -> pa.Schema:
    """The columns of the batch that the event stood in, or of the oldest that its stream still holds."""
    stream, partition = place_of(event)
    try:
        read = log.read(stream, partition, Place(event.line or 0), max_rows=1)
    except OffsetOutOfRange:
        read = log.read(stream, partition, log.place(stream, partition), max_rows=1)
    if not read.chunks:
        raise StillWrong(f"{event.source} holds no events any more that would tell its columns")
    return read.chunks[0].batch.schema
