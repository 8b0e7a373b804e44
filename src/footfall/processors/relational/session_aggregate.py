"""Turns rows into sessions of keys, with aggregates: rows of a key that are no further apart than the gap.

As in Flink, a row makes a window from its time to the gap later, which becomes one with each window of the key that it
touches and that is not over. It is late if what comes of it is over by the row's mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import Codes
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State, Times
from footfall.processors.relational.accumulating import Accumulators
from footfall.processors.relational.accumulators import Arrays
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.rows import Rows
from footfall.processors.relational.sessions import Open, Placed, fold, place
from footfall.processors.relational.slices import Window, times_of
from footfall.processors.relational.window_clock import WindowClock, closed_windows

_NEVER: Final = 2**63 - 1
_NOBODY: Final = -1


class RunningSessions:
    """Sessions at work. A slot is an open session; subclasses say what is kept of its rows."""

    def __init__(
        self,
        *,
        window: Window,
        schema: pa.Schema,
        output: pa.Schema,
        keys: tuple[str, ...],
        state: State,
    ) -> None:
        self._window = window
        self._output = output
        self._names = keys
        self._clock = WindowClock(state, arrival=window.arrival)
        self._keys = KeyIndex([schema.field(name).type for name in keys], "keys", state)
        self._open = Arrays({"key": (np.int32, _NOBODY), "start": (np.int64, 0), "end": (np.int64, 0)})
        self._length = 0
        self._free: Ints = np.zeros(0, dtype=np.int64)
        self._journal = Journal("sessions")
        self._due = -_NEVER
        """No session ends before this."""
        slots, saved = self._journal.restore(state)
        if saved is not None:
            self._length = int(slots.max()) + 1
            self._make_room()
            self._open.restore(slots, "", saved)
            self._restore(slots, saved)
            self._free = np.flatnonzero(self._open["key"][: self._length] == _NOBODY)

    def _make_room(self) -> None:
        """Make room for all slots."""
        self._open.grow(self._length)

    def _restore(self, slots: Codes, saved: Batch) -> None:
        """Take in what was saved of slots."""

    def _add(self, slots: Ints, rows: Rows) -> None:
        """Take rows, each into a slot."""
        raise NotImplementedError

    def _merge(self, source: Ints, target: Ints) -> None:
        """Give what each source holds to its target."""
        raise NotImplementedError

    def _clear(self, slots: Ints) -> None:
        """Forget what these slots hold."""
        raise NotImplementedError

    def _closed(self, slots: Ints) -> Sequence[Rows]:
        """What is put out of sessions that are over."""
        raise NotImplementedError

    def _saved(self, slots: Codes) -> dict[str, pa.Array]:
        """What is to be saved of these slots."""
        raise NotImplementedError

    @property
    def late(self) -> int:
        """Rows left out because their session was over."""
        return self._clock.late

    @property
    def timeless(self) -> int:
        """Rows left out because their time is NULL."""
        return self._clock.timeless

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Put rows into sessions."""
        times, missing = times_of(rows, self._window, self._clock.watermark)
        marks = self._clock.marks(rows)
        if missing is not None:
            kept = self._clock.timely(~missing, missing)
            times, marks, rows = times[kept], marks[kept], rows.take(kept)  # type: ignore[arg-type]  # some are missing
        if not len(rows):
            return []
        keys = self._keys.encode(rows.batch, self._names)
        gap = self._window.size
        held = self._held(np.unique(keys))
        placed, odd = place(keys, times, marks, held, gap)
        if not odd.any():
            self._take(placed, rows)
            return []
        strange = odd[keys]
        folded = fold(keys[strange], times[strange], marks[strange], held.of(odd[held.keys]), gap)
        self._clock.late += folded.late
        placed, _ = place(keys[~strange], times[~strange], marks[~strange], held.of(~odd[held.keys]), gap)
        self._take(placed, rows.take(~strange))
        self._take(folded, rows.take(np.flatnonzero(strange)[folded.rows]))
        self._keys.release(self._unused(np.flatnonzero(odd).astype(np.int32)))
        return []

    def _unused(self, keys: Codes) -> Codes:
        """Of these keys, those that have no session: all their rows were late."""
        return np.setdiff1d(keys, self._open["key"][: self._length])

    def _held(self, keys: Codes) -> Open:
        """The open sessions of these keys."""
        wanted = np.zeros(len(self._keys) + 1, dtype=np.bool_)
        wanted[keys] = True
        slots = np.flatnonzero(wanted[self._open["key"][: self._length]])
        return Open(self._open["key"][slots], self._open["start"][slots], self._open["end"][slots], slots)

    def _take(self, placed: Placed, rows: Rows) -> None:
        """Make sessions as they are now, and add the rows to them."""
        if not len(placed.keys):
            return
        slots = placed.slots.copy()
        fresh = np.flatnonzero(slots == _NOBODY)
        slots[fresh] = self._new_slots(len(fresh))
        self._make_room()
        self._open["key"][slots] = placed.keys
        self._open["start"][slots] = placed.starts
        self._open["end"][slots] = placed.ends
        if len(placed.absorbed):
            self._merge(placed.absorbed, slots[placed.absorbed_by])
            self._drop(placed.absorbed)
        self._add(slots[placed.session_of_row], rows)
        self._journal.touch(slots)
        self._due = min(self._due, int(placed.ends.min()))

    def _new_slots(self, count: int) -> Ints:
        """Places for new sessions."""
        reused = self._free[len(self._free) - min(count, len(self._free)) :]
        self._free = self._free[: len(self._free) - len(reused)]
        begin = self._length
        self._length += count - len(reused)
        return np.concatenate([reused, np.arange(begin, self._length)])

    def _drop(self, slots: Ints) -> None:
        self._journal.touch(slots)
        self._clear(slots)
        self._open.clear(slots)
        self._free = np.concatenate([self._free, slots])

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """The sessions that are over."""
        before, reached = self._clock.advance(watermark, now)
        if reached <= before or self._due - 1 > reached:
            return []
        keys, ends = self._open["key"][: self._length], self._open["end"][: self._length]
        is_open: Flags = keys != _NOBODY
        over = np.flatnonzero(is_open & (ends - 1 <= reached))
        found = self._closed(over)
        self._drop(over)
        is_open[over] = False
        self._due = int(ends[is_open].min(initial=_NEVER))
        self._keys.release_others(np.unique(keys[is_open]))
        return found

    def changes(self) -> Sequence[Change]:
        """Sessions that have changed, and how far time has come."""
        sessions = self._journal.changes(self._open["key"][: self._length] != _NOBODY, self._columns)
        return [*self._keys.changes(), *sessions, *self._clock.changes()]

    def _columns(self, slots: Codes) -> dict[str, pa.Array]:
        return self._open.columns(slots) | self._saved(slots)


