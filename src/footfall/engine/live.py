"""Turns a crew into a service: runs until stopped, publishes views, takes up changed files, tells how it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from footfall.core.clock import Clock
from footfall.core.errors import UsageError
from footfall.core.events import OFFERS
from footfall.engine.logs import logger
from footfall.engine.owning import Crew
from footfall.engine.publish import publish
from footfall.engine.worker import Progress, Task, Worker
from footfall.log.base import RetainingLog
from footfall.processors.behaviour import Detector
from footfall.processors.patterns import PatternFile
from footfall.stores.base import ServingStore
from footfall.stores.views import refresh

_RETENTION_EVERY: Final = 60
"""Seconds between two looks at what the log may forget."""


@dataclass(slots=True)
class Service:
    """The tasks of one process, and what surrounds them."""

    log: RetainingLog
    store: ServingStore
    crew: Crew
    patterns: Callable[[], PatternFile | None]
    """The pattern file, which may also appear while the service runs."""
    clock: Clock
    beat: Callable[..., None]
    _owned_before: bool = False
    _file: PatternFile | None = None
    _error: str | None = None
    _events: int = 0
    _at: float = 0.0
    _retained: float = 0.0

    def run(self, stop: threading.Event, *, until_end: bool) -> dict[str, Any]:
        """Work until stopped, or until nothing is left if ``until_end``; what was done, in figures."""
        self._at = self._retained = self.clock.monotonic()
        worker = Worker(
            self.crew.tasks,
            log=self.log,
            clock=self.clock,
            stop=stop,
            every_second=self._every_second,
            changed=self._changed,
        )
        try:
            worker.run(drained=lambda: until_end and self.crew.settled)
        finally:
            self.crew.ownership.close()
        return {"events": worker.events}

    def _changed(self) -> Sequence[Task] | None:
        tasks = self.crew.changed()
        if tasks is not None:
            self._take_up_patterns()
            if self._owned_before:
                logger().info("partitions_changed", partitions=[stage.partition for stage in self.crew.stages])
            self._owned_before = True
        return tasks

    def _every_second(self, progress: Progress) -> None:
        self._take_up_patterns()
        stages = self.crew.stages
        for stage in stages:
            stage.tidy()
        self.crew.ownership.check()
        publish(stages, self.store)
        if stages:
            refresh(self.store)
        self.crew.tell()
        now = self.clock.monotonic()
        rate = (progress.events - self._events) / max(now - self._at, 1e-6)
        self._events, self._at = progress.events, now
        if now - self._retained > _RETENTION_EVERY:
            self._retained = now
            self.log.enforce_retention()
        self.beat(
            events=progress.events,
            rate=round(rate, 1),
            lag=progress.lag,
            offers=progress.put_out.get(OFFERS, 0),
            windows_late=sum(getattr(task, "late", 0) for task in self.crew.functions),
            error=self._error or "",
        )

    def _take_up_patterns(self) -> None:
        """Use the pattern file as it is now; a wrong one changes nothing, but is said."""
        detectors = [d for stage in self.crew.stages if isinstance(d := stage.followers.get("behaviour"), Detector)]
        if not detectors:
            return
        if self._file is None:
            try:
                self._file = self.patterns()
            except UsageError as error:  # it has appeared since, and is wrong from the beginning
                self._say(str(error))
        if self._file is None:
            return
        self._file.poll()
        self._say(self._file.error)
        for detector in detectors:
            if detector.patterns != self._file.current:
                detector.use(self._file.current)
                logger().info("patterns_changed", file=str(self._file.path), version=self._file.current.version)

    def _say(self, error: str | None) -> None:
        """Tell what is wrong with the pattern file, once, and when nothing is wrong any more."""
        if error == self._error:
            return
        self._error = error
        if error:
            logger().error("pattern_file_wrong", error=error, kept="the patterns used so far")
        else:
            logger().info("pattern_file_mended")
