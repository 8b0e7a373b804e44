"""Turns clicks in the order of a file into clicks in the order of their event times, and marks those too late.

The rule, row by row. M is the greatest event time so far, L the allowed lateness. When row i comes:

1. it is *late* iff ts(i) < M - L, with M before this row;
2. a late row is put out at once: after all rows put out so far, before any that are put out later;
3. a punctual row is held back; M becomes max(M, ts(i)); then all held rows with ts < M - L are put out, by event
   time, those of the same time in the order in which they came.

The end of the input (``flush``) puts out what is held back. How the rows are cut into batches changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch

Times = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]

_BEGINNING: Final = -(1 << 62)
_MANY_PIECES: Final = 64
_SMALL_PART: Final = 4
"""Rows that stay behind and are less than this fraction of their batch get dictionaries of their own."""


@dataclass(frozen=True, slots=True)
class Orderer:
    """How late a click may come."""

    lateness: timedelta = timedelta(minutes=10)

    def start(self, high: int | None = None, *, latest: int | None = None) -> Ordering:
        """Begin with the first row; ``high`` is the greatest event time (ms) that the stream already holds.

        A row later than ``latest`` (ms) has a wrong clock: M does not follow it, and it is put out at once.
        """
        lateness = self.lateness // timedelta(milliseconds=1)
        return Ordering(lateness, _BEGINNING if high is None else high, -_BEGINNING if latest is None else latest)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive rows by event time, and these times (ms)."""

    batch: Batch
    times: Times

    def part(self, start: int, stop: int) -> Piece:
        """Some of the rows, without a copy."""
        return Piece(self.batch.slice(start, stop - start), self.times[start:stop])

    def compact(self) -> Piece:
        """The same rows with dictionaries of only the texts that they use."""
        return Piece(_recoded(self.batch), self.times)


@dataclass(slots=True)
class Ordering:
    """Holds back the newest punctual rows, because older ones may still come."""

    lateness: int
    """In milliseconds."""
    _high: int
    _latest: int
    _held: deque[Piece] = field(default_factory=deque)
    """By event time; the pieces do not overlap."""

    @property
    def high(self) -> int | None:
        """The greatest event time so far (ms); None before the first row."""
        return None if self._high == _BEGINNING else self._high

    @property
    def held(self) -> int:
        """How many rows are held back."""
        return sum(len(piece.times) for piece in self._held)

    def push(self, batch: Batch) -> list[Batch]:
        """Take the next rows; return those that are due, in their final order, ``late`` set."""
        if not batch.num_rows:
            return []
        times: Times = batch.column("timestamp").view(pa.int64()).to_numpy()
        if times[0] >= self._high and times[-1] <= self._latest and bool((times[1:] >= times[:-1]).all()):
            self._high = int(times[-1])
            self._hold(Piece(batch, times))
            return self._due()
        moving = np.where(times <= self._latest, times, _BEGINNING)
        before = np.maximum.accumulate(np.concatenate(([self._high], moving)))
        self._high = int(before[-1])
        limits: Times = before[:-1] - self.lateness
        late = times < limits
        through = late | (times > self._latest)
        if not through.any():
            self._hold(_sorted(batch, times))
            return self._due()
        punctual = np.flatnonzero(~through)
        if len(punctual):
            self._hold(_sorted(batch.take(pa.array(punctual)), times[punctual]))
        passed = batch.take(pa.array(np.flatnonzero(through)))
        return self._due_with(_marked(passed, late[through]), limits[through])

    def flush(self) -> list[Batch]:
        """The input has ended: return all that is held back."""
        held = [piece.batch for piece in self._held]
        self._held.clear()
        return held

    def _hold(self, new: Piece) -> None:
        """Put rows in their places among those that are held back."""
        overlapping: deque[Piece] = deque()
        while self._held and self._held[-1].times[-1] > new.times[0]:
            overlapping.appendleft(self._held.pop())
        if overlapping:
            first = overlapping[0]
            stay = int(np.searchsorted(first.times, new.times[0], side="right"))
            if stay:
                self._held.append(first.part(0, stay))
                overlapping[0] = first.part(stay, len(first.times))
            upto = int(np.searchsorted(new.times, overlapping[-1].times[-1], side="left"))
            merged = _joined([*overlapping, new.part(0, upto)])
            self._held.append(_sorted(merged.batch, merged.times))
            new = new.part(upto, len(new.times))
        if len(new.times):
            self._held.append(new)
        if len(self._held) > _MANY_PIECES:
            self._merge_small()

    def _merge_small(self) -> None:
        """Make few pieces of many: each takes in those after it that are not more than itself."""
        merged: list[list[Piece]] = []
        sizes: list[int] = []
        for piece in self._held:
            merged.append([piece])
            sizes.append(len(piece.times))
            while len(sizes) > 1 and sizes[-2] <= 2 * sizes[-1]:
                sizes[-2:] = [sizes[-2] + sizes[-1]]
                merged[-2:] = [merged[-2] + merged[-1]]
        self._held = deque(group[0] if len(group) == 1 else _joined(group) for group in merged)

    def _due(self) -> list[Batch]:
        """Take out the held rows that nothing punctual can come before."""
        limit = self._high - self.lateness
        due: list[Batch] = []
        while self._held and self._held[0].times[0] < limit:
            piece = self._held.popleft()
            rows = len(piece.times)
            count = int(np.searchsorted(piece.times, limit, side="left"))
            due.append(piece.part(0, count).batch)
            if count < rows:
                rest = piece.part(count, rows)
                self._held.appendleft(rest.compact() if (rows - count) * _SMALL_PART < rows else rest)
                break
        return due

    def _due_with(self, late: Batch, limits: Times) -> list[Batch]:
        """The due rows, with each late row after those that were due (``ts < limit``) when it came."""
        due = self._due()
        if not due:
            return [late]
        punctual = _joined([Piece(b, b.column("timestamp").view(pa.int64()).to_numpy()) for b in due])
        places: Places = np.searchsorted(punctual.times, limits, side="left")
        rows = len(punctual.times)
        both = _one([punctual.batch, late])
        order = np.insert(np.arange(rows), places, np.arange(rows, rows + late.num_rows))
        return [both.take(pa.array(order))]


def _sorted(batch: Batch, times: Times) -> Piece:
    """The rows by event time; those of the same time keep their order."""
    if bool((times[1:] >= times[:-1]).all()):
        return Piece(batch, times)
    order = np.argsort(times, kind="stable")
    return Piece(batch.take(pa.array(order)), times[order])


def _joined(pieces: Sequence[Piece]) -> Piece:
    """One piece of several, one after another."""
    if len(pieces) == 1:
        return pieces[0]
    return Piece(_one([p.batch for p in pieces]), np.concatenate([p.times for p in pieces]))


def _one(batches: Sequence[Batch]) -> Batch:
    """One batch of several, with dictionaries of only the texts that they use."""
    columns = []
    for i, kind in enumerate(batches[0].schema.types):
        parts = [b.column(i) for b in batches]
        if pa.types.is_dictionary(kind):
            columns.append(pa.concat_arrays([p.cast(kind.value_type) for p in parts]).dictionary_encode())
        else:
            columns.append(pa.concat_arrays(parts))
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


def _recoded(batch: Batch) -> Batch:
    columns = [
        c.cast(c.type.value_type).dictionary_encode() if pa.types.is_dictionary(c.type) else c for c in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _marked(batch: Batch, late: npt.NDArray[np.bool_]) -> Batch:
    """The same rows, each marked as late or not."""
    place = batch.schema.get_field_index("late")
    return batch.set_column(place, batch.schema.field(place), pa.array(late))
