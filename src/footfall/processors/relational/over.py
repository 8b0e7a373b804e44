"""Turns rows into the same rows with aggregates over the rows of their partition up to them, once time has passed them.

Rows of a key come out in the order of time. An aggregate over all rows before drops what is late by its mark. Over so
many rows, or so much time, a late row still counts if its key has put out none of its time or later: so it is in Flink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes, grown
from footfall.processors.base import NO_TIME, Change, Flags, State, Times
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.late_rows import LateRows
from footfall.processors.relational.over_frames import frames_of
from footfall.processors.relational.over_running import RunningAggregates
from footfall.processors.relational.rows import Rows
from footfall.processors.relational.slices import milliseconds
from footfall.processors.relational.waiting import WaitingRows
from footfall.processors.relational.window_clock import WindowClock

__all__ = ["AggregateCall", "Over"]

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Each row, then the aggregates over it and rows of its partition before it. All are inserts.

    The input must be inserts. A row without a time is left out. Of a RANGE over time of arrival, each row is the last.
    """

    input: pa.Schema
    output: pa.Schema
    """The input's columns, then the aggregates."""
    partition: tuple[str, ...]
    time: str
    by_rows: bool
    """ROWS; else RANGE: rows of the same time have the same frame."""
    preceding: int | None
    """How many rows, or how many ms, before it; None for all."""
    aggregates: tuple[AggregateCall, ...]
    arrival: bool = False
    """Whether a row's time is that of its arrival (``Rows.now``): it comes out at once."""
    ttl: int | None = None
    """For how long (ms) a key is remembered that no row comes for; None for ever. A bounded RANGE needs none."""

    def start(self, state: State) -> RunningOver:
        """The running operator."""
        return RunningOver(self, state)


