"""Turns 64-bit numbers into small codes that live on, a whole array at a time: a hash table made of arrays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from footfall.core.codes import Codes, grown

Ints = npt.NDArray[np.int64]
Slots = npt.NDArray[Any]
"""Places in arrays of state: int32 or int64."""

_FREE: Final = -1
_GONE: Final = -2
_SMALLEST: Final = 1 << 10
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class IntegerIndex:
    """Gives each distinct number a code from 0 up, and takes codes back; those are given out again."""

    def __init__(self) -> None:
        self.numbers: Ints = np.zeros(_SMALLEST, dtype=np.int64)
        """The number of each code."""
        self.is_live = np.zeros(_SMALLEST, dtype=np.bool_)
        self._length = 0
        self._free: Ints = np.zeros(0, dtype=np.int64)
        self._dead = 0
        self._clear(_SMALLEST * 2)

    def __len__(self) -> int:
        """How long an array indexed by code must be."""
        return self._length

    @property
    def live(self) -> int:
        """How many numbers have a code now."""
        return self._length - len(self._free)

    def codes(self) -> Codes:
        """All codes that are in use."""
        return np.flatnonzero(self.is_live[: self._length]).astype(np.int32)

    def find(self, numbers: Ints) -> Codes:
        """The code of each number, -1 where it has none."""
        at = self._places(numbers)
        found = self._table[at]
        wrong = np.flatnonzero((found != _FREE) & ((self.numbers[found] != numbers) | (found == _GONE)))
        while len(wrong):
            at[wrong] = (at[wrong] + 1) & self._mask
            there = self._table[at[wrong]]
            found[wrong] = there
            wrong = wrong[(there != _FREE) & ((self.numbers[there] != numbers[wrong]) | (there == _GONE))]
        return found

    def add(self, numbers: Ints) -> Codes:
        """The code of each number, new ones in the order in which they come first."""
        return self.introduce(numbers)[0]

    def introduce(self, numbers: Ints) -> tuple[Codes, Ints]:
        """The same, and where each number that is new comes first."""
        found = self.find(numbers)
        missing = np.flatnonzero(found == _FREE)
        firsts = missing
        if len(missing):
            wanted = numbers[missing]
            fresh, first, which = np.unique(wanted, return_index=True, return_inverse=True)
            order = np.argsort(first, kind="stable")
            codes = np.empty(len(fresh), dtype=np.int32)
            codes[order] = self._take(len(fresh))
            self.put(codes, fresh)
            found[missing] = codes[which]
            firsts = missing[first[order]]
        return found, firsts

    def _take(self, count: int) -> Codes:
        """Codes that nobody has."""
        reused = self._free[len(self._free) - min(count, len(self._free)) :][::-1]
        self._free = self._free[: len(self._free) - len(reused)]
        begin = self._length
        self._length += count - len(reused)
        return np.concatenate([reused, np.arange(begin, self._length)]).astype(np.int32)

    def restore(self, codes: Codes, numbers: Ints) -> None:
        """Take these codes for these numbers, as they were; to be called once, on an empty index."""
        self._length = int(codes.max()) + 1 if len(codes) else 0
        used = np.zeros(self._length, dtype=np.bool_)
        used[codes] = True
        self._free = np.flatnonzero(~used)
        self.put(codes, numbers)

    def put(self, codes: Codes, numbers: Ints) -> None:
        """Note numbers that are not there yet, each once, under codes that are free."""
        self.numbers = grown(self.numbers, self._length)
        self.is_live = grown(self.is_live, self._length)
        self.numbers[codes] = numbers
        self.is_live[codes] = True
        if 4 * (self.live + self._dead) > len(self._table):
            self._rebuild()
        else:
            self._insert(codes)

    def release(self, codes: Codes) -> None:
        """Forget these codes' numbers; each may be named once."""
        if not len(codes):
            return
        numbers = self.numbers[codes]
        at = self._places(numbers)
        waiting = np.arange(len(codes))
        while len(waiting):
            hit = self._table[at[waiting]] == codes[waiting]
            self._table[at[waiting[hit]]] = _GONE
            waiting = waiting[~hit]
            at[waiting] = (at[waiting] + 1) & self._mask
        self.is_live[codes] = False
        self._free = np.concatenate([self._free, codes.astype(np.int64)])
        self._dead += len(codes)

    def _places(self, numbers: Ints) -> Ints:
        mixed = numbers.view(np.uint64) * _MIX
        return (mixed >> self._shift).view(np.int64)

    def _clear(self, size: int) -> None:
        self._table = np.full(size, _FREE, dtype=np.int32)
        self._mask = size - 1
        self._shift = np.uint64(64 - (size.bit_length() - 1))
        self._dead = 0

    def _rebuild(self) -> None:
        size = len(self._table)
        while size < 8 * self.live:
            size *= 2
        self._clear(size)
        self._insert(self.codes())

    def _insert(self, codes: Codes) -> None:
        """Put codes of numbers into free places: all try at once, who finds another in its place goes on."""
        at = self._places(self.numbers[codes])
        while len(codes):
            free = self._table[at] == _FREE
            self._table[at[free]] = codes[free]
            lost = self._table[at] != codes
            codes, at = codes[lost], (at[lost] + 1) & self._mask
