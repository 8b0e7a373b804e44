"""Turns rows that must be kept as they are into batches that grow together, and finds them again by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import joined

_SLACK: Final = 10_000
_ID: Final = "id"


@dataclass(slots=True)
class _Chunk:
    ids: Ints
    batch: Batch
    alive: Flags

    def packed(self) -> _Chunk:
        """Without what was dropped."""
        kept = np.flatnonzero(self.alive)
        return _Chunk(self.ids[kept], self.batch.take(pa.array(kept)), np.ones(len(kept), dtype=np.bool_))


class RowStore:
    """Rows with numbers that rise as they come, until they are dropped. Coded texts are kept plain."""

    def __init__(self, schema: pa.Schema, table: str, state: State) -> None:
        self.schema = pa.schema([(field.name, _plain(field.type)) for field in schema])
        self._table = table
        self._chunks: list[_Chunk] = []
        self._next = 0
        self._added: list[tuple[Ints, Batch]] = []
        self._gone: list[Ints] = []
        self._saved_rows = 0
        self._restore(state)

    def add(self, batch: Batch) -> Ints:
        """Keep these rows; their numbers."""
        ids = np.arange(self._next, self._next + batch.num_rows)
        self._next += batch.num_rows
        if len(ids):
            columns = [
                column if column.type == field.type else column.cast(field.type)
                for column, field in zip(batch.columns, self.schema, strict=True)
            ]
            plain = pa.RecordBatch.from_arrays(columns, schema=self.schema)
            self._added.append((ids, plain))
            self._chunks.append(_Chunk(ids, plain, np.ones(len(ids), dtype=np.bool_)))
            self._settle()
        return ids

    def _settle(self) -> None:
        """Join small chunks, so that there are only a few: each is less than half of the one before."""
        while len(self._chunks) > 1 and 2 * len(self._chunks[-1].ids) > len(self._chunks[-2].ids):
            one, other = self._chunks[-2].packed(), self._chunks[-1].packed()
            self._chunks[-2:] = [
                _Chunk(
                    np.concatenate([one.ids, other.ids]),
                    joined([one.batch, other.batch]),
                    np.concatenate([one.alive, other.alive]),
                )
            ]

    def take(self, ids: Ints, columns: Sequence[str] | None = None) -> Batch:
        """Rows by their numbers, in this order; all columns, or some."""
        names = self.schema.names if columns is None else list(columns)
        parts, places = [], []
        begins = [chunk.ids[0] if len(chunk.ids) else self._next for chunk in self._chunks]
        of = np.searchsorted(np.array(begins, dtype=np.int64), ids, side="right") - 1
        for number, chunk in enumerate(self._chunks):
            here = np.flatnonzero(of == number)
            if len(here):
                at = np.searchsorted(chunk.ids, ids[here])
                parts.append(chunk.batch.select(names).take(pa.array(at)))
                places.append(here)
        if not parts:
            return pa.RecordBatch.from_pylist([], schema=pa.schema([self.schema.field(name) for name in names]))
        order = np.argsort(np.concatenate(places))
        whole = joined(parts)
        return whole if len(parts) == 1 else whole.take(pa.array(order))

    def drop(self, ids: Ints) -> None:
        """Forget rows."""
        if not len(ids):
            return
        self._gone.append(ids)
        for place, chunk in enumerate(self._chunks):
            at = np.searchsorted(chunk.ids, ids)
            at[at == len(chunk.ids)] = 0
            if len(chunk.ids):
                chunk.alive[at[chunk.ids[at] == ids]] = False
            if 2 * np.count_nonzero(chunk.alive) < len(chunk.ids):
                self._chunks[place] = chunk.packed()
        self._chunks = [chunk for chunk in self._chunks if len(chunk.ids)]

    @property
    def ids(self) -> Ints:
        """The numbers of all rows, rising."""
        held = [chunk.ids[chunk.alive] for chunk in self._chunks]
        return np.concatenate(held) if held else np.zeros(0, dtype=np.int64)

    def changes(self) -> list[Change]:
        """Rows that came, and numbers of those that went, since the last call."""
        if not self._added and not self._gone:
            return []
        gone = np.concatenate(self._gone) if self._gone else np.zeros(0, dtype=np.int64)
        ids = np.concatenate([ids for ids, _ in self._added]) if self._added else gone[:0]
        fresh = ~np.isin(ids, gone)
        held = self.ids
        reset = self._saved_rows + int(fresh.sum()) + len(gone) > 2 * len(held) + _SLACK
        if reset:
            rows, gone = _numbered(held, self.take(held)), gone[:0]
            self._saved_rows = len(held)
        else:
            added = joined([batch for _, batch in self._added]) if self._added else self.take(gone[:0])
            rows = _numbered(ids[fresh], added.take(pa.array(np.flatnonzero(fresh))))
            gone = gone[~np.isin(gone, ids)]
            self._saved_rows += rows.num_rows + len(gone)
        self._added.clear()
        self._gone.clear()
        dropped = pa.RecordBatch.from_pydict({_ID: pa.array(gone)})
        return [Change(self._table, rows, reset), Change(f"{self._table}_gone", dropped, reset)]

    def _restore(self, state: State) -> None:
        batches = [batch for batch in state.get(self._table, ()) if batch.num_rows]
        gone = [batch.column(_ID).to_numpy() for batch in state.get(f"{self._table}_gone", ()) if batch.num_rows]
        if not batches:
            return
        whole = joined(batches)
        ids = whole.column(_ID).to_numpy()
        self._next = int(ids.max()) + 1
        self._saved_rows = len(ids) + sum(map(len, gone))
        kept = np.flatnonzero(~np.isin(ids, np.concatenate(gone))) if gone else np.arange(len(ids))
        if len(kept):
            columns = [whole.column(f"column{place}") for place in range(len(self.schema))]
            batch = pa.RecordBatch.from_arrays(columns, schema=self.schema).take(pa.array(kept))
            self._chunks = [_Chunk(ids[kept], batch, np.ones(len(kept), dtype=np.bool_))]


def _numbered(ids: Ints, rows: Batch) -> Batch:
    columns = {f"column{place}": column for place, column in enumerate(rows.columns)}
    return pa.RecordBatch.from_pydict({_ID: pa.array(ids), **columns})


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
