"""Turns a piece of work into a service: it ends when told to, shows signs of life, and answers how it is."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TypeVar

from footfall.apps.status import Heartbeat, ServiceStatus, lives, own_status
from footfall.core.errors import Failure, FootfallError, UsageError

T = TypeVar("T")


def serve(
    name: str, data_dir: Path, work: Callable[[threading.Event, Heartbeat], T], *, status_at: str | None = None
) -> T:
    """Do the work until it is done or a signal sets its stop event; the heartbeat tells how it goes.

    With ``status_at`` (``ADDRESS:PORT``) it is also told there. The first SIGINT or SIGTERM asks it to stop, the
    second SIGINT ends it at once.
    """
    heartbeat = Heartbeat(data_dir / "run", name)
    try:
        with stopped_by_signals() as stop, status_pages(name, data_dir / "run", at=status_at):
            done = work(stop, heartbeat)
    except FootfallError as error:
        heartbeat.close(error=str(error))
        raise
    except BaseException as error:
        heartbeat.close(error=f"{type(error).__name__}: {error}")
        raise
    heartbeat.close()
    return done


@contextmanager
def status_pages(name: str, run_dir: Path, *, at: str | None) -> Iterator[None]:
    """Answer ``/alive``, ``/health`` and ``/metrics`` of this service at ``ADDRESS:PORT``, if one is given."""
    if not at:
        yield
        return
    from footfall.apps.supervisor.http import StatusServer

    host, port = parse_address(at)

    def statuses() -> list[ServiceStatus]:
        found = own_status(run_dir, name)
        return [] if found is None else [found]

    try:
        server = StatusServer(port, statuses, host=host, lives=lambda: lives(run_dir, name))
    except OSError as error:
        raise Failure(
            f"--status-at {at}: cannot listen there: {error.strerror}.", remedy="Choose another port."
        ) from error
    server.start()
    try:
        yield
    finally:
        server.close()


def parse_address(text: str) -> tuple[str, int]:
    """``"0.0.0.0:9100"`` or ``"[::]:9100"`` as host and port."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and port.isdecimal() and int(port) < 65_536):
        raise UsageError(f"--status-at {text}: this is not ADDRESS:PORT.", remedy="Write, for example, 127.0.0.1:9100.")
    return host, int(port)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a SIGINT after that loses patience, and raises KeyboardInterrupt.

    A thread of its own sets it. A handler runs in the middle of whatever the main thread does, and when that is a wait
    for the event, or another signal's handler, the event's lock is taken: to set it there would last for ever.
    """
    stop = threading.Event()
    asked = False
    receiver, sender = socket.socketpair()

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True
        with suppress(OSError):
            sender.send(b".", socket.MSG_DONTWAIT)

    def listen() -> None:
        if receiver.recv(1):
            stop.set()

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sender.close()
        thread.join()
        receiver.close()
