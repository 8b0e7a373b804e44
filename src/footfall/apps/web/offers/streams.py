"""Turns a visitor's channel into a stream of Server-Sent Events that costs little, however its reader behaves.

A reader that does not take what it is sent is cut: when too many offers wait for it, or when one send takes too long.
It may come back and go on after the last offer that it has seen.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter, deque
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from footfall.apps.web.client import client_ip
from footfall.apps.web.offers.channel import is_channel
from footfall.apps.web.offers.connection import Connection
from footfall.apps.web.offers.messages import BEGIN, HEARTBEAT, STAY_AWAY, event_of, titles_of
from footfall.apps.web.parts import WebParts
from footfall.engine.logs import logger
from footfall.engine.offers import Offer

NO_STORE: Final = {"Cache-Control": "no-store"}
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies pass each event on as it comes
    (b"connection", b"close"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much the readers of offers may ask for."""

    streams: int = 5_000
    """Open at once, in all; further ones are told to come back."""
    network: int = 1_250
    """Open at once for one client address (of IPv6: one network of 64 bits); further ones are told to come back.

    This machine's own addresses have no such bound: behind a proxy that is not trusted everybody has one of them.
    """
    each: int = 4
    """Open at once for one visitor; the oldest makes room."""
    queue: int = 16
    """Offers that wait for one reader."""
    send: timedelta = timedelta(seconds=10)
    """So long one send may take."""
    heartbeat: timedelta = timedelta(seconds=15)
    """After so long without an offer a comment is sent, so that proxies keep the connection, and a dead one shows."""


class _End(Enum):
    GONE = auto()
    """The reader has closed."""
    SLOW = auto()
    """The reader does not read."""
    REPLACED = auto()
    """The visitor has opened more streams."""
    STOPPED = auto()
    """The server stops."""


class Stream:
    """One reader. For the event loop's thread only."""

    def __init__(self, connection: Connection, *, queue: int) -> None:
        self._connection = connection
        self._most = queue
        self._offers: deque[Offer] = deque()
        self._woken = asyncio.Event()
        self._sending = False
        self.ended: _End | None = None

    def put(self, offer: Offer) -> None:
        """Let an offer wait for the reader."""
        if len(self._offers) >= self._most:
            self.end(_End.SLOW)
            return
        self._offers.append(offer)
        self._woken.set()

    def end(self, why: _End) -> None:
        """Send no more; a send that waits for a reader who does not read is not waited for."""
        if self.ended is None:
            self.ended = why
        self._woken.set()
        if why is _End.SLOW or (why is _End.STOPPED and self._sending):
            self._connection.abort()

    async def send(self, send: Send, message: Message, *, patience: timedelta) -> None:
        """Send this; the stream has ended when the reader does not take it in time."""
        self._sending = True
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await send(message)
        except TimeoutError:
            self.end(_End.SLOW)
        finally:
            self._sending = False

    async def next(self, patience: timedelta) -> Offer | None:
        """The next offer; None at the end, or when none came within this time."""
        if not self._offers and self.ended is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(patience.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                return None
        return self._offers.popleft() if self._offers and self.ended is None else None


class OfferStreams:
    """An ASGI application: ``GET /offers/{visitor}/{mac}``."""

    def __init__(self, parts: WebParts, bounds: Bounds) -> None:
        self._parts = parts
        self._bounds = bounds
        self._open: dict[str, list[Stream]] = {}
        self._count = 0
        self._networks: Counter[str] = Counter()
        self._unmasked = msgspec.structs.replace(parts.settings, mask_ip=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: the stream; 404 when this is no visitor's channel; 503 when too many are open.

        429 when too many of one client address are.
        """
        visitor, mac = scope["path_params"]["visitor"], scope["path_params"]["mac"]
        network = network_of(client_ip(scope, self._unmasked))
        refused = self._refusal(visitor, mac, network)
        if refused is not None:
            await refused(scope, receive, send)
        elif scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
            await send({"type": "http.response.body"})
        else:
            await self._serve(visitor, network, scope, receive, send)

    def _refusal(self, visitor: str, mac: str, network: str) -> Response | None:
        if not is_channel(self._parts.key, visitor, mac):
            return Response(status_code=404, headers=NO_STORE)
        if self._count >= self._bounds.streams:
            return Response(status_code=503, headers={**NO_STORE, "Retry-After": "5"})
        if self._networks[network] >= self._bounds.network:
            return Response(status_code=429, headers={**NO_STORE, "Retry-After": "5"})
        return None

    async def _serve(self, visitor: str, network: str, scope: Scope, receive: Receive, send: Send) -> None:
        connection = Connection(scope)
        connection.buffer_little()
        stream = Stream(connection, queue=self._bounds.queue)
        connection.at_stop(lambda: stream.end(_End.STOPPED))
        self._enter(visitor, network, stream)
        loop = asyncio.get_running_loop()
        subscription = self._parts.feed.subscribe(
            visitor,
            lambda offer: loop.call_soon_threadsafe(stream.put, offer),
            after=Headers(scope=scope).get("last-event-id"),
        )
        for offer in subscription.waiting:
            stream.put(offer)
        watching = asyncio.create_task(_watch(receive, stream))
        try:
            await self._write(stream, send)
            if stream.ended is _End.SLOW:
                logger().warning("offers_reader_cut", visitor=visitor)
                await asyncio.wait([watching], timeout=1)  # until the server, too, knows that it is gone
            connection.finish()
        finally:
            subscription.close()
            watching.cancel()
            self._leave(visitor, network, stream)
            connection.let_go()

    async def _write(self, stream: Stream, send: Send) -> None:
        """Send offers until the end."""

        async def tell(message: Message) -> None:
            await stream.send(send, message, patience=self._bounds.send)

        await tell({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
        await tell(_body(BEGIN))
        while stream.ended is None:
            offer = await stream.next(self._bounds.heartbeat)
            if offer is not None:
                titles = await asyncio.to_thread(titles_of, offer, self._parts.store)
                await tell(_body(event_of(offer, titles)))
            elif stream.ended is None:
                await tell(_body(HEARTBEAT))
        if stream.ended in {_End.REPLACED, _End.STOPPED}:
            await tell(_body(STAY_AWAY if stream.ended is _End.REPLACED else b"", more=False))

    def _enter(self, visitor: str, network: str, stream: Stream) -> None:
        own = self._open.setdefault(visitor, [])
        own.append(stream)
        self._count += 1
        if network:
            self._networks[network] += 1
        if len(own) > self._bounds.each:
            own[-1 - self._bounds.each].end(_End.REPLACED)

    def _leave(self, visitor: str, network: str, stream: Stream) -> None:
        own = self._open[visitor]
        own.remove(stream)
        self._count -= 1
        if not own:
            del self._open[visitor]
        if network:
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]


def network_of(address: str) -> str:
    """For whom a client's streams are counted; empty if for nobody: the address is unknown, or this machine's own.

    Whoever has an IPv6 address has a network of 64 bits, and can take any address of it.
    """
    if not address:
        return ""
    found = ipaddress.ip_address(address)
    if found.is_loopback:
        return ""
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


async def _watch(receive: Receive, stream: Stream) -> None:
    """End the stream when its reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end(_End.GONE)


def _body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
