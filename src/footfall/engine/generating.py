"""Turns a seed into streams that never stop: each row is in the log once, however often the generator is killed.

Rows have numbers, and the number to go on with is committed with the rows. It stands as the group's position, so a
second generator of the same rows is fenced.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from footfall.core.clock import Clock
from footfall.core.events import SHOP_CLICKS, SHOP_USERS, Batch
from footfall.core.progress import unheard
from footfall.engine.ingest import Splitter
from footfall.log.base import Append, Commit, DurableLog, Place, Position, StreamSettings
from footfall.sources.generate_users_clicks import Sample

_TICK: Final = 0.02
"""Seconds between two looks at what is due: clicks due within a tick are committed together."""
_MOST: Final = 20_000
"""Clicks that are committed together at most, so that one that was asleep catches up in parts."""
_ANNOUNCE_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast clicks come, and when they end."""

    interval: timedelta = timedelta(milliseconds=500)
    """Between one click and the next."""
    clicks: int | None = None
    """The generator ends when there are so many; None: never."""
    lateness: timedelta = timedelta(minutes=10)
    """How far the watermark stays behind."""


class Generating:
    """A sample, appended to the streams ``user`` and ``click`` as time goes by."""

    def __init__(
        self,
        log: DurableLog,
        sample: Sample,
        *,
        pace: Pace,
        clock: Clock,
        streams: StreamSettings | None = None,
        beat: Callable[..., None] = unheard,
    ) -> None:
        self._log = log
        self._sample = sample
        self._pace = pace
        self._clock = clock
        self._beat = beat
        self._group = f"generate:{sample.settings.known_as}"
        there = set(log.names())
        for stream in (SHOP_USERS, SHOP_CLICKS):
            if stream not in there:
                log.create(stream, streams or StreamSettings())
        self._partitions = {stream: log.partitions(stream) for stream in (SHOP_USERS, SHOP_CLICKS)}
        self._splitters = {stream: Splitter(n, key="user_id") for stream, n in self._partitions.items()}
        self._stands = log.position(self._group, SHOP_CLICKS, 0)
        self._announced = 0

    @property
    def rows(self) -> int:
        """How many rows are in the log."""
        return self._stands.offset

    def run(self, stop: threading.Event) -> dict[str, int]:
        """Append what is due until told to stop, or until there are as many clicks as are wanted."""
        settings, interval = self._sample.settings, self._pace.interval.total_seconds()
        first, started, begun = settings.clicks_in(self.rows), self._clock.monotonic(), self.rows
        while not stop.is_set():
            elapsed = self._clock.monotonic() - started
            due = min(first + int(elapsed / interval + 1e-9), self._end(), settings.clicks_in(self.rows) + _MOST)
            if self.rows < settings.rows(due):
                self._append(settings.rows(due))
            self._beat(events=self.rows - begun, rate=round((self.rows - begun) / max(elapsed, 1.0), 1), lag=0)
            if due >= self._end():
                break
            ahead = (due + 1 - first) * interval - (self._clock.monotonic() - started)
            self._clock.wait(min(max(ahead, _TICK), 1.0), stop)
        return {"events": self.rows - begun, "rows": self.rows, "clicks": settings.clicks_in(self.rows)}

    def _end(self) -> int:
        """The number of clicks at which it ends."""
        return 1 << 62 if self._pace.clicks is None else self._pace.clicks

    def _append(self, end: int) -> None:
        """Commit the rows up to this number, and the number."""
        now = self._clock.now_ms()
        batches = self._sample.batches(self.rows, end, at_ms=now)
        watermark = None
        if now - self._announced >= _ANNOUNCE_MS:
            self._announced, watermark = now, now - self._pace.lateness // timedelta(milliseconds=1)
        outputs = [one for stream, batch in batches.items() for one in self._appends(stream, batch, watermark)]
        place = Place(end, 0)
        self._log.commit(
            Commit(outputs=outputs, positions=[Position(self._group, SHOP_CLICKS, 0, self._stands, place)])
        )
        self._stands = place

    def _appends(self, stream: str, batch: Batch, watermark: int | None) -> list[Append]:
        """The batch over its stream's partitions; a watermark goes to all of them."""
        parts = self._splitters[stream].split(batch, stream=stream, watermark=watermark)
        if watermark is None:
            return parts
        quiet = set(range(self._partitions[stream])) - {part.partition for part in parts}
        return parts + [Append(stream, partition, batch.slice(0, 0), watermark) for partition in sorted(quiet)]
