"""Turns a list of services into running processes, and keeps them running until it is told to stop.

One thread: it waits for output, signals and the next thing that is due. It stays small, for it does no
work of the pipeline and imports nothing of it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from footfall.apps.status import SUPERVISOR, ServiceStatus, State, read_statuses, write_json
from footfall.apps.supervisor.child import WRONG_USAGE, Child, reason
from footfall.apps.supervisor.logs import loud, read_available
from footfall.apps.supervisor.services import Service
from footfall.apps.supervisor.signals import Signals
from footfall.core.clock import Clock, SystemClock

STOP_WITHIN: Final = 4.0
"""Seconds that services have to end by themselves."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at memory, processor time and heartbeats."""


class Display(Protocol):
    """Where the supervisor shows what happens."""

    def show(self, statuses: Sequence[ServiceStatus]) -> None:
        """The services as they are now; called about once a second."""
        ...

    def say(self, service: str, text: str) -> None:
        """A line that people should see."""
        ...


class Supervisor:
    """Starts, watches, restarts and stops. Made and run in the main thread."""

    def __init__(
        self, services: Sequence[Service], *, run_dir: Path, display: Display, clock: Clock | None = None
    ) -> None:
        self._run_dir = run_dir
        self._display = display
        self._clock = clock or SystemClock()
        self._selector = selectors.DefaultSelector()
        logs = run_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._children = [
            Child(instance, log=logs / f"{instance.name}.log") for one in services for instance in one.instances()
        ]
        self._started_ms = self._clock.now_ms()
        self._fatal = ""
        self._stopping = False
        self.statuses: Sequence[ServiceStatus] = ()
        """As of the last look."""

    def run(self) -> str:
        """Run until a signal comes, or until nothing is left to run.

        Returns what made it end before that: an essential service's complaint, or nothing.
        """
        signals = Signals(self._selector)
        try:
            self._watch(signals)
            self._stop(signals)
        finally:
            for child in self._children:
                child.send(signal.SIGKILL)
            signals.close()
            self._look()
            for child in self._children:
                child.log.close()
        return self._fatal

    def _watch(self, signals: Signals) -> None:
        look_at = 0.0
        while not signals.stops and not self._fatal:
            now = self._clock.monotonic()
            self._start_due(now)
            if now >= look_at:
                self._look()
                look_at = now + LOOK_EVERY
            if not any(child.pid or child.due is not None for child in self._children):
                return
            self._wait(signals, until=min([look_at, *(child.due for child in self._children if child.due is not None)]))
            self._reap()

    def _stop(self, signals: Signals) -> None:
        """SIGTERM for all, SIGKILL for those that are still there in the end, or at the second Ctrl-C."""
        self._stopping = True  # what they say from here on is for their logs
        told = min(signals.stops, 1)
        for child in self._children:
            child.due = None
            child.send(signal.SIGTERM)
        deadline = self._clock.monotonic() + STOP_WITHIN
        while any(child.pid for child in self._children):
            if signals.stops > told or self._clock.monotonic() >= deadline:
                for child in self._children:
                    child.send(signal.SIGKILL)
                deadline = self._clock.monotonic() + STOP_WITHIN
            self._wait(signals, until=min(deadline, self._clock.monotonic() + LOOK_EVERY))
            self._reap()

    def _start_due(self, now: float) -> None:
        for child in self._children:
            if child.due is not None and child.due <= now:
                if child.last_error:
                    self._display.say(child.name, "starting again")
                child.start(now)
                self._selector.register(child.output, selectors.EVENT_READ, data=child)

    def _wait(self, signals: Signals, *, until: float) -> None:
        """Take output and signals as they come, until something is due."""
        timeout = max(0.0, until - self._clock.monotonic())
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Child):
                self._take_output(key.data)
            else:
                signals.drain()

    def _take_output(self, child: Child) -> bool:
        """Log what a service printed; False at the end of its output."""
        data = read_available(child.output)
        for line in child.lines.feed(data) if data else child.lines.flush() if data == b"" else ():
            child.note(line)
            if not self._stopping and (text := loud(line)) is not None:
                self._display.say(child.name, text)
        if data == b"":
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.output)
        return bool(data)

    def _reap(self) -> None:
        for child in self._children:
            if child.pid is None or not child.ended():
                continue
            while self._take_output(child):
                pass
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.output)
            code = child.reap(self._clock.monotonic())
            if self._stopping:
                child.state, child.due = State.STOPPED, None
                continue
            if code != 0:
                self._display.say(child.name, reason(code))
            if code == WRONG_USAGE and child.instance.service.essential:
                self._fatal = child.last_error

    def _look(self) -> None:
        """Sample the processes, write ``supervisor.json``, read the heartbeats, show all of it."""
        for child in self._children:
            child.sample()
        content = {
            "service": SUPERVISOR,
            "pid": os.getpid(),
            "started_ms": self._started_ms,
            "updated_ms": self._clock.now_ms(),
            "services": [child.entry() for child in self._children],
        }
        with contextlib.suppress(OSError):  # a full disk must not end what runs
            write_json(self._run_dir / f"{SUPERVISOR}.json", content)
        self.statuses = read_statuses(self._run_dir, clock=self._clock)
        self._display.show(self.statuses)
