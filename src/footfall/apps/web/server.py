"""Turns an application into a server that ends when told to, and does not wait for ever for anybody.

uvicorn sets no time for a request to arrive and no limit to its head; the protocol here does.
"""

from __future__ import annotations

import logging
import resource
import socket
import threading
import traceback
from asyncio import TimerHandle, Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import uvicorn
from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from footfall.apps.web.collector.answers import Refused
from footfall.apps.web.offers.connection import lend, tell_the_end
from footfall.core.errors import Failure
from footfall.engine.logs import logger

REQUEST_SECONDS: Final = 10.0
"""A request, its head and its body, has arrived within this time, or its connection is closed."""
_ANSWER_SECONDS: Final = 2.0
"""So much longer a connection is kept for the answer that its request came too slowly."""
HEAD_LIMIT: Final = 64 << 10
"""The longest head of a request, in bytes."""
_BODY_LIMIT: Final = 8 << 20
"""So many bytes may come after a head, for the body and what is around its chunks, also after an early answer."""
_AROUND_LIMIT: Final = 64 << 10
"""So many of them in a row may be no part of the body: trailers are kept in memory up to their end."""
_LONG_HEAD: Final = f"the head of the request is longer than {HEAD_LIMIT:,} bytes"
_KEEP_ALIVE_SECONDS: Final = 20
_SHUTDOWN_SECONDS: Final = 1
_CONNECTIONS: Final = 8_192
_SPARE_FILES: Final = 256
_TRACE: Final = 4_000
"""Characters of an error's trace that are logged: its end says where."""

Connections = set[Any]


def run(
    app: Any, *, host: str, port: int, stop: threading.Event, ready: Callable[[int], None], connections: int = 0
) -> None:
    """Serve until ``stop`` is set; ``ready`` is called with the port once connections are taken.

    Takes at most ``connections`` at once (0: as many as this process may have files for). What runs at the end
    gets a second, then it is cut off. Raises Failure when the port is in use or the application does not start.
    """
    errors = logging.getLogger("uvicorn.error")
    errors.handlers, errors.propagate = [_Errors()], False
    errors.setLevel(logging.ERROR)  # warnings are of clients' making, as many as they like
    most = connections or _affordable()
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=type("Impatient", (Impatient,), {"most": most}),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whom to believe is a setting of ours, see client.py
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    with _listening(host, port) as listener:
        server = _Server(config, stop, lambda: ready(int(listener.getsockname()[1])))
        try:
            server.run(sockets=[listener])
        except SystemExit as error:  # uvicorn's way to say that the application's start failed
            raise Failure("The web server could not start.", remedy="The line before this one says why.") from error


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Failure(
                f"Cannot listen on {host}, port {port}: {error.strerror}.",
                remedy="End what uses it, or choose another port with --port.",
            ) from error
        yield listener


def _affordable() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(_SPARE_FILES, min(_CONNECTIONS, soft - _SPARE_FILES))


class _Server(uvicorn.Server):
    """uvicorn's server, told by an event when to end; signals are left to whoever runs it."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Impatient(HttpToolsProtocol):
    """One connection, which is closed when a request does not arrive in time or its head is too long."""

    most: int = _CONNECTIONS
    """Connections that are served at once."""

    transport: Transport

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._timer: TimerHandle | None = None
        self._head = 0
        self._head_done = False
        self._whole = False
        self._coming = 0
        self._deaf = False
        self._body = 0
        self._around = 0
        self._refused = len(self.connections) > self.most
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, as far as it is within bounds."""
        if self._refused:
            self._end(503, "too many connections are open", retry_after=2)
            return
        if self._deaf:
            return
        if self._timer is None:
            self._expect()
        self._around += len(data)
        self._coming = len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._head_done:
            self._head += len(data)
            if self._head > HEAD_LIMIT:
                self._end(431, _LONG_HEAD)
        elif self._timer is not None:  # the request is not whole yet
            self._body += len(data)
            if self._body > _BODY_LIMIT or self._around > _AROUND_LIMIT:
                self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins, perhaps behind another one."""
        self._head, self._head_done, self._whole = 0, False, False
        if self._timer is None:
            self._expect()
        super().on_message_begin()
        lend(self.scope, self.transport)

    def shutdown(self) -> None:
        """The server stops: a stream that would go on for ever is told so."""
        super().shutdown()
        if self._head_done and not self.cycle.response_complete:
            tell_the_end(self.cycle.scope)

    def on_headers_complete(self) -> None:
        """The head is whole. Raises, and ``send_400_response`` follows, when it is too long or its address is none."""
        self._head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if self._head > HEAD_LIMIT:
            raise HttpParserError(_LONG_HEAD)
        super().on_headers_complete()
        self._head_done, self._body, self._around = True, 0, 0

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._around = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._arrived()
        self._whole = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no request, or the rest of none. Those before it are answered first: they may be on disk."""
        if self._busy and (self._whole or not self._head_done):
            self.cycle.keep_alive = False
            self._deaf = True
        elif self._busy and (self.pipeline or self.cycle.response_started):
            self.transport.close()
        elif not self._head_done and self._head + self._coming > HEAD_LIMIT:
            self._answer(431, _LONG_HEAD)
        else:
            self._answer(400, msg)

    def _expect(self) -> None:
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._too_slow)

    def _arrived(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _busy(self) -> bool:
        """Whether an answer is being made, perhaps one of an earlier request."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _too_slow(self) -> None:
        """The time is over: who waits for the body answers first, if there is anybody."""
        if self._busy and self._head_done:
            self._timer = self.loop.call_later(_ANSWER_SECONDS, self.transport.close)
        elif self._head:
            self._end(408, f"the request did not arrive within {REQUEST_SECONDS:.0f} s")
        else:
            self.transport.close()

    def _end(self, status: int, rule: str, *, retry_after: int | None = None) -> None:
        """Close, with an answer in the application's place unless one is on its way already."""
        if self.transport.is_closing():
            return
        if self._busy:
            self.transport.close()
        else:
            self._answer(status, rule, retry_after=retry_after)

    def _answer(self, status: int, rule: str, *, retry_after: int | None = None) -> None:
        """Answer in the application's place, in the shape of the collector's answers, and close."""
        answer = Refused(status, rule, retry_after=retry_after, close=True).answer()
        lines = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        lines += [b"%s: %s" % header for header in answer.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", b""]) + bytes(answer.body))
        self.transport.close()


class _Errors(logging.Handler):
    """Hands uvicorn's errors to our log; requests that are cut off at the end are none."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        cut_off = record.msg.startswith("Cancel") or (error is not None and not isinstance(error, Exception))
        if cut_off:
            return
        details = {}
        if error is not None:
            trace = "".join(traceback.format_exception(error))
            details = {"error": f"{type(error).__name__}: {error}", "traceback": trace[-_TRACE:]}
        logger().error("web", message=record.getMessage().strip(), **details)