class RunningOver:
    """Rows that wait for their time, and those that frames to come can hold."""

    def __init__(self, settings: Over, state: State) -> None:
        self._settings = one = settings
        self._bounded = one.preceding is not None
        self._clock = WindowClock(state, arrival=one.arrival)
        self._keys = KeyIndex([one.input.field(name).type for name in one.partition], "keys", state)
        self._known = RunningAggregates(one.input, one.aggregates, state, updating=self._bounded)
        self._late = LateRows(state, span=None if one.by_rows else one.preceding)
        self._held = WaitingRows(one.input, state)
        self._held.restored(self._encode, None if one.arrival else self._clock.watermark)
        ranged = self._bounded and not one.by_rows
        self._ttl = None if ranged else one.ttl
        self._touched: Ints = np.zeros(len(self._keys), dtype=np.int64)
        """When the last row of each key came (ms)."""
        self._journal = Journal("touched")
        self._oldest = NO_TIME
        """No key was touched before this (ms)."""
        codes, saved = self._journal.restore(state)
        if saved is not None:
            self._touched[codes] = saved.column("ms").to_numpy()

    def _encode(self, batch: pa.RecordBatch) -> Codes:
        codes = self._keys.encode(batch, self._settings.partition)
        self._known.grow(len(self._keys))
        self._late.grow(len(self._keys))
        return codes

    @property
    def late(self) -> int:
        """Rows left out because they came too late."""
        return self._clock.late

    @property
    def timeless(self) -> int:
        """Rows left out because their time is NULL."""
        return self._clock.timeless

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Keep rows until time has passed them; by arrival they come out at once."""
        self._expire(rows.now)
        if self._settings.arrival:
            return self._arrived(rows)
        times, missing = milliseconds(rows.batch.column(self._settings.time))
        marks = self._clock.marks(rows)
        if missing is not None or not self._bounded:
            timely = np.ones(len(rows), dtype=np.bool_) if self._bounded else times > marks
            rows, times, marks = self._kept(rows, times, marks, self._clock.timely(timely, missing))
        codes, epochs = self._coming(rows), np.zeros(len(rows), dtype=np.int64)
        if self._bounded:
            timely, epochs = self._late.take(codes, times, marks, self._held.of)
            kept = self._clock.timely(timely, None)
            if kept is not None:
                codes, epochs = codes[kept], epochs[kept]
            rows, times, marks = self._kept(rows, times, marks, kept)
        self._held.add(rows.batch, codes, times, marks, epochs)
        return []

    def _coming(self, rows: Rows) -> Codes:
        """The keys of rows that come now."""
        codes = self._encode(rows.batch)
        if self._ttl is not None:
            self._touched = grown(self._touched, len(self._keys))
            self._touched[codes] = rows.now
            self._journal.touch(codes)
        return codes

    @staticmethod
    def _kept(rows: Rows, times: Times, marks: Times, kept: Flags | None) -> tuple[Rows, Times, Times]:
        return (rows, times, marks) if kept is None else (rows.take(kept), times[kept], marks[kept])

    def _arrived(self, rows: Rows) -> list[Rows]:
        if not len(rows):
            return []
        times = np.full(len(rows), max(rows.now, self._clock.watermark + 1), dtype=np.int64)
        codes = self._coming(rows)
        marks = self._clock.marks(rows)
        _, epochs = self._late.take(codes, times, marks, self._held.of)
        self._late.advance(self._clock.watermark, codes, times, epochs)
        return self._put_out(self._held.add(rows.batch, codes, times, marks, epochs), rows.marks, rows.now)

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The rows that time has passed."""
        self._expire(now)
        before, reached = self._clock.advance(watermark, now)
        if reached <= before:
            return []
        held = self._held
        due = _NONE if self._settings.arrival else held.due(reached)
        cleared = self._late.advance(reached, held.codes[due], held.times[due], held.epochs[due])
        out = self._put_out(due, held.out_marks(due), now)
        self._forget(cleared)
        return out

    def _put_out(self, due: Ints, marks: Times, now: int) -> list[Rows]:
        """These rows with their aggregates, in the order in which time passed them."""
        if not len(due):
            return []
        held, one = self._held, self._settings
        touched = np.zeros(len(self._keys), dtype=np.bool_)
        touched[held.codes[due]] = True
        out = np.zeros(len(held.ids), dtype=np.bool_)
        out[due] = True
        places = np.flatnonzero(out | (held.done & touched[held.codes]))
        keys = (held.ids[places], held.times[places], held.epochs[places], held.codes[places])
        places = places[np.lexsort(keys)]
        frames = frames_of(
            held.codes[places],
            held.epochs[places],
            held.times[places],
            ~out[places],
            by_rows=one.by_rows,
            single=one.by_rows or one.arrival,
            preceding=one.preceding,
        )
        batch = held.take(places)
        results = self._known.results(frames.steps, batch)
        found = self._rows(batch, np.flatnonzero(out[places]), frames.of, results)
        order = np.empty(len(held.ids), dtype=np.int64)
        order[due] = np.arange(len(due))
        coming = order[places[out[places]]]
        marks, ids, times = marks[coming], held.ids[due][coming], held.times[due][coming]
        shown = np.lexsort((ids, times, marks)) if not one.arrival else np.argsort(ids)
        held.done[due] = True
        held.drop(places if not self._bounded else places[np.arange(len(places)) < frames.begins])
        return [Rows(found.take(pa.array(shown)), marks[shown], None, now)]

    def _rows(self, batch: pa.RecordBatch, rows: Ints, frames: Ints, results: list[pa.Array]) -> pa.RecordBatch:
        columns = [*batch.take(pa.array(rows)).columns, *(column.take(pa.array(frames)) for column in results)]
        return shaped(columns, self._settings.output)

    def _expire(self, now: int) -> None:
        """Forget keys that nothing came for, but not while a row of theirs waits."""
        if self._ttl is None or self._oldest + self._ttl > now:
            return
        known = np.flatnonzero(self._keys.is_live[: len(self._keys)]).astype(np.int32)
        old = self._touched[known] + self._ttl <= now
        old[np.isin(known, self._held.codes[~self._held.done])] = False
        self._oldest = int(self._touched[known[~old]].min(initial=now))
        self._forget(known[old])

    def _forget(self, codes: Codes) -> None:
        """Keys of whose rows none can be in a frame any more, or that are too old."""
        if len(codes):
            self._held.drop(np.flatnonzero(np.isin(self._held.codes, codes)))
            self._known.clear(codes)
            self._late.release(codes)
            self._keys.release(codes)

    def changes(self) -> Sequence[Change]:
        """Rows and keys that came and went, and how far time has come."""
        is_live = self._keys.is_live[: len(self._keys)]
        late = self._late.changes(is_live) if self._bounded else []
        touched = self._journal.changes(is_live, lambda codes: {"ms": pa.array(self._touched[codes])})
        parts = (self._keys.changes(), self._held.changes(), self._known.changes(is_live), late, touched)
        return [*(change for part in parts for change in part), *self._clock.changes()]
