"""Turns two change streams into the changes of their join: all pairs of rows with equal keys, now and later.

Both sides are kept. What a batch comes to is computed as a whole: first its own additions and removals are weighed up,
then what disappears is put out (``-D``), and then what appears (``+I``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import Change, Flags, State
from footfall.processors.relational.join_pairs import Found, Pairs, Shape
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.numbered_rows import Numbers
from footfall.processors.relational.rows import Compute, Kind, Rows

_NOTHING: Final = np.zeros(0, dtype=np.int64)


class JoinKind(StrEnum):
    """Which rows without a partner stay."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"
    SEMI = "SEMI"
    """Rows of the left that have a partner; output is the left's."""
    ANTI = "ANTI"
    """Rows of the left that have none; output is the left's."""

    @property
    def keeps(self) -> tuple[bool, bool]:
        """Whether rows of the left and of the right come out without a partner, too."""
        return self in {JoinKind.LEFT, JoinKind.FULL}, self in {JoinKind.RIGHT, JoinKind.FULL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A regular join: any row meets any other one, however far apart they come."""

    left: pa.Schema
    right: pa.Schema
    output: pa.Schema
    """Columns of both, by their names; of a SEMI or ANTI join the left's."""
    kind: JoinKind = JoinKind.INNER
    left_keys: tuple[str, ...] = ()
    """Equal to ``right_keys``, one by one, in each pair; NULL equals nothing.

    Without keys, every row of one side meets every row of the other.
    """
    right_keys: tuple[str, ...] = ()
    condition: Compute | None = None
    """What else must be true of a pair; it is given the columns of both."""
    ttl: int | None = None
    """How long (ms, by ``Rows.now``) a row is remembered; None: for ever."""

    def start(self, state: State) -> RunningJoin:
        """The running join, from the state that was saved (empty at first)."""
        return RunningJoin(self, state)


class RunningJoin:
    """A regular join at work."""

    def __init__(self, settings: Join, state: State) -> None:
        self._settings = settings
        self._index = KeyIndex([settings.left.field(name).type for name in settings.left_keys], "")
        self._sides = (
            JoinSide("left", settings.left, settings.left_keys, ttl=settings.ttl),
            JoinSide("right", settings.right, settings.right_keys, ttl=settings.ttl),
        )
        for side in self._sides:
            side.restore(state, self._index)
        only_left = settings.kind in {JoinKind.SEMI, JoinKind.ANTI}
        self._counted = (only_left or settings.kind.keeps[0], settings.kind.keeps[1])
        self._pairs = Pairs(Shape.of(settings.left, settings.right, settings.output), settings.condition)

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:
        """Take the next rows of one side; the pairs that appear and disappear."""
        if not len(rows):
            return []
        own, other = self._sides[side], self._sides[1 - side]
        for each in self._sides:
            each.expire(rows.now)
        gone, added = _NOTHING, rows
        removes = rows.removes
        if removes is not None and removes.any():
            gone, stay = own.net(rows.batch, removes)
            added = rows.take(stay)
        lost = self._lose(gone, rows, side)
        codes = own.key_codes(self._index, added.batch)
        new = self._pairs.of_batch(added, codes, own=side, other=other)
        numbers = own.append(added.batch, codes, now=rows.now)
        out = self._output(lost, new, numbers, side, mark=int(rows.marks[0]))
        own.kill(gone)
        return out

    def _lose(self, gone: Numbers, rows: Rows, side: int) -> Found:
        own, other = self._sides[side], self._sides[1 - side]
        columns = own.take(gone)
        batch = pa.RecordBatch.from_pydict(columns)
        marks = np.full(len(gone), rows.marks[0])
        return self._pairs.of_batch(Rows(batch, marks, None, rows.now), own.codes(gone), own=side, other=other)

    def _output(self, lost: Found, new: Found, numbers: Numbers, side: int, *, mark: int) -> list[Rows]:
        own, other = self._sides[side], self._sides[1 - side]
        if self._counted[side]:
            partners = np.bincount(new.own, minlength=len(numbers))
            own.meet(numbers[partners > 0], partners[partners > 0])
        begun = ended = _NOTHING
        if self._counted[1 - side]:
            begun, ended = _meet(other, lost.other, new.other)
        kind = self._settings.kind
        if kind in {JoinKind.SEMI, JoinKind.ANTI}:
            found = self._of_left(lost, new, begun, ended, side)
        else:
            own_kept, other_kept = kind.keeps[side], kind.keeps[1 - side]
            less = lost.padded(own_kept).then(begun if other_kept else _NOTHING)
            more = new.padded(own_kept).then(ended if other_kept else _NOTHING)
            found = [(less, Kind.DELETE), (more, Kind.INSERT)]
        return [self._pairs.rows(some, what, other, mark=mark) for some, what in found if len(some)]

    def _of_left(self, lost: Found, new: Found, begun: Numbers, ended: Numbers, side: int) -> list[tuple[Found, Kind]]:
        """Of a SEMI or ANTI join: left rows, by whether they have a partner."""
        semi = self._settings.kind is JoinKind.SEMI
        if side == 0:
            return [(lost.alone(semi), Kind.DELETE), (new.alone(semi), Kind.INSERT)]
        appear, disappear = (begun, ended) if semi else (ended, begun)
        return [(lost.none().then(disappear), Kind.DELETE), (new.none().then(appear), Kind.INSERT)]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a regular join waits for no time
        """Forget what is too old."""
        for side in self._sides:
            side.expire(now)
        return []

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        tidied = [side.tidy() for side in self._sides]
        if any(tidied):
            used = np.unique(np.concatenate([side.live_codes for side in self._sides]))
            self._index.release_others(used[used >= 0])
        return [change for side in self._sides for change in side.changes()]


def _meet(side: JoinSide, lost: Numbers, new: Numbers) -> tuple[Numbers, Numbers]:
    """Count the partners of rows anew; those that have their first now, and those that lost their last."""
    if not len(lost) and not len(new):
        return _NOTHING, _NOTHING
    touched, of = np.unique(np.concatenate([new, lost]), return_inverse=True)
    signs = np.repeat(np.array([1, -1]), [len(new), len(lost)])
    change = np.bincount(of, weights=signs, minlength=len(touched)).astype(np.int64)
    before = side.partners(touched)
    moved: Flags = change != 0
    side.meet(touched[moved], change[moved])
    return touched[(before == 0) & (change > 0)], touched[(before > 0) & (before + change == 0)]
