"""Turns event times, in the order of the log, into a watermark: how far time has come in a partition.

The rule is that of bounded out-of-orderness: after each event the watermark is the newest event time so far,
less the allowed lateness. It is applied event by event, so the cut into batches makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BEGINNING: Final = -(2**62)
"""The newest event time before there was any, in ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkSettings:
    """How far events may be out of order, and how fast a clock may be."""

    lateness: timedelta = timedelta(minutes=10)
    """An event older than the newest one by more than this is late."""
    fast_clock: timedelta = timedelta(minutes=5)
    """An event newer than its own append to the log by more than this does not move time on."""

    @property
    def lateness_ms(self) -> int:
        return self.lateness // timedelta(milliseconds=1)

    @property
    def fast_clock_ms(self) -> int:
        return self.fast_clock // timedelta(milliseconds=1)


class Watermark:
    """How far event time has come in one partition. ``high`` is the newest event time that counts, in ms."""

    def __init__(self, settings: WatermarkSettings, *, high: int = BEGINNING) -> None:
        self._lateness = settings.lateness_ms
        self._fast_clock = settings.fast_clock_ms
        self.high = high

    @property
    def value(self) -> int:
        """Nothing older than this (ms) is expected any more."""
        return self.high - self._lateness

    def bounded(self, announced: int, *, appended_ms: int) -> int:
        """The newest event time that an announced watermark stands for, as far as its append allows."""
        return min(announced + self._lateness, appended_ms + self._fast_clock)

    def advance(self, high: int) -> None:
        """Move time on to ``high`` (ms, see ``bounded``), never back."""
        self.high = max(self.high, high)

    def observe(self, times: Times, *, late: Flags, appended_ms: Times | int, floor: Times | None = None) -> Flags:
        """Take events in log order and return which are late, given which their sources called late.

        ``appended_ms`` is the wall-clock time of the append, for all rows or row by row; ``floor`` the newest
        event time (ms) that was announced before each row.
        """
        if not len(times):
            return late
        counts = ~late & (times <= np.asarray(appended_ms) + self._fast_clock)
        moving = np.where(counts, times, BEGINNING)
        newest = max(self.high, int(moving.max()))
        highest = newest if floor is None else max(newest, int(floor[-1]))
        if int(times.min()) < highest - self._lateness:
            before = np.maximum.accumulate(np.concatenate([[self.high], moving[:-1]]))
            if floor is not None:
                before = np.maximum(before, floor)
            late = late | (times < before - self._lateness)
        self.high = newest
        return late
