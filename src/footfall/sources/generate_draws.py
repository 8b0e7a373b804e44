"""Turns a seed and a number into random numbers: the same ones on every machine, whatever was drawn before.

Each number is a hash of (seed, purpose, index), in integers only. So a visitor or a visit looks the same
whether it is made alone or among millions, and no library's generator can change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from footfall.core.hashing import U64, mix, text_hash

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SLOTS = 1024
"""How finely a table of choices cuts its shares."""


class Draws:
    """Random numbers by purpose and index."""

    def __init__(self, seed: int) -> None:
        self._seed = text_hash(f"footfall generate {seed}")

    def bits(self, purpose: str, index: npt.NDArray[np.integer]) -> U64:
        """64 random bits for each index."""
        key = np.uint64(self._seed ^ text_hash(purpose))
        return mix(mix(index.astype(np.uint64) ^ key) + key)

    def below(self, purpose: str, index: npt.NDArray[np.integer], limit: int) -> Ints:
        """A number from 0 up to, but not including, ``limit`` for each index."""
        return (self.bits(purpose, index) % np.uint64(limit)).astype(np.int64)

    def chance(self, purpose: str, index: npt.NDArray[np.integer], share: float) -> Bools:
        """True for about this share of the indexes."""
        return hits(self.bits(purpose, index), share)


def hits(bits: U64, share: float, *, shift: int = 0) -> Bools:
    """True where 16 bits, from ``shift`` up, fall into the given share."""
    return field(bits, shift=shift, width=16) < round(share * 65_536)


def field(bits: U64, *, shift: int, width: int) -> Ints:
    """Some of the bits as a number: ``width`` of them, from ``shift`` up."""
    return ((bits >> np.uint64(shift)) & np.uint64((1 << width) - 1)).astype(np.int64)


def choices(weights: Mapping[int, int]) -> Ints:
    """A table of SLOTS entries in which each choice has its share (at least one entry if its weight is not 0)."""
    total = sum(weights.values())
    counts = {choice: max(1, weight * SLOTS // total) for choice, weight in weights.items() if weight > 0}
    largest = max(counts, key=lambda choice: (counts[choice], -choice))
    counts[largest] += SLOTS - sum(counts.values())
    return np.repeat(np.fromiter(counts, dtype=np.int64), np.fromiter(counts.values(), dtype=np.int64))


def quantiles(anchors: Sequence[tuple[int, int]]) -> Ints:
    """A table of SLOTS values, running in straight lines through (slot, value) anchors that begin at slot 0."""
    table = np.empty(SLOTS, dtype=np.int64)
    for (left, low), (right, high) in pairwise(anchors):
        steps = np.arange(right - left + 1, dtype=np.int64)
        table[left : right + 1] = low + steps * (high - low) // (right - left)
    return table
