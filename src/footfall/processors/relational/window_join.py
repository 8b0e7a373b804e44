"""Turns rows of windows of two streams into pairs of the same window, once it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change, State
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.join_pairs import Found, Pairs, Shape
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.key_runs import NO_KEY
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.numbered_rows import Numbers
from footfall.processors.relational.rows import Compute, Kind, Rows
from footfall.processors.relational.slices import milliseconds
from footfall.processors.relational.window_clock import WindowClock

_NOBODY: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowJoin:
    """Pairs of rows of the same window with equal keys, once the window is over. All are inserts.

    The inputs must be inserts. A row is late, and left out, if its window was over by its mark.
    """

    left: pa.Schema
    right: pa.Schema
    output: pa.Schema
    """Columns of both, by their names; of a SEMI or ANTI join the left's."""
    kind: JoinKind = JoinKind.INNER
    left_keys: tuple[str, ...] = ()
    """Equal to ``right_keys``, one by one, in each pair; NULL equals nothing."""
    right_keys: tuple[str, ...] = ()
    left_window: tuple[str, str]
    """The columns that hold the window's begin and end."""
    right_window: tuple[str, str]
    condition: Compute | None = None
    """What else must be true of a pair; it is given the columns of both."""

    def start(self, state: State) -> RunningWindowJoin:
        """The running join, from the state that was saved (empty at first)."""
        return RunningWindowJoin(self, state)


class RunningWindowJoin:
    """Rows of windows that are not over."""

    def __init__(self, settings: WindowJoin, state: State) -> None:
        one = settings
        self._kind = one.kind
        self._ends = (one.left_window[1], one.right_window[1])
        keys = (*one.left_keys, *one.left_window), (*one.right_keys, *one.right_window)
        self._index = KeyIndex([one.left.field(name).type for name in keys[0]], "")
        self._sides = (
            JoinSide("left", one.left, keys[0], time=self._ends[0]),
            JoinSide("right", one.right, keys[1], time=self._ends[1]),
        )
        for side in self._sides:
            side.restore(state, self._index)
        self._pairs = Pairs(Shape.of(one.left, one.right, one.output), one.condition)
        self._clock = WindowClock(state, arrival=False)

    @property
    def late(self) -> int:
        """Rows left out because their window was over."""
        return self._clock.late

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:
        """Keep rows of windows that are not over."""
        ends, missing = milliseconds(rows.batch.column(self._ends[side]))
        kept = self._clock.timely(ends - 1 > self._clock.marks(rows), missing)
        if kept is not None:
            rows = rows.take(kept)
        if len(rows):
            own = self._sides[side]
            own.append(rows.batch, own.key_codes(self._index, rows.batch), now=rows.now)
        return []

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The pairs of the windows that are over, by the end of the window; then the rows of the right by themselves.

        The rows of such a window have all come: whoever has found no partner now never will.
        """
        before, reached = self._clock.advance(watermark, now)
        if reached <= before:
            return []
        left, right = (side.until(reached + 1) for side in self._sides)
        out = self._joined(left, right, now) if len(left) or len(right) else []
        for side, over in zip(self._sides, (left, right), strict=True):
            side.kill(over)
        return out

    def _joined(self, left: Numbers, right: Numbers, now: int) -> list[Rows]:
        mine, theirs = self._sides
        batch = pa.RecordBatch.from_pydict(mine.take(left))
        rows = Rows(batch, mine.times(left) - 2, None, now)
        found = self._pairs.of_batch(rows, mine.codes(left), own=0, other=theirs)
        if self._kind in {JoinKind.SEMI, JoinKind.ANTI}:
            return self._out(found.alone(self._kind is JoinKind.SEMI))
        lonely = np.setdiff1d(right, found.other) if self._kind.keeps[1] else right[:0]
        return self._out(found.padded(self._kind.keeps[0]).then(lonely))

    def _out(self, found: Found) -> list[Rows]:
        """Pairs as rows; their marks are below the time of their window."""
        if not len(found):
            return []
        rows = self._pairs.rows(found, Kind.INSERT, self._sides[1], mark=NO_TIME)
        alone = np.flatnonzero(found.own == _NOBODY)
        rows.marks[alone] = self._sides[1].times(found.other[alone]) - 2
        order = np.argsort(rows.marks, kind="stable")
        return [replace(rows.take(order), now=found.rows.now)]

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        tidied = [side.tidy() for side in self._sides]
        if any(tidied):
            used = np.unique(np.concatenate([side.live_codes for side in self._sides]))
            self._index.release_others(used[used != NO_KEY])
        return [*(change for side in self._sides for change in side.changes()), *self._clock.changes()]
