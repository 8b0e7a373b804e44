"""Turns the command line of somebody's server into a server of a test: it starts, is killed, freezes and comes back.

Each has a folder and ports of its own on loopback and keeps both, so that it starts again with what it had.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import psutil
import pytest

HOST: Final = "127.0.0.1"
PATIENCE: Final = 60.0
"""Seconds that a start may take on a busy machine; most take three."""
_AT_LEISURE: Final = 15.0
"""Seconds to end when asked to, before it is killed."""
_POLL: Final = 0.03
_PORTS: Final = range(20_000, 32_000)
"""Below those that the kernel gives to whoever connects: a port stays free while its server is down."""
_SPAWNER: Final = ThreadPoolExecutor(1, thread_name_prefix="spawner")
"""The kernel ends a server when the *thread* that started it ends; this one lives as long as the tests do."""


class NotStartedError(AssertionError):
    """The server ended by itself, or does not answer."""


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port


def not_here(what: str, remedy: str) -> None:
    """Skip the test, visibly; where everything must be tested, fail it."""
    reason = f"there is no {what}: {remedy}"
    if os.environ.get("CI"):  # noqa: TID251 - as all tests learn it
        pytest.fail(reason)
    pytest.skip(reason)


class Server(ABC):
    """One server and its processes. As a context manager it runs inside the block, and leaves nothing behind.

    A test that kills or freezes makes one of its own; the fixtures' servers are shared.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    """How Debian calls it, for whoever misses it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # -- what each server says of itself ------------------------------------------------------------------

    @abstractmethod
    def program(self) -> Path | None:
        """What is run; None when it is not on this machine."""

    @abstractmethod
    def command(self, program: Path) -> Sequence[str | Path]:
        """The command line. The process itself is the server, or its ancestor."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves clients. May raise OSError while it does not."""

    def prepare(self, program: Path) -> None:  # noqa: B027 - most need nothing
        """Make what the first start needs, in the folder."""

    def environment(self) -> dict[str, str]:
        """What is set in its environment, beside ours."""
        return {}

    user: ClassVar[str | None] = None
    """Who runs it when we are root; None is ourselves."""
    polite: ClassVar[signal.Signals] = signal.SIGTERM
    """The signal that asks it to end at once, without waiting for its clients."""

    # -- running ------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Its data and its log; made when first asked for, gone after `close`."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"footfall-{self.name.lower()}-"))
            if user := self.as_user():
                shutil.chown(self._folder, user, user)
        return self._folder

    @property
    def output(self) -> str:
        """What it printed so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether its process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again on the same port and data, and wait until it answers."""
        program = self.program()
        if program is None:
            not_here(self.name, f"on Debian, install the package {self.package}")
            return
        assert not self.running, f"{self.name} is running already"
        if self._folder is None:
            self.prepare(program)
        self._process = self.spawn(self.command(program))
        until(self._is_up, what=f"{self.name} answers", said=lambda: self.output)

    def stop(self) -> None:
        """Ask it to end, and wait until all its processes are gone."""
        if self._process is None:
            return
        processes = tree(self._process)
        send(processes, signal.SIGCONT)
        self._process.send_signal(self.polite)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_AT_LEISURE)
        self._end(processes)

    def kill(self) -> None:
        """End it as a failing machine does: all its processes, with no chance to tidy up."""
        if self._process is not None:
            self._end(freeze(self._process))

    def freeze(self) -> None:
        """Stop all its processes where they are: it accepts connections and says nothing."""
        assert self._process is not None
        freeze(self._process)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        assert self._process is not None
        send(tree(self._process), signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- parts --------------------------------------------------------------------------------------------

    def as_user(self) -> str | None:
        """Who must run it instead of us."""
        return self.user if os.geteuid() == 0 else None

    def spawn(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        """A process that prints into the server's log, and ends when we do."""
        return _SPAWNER.submit(self._spawn, self._bound(command)).result()

    def run(self, *command: str | Path) -> None:
        """Run something that ends by itself, as the server's user. Fails with what it said."""
        done = subprocess.run(
            self._bound(command), cwd=self.folder, env=self._all_environment(), capture_output=True, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise NotStartedError(f"{command[0]} ended with exit code {done.returncode}:\n{said}")

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._all_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests
            )

    def _bound(self, command: Sequence[str | Path]) -> list[str]:
        user = self.as_user()
        change = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["setpriv", *change, "--pdeathsig=KILL", "--", *map(str, command)]

    def _all_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment()}  # noqa: TID251 - handed on

    def _is_up(self) -> bool:
        if not self.running:
            raise NotStartedError(f"{self.name} ended by itself:\n{self.output[-2_000:]}")
        try:
            return self.answers()
        except OSError:
            return False

    def _end(self, processes: Sequence[psutil.Process]) -> None:
        assert self._process is not None
        send(processes, signal.SIGKILL)
        self._process.wait()
        until(lambda: not any(map(is_alive, processes)), what=f"all processes of {self.name} are gone")
        self._process = None


def tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """A process and all below it, parents first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(process.pid)
        return [top, *top.children(recursive=True)]
    return []


def freeze(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Stop a process and all below it; who is stopped starts no more. All that are stopped."""
    stopped: list[psutil.Process] = []
    while new := [one for one in tree(process) if one not in stopped]:
        send(new, signal.SIGSTOP)
        stopped += new
    return stopped


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send all of them a signal; who is gone does not mind."""
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(number)


def is_alive(process: psutil.Process) -> bool:
    """Whether it holds ports, files and memory. One that is dead and not yet buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Any, *, seconds: float = PATIENCE, what: str, said: Any = str) -> None:
    """Wait for something to become true, and fail with what was said when it does not."""
    never = threading.Event()
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotStartedError(f"not in {seconds:g} seconds: {what}\n{said()[-2_000:]}")
        never.wait(_POLL)