class RunningSessionAggregate(RunningSessions):
    """Aggregates of sessions."""

    def __init__(
        self,
        *,
        window: Window,
        schema: pa.Schema,
        output: pa.Schema,
        keys: tuple[str, ...],
        aggregates: tuple[AggregateCall, ...],
        state: State,
    ) -> None:
        self._known = Accumulators(schema, aggregates, state, updating=False)
        super().__init__(window=window, schema=schema, output=output, keys=keys, state=state)

    def _make_room(self) -> None:
        super()._make_room()
        self._known.grow(self._length)

    def _restore(self, slots: Codes, saved: Batch) -> None:
        self._known.restore(slots, saved)

    def _add(self, slots: Ints, rows: Rows) -> None:
        self._known.add(slots, None, rows.batch)

    def _merge(self, source: Ints, target: Ints) -> None:
        self._known.merge(source, target, keep=True)

    def _clear(self, slots: Ints) -> None:
        self._known.clear(slots)

    def _closed(self, slots: Ints) -> Sequence[Rows]:
        if not len(slots):
            return []
        columns: list[Ints | Times] = [self._open[name][slots] for name in ("key", "start", "end")]
        order = np.lexsort(tuple(columns))
        slots, (keys, starts, ends) = slots[order], (column[order] for column in columns)
        named = self._keys.columns(keys.astype(np.int32))
        return [closed_windows(self._output, named, self._known.results(slots), starts, ends)]

    def _saved(self, slots: Codes) -> dict[str, pa.Array]:
        return self._known.columns(slots)

    def changes(self) -> Sequence[Change]:
        """Sessions and values that have changed, and how far time has come."""
        return [*super().changes(), *self._known.changes()]
