"""Turns a piece of work into a service: it ends when told to, and shows signs of life."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from footfall.apps.status import Heartbeat
from footfall.core.errors import FootfallError

T = TypeVar("T")


def serve(name: str, data_dir: Path, work: Callable[[threading.Event, Heartbeat], T]) -> T:
    """Do the work until it is done or a signal sets its stop event; the heartbeat tells how it goes.

    The first SIGINT or SIGTERM asks it to stop, the second SIGINT ends it at once.
    """
    stop = threading.Event()
    before = {number: signal.signal(number, stopper(stop)) for number in (signal.SIGINT, signal.SIGTERM)}
    heartbeat = Heartbeat(data_dir / "run", name)
    try:
        done = work(stop, heartbeat)
    except FootfallError as error:
        heartbeat.close(error=str(error))
        raise
    except BaseException as error:
        heartbeat.close(error=f"{type(error).__name__}: {error}")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    heartbeat.close()
    return done


def stopper(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    """A signal handler that sets the event, and at a second Ctrl-C loses patience."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    return handle
