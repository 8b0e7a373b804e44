"""Turns signals into something to wait for, so that the supervisor needs neither threads nor sleeps."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
from types import FrameType
from typing import Final

STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Counts requests to stop, and wakes a selector up at these and when a child ends."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.stops = 0
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._selector = selector
        selector.register(self._receiver, selectors.EVENT_READ)
        self._wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._stop) for number in STOPS}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def drain(self) -> None:
        """Forget the bytes that woke us."""
        with contextlib.suppress(BlockingIOError):
            while self._receiver.recv(256):
                pass

    def close(self) -> None:
        """Put everything back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._selector.unregister(self._receiver)
        self._receiver.close()
        self._sender.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stops += 1
