"""Turns batches into rows that stay: numbered from 0 as they come, and taken out again by number.

Batches are held as they are; only when rows are taken out are neighbours put together, each piece at least twice as
large as the next one. So rows that nobody asks for cost nothing, and others are copied a few times at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Flags

Numbers = npt.NDArray[np.int64]

_LARGEST: Final = 1 << 29
"""Pieces of more bytes are not put together: offsets of texts have 31 bits."""
_FACTOR: Final = 2


class NumberedRows:
    """Rows of one shape, by number."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pieces: list[Batch] = []
        self._starts: list[int] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, batch: Batch) -> None:
        """Add rows at the end."""
        if batch.num_rows:
            self._pieces.append(_slimmed(batch))
            self._starts.append(self._length)
            self._length += batch.num_rows

    def take(self, numbers: Numbers, names: Sequence[str] | None = None) -> dict[str, pa.Array]:
        """The columns of these rows, in this order; a row of NULLs for each number -1."""
        names = self._schema.names if names is None else names
        self._settle()
        if not self._pieces:
            return {name: pa.nulls(len(numbers), self._schema.field(name).type) for name in names}
        if len(self._pieces) == 1:
            piece, wanted = self._pieces[0], _indices(numbers, numbers < 0)
            return {name: piece.column(name).take(wanted) for name in names}
        return self._gathered(numbers, names)

    def _gathered(self, numbers: Numbers, names: Sequence[str]) -> dict[str, pa.Array]:
        """Rows from several pieces: each piece's by themselves, and then into their order."""
        where = np.searchsorted(self._starts, np.maximum(numbers, 0), side="right") - 1
        order = np.argsort(where, kind="stable")
        ends = np.searchsorted(where[order], np.arange(len(self._pieces) + 1))
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        parts: dict[str, list[pa.Array]] = {name: [] for name in names}
        for at, (piece, start) in enumerate(zip(self._pieces, self._starts, strict=True)):
            some = numbers[order[ends[at] : ends[at + 1]]]
            if len(some):
                wanted = _indices(some - start, some < 0)
                for name in names:
                    parts[name].append(piece.column(name).take(wanted))
        return {
            name: joined_columns(some, self._schema.field(name).type).take(pa.array(back))
            for name, some in parts.items()
        }

    def _settle(self) -> None:
        """Put pieces together, from the last one on, until each has twice the rows of the next one."""
        pieces = self._pieces
        while len(pieces) > 1:
            first = len(pieces) - 1
            rows, size = pieces[-1].num_rows, pieces[-1].nbytes
            while first and pieces[first - 1].num_rows < _FACTOR * rows and size + pieces[first - 1].nbytes < _LARGEST:
                first -= 1
                rows, size = rows + pieces[first].num_rows, size + pieces[first].nbytes
            if first == len(pieces) - 1:
                return
            pieces[first:] = [joined_batches(pieces[first:])]
            del self._starts[first + 1 :]

    def batches(self, start: int = 0) -> list[Batch]:
        """All rows from a number on, in order."""
        found = []
        for piece, first in zip(self._pieces, self._starts, strict=True):
            if first + piece.num_rows > start:
                found.append(piece.slice(max(start - first, 0)))
        return found


def joined_batches(batches: Sequence[Batch]) -> Batch:
    """Batches with the same columns as one; texts may be coded in some of them only."""
    if len(batches) == 1:
        return batches[0]
    names = batches[0].schema.names
    columns = [joined_columns([batch.column(name) for batch in batches]) for name in names]
    return pa.RecordBatch.from_arrays(columns, names=names)


def joined_columns(columns: Sequence[pa.Array], kind: pa.DataType | None = None) -> pa.Array:
    """Columns as one, in order; texts may be coded in some of them only. Without columns, none of type ``kind``."""
    if not columns:
        return pa.array([], type=kind)
    if len(columns) == 1:
        return columns[0]
    if any(column.type != columns[0].type for column in columns):
        columns = [plain(column) for column in columns]
    return pa.concat_arrays(columns)


def plain(column: pa.Array) -> pa.Array:
    """A column, its texts no longer coded."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def conformed(batch: Batch, schema: pa.Schema) -> Batch:
    """A batch with exactly the types of a schema: texts that are coded there, and no others."""
    if batch.schema.equals(schema, check_metadata=False):
        return batch
    columns = []
    for field in schema:
        column = batch.column(field.name)
        if column.type != field.type:
            coded = pa.types.is_dictionary(field.type)
            column = plain(column).dictionary_encode() if coded else plain(column).cast(field.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=schema.names)


def _slimmed(batch: Batch) -> Batch:
    """The batch without the dictionaries that hold more texts than it has rows."""
    if not any(_is_heavy(column) for column in batch.columns):
        return batch
    columns = [plain(column) if _is_heavy(column) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _is_heavy(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column)


def _indices(numbers: Numbers, missing: Flags) -> pa.Array:
    return pa.array(numbers, type=pa.int64(), mask=missing if missing.any() else None)
