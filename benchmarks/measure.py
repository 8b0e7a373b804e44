"""Turns a command into what it printed, how long it took, and how much memory its processes had at most."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
EVERY = 0.02
"""Seconds between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that prints one JSON object."""

    output: dict[str, Any]
    seconds: float
    """From start to end, the start of Python included."""
    cpu_seconds: float
    peak_mb: float
    """The highest sum of the resident memory of all its processes. What they share counts for each."""


def environment() -> dict[str, str]:
    """The environment of child processes, so that they find the package and its benchmarks."""
    paths = [str(ROOT / "src"), str(ROOT)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}  # noqa: TID251 - handed on as it is


def footfall(*arguments: str | Path) -> list[str]:
    """The command line of a footfall command."""
    return [sys.executable, "-m", "footfall.apps.cli", *map(str, arguments)]


def measured(command: Sequence[str]) -> Run:
    """Run a command to its end. Raises CalledProcessError, with its messages, when it fails."""
    before = psutil.Process().children()
    assert not before, "one run at a time: others would take its memory and time"
    os.sync()  # what earlier runs left to be written is not this one's work
    began = time.perf_counter()
    cpu_before = sum(os.times()[2:4])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT
    ) as process:
        sampler = _Sampler(process.pid)
        out, err = process.communicate()
        peak = sampler.stop()
    seconds = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, out, err.decode(errors="replace"))
    cpu = sum(os.times()[2:4]) - cpu_before
    return Run(output=_last_object(out), seconds=seconds, cpu_seconds=cpu, peak_mb=peak)


def _last_object(out: bytes) -> dict[str, Any]:
    """The last line, which is the result of every command with ``--json``; nothing if it is no JSON."""
    with contextlib.suppress(json.JSONDecodeError, IndexError):
        found: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
        return found
    return {}


class _Sampler:
    """Looks at the memory of a process and its children until told to stop."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The highest sum so far, in MB."""
        self._stop.set()
        self._thread.join()
        return round(self._peak / 2**20, 1)

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            with contextlib.suppress(psutil.Error):
                processes = [self._root, *self._root.children(recursive=True)]
                self._peak = max(self._peak, sum(_resident(process) for process in processes))


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        resident: int = process.memory_info().rss
        return resident
    return 0
