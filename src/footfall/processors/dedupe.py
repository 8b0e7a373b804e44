"""Turns event ids into three kinds of rows: new ones, duplicates, and ids that were seen with another content.

Ids are kept in two generations of an open-addressing hash table of arrays, so that looking up and adding
100,000 ids costs a few gathers and no Python object. When the younger generation is full, the older one is
forgotten: memory is bounded, and an id is remembered for at least ``capacity`` further events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch
from footfall.core.hashing import U64, column_hashes, lanes_of, row_hashes

Rows = npt.NDArray[np.int64]
Checks = npt.NDArray[np.uint32]

_CHECKED: Final = ("userId", "productId", "event_type", "original_timestamp")
_FILL: Final = 0.85
_SMALLEST: Final = 1 << 12
_LARGE: Final = 1 << 20
"""From this many slots a table is doubled, below it quadrupled: moving is dear, and so is memory."""
_MOVED: Final = 1 << 17
"""How many keys are moved at once when a table grows."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """Row numbers of a batch, by what became of them, each in order."""

    fresh: Rows
    duplicates: Rows
    conflicts: Rows


class _Table:
    """Keys (64 bits, never 0) and their checks (32 bits), found by double hashing."""

    def __init__(self, size: int = _SMALLEST) -> None:
        self.used = 0
        self._allocate(size)

    def _allocate(self, size: int) -> None:
        self.keys = np.zeros(size, dtype=np.uint64)
        self.checks = np.zeros(size, dtype=np.uint32)

    def find(self, keys: U64) -> Rows:
        """The slot of each key, or -1."""
        mask = len(self.keys) - 1
        found = np.full(len(keys), -1, dtype=np.int64)
        rows = np.arange(len(keys), dtype=np.int64)
        slots, steps = _probes(keys, mask)
        while len(rows):
            there = self.keys[slots]
            hit = there == keys
            found[rows[hit]] = slots[hit]
            on = np.flatnonzero(~hit & (there != 0))
            rows, keys, slots, steps = rows[on], keys[on], (slots[on] + steps[on]) & mask, steps[on]
        return found

    def add(self, keys: U64, checks: Checks) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """Add keys; return each one's slot, and whether this row brought it (not an earlier row or call)."""
        self._make_room(len(keys))
        mask = len(self.keys) - 1
        found = np.empty(len(keys), dtype=np.int64)
        brought = np.zeros(len(keys), dtype=np.bool_)
        rows = np.arange(len(keys), dtype=np.uint32)
        slots, steps = _probes(keys, mask)
        while len(rows):
            brought[self._claim(slots, keys, checks, rows)] = True
            here = self.keys[slots] == keys
            found[rows[here]] = slots[here]
            on = np.flatnonzero(~here)
            rows, keys, checks = rows[on], keys[on], checks[on]
            slots, steps = (slots[on] + steps[on]) & mask, steps[on]
        self.used += int(brought.sum())
        return found, brought

    def _claim(self, slots: Rows, keys: U64, checks: Checks, rows: Checks) -> Checks:
        """Write keys to the slots that are empty, and return the rows that did so."""
        # Backwards: of several rows that want one slot, the first is assigned last, and so wins it.
        # Until a slot is won, the place of its check holds the number of the row that claims it.
        empty = np.flatnonzero(self.keys[slots] == 0)[::-1]
        targets = slots[empty]
        self.checks[targets] = rows[empty]
        won = empty[self.checks[targets] == rows[empty]]
        targets = slots[won]
        self.keys[targets] = keys[won]
        self.checks[targets] = checks[won]
        winners: Checks = rows[won]
        return winners

    def _make_room(self, more: int) -> None:
        size = len(self.keys)
        while self.used + more > size * _FILL:
            size *= 4 if size < _LARGE else 2
        if size == len(self.keys):
            return
        keys, checks = self.keys, self.checks
        self._allocate(size)
        self.used = 0
        for start in range(0, len(keys), _MOVED):
            held = start + np.flatnonzero(keys[start : start + _MOVED])
            self.add(keys[held], checks[held])


def _probes(keys: U64, mask: int) -> tuple[Rows, Rows]:
    """Where to look for each key first, and how far to go on from there: odd, so that every slot is reached."""
    numbers = keys.view(np.int64)
    return numbers & mask, (numbers >> 41) | 1


