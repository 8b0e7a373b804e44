"""Turns failures into how long to leave something alone: longer each time, until it works again."""

from __future__ import annotations

import threading
from typing import Final

from footfall.core.clock import Clock

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
"""Seconds before the next try; they double from one to the other."""
_SLICE: Final = 0.25
"""Seconds of a pause after which there is time for a sign of life."""


class Pause:
    """How long to leave alone what was not available: longer each time, until it works again."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self._clock, self._stop = clock, stop
        self._seconds = 0.0
        self._until = float("-inf")

    def lengthen(self) -> float:
        """It did not work. Returns after how many seconds to try again."""
        self._seconds = min(max(2 * self._seconds, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._until = self._clock.monotonic() + self._seconds
        return self._seconds

    def end(self) -> None:
        """It worked."""
        self._seconds = 0.0

    def over(self) -> bool:
        """Whether it is time to try again. Waits a little if it is not."""
        left = self._until - self._clock.monotonic()
        if left > 0:
            self._clock.wait(min(left, _SLICE), self._stop)
        return left <= 0
