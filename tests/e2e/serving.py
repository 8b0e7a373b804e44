"""Turns a data directory into a real `footfall serve`, with workers if wanted, and its log into plain rows."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from footfall import wiring
from footfall.apps.supervisor.services import bound_to_us
from footfall.core.events import CLICKS
from tests.observing import command, environment, events, footfall

HOST: Final = "127.0.0.1"
PROCESSORS: Final = ("enrichment", "aggregation", "sessions", "behaviour")
PATIENCE: Final = 30.0
"""Seconds that a start may take on a busy machine."""
_POLL: Final = 0.05
_RESERVED: Final = range(8000, 8003)
"""Footfall's own ports: somebody may be looking at a running one."""


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        with socket.create_server((HOST, 0)) as taken:
            port: int = taken.getsockname()[1]
        if port not in _RESERVED:
            return port


@dataclass(slots=True)
class Serving:
    """One `footfall serve` on one port, which it keeps when it is started again."""

    data_dir: Path
    options: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    module: str = "footfall.apps.cli"
    """What is run; tests may plant a bug in another one."""

    @property
    def url(self) -> str:
        """Where shop and collector are, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def footfall(self, *arguments: str | Path) -> str:
        """What another command prints on this data directory."""
        return footfall(*arguments, "--data-dir", self.data_dir)

    def start(self) -> None:
        """Start the server and wait until it says that it is healthy."""
        self._run("web", "serve", "--port", str(self.port), *self.options)
        until(self.is_healthy, seconds=PATIENCE, what="the server is healthy")

    def work(self, *processors: str) -> None:
        """Start a worker with these processors, or with all."""
        self._run("worker", "run", *(processors or PROCESSORS))

    def is_healthy(self) -> bool:
        """Whether it answers /health with 200. Fails when the process has ended."""
        process = self.processes["web"]
        assert process.poll() is None, f"the server ended with exit code {process.returncode}:\n{self.output('web')}"
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310 - http, our own
                return bool(answer.status == http.client.OK)
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, name: str = "web") -> int:
        """Ask the server (or the worker) to end; its exit code."""
        return self._end(name, signal.SIGTERM)

    def kill(self, name: str = "web") -> int:
        """Kill it."""
        return self._end(name, signal.SIGKILL)

    def close(self) -> None:
        """End all that still runs."""
        for name in list(self.processes):
            self.kill(name)

    def output(self, name: str = "web") -> str:
        """What it printed so far."""
        return self._printed(name).read_text(errors="replace")

    def rows(self, stream: str = CLICKS) -> list[dict[str, Any]]:
        """All events of a stream: partition after partition, each in the order of the log."""
        with wiring.open_log(self.data_dir) as log:
            return list(events(log, stream))

    def view(self, name: str) -> list[dict[str, Any]]:
        """The rows of a view, as the workers last published it."""
        with wiring.open_store(self.data_dir) as store:
            return [dict(row) for row in store.view(name)]

    def _run(self, name: str, *arguments: str) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._printed(name).open("ab") as printed:
            self.processes[name] = subprocess.Popen(
                bound_to_us(command(*arguments, "--data-dir", self.data_dir, module=self.module)),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def _end(self, name: str, number: signal.Signals) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _printed(self, name: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}-{name}.out")


def until(condition: Callable[[], object], *, seconds: float = 10, what: str = "it") -> None:
    """Wait for something to become true, and fail when it does not."""
    never = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} seconds: {what}"
        never.wait(_POLL)
