"""Turns rows into rows with the session that they are in, once it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import Change, State
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.row_store import RowStore
from footfall.processors.relational.rows import Rows
from footfall.processors.relational.session_aggregate import RunningSessions
from footfall.processors.relational.slices import Window, time_array

_SLACK: Final = 10_000


class RunningSessionTable(RunningSessions):
    """Rows wait in a store; for each it is known which slot its session has."""

    def __init__(self, *, window: Window, schema: pa.Schema, output: pa.Schema, state: State) -> None:
        self._store = RowStore(schema, "rows", state)
        self._ids = self._store.ids
        self._slots = self._restored(state)
        self._unsaved: list[tuple[Ints, Ints]] = []
        self._saved_rows = 0
        super().__init__(window=window, schema=schema, output=output, keys=window.partition, state=state)

    def _restored(self, state: State) -> Ints:
        """The slot of each row: that which was noted last."""
        slots = np.zeros(len(self._ids), dtype=np.int64)
        for batch in state.get("members", ()):
            ids, noted = batch.column("id").to_numpy(), batch.column("slot").to_numpy()
            here = np.isin(ids, self._ids)
            slots[np.searchsorted(self._ids, ids[here])] = noted[here]
        return slots

    def _make_room(self) -> None:
        self._open.grow(self._length)

    def _add(self, slots: Ints, rows: Rows) -> None:
        ids = self._store.add(rows.batch)
        self._ids, self._slots = np.concatenate([self._ids, ids]), np.concatenate([self._slots, slots])
        self._unsaved.append((ids, slots))

    def _merge(self, source: Ints, target: Ints) -> None:
        into = grown(np.arange(0), self._length)
        into[: self._length] = np.arange(self._length)
        into[source] = target
        moved = np.flatnonzero(into[self._slots] != self._slots)
        self._slots[moved] = into[self._slots[moved]]
        self._unsaved.append((self._ids[moved], self._slots[moved]))

    def _clear(self, slots: Ints) -> None:
        gone = np.isin(self._slots, slots)
        self._store.drop(self._ids[gone])
        self._ids, self._slots = self._ids[~gone], self._slots[~gone]

    def _closed(self, slots: Ints) -> Sequence[Rows]:
        """The rows of these sessions, by the session's end, then by arrival."""
        over = np.flatnonzero(np.isin(self._slots, slots))
        starts, ends = self._open["start"][self._slots[over]], self._open["end"][self._slots[over]]
        order = np.lexsort((self._ids[over], ends))
        starts, ends = starts[order], ends[order]
        if not len(order):
            return []
        kinds = [field.type for field in list(self._output)[-3:]]
        times = [time_array(time, kind) for time, kind in zip((starts, ends, ends - 1), kinds, strict=True)]
        columns = self._store.take(self._ids[over[order]]).columns
        return [Rows(shaped([*columns, *times], self._output), ends - 2)]

    def changes(self) -> Sequence[Change]:
        """Rows that came and went, and sessions that have changed."""
        return [*super().changes(), *self._store.changes(), *self._members()]

    def _members(self) -> list[Change]:
        if not self._unsaved:
            return []
        ids, slots = (np.concatenate([pair[side] for pair in self._unsaved]) for side in (0, 1))
        self._unsaved.clear()
        reset = self._saved_rows + len(ids) > 2 * len(self._ids) + _SLACK
        if reset:
            ids, slots, self._saved_rows = self._ids, self._slots, 0
        self._saved_rows += len(ids)
        return [Change("members", pa.RecordBatch.from_pydict({"id": pa.array(ids), "slot": pa.array(slots)}), reset)]

    def _saved(self, slots: Codes) -> dict[str, pa.Array]:  # noqa: ARG002 - rows are saved by themselves
        return {}
