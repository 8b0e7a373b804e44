"""Turns what a user's function returns into batches of its stream: with time, key, and ids that never vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.core.errors import Failure
from footfall.core.events import EVENT_ID, TIME, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.log.base import Append


def finished_events(returned: Any, *, stem: str, event: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Events of the function's, with what it did not say itself. Their ids follow from ``stem``."""
    made = [returned] if isinstance(returned, Mapping) else list(returned or ())
    finished = []
    for index, out in enumerate(made):
        if not isinstance(out, Mapping):
            raise TypeError(f"returned {out!r:.80}; an event is a dict")
        given = {"timestamp": event.get("timestamp"), key: event.get(key)} | dict(out)
        identity = id_from_text(f"{stem} {index}")
        finished.append({"timestamp": given.pop("timestamp"), "event_id": identity, **given})
    return finished


def finished_batch(returned: Any, *, stem: str, batch: Batch) -> list[Batch]:
    """The same for what a function made of a batch: it, or nothing if it is empty."""
    if returned is None:
        return []
    if not isinstance(returned, pa.RecordBatch):
        raise TypeError(f"returned {type(returned).__name__}; it must be a pyarrow.RecordBatch, or None")
    names = returned.schema.names
    if "timestamp" not in names:
        times = [batch.column("timestamp")[-1]] * returned.num_rows
        returned = returned.append_column("timestamp", pa.array(times, type=TIME))
    if "event_id" not in names:
        ids = [id_from_text(f"{stem} {row}") for row in range(returned.num_rows)]
        returned = returned.append_column("event_id", pa.array(ids, type=EVENT_ID))
    return [returned] if returned.num_rows else []


def events_batch(rows: Sequence[Mapping[str, Any]], function: str) -> Batch:
    """Events as a batch; columns are those of all of them, types as their values suggest."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    arrays = []
    for column in columns:
        kind = {"timestamp": TIME, "event_id": EVENT_ID}.get(column)
        try:
            arrays.append(pa.array([row.get(column) for row in rows], type=kind))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            raise Failure(
                f"What the function {function!r} returned as {column!r} cannot be one column: {error}.",
                remedy="Return values of one type; nothing was put out, so mend the function and start again.",
            ) from error
    return pa.RecordBatch.from_arrays(arrays, names=columns)


def split(batch: Batch, stream: str, *, key: str, partitions: int) -> Iterable[Append]:
    """The batch over the partitions of its stream, by key."""
    if key not in batch.schema.names:
        yield Append(stream, 0, batch)
        return
    numbers = np.array([partition_of(str(value), partitions) for value in batch.column(key).to_pylist()])
    for partition in np.unique(numbers).tolist():
        yield Append(stream, partition, batch.take(pa.array(np.flatnonzero(numbers == partition))))
