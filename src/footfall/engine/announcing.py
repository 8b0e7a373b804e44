"""Turns the clock, and when clicks came, into when time is to be announced to the partitions.

A watermark that no click carries lets sessions end although nobody comes any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

NEVER: Final = -(1 << 62)
"""When nothing has come yet, in ms."""
_BUSY_MS: Final = 1_000
_QUIET_MS: Final = 5_000
"""How often time is announced: while clicks come, and after that."""


@dataclass(frozen=True, slots=True)
class Announcing:
    """When clicks came and time was announced, from which follows when it is due again. All in ms."""

    quiet_for: int
    """Without clicks, time goes on for so long, so that sessions end; then it stands still."""
    last: int = NEVER
    announced: int = NEVER

    def due(self) -> int | None:
        """When time is to be announced; None: when a click comes, not before."""
        if self.last == NEVER:
            return None
        if self.last > self.announced:
            return self.announced + _BUSY_MS
        return self.announced + _QUIET_MS if self.announced < self.last + self.quiet_for else None

    def clicked(self, now: int) -> Announcing:
        """After a click."""
        return replace(self, last=now)

    def until(self, now: int) -> Announcing:
        """After an announcement: how far time has come now."""
        return replace(self, announced=min(now, self.last + self.quiet_for))
