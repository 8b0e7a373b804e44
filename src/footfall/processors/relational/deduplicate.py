"""Turns rows into one row a key: the first or the last, by event time or by arrival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import NO_TIME, Change, State
from footfall.processors.relational.changelog import AFTER, BEFORE, NEW, Side, changelog, differing, shaped
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.row_store import RowStore
from footfall.processors.relational.rows import Rows, RunningRelation
from footfall.processors.relational.slices import milliseconds
from footfall.processors.relational.window_clock import WindowClock

_NO_ROW = -1
_EMITTED = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduplicate:
    """One row a key. The input must be inserts.

    - The first by arrival: put out at once, and never changed.
    - The first by ``time``: put out once the watermark has reached its time, and never changed; a row older than its
      mark is late. So does Flink since 2.2.
    - The last by arrival or ``time``: replaced by each later one; of the same time, the one that came last.

    A row without a time is left out.
    """

    input: pa.Schema
    output: pa.Schema
    partition: tuple[str, ...]
    time: str | None
    """A column; None means arrival."""
    keep: Literal["first", "last"]
    ttl: int | None = None
    """For how long (ms) a key is remembered that no row changes; None for ever."""

    def start(self, state: State) -> RunningRelation:
        """The running operator."""
        return (RunningFirst if self.keep == "first" else RunningLast)(self, state)


class _Keys:
    """What both know of each key: the number of a row that is kept, its time, and when that was."""

    def __init__(self, settings: Deduplicate, state: State) -> None:
        self.settings = settings
        self.index = KeyIndex([settings.input.field(name).type for name in settings.partition], "keys", state)
        self.store = RowStore(settings.output, "rows", state)
        self.rows: Ints = np.full(0, _NO_ROW, dtype=np.int64)
        self.times: Ints = np.zeros(0, dtype=np.int64)
        self.touched: Ints = np.zeros(0, dtype=np.int64)
        self._journal = Journal("latest")
        self._oldest = NO_TIME
        self.make_room()
        codes, saved = self._journal.restore(state)
        if saved is not None:
            for name in ("rows", "times", "touched"):
                getattr(self, name)[codes] = saved.column(name).to_numpy()

    def make_room(self) -> None:
        length = len(self.index)
        self.rows = grown(self.rows, length, fill=_NO_ROW)
        self.times, self.touched = grown(self.times, length), grown(self.touched, length)

    def encode(self, rows: Rows) -> Codes:
        codes = self.index.encode(rows.batch, self.settings.partition)
        self.make_room()
        return codes

    def note(self, codes: Codes, rows: Ints, times: Ints, now: int) -> None:
        """Remember these rows of the keys from now on."""
        self.rows[codes], self.times[codes], self.touched[codes] = rows, times, now
        self._journal.touch(codes)

    def expire(self, now: int) -> None:
        """Forget keys that nothing has changed for long; not those whose row still waits to be put out."""
        ttl = self.settings.ttl
        if ttl is None or self._oldest + ttl > now:
            return
        waits = self.settings.keep == "first"
        held = np.flatnonzero(self.rows == _EMITTED if waits else self.rows != _NO_ROW).astype(np.int32)
        due = held[self.touched[held] + ttl <= now]
        self.forget(due)
        left = held[self.rows[held] != _NO_ROW]
        self._oldest = int(self.touched[left].min(initial=now))

    def forget(self, codes: Codes) -> None:
        if len(codes):
            kept = self.rows[codes]
            self.store.drop(kept[kept >= 0])
            self.rows[codes] = _NO_ROW
            self._journal.touch(codes)
            self.index.release(codes)

    def changes(self) -> list[Change]:
        is_live = self.rows[: len(self.index)] != _NO_ROW
        return [*self.index.changes(), *self.store.changes(), *self._journal.changes(is_live, self._columns)]

    def _columns(self, codes: Codes) -> dict[str, pa.Array]:
        return {name: pa.array(getattr(self, name)[codes]) for name in ("rows", "times", "touched")}


class RunningFirst:
    """The first row of each key."""

    def __init__(self, settings: Deduplicate, state: State) -> None:
        self._settings = settings
        self._keys = _Keys(settings, state)
        self._clock = WindowClock(state, arrival=False)
        waiting = self._keys.rows >= 0
        self._due = int(self._keys.times[waiting].min(initial=2**63 - 1))

    @property
    def late(self) -> int:
        """Rows left out because they came too late."""
        return self._clock.late

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Put out the first row of keys that are new, or keep it until its time has come."""
        self._keys.expire(rows.now)
        if self._settings.time is None:
            return self._arrived(rows)
        times, missing = milliseconds(rows.batch.column(self._settings.time))
        kept = self._clock.timely(times >= self._clock.marks(rows), missing)
        if kept is not None:
            rows, times = rows.take(kept), times[kept]
        codes = self._keys.encode(rows)
        order = np.lexsort((times, codes))
        touched, first = np.unique(codes[order], return_index=True)
        first = order[first]
        had = self._keys.rows[touched]
        wins = (had == _NO_ROW) | ((had >= 0) & (times[first] < self._keys.times[touched]))
        touched, first, had = touched[wins], first[wins], had[wins]
        ids = self._keys.store.add(shaped(rows.batch.take(pa.array(first)).columns, self._settings.output))
        self._keys.store.drop(had[had >= 0])
        self._keys.note(touched, ids, times[first], rows.now)
        self._due = min(self._due, int(times[first].min(initial=self._due)))
        return []

    def _arrived(self, rows: Rows) -> Sequence[Rows]:
        codes = self._keys.encode(rows)
        touched, first = np.unique(codes, return_index=True)
        fresh = self._keys.rows[touched] == _NO_ROW
        if not fresh.any():
            return []
        touched, first = touched[fresh], first[fresh]
        self._keys.note(touched, np.full(len(touched), _EMITTED), np.zeros(len(touched), dtype=np.int64), rows.now)
        found = rows.take(np.sort(first))
        return [Rows(shaped(found.batch.columns, self._settings.output), found.marks, None, rows.now)]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Put out the rows whose time has come, in the order of time."""
        self._keys.expire(now)
        self._clock.advance(watermark, now)
        if self._due > watermark:
            return []
        waiting = np.flatnonzero(self._keys.rows >= 0).astype(np.int32)
        times = self._keys.times[waiting]
        over = times <= watermark
        self._due = int(times[~over].min(initial=2**63 - 1))
        codes = waiting[over][np.lexsort((self._keys.rows[waiting[over]], times[over]))]
        if not len(codes):
            return []
        ids, times = self._keys.rows[codes], self._keys.times[codes]
        batch = shaped(self._keys.store.take(ids).columns, self._settings.output)
        self._keys.store.drop(ids)
        self._keys.note(codes, np.full(len(codes), _EMITTED), times, now)
        return [Rows(batch, times - 1, None, now)]

    def changes(self) -> Sequence[Change]:
        """Keys and rows that have changed."""
        return [*self._keys.changes(), *self._clock.changes()]


class RunningLast:
    """The last row of each key."""

    def __init__(self, settings: Deduplicate, state: State) -> None:
        self._settings = settings
        self._keys = _Keys(settings, state)

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Replace the rows of keys that have a later one now."""
        self._keys.expire(rows.now)
        times = np.zeros(len(rows), dtype=np.int64)
        if self._settings.time is not None:
            times, missing = milliseconds(rows.batch.column(self._settings.time))
            if missing is not None:
                rows, times = rows.take(~missing), times[~missing]
        if not len(rows):
            return []
        codes = self._keys.encode(rows)
        order = np.lexsort((times, codes))
        ends = np.flatnonzero(np.append(np.diff(codes[order]) != 0, True))
        last = np.sort(order[ends])
        codes, times = codes[last], times[last]
        had = self._keys.rows[codes]
        wins = (had < 0) | (times >= self._keys.times[codes])
        codes, times, last, had = codes[wins], times[wins], last[wins], had[wins]
        return self._replace(rows, codes, times, last, had)

    def _replace(self, rows: Rows, codes: Codes, times: Ints, last: Ints, had: Ints) -> Sequence[Rows]:
        new = shaped(rows.batch.take(pa.array(last)).columns, self._settings.output)
        before = np.flatnonzero(had >= 0)
        old = shaped(self._keys.store.take(had[before]).columns, self._settings.output)
        self._keys.note(codes, self._keys.store.add(new), times, rows.now)
        self._keys.store.drop(had[before])
        unlike = np.ones(len(codes), dtype=np.bool_)
        unlike[before] = differing(old.columns, new.take(pa.array(before)).columns, len(before))
        changed = np.flatnonzero(unlike[before])
        after = np.flatnonzero(unlike)
        found = changelog(
            Side(old.take(pa.array(changed)), before[changed], np.full(len(changed), BEFORE)),
            Side(new.take(pa.array(after)), after, np.where(had[after] >= 0, AFTER, NEW)),
            rows.marks[last],
            rows.now,
        )
        return [] if found is None else [found]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - it does not wait for time
        """Forget keys that nothing has changed for long."""
        self._keys.expire(now)
        return []

    def changes(self) -> Sequence[Change]:
        """Keys and rows that have changed."""
        return self._keys.changes()
