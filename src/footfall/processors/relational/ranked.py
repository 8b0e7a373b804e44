"""Turns the rows of all partitions into arrays: the number of each row, its partition, and its place there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from footfall.core.codes import Codes
from footfall.processors.base import Flags
from footfall.processors.relational.integers import Ints


@dataclass(slots=True)
class Ranked:
    """Rows that are kept, one an element."""

    ids: Ints
    """Their numbers in the store: they rise with arrival."""
    partitions: Codes
    places: Ints
    """From 0."""
    same: Codes
    """Equal for rows that are equal in all columns."""

    def rows(self, which: Ints) -> Ranked:
        """Some of them."""
        return Ranked(self.ids[which], self.partitions[which], self.places[which], self.same[which])

    def of(self, partitions: Codes, length: int) -> Ranked:
        """Those of some partitions; codes are below ``length``."""
        return self.rows(np.flatnonzero(_chosen(partitions, length)[self.partitions]))

    def without(self, partitions: Codes, length: int) -> Ranked:
        """Those of all others."""
        return self.rows(np.flatnonzero(~_chosen(partitions, length)[self.partitions]))

    def between(self, first: int, last: int) -> Ranked:
        """Those with these places, ``last`` exclusive."""
        return self.rows(np.flatnonzero((self.places >= first) & (self.places < last)))

    def joined(self, other: Ranked) -> Ranked:
        """These and the others."""
        return Ranked(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.partitions, other.partitions]),
            np.concatenate([self.places, other.places]),
            np.concatenate([self.same, other.same]),
        )

    def less(self, gone: Codes) -> Ranked:
        """Without rows that are taken back: for each, of those that equal it the first to come."""
        order = np.lexsort((self.ids, self.same))
        same = self.same[order]
        nth = np.arange(len(same)) - np.searchsorted(same, same)
        times = np.bincount(gone, minlength=int(same.max(initial=0)) + 1)
        return self.rows(order[nth >= times[same]])


def _chosen(partitions: Codes, length: int) -> Flags:
    flags = np.zeros(length, dtype=np.bool_)
    flags[partitions] = True
    return flags
