"""Turns a service's deaths into the times at which to start it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST: Final = 0.2
LONGEST: Final = 10.0
FORGIVEN: Final = 30.0


@dataclass(slots=True)
class Backoff:
    """At once the first time, then after 0.2 s, 0.4 s, … at most 10 s; 30 s of life make it forget."""

    deaths: int = 0

    def delay(self, lived_seconds: float) -> float:
        """The service just died after this long a life: how many seconds to wait before it is started."""
        if lived_seconds >= FORGIVEN:
            self.deaths = 0
        self.deaths += 1
        if self.deaths == 1:
            return 0.0
        return min(LONGEST, FIRST * 2.0 ** min(self.deaths - 2, 16))
