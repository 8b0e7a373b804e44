"""Turns rows into one row a key and window, once the window is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes
from footfall.core.errors import UsageError
from footfall.processors.base import Change, State, Times
from footfall.processors.relational.accumulating import Accumulators
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.integers import IntegerIndex, Ints, Slots
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex, packed, unpacked
from footfall.processors.relational.rows import Rows, RunningRelation
from footfall.processors.relational.session_aggregate import RunningSessionAggregate
from footfall.processors.relational.slices import WINDOW, Slices, Window, milliseconds, times_of
from footfall.processors.relational.window_clock import WindowClock, closed_windows

__all__ = ["AggregateCall", "Window", "WindowAggregate"]

_NEVER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAggregate:
    """A row a key and window: the keys, the aggregates, then the window's begin, end and time. All are inserts.

    A window is over once the watermark has reached its last ms. A row is in those of its windows that were not over
    by the row's mark, and late if all were; ``late`` of the running operator counts such rows. A row without a time is
    in no window, and is counted by ``timeless``.
    """

    input: pa.Schema
    output: pa.Schema
    window: Window | None
    """None: the rows have the columns of a window of an earlier step."""
    keys: tuple[str, ...]
    aggregates: tuple[AggregateCall, ...]

    def __post_init__(self) -> None:
        """Check that sessions are those of the keys. Raises UsageError."""
        window = self.window
        if window is not None and window.kind == "SESSION" and {*window.partition} != {*self.keys}:
            raise UsageError(
                "Sessions are by other columns than the aggregates.",
                remedy="Group by what sessions are partitioned by.",
            )
        if window is not None and window.kind == "HOP" and window.size % window.slide:
            raise UsageError(
                f"The size of a HOP window ({window.size} ms) is no multiple of its step ({window.slide} ms).",
                remedy="Choose a size that is a multiple of the step.",
            )

    def start(self, state: State) -> RunningRelation:
        """The running operator."""
        if self.window is not None and self.window.kind == "SESSION":
            return RunningSessionAggregate(
                window=self.window,
                schema=self.input,
                output=self.output,
                keys=self.keys,
                aggregates=self.aggregates,
                state=state,
            )
        return RunningWindowAggregate(self, state)


class RunningWindowAggregate:
    """Windows that are cut by the clock, or that rows bring along.

    A cell is what is known of one key in one slice, or in one window that rows bring along.
    """

    def __init__(self, settings: WindowAggregate, state: State) -> None:
        self._settings = settings
        self._window = settings.window
        self._clock = WindowClock(state, arrival=self._window is not None and self._window.arrival)
        self._keys = KeyIndex([settings.input.field(name).type for name in settings.keys], "keys", state)
        self._known = Accumulators(settings.input, settings.aggregates, state, updating=False)
        self._slices = Slices()
        self._cells = IntegerIndex()
        self._journal = Journal("cells")
        self._due = -_NEVER
        """No window ends before this."""
        codes, saved = self._journal.restore(state)
        if saved is not None:
            first, second, keys = (saved.column(name).to_numpy() for name in ("first", "second", "key"))
            self._cells.restore(codes, packed(self._slices.add(first, second), keys))
            self._known.grow(len(self._cells))
            self._known.restore(codes, saved)

    @property
    def late(self) -> int:
        """Rows left out because all their windows were over."""
        return self._clock.late

    @property
    def timeless(self) -> int:
        """Rows left out because their time is NULL."""
        return self._clock.timeless

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Count rows that are not late."""
        first, second, ends, rows = self._placed(rows)
        if not len(rows):
            return []
        keys = self._keys.encode(rows.batch, self._settings.keys)
        cells = self._cells.add(packed(self._slices.add(first, second), keys))
        self._known.grow(len(self._cells))
        self._known.add(cells, None, rows.batch)
        self._journal.touch(cells)
        self._due = min(self._due, int(ends.min()))
        return []

    def _placed(self, rows: Rows) -> tuple[Times, Ints, Times, Rows]:
        """The two numbers of each row's slice, the end of its next window, and the rows: all that count."""
        marks = self._clock.marks(rows)
        if self._window is None:
            (first, missing), (last, _) = (milliseconds(rows.batch.column(name)) for name in WINDOW[:2])
            kept = self._clock.timely(last - 1 > marks, missing)
            return (first, last, last, rows) if kept is None else (first[kept], last[kept], last[kept], rows.take(kept))
        window = self._window
        times, missing = times_of(rows, window, self._clock.watermark)
        first = window.slices(times)
        next_ends, lasts = window.first_ends(first), window.last_ends(first)
        kept = self._clock.timely(lasts - 1 > marks, missing)
        if kept is not None:
            first, next_ends, marks, rows = first[kept], next_ends[kept], marks[kept], rows.take(kept)
        skips = np.maximum((marks + 1 - next_ends) // window.step + 1, 0)
        return first, skips, next_ends + skips * window.step, rows

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The windows that are over."""
        before, reached = self._clock.advance(watermark, now)
        if reached <= before or self._due - 1 > reached:
            return []
        cells = self._cells.codes()
        slices, keys = unpacked(self._cells.numbers[cells])
        first, second = self._slices.first[slices], self._slices.second[slices]
        if self._window is None:
            over = second - 1 <= reached
            found = self._output(cells[over], keys[over], first[over], second[over])
            self._forget(cells[over])
            self._due = int(second[~over].min(initial=_NEVER))
            return found
        found = self._closed(cells, keys, first, second, before, reached)
        lasts = self._window.last_ends(first)
        over = lasts - 1 <= reached
        self._forget(cells[over])
        self._due = int(self._window.next_ends(first[~over], second[~over], reached + 1).min(initial=_NEVER))
        return found

    def _closed(
        self, cells: Codes, keys: Codes, first: Times, skips: Ints, before: int, reached: int
    ) -> Sequence[Rows]:
        """The windows of these slices that are over now, and were not before."""
        assert self._window is not None  # noqa: S101 - the caller has looked
        places, ends = self._window.windows(first, skips, before + 1, reached + 1)
        if self._window.kind == "TUMBLE":
            return self._output(cells[places], keys[places], self._window.starts(ends), ends)
        order = np.argsort(first[places], kind="stable")
        places, ends = places[order], ends[order]
        last, nth = np.unique(ends, return_inverse=True)
        groups, target = np.unique(packed(nth.astype(np.int32), keys[places]), return_inverse=True)
        base = len(self._cells)
        scratch = np.arange(base, base + len(groups))
        self._known.grow(base + len(groups))
        self._known.merge(cells[places], base + target, keep=False)
        nth_of, key_of = unpacked(groups)
        found = self._output(scratch, key_of, self._window.starts(last[nth_of]), last[nth_of])
        self._known.clear(scratch)
        return found

    def _output(self, slots: Slots, keys: Codes, starts: Times, ends: Times) -> Sequence[Rows]:
        if not len(slots):
            return []
        order = np.lexsort((keys, starts, ends))
        slots, keys, starts, ends = slots[order], keys[order], starts[order], ends[order]
        return [
            closed_windows(self._settings.output, self._keys.columns(keys), self._known.results(slots), starts, ends)
        ]

    def _forget(self, cells: Codes) -> None:
        if not len(cells):
            return
        self._journal.touch(cells)
        self._known.clear(cells)
        self._cells.release(cells)
        slices, keys = unpacked(self._cells.numbers[self._cells.codes()])
        self._slices.keep(np.unique(slices))
        self._keys.release_others(np.unique(keys))

    def changes(self) -> Sequence[Change]:
        """Cells that have changed, and how far time has come."""
        cells = self._journal.changes(self._cells.is_live[: len(self._cells)], self._columns)
        return [*self._keys.changes(), *cells, *self._known.changes(), *self._clock.changes()]

    def _columns(self, cells: Codes) -> dict[str, pa.Array]:
        slices, keys = unpacked(self._cells.numbers[cells])
        own = {"first": self._slices.first[slices], "second": self._slices.second[slices], "key": keys}
        return {name: pa.array(column) for name, column in own.items()} | self._known.columns(cells)
