"""Turns rows of windows into the first so many of each window and partition, once the window is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Change, State
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.ordering import Order, places_in, sort_keys
from footfall.processors.relational.row_store import RowStore
from footfall.processors.relational.rows import Rows
from footfall.processors.relational.slices import WINDOW, milliseconds
from footfall.processors.relational.window_clock import WindowClock

__all__ = ["Order", "WindowRank"]

_NEVER = 2**63 - 1
_SLACK = 10_000
"""So many rows are kept before a look at which of them can still be among the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRank:
    """The rows numbered ``first`` to ``last`` (from 1) in each window and partition; ties by arrival. All are inserts.

    The input must be inserts that have the window's columns. A row is late if its window was over by its mark.
    """

    input: pa.Schema
    output: pa.Schema
    """The input's columns, then that of the number if there is one."""
    partition: tuple[str, ...]
    order: tuple[Order, ...]
    first: int
    last: int
    number: str | None = None
    arrival: bool = False
    """Whether the windows are those of arrival: the clock closes them."""

    def start(self, state: State) -> RunningWindowRank:
        """The running operator."""
        return RunningWindowRank(self, state)


class RunningWindowRank:
    """Rows of windows that are not over."""

    def __init__(self, settings: WindowRank, state: State) -> None:
        self._settings = settings
        self._clock = WindowClock(state, arrival=settings.arrival)
        self._store = RowStore(settings.input, "rows", state)
        held = self._store.ids
        self._ids = held
        self._ends = self._ends_of(self._store.take(held, WINDOW[:2]))
        self._pruned = len(held)
        """How many rows there were after the last look."""

    @staticmethod
    def _ends_of(rows: Batch) -> Ints:
        return milliseconds(rows.column(WINDOW[1]))[0]

    @property
    def late(self) -> int:
        """Rows left out because their window was over."""
        return self._clock.late

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Keep rows that may be among the first."""
        ends, missing = milliseconds(rows.batch.column(WINDOW[1]))
        kept = self._clock.timely(ends - 1 > self._clock.marks(rows), missing)
        if kept is not None:
            rows, ends = rows.take(kept), ends[kept]
        order, places, _ = self._numbered(rows.batch, np.arange(len(rows)))
        best = np.sort(order[places < self._settings.last])
        ids = self._store.add(rows.batch.take(pa.array(best)))
        self._ids, self._ends = np.concatenate([self._ids, ids]), np.concatenate([self._ends, ends[best]])
        if len(self._ids) > 2 * self._pruned + _SLACK:
            self._prune()
        return []

    def _numbered(self, batch: Batch, arrival: Ints) -> tuple[Ints, Ints, Ints]:
        """The rows by group and order, the place of each there, and its group."""
        names = [*WINDOW[:2], *self._settings.partition]
        groups = KeyIndex([batch.schema.field(name).type for name in names], "").encode(batch, names)
        order, places = places_in(groups, sort_keys(batch, self._settings.order), arrival)
        return order, places, groups[order].astype(np.int64)

    def _needed(self) -> list[str]:
        """The columns that numbers depend on."""
        return [
            *dict.fromkeys([*WINDOW[:2], *self._settings.partition, *(item.column for item in self._settings.order)])
        ]

    def _prune(self) -> None:
        """Forget rows that cannot be among the first any more."""
        order, places, _ = self._numbered(self._store.take(self._ids, self._needed()), self._ids)
        kept = np.zeros(len(order), dtype=np.bool_)
        kept[order[places < self._settings.last]] = True
        self._store.drop(self._ids[~kept])
        self._ids, self._ends = self._ids[kept], self._ends[kept]
        self._pruned = len(self._ids)

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The first rows of the windows that are over, by the end of the window."""
        before, reached = self._clock.advance(watermark, now)
        if reached <= before or int(self._ends.min(initial=_NEVER)) - 1 > reached:
            return []
        over = self._ends - 1 <= reached
        ids, ends = self._ids[over], self._ends[over]
        self._ids, self._ends = self._ids[~over], self._ends[~over]
        self._pruned = min(self._pruned, len(self._ids))
        order, places, groups = self._numbered(self._store.take(ids, self._needed()), ids)
        wanted = (places >= self._settings.first - 1) & (places < self._settings.last)
        order, places, groups = order[wanted], places[wanted], groups[wanted]
        by_end = np.lexsort((places, groups, ends[order]))
        order, places = order[by_end], places[by_end]
        columns = self._store.take(ids[order]).columns
        if self._settings.number is not None:
            columns = [*columns, pa.array(places + 1)]
        self._store.drop(ids)
        if not len(order):
            return []
        return [Rows(shaped(columns, self._settings.output), ends[order] - 2)]

    def changes(self) -> Sequence[Change]:
        """Rows that came and went, and how far time has come."""
        return [*self._store.changes(), *self._clock.changes()]
