"""Turns a command line into a service that is started again whenever it ends, as `footfall up` does."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.harness import BrokenDownError
from tests.observing import command, environment

BACK_OFF: Final = 0.3
"""Seconds after which a service that ended is started again."""
BUGGY: Final = "tests.faults.buggy_kafka"


@dataclass(slots=True)
class Supervised:
    """A service, and the process that is it just now."""

    name: str
    arguments: list[str]
    bug: str | None
    errors: Path
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    """Whether it is started again when it ends."""
    ended: list[int] = field(default_factory=list)
    """The exit codes of processes that ended by themselves."""
    _again: float = 0.0
    """When it is started again."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it; from now on it is wanted."""
        with self._lock:
            self.wanted = True
            self._start()

    def _start(self) -> None:
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command(self.bug, *self.arguments, module=BUGGY) if self.bug else command(*self.arguments),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**environment(), "PYTHONFAULTHANDLER": "1"},
            )

    def look_after(self) -> None:
        """Start it again if it has ended by itself."""
        with self._lock:
            if not self.wanted or self.process is None or (code := self.process.poll()) is None:
                return
            if code == 0:
                self.wanted = False
            elif not self._again:
                self.ended.append(code)
                self._again = time.monotonic() + BACK_OFF
            elif time.monotonic() > self._again:
                self._again = 0.0
                self._start()

    def give_up(self) -> None:
        """Let it not be started again."""
        with self._lock:
            self.wanted = False

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal; if it is just gone, so be it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.give_up()
        if self.process is None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # then it says where it stands
            self.process.wait()
            raise BrokenDownError(f"{self.name} does not end when told to: {self.said}") from None

    @property
    def said(self) -> str:
        """The last things that it said."""
        return self.errors.read_text(encoding="utf-8", errors="replace")[-4_000:]
