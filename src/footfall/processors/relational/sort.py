"""Turns rows of a stream into rows in the order of time, once time has passed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.processors.base import Change, State
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.late_rows import LateRows
from footfall.processors.relational.ordering import Order, sort_keys
from footfall.processors.relational.rows import Rows
from footfall.processors.relational.slices import milliseconds
from footfall.processors.relational.waiting import WaitingRows
from footfall.processors.relational.window_clock import WindowClock

__all__ = ["Order", "Sort"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """All rows by ``order``, ties by arrival: each once the watermark has reached its time.

    The input must be inserts. A row is late, and left out, if one of its time or later is out already.
    """

    output: pa.Schema
    """Also the input's."""
    order: tuple[Order, ...]
    """The first is the time, ascending."""

    def start(self, state: State) -> RunningSort:
        """The running operator."""
        return RunningSort(self, state)


class RunningSort:
    """Rows that wait for their time."""

    def __init__(self, settings: Sort, state: State) -> None:
        self._settings = settings
        self._time = settings.order[0].column
        self._clock = WindowClock(state, arrival=False)
        self._late = LateRows(state, span=None)
        self._late.grow(1)
        self._waiting = WaitingRows(settings.output, state)
        self._waiting.restored(lambda batch: np.zeros(batch.num_rows, dtype=np.int32), self._clock.watermark)

    @property
    def late(self) -> int:
        """Rows left out because later ones were out already."""
        return self._clock.late

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Keep rows."""
        times, missing = milliseconds(rows.batch.column(self._time))
        marks = self._clock.marks(rows)
        codes = np.zeros(len(rows), dtype=np.int32)
        timely, _ = self._late.take(codes, times, marks, self._waiting.of)
        kept = self._clock.timely(timely, missing)
        if kept is not None:
            rows, codes, times, marks = rows.take(kept), codes[kept], times[kept], marks[kept]
        self._waiting.add(rows.batch, codes, times, marks, np.zeros_like(times))
        return []

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The rows that time has passed, in their order."""
        before, reached = self._clock.advance(watermark, now)
        due = self._waiting.due(reached) if reached > before else np.zeros(0, dtype=np.int64)
        if not len(due):
            return []
        held = self._waiting
        self._late.advance(reached, held.codes[due], held.times[due], held.epochs[due])
        batch, marks, ids = held.take(due), held.out_marks(due), held.ids[due]
        keys = sort_keys(batch, self._settings.order)
        order = np.lexsort((ids, *reversed(keys), marks))
        held.drop(due)
        return [Rows(shaped(batch.take(pa.array(order)).columns, self._settings.output), marks[order], None, now)]

    def changes(self) -> Sequence[Change]:
        """Rows that came and went, and how far time has come."""
        late = self._late.changes(np.ones(1, dtype=np.bool_))
        return [*self._waiting.changes(), *late, *self._clock.changes()]