class SeenIds:
    """Which event ids a partition has seen, with a check of each one's content."""

    def __init__(self, *, capacity: int = 16_000_000) -> None:
        self._capacity = capacity
        self._young = _Table()
        self._old = _Table()
        self._unsaved: list[tuple[U64, Checks]] = []
        self._turned = False

    def __len__(self) -> int:
        return self._young.used + self._old.used

    def sift(self, clicks: Batch) -> Sifted:
        """Sort a batch's rows into fresh ones, which are remembered, duplicates and conflicts."""
        keys, checks = _keys_and_checks(clicks)
        rows = np.arange(len(keys), dtype=np.int64)
        older = rows[:0]
        earlier = np.empty(0, dtype=np.uint32)
        if self._old.used:
            slots = self._old.find(keys)
            older = np.flatnonzero(slots >= 0)
            earlier = self._old.checks[slots[older]]
            rows = np.flatnonzero(slots < 0)
        slots, brought = self._young.add(keys[rows], checks[rows])
        fresh = rows[brought]
        again = rows[~brought]
        repeated = np.concatenate([older, again])
        same = np.concatenate([earlier, self._young.checks[slots[~brought]]]) == checks[repeated]
        if len(fresh):
            self._unsaved.append((keys[fresh], checks[fresh]))
        self._turn_over()
        return Sifted(fresh, np.sort(repeated[same]), np.sort(repeated[~same]))

    def _turn_over(self) -> None:
        if self._young.used >= self._capacity:
            self._turned |= self._old.used > 0  # ids are forgotten: what was saved holds too much
            self._old, self._young = self._young, _Table()

    def changes(self) -> tuple[Batch, bool] | None:
        """The ids that are new since the last call, and whether they replace all that was saved."""
        if self._turned:
            self._turned = False
            self._unsaved.clear()
            return _everything([self._old, self._young]), True
        if not self._unsaved:
            return None
        batch = _batch(self._unsaved)
        self._unsaved.clear()
        return batch, False

    def restore(self, batches: Sequence[Batch]) -> None:
        """Take in what ``changes`` gave, in order."""
        for batch in batches:
            keys = batch.column("key").to_numpy()
            self._young.add(keys, batch.column("check").to_numpy())
            self._turn_over()
        self._turned = False


class SeenKeys:
    """A set of 64-bit numbers that is never forgotten: the distinct visitors so far."""

    def __init__(self) -> None:
        self._table = _Table()
        self._unsaved: list[U64] = []

    def __len__(self) -> int:
        return self._table.used

    def add(self, keys: U64) -> None:
        """Add numbers; those that are there change nothing."""
        if not len(keys):
            return
        keys = np.maximum(keys, np.uint64(1))
        _, brought = self._table.add(keys, np.zeros(len(keys), dtype=np.uint32))
        if brought.any():
            self._unsaved.append(keys[brought])

    def changes(self) -> tuple[Batch, bool] | None:
        """The numbers that are new since the last call; they never replace what was saved."""
        if not self._unsaved:
            return None
        keys = np.concatenate(self._unsaved)
        self._unsaved.clear()
        return pa.RecordBatch.from_arrays([pa.array(keys)], names=["key"]), False

    def restore(self, batches: Sequence[Batch]) -> None:
        """Take in what ``changes`` gave, in order."""
        for batch in batches:
            keys = batch.column("key").to_numpy()
            self._table.add(keys, np.zeros(len(keys), dtype=np.uint32))


def _everything(tables: Sequence[_Table]) -> Batch:
    """All ids of these tables, taken out piece by piece: they are millions, and memory is what is short."""
    keys = np.empty(sum(table.used for table in tables), dtype=np.uint64)
    checks = np.empty(len(keys), dtype=np.uint32)
    end = 0
    for table in tables:
        for start in range(0, len(table.keys), _MOVED):
            held = start + np.flatnonzero(table.keys[start : start + _MOVED])
            keys[end : end + len(held)] = table.keys[held]
            checks[end : end + len(held)] = table.checks[held]
            end += len(held)
    return pa.RecordBatch.from_arrays([pa.array(keys), pa.array(checks)], names=["key", "check"])


def _batch(parts: Sequence[tuple[U64, Checks]]) -> Batch:
    keys = np.concatenate([keys for keys, _ in parts])
    checks = np.concatenate([checks for _, checks in parts])
    return pa.RecordBatch.from_arrays([pa.array(keys), pa.array(checks)], names=["key", "check"])


def _keys_and_checks(clicks: Batch) -> tuple[U64, Checks]:
    """A key from all 16 bytes of each id, which a client may have chosen badly, and a check of id and content."""
    lanes = lanes_of(clicks.column("event_id"))
    first, second = np.ascontiguousarray(lanes[:, 0]), np.ascontiguousarray(lanes[:, 1])
    keys = np.maximum(row_hashes([first, second]), np.uint64(1))
    content = row_hashes([column_hashes(clicks.column(name)) for name in _CHECKED])
    return keys, row_hashes([first, second, content], lane=1).astype(np.uint32)
