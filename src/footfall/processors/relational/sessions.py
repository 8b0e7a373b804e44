"""Turns rows of keys and the sessions that are open into the sessions that there are then, all keys at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from footfall.core.codes import Codes
from footfall.processors.base import Flags, Times
from footfall.processors.relational.integers import Ints

_NOBODY: Final = -1
_ROOM: Final = 2**62
"""Keys and times together must be told apart by numbers below this."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open sessions, one a row. ``ends`` is the gap after the last row."""

    keys: Codes
    starts: Times
    ends: Times
    slots: Ints

    def of(self, which: Flags) -> Open:
        """Some of them."""
        return Open(self.keys[which], self.starts[which], self.ends[which], self.slots[which])


@dataclass(frozen=True, slots=True)
class Placed:
    """Sessions that rows are in now."""

    keys: Codes
    starts: Times
    ends: Times
    slots: Ints
    """Which session each of them goes on with; -1 for a new one."""
    absorbed: Ints
    """Slots of further sessions that they have taken up,"""
    absorbed_by: Ints
    """and by which of them each was."""
    session_of_row: Ints
    rows: Ints
    """Which of the rows are in a session."""
    late: int = 0
    """How many are not."""


def place(keys: Codes, times: Times, marks: Times, held: Open, gap: int) -> tuple[Placed, Flags]:
    """Put all rows into sessions as if none were ever over; and for each key, whether that was wrong.

    It is wrong only if a row may have touched a window that was over by the row's mark, its own included: one whose
    last row lies between the row less the gap and the mark less the gap. Or if that was so before, and one of the
    sessions that touch each other is still there.
    """
    every = np.concatenate([held.keys, keys])
    odd = np.zeros(int(every.max(initial=0)) + 1, dtype=np.bool_)
    none = np.zeros(0, dtype=np.int64)
    nothing = Placed(none.astype(np.int32), none, none, none, none, none, none, none)
    if not len(keys):
        return nothing, odd
    starts, lasts = np.concatenate([held.starts, times]), np.concatenate([held.ends - gap, times])
    base = int(starts.min())
    span = int(lasts.max()) - base + 2 * gap + 2
    ranks = _ranked(every)
    most = _ROOM // (int(ranks.max()) + 1)
    if span > most:
        # Keys with a time that is far from most others would make the numbers below too large: they go row by row.
        middle = int(np.median(starts))
        far = np.maximum(np.abs(starts - middle), np.abs(lasts - middle)) > most // 2 - 2 * gap
        odd[every[far]] = True
        return nothing, odd
    offset = ranks * span - base
    from_, until = starts + offset, lasts + offset
    order = np.argsort(from_)
    ordered = from_[order]
    reach = np.maximum.accumulate(until[order]) + gap
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] > reach[:-1]]))
    number = np.zeros(len(order), dtype=np.int64)
    number[begins[1:]] = 1
    session = np.empty(len(order), dtype=np.int64)
    session[order] = np.cumsum(number)
    heads = order[begins]
    known, slots = len(held.keys), np.full(len(begins), _NOBODY, dtype=np.int64)
    first_of, first = np.unique(session[:known], return_index=True)
    slots[first_of] = held.slots[first]
    further = np.ones(known, dtype=np.bool_)
    further[first] = False
    ends = np.maximum.reduceat(lasts[order], begins) + gap
    held_order = np.argsort(from_[:known])
    touching = from_[:known][held_order][1:] <= np.maximum.accumulate(until[:known][held_order])[:-1] + gap
    odd[held.keys[held_order][1:][touching]] = True
    risky = np.flatnonzero(times <= marks + 1)
    if len(risky):
        at, low = offset[known:][risky], np.sort(until)
        lower = np.searchsorted(low, times[risky] - gap + at)
        # Never beyond the row itself: the mark may be anything, and another key's rows are not far.
        upper = np.searchsorted(low, np.minimum(marks[risky] + 1 - gap, times[risky]) + at, side="right")
        odd[keys[risky[upper > lower]]] = True
    placed = Placed(
        every[heads],
        starts[heads],
        ends,
        slots,
        held.slots[further],
        session[:known][further],
        session[known:],
        np.arange(len(keys)),
    )
    return placed, odd


def _ranked(keys: Codes) -> Ints:
    """The place of each key among those that occur."""
    present = np.zeros(int(keys.max()) + 1, dtype=np.bool_)
    present[keys] = True
    ranks: Ints = (np.cumsum(present) - 1)[keys]
    return ranks


@dataclass(slots=True)
class _Session:
    key: int
    start: int
    end: int
    slots: list[int]
    rows: list[int] = field(default_factory=list)


def fold(keys: Codes, times: Times, marks: Times, held: Open, gap: int) -> Placed:
    """Put rows into sessions one by one, as their marks say."""
    sessions: dict[int, list[_Session]] = {}
    columns = (held.keys.tolist(), held.starts.tolist(), held.ends.tolist(), held.slots.tolist())
    for key, start, end, slot in zip(*columns, strict=True):
        sessions.setdefault(key, []).append(_Session(key, start, end, [slot]))
    late = 0
    for row, (key, time, mark) in enumerate(zip(keys.tolist(), times.tolist(), marks.tolist(), strict=True)):
        own = sessions.setdefault(key, [])
        found = _Session(key, time, time + gap, [], [row])
        touched = [one for one in own if one.end - 1 > mark and one.start <= found.end and time <= one.end]
        for one in touched:
            found.start, found.end = min(found.start, one.start), max(found.end, one.end)
            found.slots += one.slots
            found.rows += one.rows
        if found.end - 1 <= mark:
            late += 1
            continue
        sessions[key] = [one for one in own if one not in touched] + [found]
    return _placed([one for own in sessions.values() for one in own if one.rows], late)


def _placed(sessions: list[_Session], late: int) -> Placed:
    absorbed = [(slot, place) for place, one in enumerate(sessions) for slot in one.slots[1:]]
    rows = sorted((row, place) for place, one in enumerate(sessions) for row in one.rows)
    pairs = np.array(absorbed, dtype=np.int64).reshape(-1, 2)
    members = np.array(rows, dtype=np.int64).reshape(-1, 2)
    columns = [[one.key, one.start, one.end, one.slots[0] if one.slots else _NOBODY] for one in sessions]
    table = np.array(columns, dtype=np.int64).reshape(-1, 4)
    return Placed(
        table[:, 0].astype(np.int32),
        table[:, 1],
        table[:, 2],
        table[:, 3],
        pairs[:, 0],
        pairs[:, 1],
        members[:, 1],
        members[:, 0],
        late,
    )
