"""Turns rows into how often each group holds each value: for DISTINCT, and for what comes back when a row goes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import Change, State
from footfall.processors.relational.integers import IntegerIndex, Ints, Slots
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex, packed, unpacked


class Turns(NamedTuple):
    """Values that a group has now and had not before (sign 1), or has no more (-1)."""

    slots: Slots
    signs: Ints
    codes: Codes


class ValueCounts:
    """The values of one column in each slot, each with a number of rows."""

    def __init__(self, kind: pa.DataType, table: str, state: State) -> None:
        self.values = KeyIndex([kind], f"{table}_values", state)
        """Codes of the values."""
        self._pairs = IntegerIndex()
        self._counts: Ints = np.zeros(0, dtype=np.int64)
        self._journal = Journal(f"{table}_counts")
        codes, rows = self._journal.restore(state)
        if rows is not None:
            self._pairs.restore(codes, rows.column("pair").to_numpy())
            self._counts = grown(self._counts, len(self._pairs))
            self._counts[codes] = rows.column("count").to_numpy()

    def add(self, slots: Slots, signs: Ints | None, column: pa.Array) -> Turns:
        """Count rows without NULL; what comes and goes by that, in the order of the rows."""
        return self._count(packed(slots, self.values.encode_arrays([column], len(column))), signs)

    def _count(self, numbers: Ints, signs: Ints | None) -> Turns:
        codes, firsts = self._pairs.introduce(numbers)
        self._counts = grown(self._counts, len(self._pairs))
        if signs is None:
            np.add.at(self._counts, codes, 1)
            self._journal.touch(codes)
            return _turns(numbers[firsts], np.ones(len(firsts), dtype=np.int64))
        touched, first = np.unique(codes, return_index=True)
        order = np.argsort(first, kind="stable")
        touched, first = touched[order], first[order]
        had = self._counts[touched] > 0
        np.add.at(self._counts, codes, signs)
        has = self._counts[touched] > 0
        self._journal.touch(touched)
        turned = had != has
        found = _turns(numbers[first[turned]], np.where(has[turned], 1, -1))
        gone = touched[self._counts[touched] <= 0]
        self._counts[gone] = 0
        self._pairs.release(gone)
        return found

    def of(self, slots: Slots) -> tuple[Slots, Codes]:
        """All values of these slots: slot and code."""
        at = self._at(slots)
        return unpacked(self._pairs.numbers[at])

    def _at(self, slots: Slots) -> Codes:
        codes = self._pairs.codes()
        if not len(codes) or not len(slots):
            return codes[:0]
        holders = unpacked(self._pairs.numbers[codes])[0]
        wanted = np.zeros(max(int(holders.max()), int(slots.max())) + 1, dtype=np.bool_)
        wanted[slots] = True
        return codes[wanted[holders]]

    def merged(self, source: Slots, target: Slots) -> Turns:
        """What the sources' values are to the targets, which hold none themselves; nothing is kept."""
        holders, codes = self.of(np.unique(source))
        order = np.argsort(source, kind="stable")
        ordered = source[order]
        begins, ends = np.searchsorted(ordered, holders), np.searchsorted(ordered, holders, side="right")
        times = ends - begins
        places = np.repeat(begins - np.cumsum(times) + times, times) + np.arange(int(times.sum()))
        numbers = np.unique(packed(target[order[places]], np.repeat(codes, times)))
        return _turns(numbers, np.ones(len(numbers), dtype=np.int64))

    def move(self, source: Slots, target: Slots) -> Turns:
        """Give the values of each source to its one target; what is new to that."""
        at = self._at(source)
        holders, codes = unpacked(self._pairs.numbers[at])
        counts = self._counts[at].copy()
        into = np.zeros(int(source.max(initial=0)) + 1, dtype=np.int64)
        into[source] = target
        self._drop(at)
        return self._count(packed(into[holders], codes), counts)

    def clear(self, slots: Slots) -> None:
        """Forget all values of these slots."""
        self._drop(self._at(slots))

    def _drop(self, at: Codes) -> None:
        self._journal.touch(at)
        self._counts[at] = 0
        self._pairs.release(at)

    def changes(self) -> list[Change]:
        """What is to be saved."""
        if self._pairs.live < self.values.live // 2:  # else it is not worth a look
            self.values.release_others(np.unique(unpacked(self._pairs.numbers[self._pairs.codes()])[1]))
        is_live = self._pairs.is_live[: len(self._pairs)]
        return [*self.values.changes(), *self._journal.changes(is_live, self._columns)]

    def _columns(self, codes: Codes) -> dict[str, pa.Array]:
        return {"pair": pa.array(self._pairs.numbers[codes]), "count": pa.array(self._counts[codes])}


def _turns(numbers: Ints, signs: Ints) -> Turns:
    slots, codes = unpacked(numbers)
    return Turns(slots, signs, codes)
