"""Turns rows that come out, and those before them, into frames: which rows join the aggregates of a key, and which go.

A frame is that of one row, or in a RANGE of all rows of the same time. Along a key the frames only move ahead, so what
is known of one becomes that of the next one by rows that go and rows that come, in Flink's order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from footfall.core.codes import Codes
from footfall.processors.base import Flags, Times
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.key_runs import expanded


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows that come and go, by key, then by frame."""

    rows: Ints
    """Which row."""
    signs: Ints | None
    """1 for a row that comes, -1 for one that goes; None when none goes."""
    frames: Ints
    """For which frame."""
    codes: Codes
    """The key of each frame."""

    @property
    def ends(self) -> Ints:
        """The last step of each frame."""
        return np.append(np.flatnonzero(np.diff(self.frames)), len(self.frames) - 1)


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of rows that are sorted by key, how often it was forgotten, time and arrival."""

    steps: Steps
    of: Ints
    """The frame of each row that comes out, in their order."""
    begins: Ints
    """For each row whether it is in no frame any more: where the last frame of its key begins."""


def frames_of(
    codes: Codes, epochs: Ints, times: Times, done: Flags, *, by_rows: bool, single: bool, preceding: int | None
) -> Frames:
    """The frames of those that are not done; the others have come before. ``single``: each row has its own one."""
    out = np.flatnonzero(~done)
    begins = _begins(codes, epochs, times, by_rows=by_rows, preceding=preceding)
    alike = np.zeros(len(out), dtype=np.bool_)
    if not single:
        alike[1:] = (np.diff(codes[out]) == 0) & (np.diff(epochs[out]) == 0) & (np.diff(times[out]) == 0)
    of = np.cumsum(~alike) - 1
    heads = out[~alike]
    owners = codes[heads]
    first = np.concatenate([[True], np.diff(owners) != 0])
    before = np.concatenate([[0], begins[heads][:-1]])
    before[first] = np.searchsorted(codes, owners[first])
    frames, going = expanded(before, begins[heads] - before)
    rows, at = np.concatenate([going, out]), np.concatenate([frames, of])
    order = np.argsort(at, kind="stable")
    signs = np.where(np.arange(len(rows)) < len(going), -1, 1)[order] if len(going) else None
    last = np.append(first[1:], True)
    return Frames(Steps(rows[order], signs, at[order], owners), of, _spread(codes, owners[last], begins[heads][last]))


def _begins(codes: Codes, epochs: Ints, times: Times, *, by_rows: bool, preceding: int | None) -> Ints:
    """Where the frame of each row begins."""
    places = np.arange(len(codes))
    if preceding is None:
        return np.searchsorted(codes, codes)
    fresh = np.concatenate([[True], (np.diff(codes) != 0) | (np.diff(epochs) != 0)])[: len(codes)]
    starts = np.maximum.accumulate(np.where(fresh, places, 0))
    if by_rows:
        return np.maximum(starts, places - preceding)
    values, ranks = np.unique(np.concatenate([times, times - preceding]), return_inverse=True)
    own, from_ = ranks[: len(codes)], ranks[len(codes) :]
    groups = np.cumsum(fresh) * len(values)
    begins: Ints = np.searchsorted(groups + own, groups + from_)
    return begins


def _spread(codes: Codes, owners: Codes, values: Ints) -> Ints:
    """For each row the value of its key."""
    return values[np.searchsorted(owners, codes)]
