"""Turns times and watermarks into which rows are too late for a key that puts its rows out in the order of time.

Such a key takes a late row as long as it has put out none of that time or later: so do Flink's OVER and ORDER BY.
Rows come out when the watermark rises, so a late one waits for the next time that it does. With a ``span``, a key that
has had no row for about one and a half times as long is forgotten, with what it has put out: so it is in Flink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import NO_TIME, Change, Flags, State, Times
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal

_FIELDS: Final = ("last", "end", "set_at", "epoch")
Waiting = Callable[[int, int], tuple[Times, Times]]
"""Of a key that was forgotten so often: the times of rows that are not put out, and the watermark as they came."""


@dataclass(slots=True)
class _Key:
    """One key, as time goes on from row to row."""

    last: int
    end: int
    set_at: int
    epoch: int
    due: list[int] = field(default_factory=list)
    """When something happens next: a heap."""
    fresh: list[tuple[int, int]] = field(default_factory=list)
    """What came late: its time, and the watermark then."""
    left: list[tuple[int, int]] = field(default_factory=list)
    """Ends that were put off."""
    forgotten: bool = False

    def reach(self, mark: int) -> None:
        """The watermark is this."""
        if self.end > NO_TIME and self.end <= mark and self.set_at < mark:
            self.last = self.end = NO_TIME
            self.epoch += 1
            self.forgotten = True
            for held in (self.due, self.fresh, self.left):
                held.clear()
        while self.due and self.due[0] <= mark:
            self.last = max(self.last, heappop(self.due))
        if self.fresh:
            self.last = max(self.last, *(time for time, came in self.fresh if came < mark), NO_TIME)
            self.fresh = [one for one in self.fresh if one[1] >= mark]

    def wait(self, time: int, mark: int) -> None:
        """Something happens then."""
        if time > mark:
            heappush(self.due, time)
        else:
            self.fresh.append((time, mark))

    def put_off(self, time: int, mark: int, span: int) -> None:
        """A row came that must not be forgotten too early."""
        if self.end >= time + span + 1:
            return
        if self.end > NO_TIME:
            self.left.append((self.end, self.set_at))
            self.wait(self.end, self.set_at)
        self.end, self.set_at = time + _after(span), mark


class LateRows:
    """What keys have put out, and when they are forgotten. Indexed by the code of a key."""

    def __init__(self, state: State, *, span: int | None) -> None:
        self._span = span
        self._last: Times = np.zeros(0, dtype=np.int64)
        self._end: Times = np.zeros(0, dtype=np.int64)
        self._set_at: Times = np.zeros(0, dtype=np.int64)
        self._epoch: Ints = np.zeros(0, dtype=np.int64)
        self._ticks: Times = np.zeros((3, 0), dtype=np.int64)
        """Ends that were put off, and still count as something put out: key, time, and the watermark when set."""
        self._moved = False
        self._journal = Journal("put_out")
        codes, saved = self._journal.restore(state)
        if saved is not None:
            self.grow(int(codes.max(initial=-1)) + 1)
            for name in _FIELDS:
                getattr(self, f"_{name}")[codes] = saved.column(name).to_numpy()
        for batch in state.get("put_off", ()):
            self._ticks = np.stack([column.to_numpy() for column in batch.columns])

    def grow(self, length: int) -> None:
        """Make room for keys below this."""
        for name in ("_last", "_end", "_set_at"):
            setattr(self, name, grown(getattr(self, name), length, fill=NO_TIME))
        self._epoch = grown(self._epoch, length)

    def take(self, codes: Codes, times: Times, marks: Times, waiting: Waiting) -> tuple[Flags, Ints]:
        """Which rows are not too late, and how often the key of each had been forgotten before it."""
        kept, epochs = np.ones(len(codes), dtype=np.bool_), np.zeros(len(codes), dtype=np.int64)
        self._journal.touch(codes)
        late = times <= marks
        suspect = np.isin(codes, np.unique(codes[late])) if late.any() else late
        rows = np.flatnonzero(suspect)
        rows = rows[np.argsort(codes[rows], kind="stable")]
        for some in np.split(rows, np.flatnonzero(np.diff(codes[rows])) + 1) if len(rows) else ():
            kept[some], epochs[some] = self._follow(int(codes[some[0]]), times[some], marks[some], waiting)
        others = np.flatnonzero(~suspect)
        epochs[others] = self._timely(codes[others], times[others], marks[others])
        return kept, epochs

    def _follow(self, code: int, times: Times, marks: Times, waiting: Waiting) -> tuple[list[bool], list[int]]:
        """The rows of a key, one by one."""
        last, end, set_at, epoch = (int(getattr(self, f"_{name}")[code]) for name in _FIELDS)
        key = _Key(last, end, set_at, epoch)
        own = self._ticks[0] == code
        for held in (waiting(code, epoch), self._ticks[1:, own]):
            for time, mark in zip(held[0].tolist(), held[1].tolist(), strict=True):
                key.wait(time, mark)
        heapify(key.due)
        kept, epochs = [], []
        for time, mark in zip(times.tolist(), marks.tolist(), strict=True):
            key.reach(mark)
            kept.append(time > key.last)
            epochs.append(key.epoch)
            if kept[-1]:
                key.wait(time, mark)
                if self._span is not None:
                    key.put_off(time, mark, self._span)
        for name in _FIELDS:
            getattr(self, f"_{name}")[code] = getattr(key, name)
        if key.forgotten:
            self._drop_ticks(own)
        self._add_ticks([code] * len(key.left), *([one[part] for one in key.left] for part in (0, 1)))
        return kept, epochs

    def _timely(self, codes: Codes, times: Times, marks: Times) -> Ints:
        """Rows that are not late, and whose keys have no late ones: all at once."""
        epochs = self._epoch[codes]
        span, left = self._span, np.arange(len(codes))
        while span is not None and len(left):
            left = left[self._end[codes[left]] < times[left] + span + 1]
            touched, first = np.unique(codes[left], return_index=True)
            rows = left[first]
            ends, set_at = self._end[touched], self._set_at[touched]
            forgotten = (ends > NO_TIME) & (ends <= marks[rows]) & (set_at < marks[rows])
            if forgotten.any():
                self._forget(touched[forgotten])
                since = np.full(len(self._end), len(codes))
                since[touched[forgotten]] = rows[forgotten]
                epochs[np.arange(len(codes)) >= since[codes]] += 1
            put_off = (ends > NO_TIME) & ~forgotten
            self._add_ticks(touched[put_off], ends[put_off], set_at[put_off])
            self._end[touched], self._set_at[touched] = times[rows] + _after(span), marks[rows]
        return epochs

    def _forget(self, codes: Codes) -> None:
        self._last[codes] = self._end[codes] = NO_TIME
        self._epoch[codes] += 1
        self._drop_ticks(np.isin(self._ticks[0], codes))

    def _add_ticks(self, *columns: object) -> None:
        added = np.array(columns, dtype=np.int64)
        if added.size:
            self._ticks = np.concatenate([self._ticks, added], axis=1)
            self._moved = True

    def _drop_ticks(self, which: Flags) -> None:
        if which.any():
            self._ticks = self._ticks[:, ~which]
            self._moved = True

    def advance(self, watermark: int, codes: Codes, times: Times, epochs: Ints) -> Codes:
        """The watermark is this, and these rows are put out; the keys that are forgotten now."""
        current = epochs == self._epoch[codes]
        np.maximum.at(self._last, codes[current], times[current])
        self._journal.touch(codes)
        if self._span is None:
            return np.zeros(0, dtype=np.int32)
        ticked = (self._ticks[1] <= watermark) & (self._ticks[2] < watermark)
        of = self._ticks[0][ticked]
        np.maximum.at(self._last, of, self._ticks[1][ticked])
        self._journal.touch(of)
        self._drop_ticks(ticked)
        over = (self._end > NO_TIME) & (self._end <= watermark) & (self._set_at < watermark)
        return np.flatnonzero(over).astype(np.int32)

    def release(self, codes: Codes) -> None:
        """These keys are not known any more."""
        self._last[codes] = self._end[codes] = self._set_at[codes] = NO_TIME
        self._epoch[codes] = 0
        self._journal.touch(codes)

    def changes(self, is_live: Flags) -> list[Change]:
        """What changed since the last call; ``is_live`` says which keys are known."""
        found = self._journal.changes(is_live, self._columns)
        if self._moved:
            self._moved = False
            ticks = dict(zip(("key", "time", "mark"), map(pa.array, self._ticks), strict=True))
            found.append(Change("put_off", pa.RecordBatch.from_pydict(ticks), reset=True))
        return found

    def _columns(self, codes: Codes) -> dict[str, pa.Array]:
        return {name: pa.array(getattr(self, f"_{name}")[codes]) for name in _FIELDS}


def _after(span: int) -> int:
    """How long after a row its key is forgotten."""
    return int(span * 1.5) + 1
