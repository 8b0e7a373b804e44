"""Turns the machine's clock into an argument, so that time can be given, moved and stopped.

The only module that reads the wall clock or sleeps.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from. Event time never does: it comes with the events."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC, by the wall clock."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, for durations."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait at most this long; True at once when ``stop`` is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(max(0.0, seconds))


class ManualClock:
    """A clock that moves when told to. A wait moves it at once and never blocks."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._now_ms / 1000

    def advance(self, seconds: float) -> None:
        """Move the clock forward by this many seconds."""
        self._now_ms += round(seconds * 1000)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        self.advance(max(0.0, seconds))
        return stop.is_set()
