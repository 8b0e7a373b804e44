"""Turns stages into a running service: each takes its turn, and once a second the views are published."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from footfall.core.clock import Clock
from footfall.core.errors import Unavailable
from footfall.core.progress import unheard
from footfall.log.base import Log, Place

_TICK: Final = 1.0
"""Seconds between two publications of the views."""
_FEW: Final = 200
_LINGER: Final = 0.01
"""Seconds to wait after fewer than ``_FEW`` events, so that a trickle is not committed event by event."""


class Task(Protocol):
    """Something that works on one partition."""

    def step(self) -> int | None:
        """Process some events and commit; how many, or None if there is nothing to do."""
        ...

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        ...

    def lag(self) -> int:
        """Events that it has not processed yet."""
        ...


@dataclass(slots=True)
class Progress:
    """What a worker tells about itself once a second."""

    events: int = 0
    """Processed since the start."""
    lag: int = 0
    put_out: Mapping[str, int] = field(default_factory=dict)


class Worker:
    """Runs tasks over one log until it is stopped, or until there is nothing left to do."""

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        log: Log,
        clock: Clock,
        stop: threading.Event,
        every_second: Callable[[Progress], None] = unheard,
        changed: Callable[[], Sequence[Task] | None] = lambda: None,
    ) -> None:
        """``changed`` says what the tasks are from now on, when they change; asked before each turn."""
        self._tasks = tasks
        self._changed = changed
        self._log = log
        self._clock = clock
        self._stop = stop
        self._every_second = every_second
        self._next_tick = clock.monotonic()
        self.events = 0

    def run(self, *, drained: Callable[[], bool] = lambda: False) -> None:
        """Work until ``stop`` is set. Ends also when nothing is left and ``drained`` says that nothing will come."""
        while not self._stop.is_set():
            last = drained()
            self._take_up_changes()
            steps = self._turn()
            done = sum(rows or 0 for rows in steps)
            self.events += done
            self._tick_if_due()
            if all(rows is None for rows in steps):
                if last:
                    break
                self._wait()
            elif done < _FEW and not last:
                self._clock.wait(_LINGER, self._stop)
        self.tick()

    def _turn(self) -> list[int | None]:
        """What one step of each task did. It ends early when the tasks change, so that others need not wait long."""
        steps: list[int | None] = []
        for task in self._tasks:
            steps.append(task.step())
            if self._take_up_changes():
                return [*steps, 0]
        return steps

    def _take_up_changes(self) -> bool:
        given = self._changed()
        if given is not None:
            self._tasks = given
        return given is not None

    def _wait(self) -> None:
        places: dict[tuple[str, int], Place] = {}
        for task in self._tasks:
            places.update(task.places())
        timeout = min(max(self._next_tick - self._clock.monotonic(), 0.0), 0.25)
        try:
            self._log.wait(places, timeout=timeout)
        except Unavailable:  # the next step says so, or waits
            self._clock.wait(_LINGER, self._stop)

    def _tick_if_due(self) -> None:
        if self._clock.monotonic() >= self._next_tick:
            self.tick()

    def tick(self) -> None:
        """Do what is done once a second."""
        self._next_tick = self._clock.monotonic() + _TICK
        put_out: dict[str, int] = {}
        for task in self._tasks:
            for stream, rows in getattr(task, "put_out", {}).items():
                put_out[stream] = put_out.get(stream, 0) + rows
        self._every_second(Progress(self.events, sum(task.lag() for task in self._tasks), put_out))
