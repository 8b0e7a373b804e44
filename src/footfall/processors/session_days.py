"""Turns sessions into what visitors did, by the day (UTC) on which each session began.

Bots' sessions are counted and left out of everything else. A *bounce* is a session with at most one page or product
seen and nothing put into the cart; *carted* is one in which something was.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.processors.base import NO_TIME
from footfall.processors.counts import Counts, Ints
from footfall.processors.session_windows import Columns

DAYS: Final = 7
"""How many days are kept, the newest event's included."""
KINDS: Final = ("sessions", "bots", "bounces", "views", "carted")
DAY_MS: Final = 86_400_000
_WIDTH: Final = 8
"""A key is day * 8 + kind."""


class DayCounts:
    """Counts of one partition's closed sessions."""

    def __init__(self) -> None:
        self.counts = Counts()

    def add(self, closed: Columns) -> None:
        """Count sessions that will not change any more."""
        self.counts.add(*_counted(closed))

    def forget(self, newest: int) -> None:
        """Drop what is too old, given the newest event time (ms)."""
        if newest != NO_TIME:
            self.counts.drop_below((newest // DAY_MS - DAYS + 1) * _WIDTH)

    def with_open(self, sessions: Columns) -> pa.RecordBatch:
        """A row a day with a column a kind: the closed sessions, and these."""
        keys, values = _counted(sessions)
        keys = np.concatenate([self.counts.keys, keys])
        values = np.concatenate([self.counts.values, values])
        days, row = np.unique(keys // _WIDTH, return_inverse=True)
        table = np.zeros((len(KINDS), len(days)), dtype=np.int64)
        np.add.at(table, (keys % _WIDTH, row), values)
        return pa.RecordBatch.from_arrays([pa.array(days), *map(pa.array, table)], names=["day", *KINDS])


def _counted(sessions: Columns) -> tuple[Ints, Ints]:
    """Keys, sorted and each once, and how much these sessions add to them."""
    days = sessions.start // DAY_MS * _WIDTH
    people = ~sessions.bot
    carted = people & (sessions.carts > 0)
    weights: tuple[npt.NDArray[np.generic], ...] = (
        people,
        sessions.bot,
        people & (sessions.views <= 1) & ~carted,
        np.where(people, sessions.views, 0),
        carted,
    )
    keys = np.concatenate([days + kind for kind in range(len(KINDS))])
    unique, inverse = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(unique), dtype=np.int64)
    np.add.at(sums, inverse, np.concatenate(weights).astype(np.int64))
    return unique, sums
