"""Turns an instance of a service into a running process, again and again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

import psutil

from footfall.apps.status import State
from footfall.apps.supervisor.backoff import Backoff
from footfall.apps.supervisor.logs import Lines, LogFile
from footfall.apps.supervisor.services import Instance, bound_to_us
from footfall.core.errors import UsageError

WRONG_USAGE: Final = UsageError.exit_code


class Child:
    """One process, its log and its history. All times are the supervisor's monotonic seconds."""

    def __init__(self, instance: Instance, *, log: Path) -> None:
        self.instance = instance
        self.state = State.STOPPED
        self.restarts = 0
        self.last_error = ""
        self.due: float | None = 0.0
        """When to start it; None while it runs, and when it shall not be started again."""
        self.lines = Lines()
        self.log = LogFile(log)
        self._backoff = Backoff()
        self._process: subprocess.Popen[bytes] | None = None
        self._sampled: psutil.Process | None = None
        self._started = 0.0
        self._starts = 0
        self._usage: dict[str, float] = {}
        self._recent = ""

    @property
    def name(self) -> str:
        """Names it on the terminal and its files."""
        return self.instance.name

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def output(self) -> int:
        """The descriptor that its output and errors come from."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018 - only while it runs
        return self._process.stdout.fileno()

    def start(self, now: float) -> None:
        """Start the process in a group of its own, bound to our life."""
        self._process = subprocess.Popen(
            bound_to_us(self.instance.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            process_group=0,
        )
        os.set_blocking(self.output, False)
        with contextlib.suppress(psutil.Error):
            self._sampled = psutil.Process(self._process.pid)
        self.due, self._started = None, now
        self.restarts, self._starts = self._starts, self._starts + 1
        self.state = State.STARTING

    def note(self, line: bytes) -> None:
        """Keep a line of its output."""
        self.log.write(line)
        self._recent = line.decode("utf-8", errors="replace").strip()[:2000] or self._recent

    def ended(self) -> bool:
        """Whether the process has ended and waits for `reap`."""
        return self._process is not None and self._process.poll() is not None

    def reap(self, now: float) -> int:
        """Take note of its end, return its exit code (below 0: a signal), and decide when it starts again."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018 - see `ended`
        code = self._process.wait()
        self._process.stdout.close()
        self._process = self._sampled = None
        self._usage = {}
        if code == 0:
            self.state = State.STOPPED
        else:
            self.state = State.FAILED
            self.last_error = self._recent if code > 0 and self._recent else reason(code)
        if code not in {0, WRONG_USAGE}:
            self.due = now + self._backoff.delay(now - self._started)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to whatever it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def sample(self) -> None:
        """Take its processor time and memory."""
        if self._sampled is None:
            return
        with contextlib.suppress(psutil.Error):
            self._usage = {
                "cpu_percent": round(self._sampled.cpu_percent(None), 1),
                "memory_mb": round(self._sampled.memory_info().rss / 2**20, 1),
            }

    def entry(self) -> dict[str, Any]:
        """What ``supervisor.json`` says of it."""
        return {
            "name": self.name,
            "pid": self.pid,
            "state": self.state.value,
            "restarts": self.restarts,
            "last_error": self.last_error,
            **self._usage,
        }


def reason(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
