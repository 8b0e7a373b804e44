"""Turns what a source has brought into its heartbeat."""

from __future__ import annotations

from collections.abc import Callable

from footfall.core.clock import Clock
from footfall.engine.ingest import Tally


class Pulse:
    """Tells how fast a source is, from how much it has brought."""

    def __init__(self, clock: Clock, beat: Callable[..., None]) -> None:
        self._clock = clock
        self._beat = beat
        self._events = 0
        self._rate = 0.0
        self._at = clock.monotonic()

    def progress(self, tally: Tally) -> None:
        """Called as often as there is something new, or nothing for a second."""
        now = self._clock.monotonic()
        if now - self._at >= 1:
            self._rate = round((tally.events - self._events) / (now - self._at), 1)
            self._events, self._at = tally.events, now
        self._beat(events=tally.events, rate=self._rate, lag=0)
