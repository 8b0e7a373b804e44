"""Turns rows that wait for their time into those whose time has come; they can be kept after that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State, Times
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.kept_rows import KeptRows

_MARK: Final = "#mark"
_EPOCH: Final = "#epoch"
_TIME: Final = "#time"


class WaitingRows:
    """Rows with the code of their key, their time, and the watermark when they came. Places are those in the arrays."""

    def __init__(self, schema: pa.Schema, state: State) -> None:
        extra = [pa.field(name, pa.int64()) for name in (_TIME, _MARK, _EPOCH)]
        self._names = list(schema.names)
        self._store = KeptRows(pa.schema([*schema, *extra]), "rows", state)
        self.ids: Ints = self._store.ids
        saved = self._store.take(self.ids, [_TIME, _MARK, _EPOCH])
        self.times, self.marks, self.epochs = (column.to_numpy() for column in saved.columns)
        self.codes: Codes = np.zeros(len(self.ids), dtype=np.int32)
        self.done: Flags = np.zeros(len(self.ids), dtype=np.bool_)
        """Which have been put out, and are kept all the same."""

    def restored(self, codes: Callable[[Batch], Codes], reached: int | None) -> None:
        """Say what is not saved: the codes of keys, and that all up to this watermark are out (None: all are)."""
        self.codes = codes(self._store.take(self.ids, self._names))
        self.done = np.ones(len(self.ids), dtype=np.bool_) if reached is None else self._passed(reached)

    def _passed(self, watermark: int) -> Flags:
        """A late row comes out when the watermark rises next."""
        passed: Flags = (self.times <= watermark) & (self.marks < watermark)
        return passed

    def add(self, batch: Batch, codes: Codes, times: Times, marks: Times, epochs: Ints) -> Ints:
        """Keep rows; their places."""
        first = len(self.ids)
        columns = [*batch.columns, *map(pa.array, (times, marks, epochs))]
        ids = self._store.add(pa.RecordBatch.from_arrays(columns, names=[*self._names, _TIME, _MARK, _EPOCH]))
        self.ids = np.concatenate([self.ids, ids])
        self.codes = np.concatenate([self.codes, codes])
        self.times = np.concatenate([self.times, times])
        self.marks = np.concatenate([self.marks, marks])
        self.epochs = np.concatenate([self.epochs, epochs])
        self.done = np.concatenate([self.done, np.zeros(len(ids), dtype=np.bool_)])
        return np.arange(first, len(self.ids))

    def due(self, watermark: int) -> Ints:
        """The places of those that are to come out now."""
        return np.flatnonzero(~self.done & self._passed(watermark))

    def of(self, code: int, epoch: int) -> tuple[Times, Times]:
        """The times and marks of the rows of a key and epoch that are not out."""
        own = (self.codes == code) & (self.epochs == epoch) & ~self.done
        return self.times[own], self.marks[own]

    def out_marks(self, places: Ints) -> Times:
        """The watermark just before these came out: below their time, if they were not late themselves."""
        marks: Times = np.maximum(self.times[places] - 1, self.marks[places])
        return marks

    def take(self, places: Ints, columns: Sequence[str] | None = None) -> Batch:
        """Rows by their places."""
        return self._store.take(self.ids[places], self._names if columns is None else columns)

    def drop(self, places: Ints) -> None:
        """Forget rows; the places of the others change."""
        if not len(places):
            return
        self._store.drop(self.ids[places])
        kept = np.ones(len(self.ids), dtype=np.bool_)
        kept[places] = False
        self.ids, self.codes, self.done = self.ids[kept], self.codes[kept], self.done[kept]
        self.times, self.marks, self.epochs = self.times[kept], self.marks[kept], self.epochs[kept]

    def changes(self) -> list[Change]:
        """Rows that came and went."""
        return self._store.changes()
