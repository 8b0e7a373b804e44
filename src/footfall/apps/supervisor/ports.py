"""Turns the port that the user names into the three that are used: shop, dashboard, health and metrics."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Final, Self

from footfall.core.errors import Failure, UsageError

HOST: Final = "127.0.0.1"
_LAST: Final = 65_535


@dataclass(frozen=True, slots=True)
class Ports:
    """Three ports on this machine only."""

    shop: int
    """Of the shop and the collector."""
    dashboard: int
    status: int
    """Of /health and /metrics."""

    @classmethod
    def from_first(cls, first: int) -> Self:
        """The port named and the next two; 0 takes any three that are free.

        Raises Failure when one is in use, so that it is said before anything starts.
        """
        if not first:
            return cls(*_any_free())
        if first + 2 > _LAST:
            raise UsageError(f"--port {first}: three ports in a row are needed.", remedy=f"Choose one below {_LAST}.")
        ports = cls(first, first + 1, first + 2)
        for port, what in ((ports.shop, "shop"), (ports.dashboard, "dashboard"), (ports.status, "health and metrics")):
            _listen(port, first, what).close()
        return ports


def _any_free() -> list[int]:
    held = [_listen(0, 0, "anything") for _ in range(3)]
    numbers = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return numbers


def _listen(port: int, first: int, what: str) -> socket.socket:
    """A socket that holds the port, or an error that says what to do."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
        held.listen()
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise Failure(
                f"Port {port} on {HOST} ({what}) is in use by another program.",
                remedy=f"End that program, or choose three other ports in a row: footfall up --port {first + 10}.",
            ) from error
        if error.errno == errno.EACCES:
            raise Failure(f"No rights to use port {port}.", remedy="Choose a port from 1024 up with --port.") from error
        raise
    return held
