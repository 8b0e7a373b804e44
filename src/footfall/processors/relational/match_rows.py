"""Turns rows whose time has come into those that must be followed one by one, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Flags, Times
from footfall.processors.relational.key_runs import KeyCodes
from footfall.processors.relational.match_lookahead import Lookahead, Masks, Walkers, covered
from footfall.processors.relational.numbered_rows import Numbers


@dataclass(frozen=True, slots=True)
class Found:
    """A match: the time (ms) of its last row, its partition and its measures."""

    time: int
    code: int
    measures: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows to be followed: one partition after the other, in each in order, with no row left out that matters."""

    batch: Batch
    times: Times
    codes: KeyCodes
    masks: Masks
    begins: Flags
    """Whether a match may begin here."""
    known: KeyCodes
    """The partitions that are in a match already."""


def nothing(batch: Batch) -> Walk:
    """No rows to be followed."""
    codes = np.zeros(0, dtype=np.int32)
    numbers = np.zeros(0, dtype=np.int64)
    return Walk(batch, numbers, codes, numbers, np.zeros(0, dtype=np.bool_), codes)


class Ready:
    """Rows whose time has come, as columns, sorted by partition and then as they were given."""

    def __init__(self, batch: Batch, times: Times, codes: KeyCodes, masks: Masks) -> None:
        packed = (codes.astype(np.int64) << 32) | np.arange(len(codes))
        packed.sort()
        self._order: Numbers = packed & 0xFFFFFFFF
        self._batch = batch
        self._times = times[self._order]
        self._codes = (packed >> 32).astype(np.int32)
        self._masks = masks[self._order]
        self._starts = np.flatnonzero(np.diff(self._codes, prepend=-1))
        self.partitions = self._codes[self._starts]
        """The codes of the partitions that have rows."""

    def walk(self, lookahead: Lookahead, known: Walkers) -> Walk:
        """The rows that must be followed. ``known`` are the partitions in a match: ``rows`` are their places here."""
        size = len(self._codes)
        ends = np.repeat(np.append(self._starts[1:], size), np.diff(self._starts, append=size))
        begin = np.flatnonzero(lookahead.begins(self._masks))
        walkers = Walkers(
            np.concatenate([self._starts[known.rows], begin]),
            np.concatenate([known.nodes, np.full(len(begin), lookahead.start)]),
            np.concatenate([known.times, self._times[begin]]),
        )
        hopeful, last = lookahead.look(self._masks, self._times, ends, walkers)
        hopeful[: len(known.rows)] = True
        rows = np.flatnonzero(covered(walkers.rows[hopeful], last[hopeful], size))
        begins = np.zeros(size, dtype=np.bool_)
        begins[begin[hopeful[len(known.rows) :]]] = True
        return Walk(
            self._batch.take(pa.array(self._order[rows])),
            self._times[rows],
            self._codes[rows],
            self._masks[rows],
            begins[rows],
            self.partitions[known.rows],
        )
