"""Turns two streams in time into pairs of rows whose times are near, and forgets rows as time passes them.

A row is kept until the watermark says that all its partners have come. A row so late that it need not be kept is
still joined with those that are, and put out by itself at once if it finds none: so does Flink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change, Flags, State, Times
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.join_pairs import Found, Pairs, Shape, slices, together
from footfall.processors.relational.key_runs import NO_KEY, KeyCodes
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.numbered_rows import Numbers
from footfall.processors.relational.rows import Compute, Kind, Rows
from footfall.processors.relational.timed_side import TimedSide

_WATERMARK: Final = "watermark"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalJoin:
    """Pairs with right time + ``lower`` <= left time <= right time + ``upper`` (ms), and equal keys."""

    left: pa.Schema
    right: pa.Schema
    output: pa.Schema
    """Columns of both, by their names."""
    kind: JoinKind = JoinKind.INNER
    """INNER, LEFT, RIGHT or FULL."""
    left_keys: tuple[str, ...] = ()
    right_keys: tuple[str, ...] = ()
    left_time: str
    right_time: str
    lower: int
    upper: int
    condition: Compute | None = None
    """What else must be true of a pair; it is given the columns of both."""

    @property
    def delay(self) -> int:
        """How far (ms) rows that it puts out can be behind the watermark, besides those that came late themselves."""
        return max(-self.lower, self.upper, 0)

    def start(self, state: State) -> RunningIntervalJoin:
        """The running join, from the state that was saved (empty at first)."""
        if self.kind in {JoinKind.SEMI, JoinKind.ANTI}:
            msg = f"an interval join cannot be {self.kind}"
            raise ValueError(msg)
        return RunningIntervalJoin(self, state)


class RunningIntervalJoin:
    """An interval join at work."""

    def __init__(self, settings: IntervalJoin, state: State) -> None:
        one = settings
        self._kind = one.kind
        self._index = KeyIndex([one.left.field(name).type for name in one.left_keys], "")
        self._sides = (
            TimedSide("left", one.left, one.left_keys, time=one.left_time, lower=-one.upper, upper=-one.lower),
            TimedSide("right", one.right, one.right_keys, time=one.right_time, lower=one.lower, upper=one.upper),
        )
        for side in self._sides:
            side.restore(state, self._index)
        self._pairs = Pairs(Shape.of(one.left, one.right, one.output), one.condition)
        self._watermark = max((b.column(0)[0].as_py() for b in state.get(_WATERMARK, ())), default=NO_TIME)
        self._saved_watermark = self._watermark

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:
        """Take the next rows of one side; the pairs that they make with rows that are kept."""
        if not len(rows):
            return []
        own, other = self._sides[side], self._sides[1 - side]
        times = own.times_of(rows.batch)
        codes = own.key_codes(self._index, rows.batch)
        found = self._found(rows, codes, times, side)
        if self._kind.keeps[1 - side] and len(found):
            met = np.unique(found.other)
            new = met[other.partners(met) == 0]
            other.meet(new, np.ones(len(new), dtype=np.int64))
        out = self._out(found, times, other)
        has = np.zeros(len(rows), dtype=np.bool_)
        has[found.own] = True
        kept = own.ends(times) > self._watermark
        if not self._kind.keeps[side]:
            self._keep(rows, codes, has, kept & (codes != NO_KEY), side)
            return out
        self._keep(rows, codes, has, kept, side)
        alone = np.flatnonzero(~kept & ~has)
        return [*out, *self._out(Found(rows, side, alone, np.full(len(alone), -1)), times, other)]

    def _found(self, rows: Rows, codes: KeyCodes, times: Times, side: int) -> Found:
        """The pairs of rows with those of the other side that are near in time."""
        own, other = self._sides[side], self._sides[1 - side]
        first, last = times + own.lower, times + own.upper
        here, there = other.places(codes, first, last)
        parts = []
        for begin, end in slices(other.by_key.count(here) + other.by_key.count(there)):
            some = [other.by_key.find(places[begin:end]) for places in (here, there)]
            positions = np.concatenate([found for found, _ in some]) + begin
            numbers = np.concatenate([found for _, found in some])
            near = other.times(numbers)
            fits = np.flatnonzero((near >= first[positions]) & (near <= last[positions]))
            fits = fits[np.lexsort((numbers[fits], positions[fits]))]
            parts.append(self._pairs.kept(Found(rows, side, positions[fits], numbers[fits]), other))
        return together(rows, side, parts)

    def _keep(self, rows: Rows, codes: KeyCodes, has: Flags, which: Flags, side: int) -> None:
        """Remember rows, and whether they found a partner."""
        if not which.all():
            rows, codes, has = rows.take(which), codes[which], has[which]
        if len(rows):
            numbers = self._sides[side].append(rows.batch, codes, now=rows.now)
            if self._kind.keeps[side]:
                self._sides[side].meet(numbers[has], np.ones(int(has.sum()), dtype=np.int64))

    def _out(self, found: Found, times: Times, other: TimedSide) -> list[Rows]:
        """Pairs as rows; their marks are below both their times."""
        if not len(found):
            return []
        rows = self._pairs.rows(found, Kind.INSERT, other, mark=NO_TIME)
        first = times[found.own]
        there = found.other >= 0
        first[there] = np.minimum(first[there], other.times(found.other[there]))
        return [replace(rows, marks=first - 1)]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Time has come so far: rows for which no partner can come any more go, and come out if they had none."""
        if watermark <= self._watermark:
            return []
        self._watermark = watermark
        out = []
        for side, own in enumerate(self._sides):
            passed = own.passed(watermark)
            if self._kind.keeps[side]:
                out += self._alone(passed[own.partners(passed) == 0], side, now)
            own.kill(passed)
        return out

    def _alone(self, numbers: Numbers, side: int, now: int) -> list[Rows]:
        own, other = self._sides[side], self._sides[1 - side]
        batch = pa.RecordBatch.from_pydict(own.take(numbers))
        times = own.times(numbers)
        rows = Rows(batch, times - 1, None, now)
        found = Found(rows, side, np.arange(len(numbers), dtype=np.int64), np.full(len(numbers), -1))
        return self._out(found, times, other)

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        tidied = [side.tidy() for side in self._sides]
        if any(tidied):
            used = np.unique(np.concatenate([side.live_codes for side in self._sides]))
            self._index.release_others(used[used != NO_KEY])
        found = [change for side in self._sides for change in side.changes()]
        if self._watermark != self._saved_watermark:
            self._saved_watermark = self._watermark
            found.append(Change(_WATERMARK, pa.RecordBatch.from_pydict({"ms": [self._watermark]}), reset=True))
        return found
