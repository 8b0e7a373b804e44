"""Turns the key codes of numbered rows into an index: which rows have a code, for many codes at a time.

Rows are indexed only when somebody asks. The index consists of sorted runs of consecutive rows, each at least twice
as large as the next one, so that a row is sorted a few times at most.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from footfall.core.codes import grown
from footfall.processors.base import Flags
from footfall.processors.relational.numbered_rows import Numbers

KeyCodes = npt.NDArray[np.int32]

NO_KEY: Final = -1
"""The code of a key with a NULL in it: equal to nothing."""
_FACTOR: Final = 2
_DENSE: Final = 8
"""A run has a table by code if that has at most so many times its rows."""


class KeyRuns:
    """Rows by the code of their key; rows can die."""

    def __init__(self) -> None:
        self.codes: KeyCodes = np.zeros(0, dtype=np.int32)
        self.alive: Flags = np.zeros(0, dtype=np.bool_)
        self.length = 0
        self._runs: list[_Run] = []

    def append(self, codes: KeyCodes) -> None:
        """Add rows at the end."""
        end = self.length + len(codes)
        self.codes = grown(self.codes, end)
        self.alive = grown(self.alive, end)
        self.codes[self.length : end] = codes
        self.alive[self.length : end] = True
        self.length = end

    def kill(self, numbers: Numbers) -> None:
        """These rows, all alive so far, are found no more."""
        self.alive[numbers] = False
        for run in self._runs:
            run.dead += int(np.count_nonzero((numbers >= run.first) & (numbers < run.end)))

    def find(self, codes: KeyCodes) -> tuple[Numbers, Numbers]:
        """All pairs of a position in ``codes`` and a living row with that code, in order of position, then row."""
        self._settle()
        found = [run.find(codes) for run in self._runs]
        if not found:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing
        positions, rows = found[0]
        if len(found) > 1:
            positions = np.concatenate([some for some, _ in found])
            rows = np.concatenate([some for _, some in found])
            if sum(len(some) > 0 for some, _ in found) > 1:
                order = np.argsort(positions, kind="stable")
                positions, rows = positions[order], rows[order]
        if any(run.dead for run in self._runs):
            living = self.alive[rows]
            positions, rows = positions[living], rows[living]
        return positions, rows

    def count(self, codes: KeyCodes) -> Numbers:
        """How many pairs ``find`` has to look at, for each position."""
        self._settle()
        counts = np.zeros(len(codes), dtype=np.int64)
        for run in self._runs:
            counts += run.spans(codes)[1]
        return counts

    def _settle(self) -> None:
        runs = self._runs
        end = runs[-1].end if runs else 0
        if end < self.length:
            first = end
            while runs and runs[-1].end - runs[-1].first < _FACTOR * (self.length - first):
                first = runs.pop().first
            runs.append(self._run(first, self.length))
        for at, run in enumerate(runs):
            if 2 * run.dead > len(run.rows):
                runs[at] = self._run(run.first, run.end)

    def _run(self, first: int, end: int) -> _Run:
        codes = self.codes[first:end]
        use = self.alive[first:end] & (codes >= 0)
        rows = np.arange(first, end, dtype=np.int64)
        if not use.all():
            codes, rows = codes[use], rows[use]
        return _Run(first, end, codes, rows)


class _Run:
    """The rows from ``first`` to before ``end``, sorted by code."""

    def __init__(self, first: int, end: int, codes: KeyCodes, rows: Numbers) -> None:
        self.first = first
        self.end = end
        self.dead = 0
        packed = (codes.astype(np.int64) << 32) | (rows - first)
        packed.sort()
        self.rows = (packed & 0xFFFFFFFF) + first
        ordered = (packed >> 32).astype(np.int32)
        starts = np.flatnonzero(np.diff(ordered, prepend=NO_KEY))
        self._codes = ordered[starts]
        self._starts = starts
        self._counts = np.diff(starts, append=len(ordered))
        self._single = bool(len(starts) == len(ordered))
        self._dense = bool(len(starts)) and int(self._codes[-1]) < _DENSE * len(ordered) + 1024
        if self._dense:
            self._spread()

    def _spread(self) -> None:
        """Starts and counts by code, with an empty place at the end for codes that are larger, or NO_KEY."""
        size = int(self._codes[-1]) + 2
        starts = np.zeros(size, dtype=np.int64)
        counts = np.zeros(size, dtype=np.int64)
        starts[self._codes] = self._starts
        counts[self._codes] = self._counts
        self._starts, self._counts = starts, counts

    def spans(self, codes: KeyCodes) -> tuple[Numbers, Numbers]:
        """Where the rows of each code begin, and how many they are."""
        if not len(self.rows):
            nothing = np.zeros(len(codes), dtype=np.int64)
            return nothing, nothing
        if self._dense:
            last = len(self._starts) - 1
            at = np.where((codes < 0) | (codes > last), last, codes)
            return self._starts[at], self._counts[at]
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return self._starts[at], np.where(self._codes[at] == codes, self._counts[at], 0)

    def find(self, codes: KeyCodes) -> tuple[Numbers, Numbers]:
        """All pairs of position and row, dead ones included."""
        starts, counts = self.spans(codes)
        if self._single:
            positions = np.flatnonzero(counts)
            return positions, self.rows[starts[positions]]
        positions, places = expanded(starts, counts)
        return positions, self.rows[places]


def expanded(starts: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    """Ranges as pairs: which range, and each of its elements."""
    which = np.repeat(np.arange(len(starts), dtype=np.int64), counts)
    before = np.cumsum(counts) - counts
    return which, np.arange(len(which), dtype=np.int64) + (starts - before)[which]
