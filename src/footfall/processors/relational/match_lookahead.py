"""Turns rows and what holds of each into the few stretches of rows that a match can be in.

The automaton is followed for many beginnings at a time. Conditions that look at other rows count as if they might
hold or not, so that what is left out can be in no match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from footfall.core.codes import grown
from footfall.processors.base import Flags, Times
from footfall.processors.relational.match_pattern import END, Automaton
from footfall.processors.relational.numbered_rows import Numbers

Masks = npt.NDArray[np.int64]
"""For each row a bit a variable: whether its condition holds, or might."""

_DEAD: Final = 0
"""The set without nodes: no match can begin so."""
_FAR: Final = 256
"""After so many rows, the rest of the partition is looked at without looking ahead."""


@dataclass(frozen=True, slots=True)
class Walkers:
    """Beginnings of matches: the row to look at next, the nodes where they may be, and the time of the first row."""

    rows: Numbers
    nodes: Numbers
    times: Times


class Lookahead:
    """Follows an automaton by sets of nodes, each set under a number."""

    def __init__(self, automaton: Automaton, *, unsure: int, within: int | None) -> None:
        self._edges = automaton.edges
        self._unsure = unsure
        self._within = within
        self._number: dict[frozenset[int], int] = {frozenset(): _DEAD}
        self._sets = [frozenset[int]()]
        self._next: dict[int, npt.NDArray[np.int32]] = {}
        """For each mask, what comes after each set: twice its number, and 1 more if a match may be complete."""
        self.start = self.number(frozenset({automaton.start}))

    def number(self, nodes: frozenset[int]) -> int:
        """The number of a set of nodes."""
        if nodes not in self._number:
            self._number[nodes] = len(self._sets)
            self._sets.append(nodes)
        return self._number[nodes]

    def _after(self, at: int, mask: int) -> int:
        """What comes after a row of which these conditions hold."""
        sure = mask & ~self._unsure
        reached: set[int] = set()
        complete = False
        for node in self._sets[at]:
            for edge in self._edges[node]:
                if mask >> edge.variable & 1 and not any(sure >> one & 1 for one in edge.unless):
                    reached.add(edge.target)
                    complete |= any(not any(sure >> one & 1 for one in way) for way in edge.ends)
        return 2 * self.number(frozenset(reached - {END})) + complete

    def _step(self, at: Numbers, kinds: Masks, which: Numbers) -> Numbers:
        """What comes after rows, each of a kind."""
        after = np.empty(len(at), dtype=np.int64)
        for kind in np.unique(which).tolist():
            mask = int(kinds[kind])
            here = np.flatnonzero(which == kind)
            table = grown(self._next.get(mask, np.zeros(0, dtype=np.int32)), len(self._sets), fill=-1)
            sets = at[here]
            for one in np.unique(sets[table[sets] < 0]).tolist():
                table[one] = self._after(one, mask)
            self._next[mask] = table
            after[here] = table[sets]
        return after

    def begins(self, masks: Masks) -> Flags:
        """Which rows can be the first of a match."""
        kinds, which = np.unique(masks, return_inverse=True)
        can = np.array([self._after(self.start, mask) != 2 * _DEAD for mask in kinds.tolist()], dtype=np.bool_)
        found: Flags = can[which]
        return found

    def look(self, masks: Masks, times: Times, ends: Numbers, walkers: Walkers) -> tuple[Flags, Numbers]:
        """Which walkers may complete a match or go on with rows to come, and the last row that each one looks at.

        ``ends`` says for each row where its partition ends.
        """
        kinds, which = np.unique(masks, return_inverse=True)
        nodes, rows, stops = walkers.nodes.copy(), walkers.rows.copy(), walkers.rows.copy()
        end = ends[walkers.rows]
        hopeful = np.zeros(len(rows), dtype=np.bool_)
        left = np.arange(len(rows))
        for _ in range(_FAR):
            stops[left] = rows[left]
            if self._within is not None:
                left = left[times[rows[left]] - walkers.times[left] < self._within]
            after = self._step(nodes[left], kinds, which[rows[left]])
            nodes[left] = after >> 1
            hopeful[left[(after & 1) == 1]] = True
            left = left[(after >> 1) != _DEAD]
            rows[left] += 1
            over = rows[left] >= end[left]
            hopeful[left[over]] = True
            left = left[~over]
            if not len(left):
                return hopeful, stops
        hopeful[left] = True
        stops[left] = end[left] - 1
        return hopeful, stops


def covered(first: Numbers, last: Numbers, length: int) -> Flags:
    """Which of so many rows are in one of these ranges, both ends included."""
    change = np.bincount(first, minlength=length + 1) - np.bincount(last + 1, minlength=length + 1)
    inside: Flags = np.cumsum(change)[:length] > 0
    return inside
