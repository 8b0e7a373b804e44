"""Turns commits of this process into wake-up calls for the threads that wait for more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Alarm:
    """Wakes every thread that listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[threading.Event] = set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[threading.Event]:
        """An event that is set whenever somebody rings."""
        event = threading.Event()
        with self._lock:
            self._listeners.add(event)
        try:
            yield event
        finally:
            with self._lock:
                self._listeners.discard(event)

    def ring(self) -> None:
        """Wake all that listen."""
        with self._lock:
            for event in self._listeners:
                event.set()
