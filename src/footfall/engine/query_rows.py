"""Turns rows that a query puts out into events of their stream: each gets its id and its partition.

An id is made of the query, the commit and the row itself, and of how many equal rows come before it in the commit. So a
commit that is done again gives the same rows the same ids, in whatever order they come, and no other row ever gets one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from footfall.core.events import EVENT_ID, Batch
from footfall.core.hashing import (
    ABSENT,
    U64,
    column_hashes,
    ids_of,
    mix,
    partition_of,
    row_hashes,
    text_hash,
    text_hashes,
)
from footfall.log.base import Append, Log

_ID: Final = "event_id"


class Made(Protocol):
    """Rows for a stream, or to be shown (``stream`` None)."""

    @property
    def stream(self) -> str | None: ...

    @property
    def batch(self) -> Batch:
        """With ``timestamp``; an ``event_id`` in it is replaced."""
        ...

    @property
    def key(self) -> str | None:
        """The column that decides on the partition."""
        ...


def appends_of(made: Sequence[Made], log: Log, *, stem: str) -> list[Append]:
    """What brings the rows of one commit to their streams. ``stem`` names the commit, and no other one."""
    found: list[Append] = []
    for stream in dict.fromkeys(one.stream for one in made if one.stream is not None):
        own = [one for one in made if one.stream == stream]
        for one, batch in zip(own, _with_ids([one.batch for one in own], f"{stem} {stream}"), strict=True):
            found += _by_partition(batch, stream, one.key, log.partitions(stream))
    return found


def _with_ids(batches: Sequence[Batch], stem: str) -> Iterator[Batch]:
    plain = [batch.drop_columns([_ID]) if _ID in batch.schema.names else batch for batch in batches]
    columns = [[value_hashes(column) for column in batch.columns] for batch in plain]
    hashes = [row_hashes(numbers) for numbers in columns]
    before = np.split(_equal_before(np.concatenate(hashes)), np.cumsum([len(one) for one in hashes])[:-1])
    name = np.uint64(text_hash(stem))
    for batch, numbers, count in zip(plain, columns, before, strict=True):
        ids = ids_of([np.full(batch.num_rows, name), *numbers, count])
        yield batch.append_column(pa.field(_ID, EVENT_ID, nullable=False), ids)


def _equal_before(hashes: U64) -> U64:
    """For each row how many equal ones come before it."""
    order = np.argsort(hashes, kind="stable")
    begins = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order[:1]]))
    counts = np.empty(len(hashes), dtype=np.uint64)
    counts[order] = np.arange(len(hashes)) - np.repeat(begins, np.diff(np.append(begins, len(hashes))))
    return counts


def value_hashes(column: pa.Array) -> U64:
    """A number a row, whatever the type: equal values have equal ones."""
    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind):
        return column_hashes(column.dictionary_encode())
    if pa.types.is_dictionary(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return column_hashes(column)
    if pa.types.is_floating(kind):
        bits: U64 = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False).view(np.uint64)
        return np.where(column.is_null().to_numpy(zero_copy_only=False), np.uint64(ABSENT), mix(bits))
    return text_hashes(None if value is None else repr(value) for value in column.to_pylist())


def _by_partition(batch: Batch, stream: str, key: str | None, partitions: int) -> Iterator[Append]:
    """Rows without a key are in the first partition."""
    if key is None or partitions == 1:
        yield Append(stream, 0, batch)
        return
    of_row = _partitions(batch.column(key), partitions)
    for number in np.unique(of_row).tolist():
        yield Append(stream, number, batch.take(pa.array(np.flatnonzero(of_row == number))))


def _partitions(keys: pa.Array, partitions: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    coded = keys if pa.types.is_dictionary(keys.type) else keys.dictionary_encode()
    texts = [None if value is None else str(value) for value in coded.dictionary.to_pylist()]
    numbers = np.array([0 if text is None else partition_of(text, partitions) for text in texts] + [0])
    codes = coded.indices.fill_null(len(numbers) - 1).to_numpy(zero_copy_only=False)
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = numbers[codes]
    return found
