"""Turns a request's scope into a hold on its connection: what it may buffer, how to break it off, when it ends.

The server's protocol lends its transport, and tells the end. Without that the connection is left to the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from footfall.core.progress import unheard

_EXTENSIONS: Final = "extensions"
_TRANSPORT: Final = "footfall.transport"
_ENDING: Final = "footfall.ending"

_KERNEL_BYTES: Final = 16 << 10
"""What the system may hold of a stream that nobody reads (Linux doubles it); else it is megabytes a connection."""
_OWN_BYTES: Final = 8 << 10
"""What may wait in this process before a send has to wait."""


def lend(scope: Any, transport: asyncio.Transport) -> None:
    """Let whoever answers the request of this ASGI scope hold its connection. For the server's protocol."""
    scope.setdefault(_EXTENSIONS, {})[_TRANSPORT] = transport


def tell_the_end(scope: Any) -> None:
    """Tell whoever still answers the request that the server stops. For the server's protocol."""
    scope.get(_EXTENSIONS, {}).get(_ENDING, unheard)()


class Connection:
    """The connection that a request came by."""

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self._extensions: dict[str, Any] = scope.setdefault(_EXTENSIONS, {})
        self._transport: asyncio.Transport | None = self._extensions.get(_TRANSPORT)

    def buffer_little(self) -> None:
        """Let little wait for the client, here and in the system, so that one that does not read is soon noticed."""
        if self._transport is None:
            return
        self._transport.set_write_buffer_limits(high=_OWN_BYTES)
        self._set(socket.SO_SNDBUF, _KERNEL_BYTES)

    def abort(self) -> None:
        """Break it off, and forget what was to be sent: a client that does not read never takes an orderly end."""
        if self._transport is not None:
            self._set(socket.SO_LINGER, struct.pack("ii", 1, 0))  # the system forgets it too
            self._transport.abort()

    def finish(self) -> None:
        """After the last send: do not wait for a client that has not read all of it."""
        if self._transport is not None and self._transport.get_write_buffer_size():
            self.abort()

    def at_stop(self, call: Callable[[], None]) -> None:
        """Have this called when the server stops."""
        self._extensions[_ENDING] = call

    def let_go(self) -> None:
        """Hold it no more. Without this, each request would leave a circle for the garbage collector."""
        self._transport = None
        for mine in (_TRANSPORT, _ENDING):
            self._extensions.pop(mine, None)

    def _set(self, option: int, value: int | bytes) -> None:
        own = None if self._transport is None else self._transport.get_extra_info("socket")
        if own is not None:
            with contextlib.suppress(OSError):  # it may be gone already
                own.setsockopt(socket.SOL_SOCKET, option, value)
