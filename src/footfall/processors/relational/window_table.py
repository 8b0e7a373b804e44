"""Turns each row into one row a window that it is in: TUMBLE, HOP, CUMULATE and SESSION as functions of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.processors.base import Change, State
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.rows import Rows, RunningRelation
from footfall.processors.relational.session_table import RunningSessionTable
from footfall.processors.relational.slices import Window, time_array, times_of
from footfall.processors.relational.window_clock import WindowClock

__all__ = ["Window", "WindowTable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTable:
    """Each row once a window, with the window's begin, end and time as the last three columns.

    Rows come out at once, late ones too, as in Flink: who groups them finds out. Those of a SESSION come out once it is
    over, and late ones never. A row without a time is in no window, and is counted by ``timeless``.
    """

    input: pa.Schema
    output: pa.Schema
    window: Window

    def start(self, state: State) -> RunningRelation:
        """The running operator."""
        if self.window.kind == "SESSION":
            return RunningSessionTable(window=self.window, schema=self.input, output=self.output, state=state)
        return RunningWindowTable(self, state)


class RunningWindowTable:
    """Windows that are cut by the clock: all that is kept is what was counted."""

    def __init__(self, settings: WindowTable, state: State) -> None:
        self._settings = settings
        self._clock = WindowClock(state, arrival=settings.window.arrival)

    @property
    def timeless(self) -> int:
        """Rows left out because their time is NULL."""
        return self._clock.timeless

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """The rows with their windows, in the order of the rows."""
        window = self._settings.window
        times, missing = times_of(rows, window, self._clock.watermark)
        if missing is not None:
            kept = self._clock.timely(~missing, missing)
            if kept is not None:
                rows, times = rows.take(kept), times[kept]
        if not len(rows):
            return []
        slices = window.slices(times)
        none = np.zeros(len(slices), dtype=np.int64)
        first, last = int(window.first_ends(slices).min()), int(window.last_ends(slices).max())
        places, ends = window.windows(slices, none, first - 1, last)
        kinds = [field.type for field in list(self._settings.output)[-3:]]
        spans = (window.starts(ends), ends, ends - 1)
        found = rows if window.kind == "TUMBLE" else rows.take(places)
        columns = [time_array(time, kind) for time, kind in zip(spans, kinds, strict=True)]
        return [found.with_batch(shaped([*found.batch.columns, *columns], self._settings.output))]

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Nothing waits for time."""
        self._clock.advance(watermark, now)
        return []

    def changes(self) -> Sequence[Change]:
        """What was counted."""
        return self._clock.changes()
