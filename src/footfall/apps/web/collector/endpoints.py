"""Turns requests into arrivals for the intake, and answers when they are on disk."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from footfall.apps.web.client import client_ip
from footfall.apps.web.collector.answers import Refused, answer_of, picture
from footfall.apps.web.collector.body import Gone, Unfinished, Unpackable, read_body
from footfall.apps.web.parts import WebParts
from footfall.core.errors import Reason, Unavailable
from footfall.engine.failed import failed_batch
from footfall.engine.intake import Arrival, Overloaded
from footfall.sources.collect import (
    EVENT_LIMIT,
    EVENTS_LIMIT,
    SOURCE,
    BadEvent,
    Collected,
    Sender,
    TooMany,
    collect,
    collect_query,
    of_browser,
)

_SOON: Final = 1
_LATER: Final = 5
"""Seconds after which one may try again: when there is too much at once, and when the disk does not take anything."""
_FIELDS: Final = 64
"""The most fields that are looked at in a query."""


class Collector:
    """The addresses that take events."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._open: Counter[str] = Counter()
        """Requests that are being worked on, by client address."""
        self._unfinished = Unfinished()
        self._unmasked = msgspec.structs.replace(parts.settings, mask_ip=False)

    async def collect(self, request: Request) -> Response:
        """``POST /collect``: events in a body of JSON."""
        return await self._answered(request, self._body)

    async def pixel(self, request: Request) -> Response:
        """``GET /pixel.gif``: one event in the query."""
        return await self._answered(request, self._query)

    async def health(self, _request: Request) -> Response:
        """``GET /health``: whether events are taken, and offers handed out."""
        intake, feed = self._parts.intake, self._parts.feed
        healthy = intake.healthy and feed.alive
        body = {"status": "healthy" if healthy else "unhealthy", "sse": feed.listeners}
        trouble = intake.trouble or feed.trouble
        if trouble:
            body["error"] = trouble
        headers = {"Cache-Control": "no-store"} | ({} if healthy else {"Retry-After": str(_LATER)})
        return JSONResponse(body, 200 if healthy else 503, headers=headers)

    async def _answered(self, request: Request, work: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            return await work(request)
        except Refused as refused:
            return refused.answer()
        except Gone:
            return Response(status_code=400)  # nobody reads it
        except TooMany:
            return Refused(413, f"the request has more than {EVENTS_LIMIT} events").answer()
        except Overloaded as error:
            return Refused(503, str(error), retry_after=_SOON).answer()
        except Unavailable as error:
            return Refused(503, str(error), retry_after=_LATER).answer()

    @contextmanager
    def _counted(self, client: str) -> Iterator[None]:
        """Among the requests of its client while it is worked on. Raises Refused when those are too many."""
        if self._open[client] >= self._parts.settings.requests_per_address:
            raise Refused(429, "too many requests of this address are open", retry_after=_SOON)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    async def _body(self, request: Request) -> Response:
        client = client_ip(request.scope, self._unmasked)
        body = b""
        unpackable = None
        try:
            body = await read_body(request.headers, request.receive, client=client, unfinished=self._unfinished)
        except Unpackable as error:
            unpackable = BadEvent(None, "", Reason.BAD_SYNTAX, error.rule, error.raw[:EVENT_LIMIT])
        with self._counted(client):
            sender = self._sender(request)
            collected = Collected(sender, bad=[unpackable]) if unpackable else collect(body, sender)
            await self._keep(collected, len(body))
        return answer_of(collected.accepted, collected.bad)

    async def _query(self, request: Request) -> Response:
        query: bytes = request.scope["query_string"]
        with self._counted(client_ip(request.scope, self._unmasked)):
            collected = _in_query(query, self._sender(request))
            await self._keep(collected, len(query))
        return picture() if collected.accepted else answer_of(0, collected.bad)

    def _sender(self, request: Request) -> Sender:
        return Sender(
            ip=client_ip(request.scope, self._parts.settings),
            user_agent=of_browser(request.headers.get("user-agent")),
            received_ms=self._parts.clock.now_ms(),
        )

    async def _keep(self, collected: Collected, size: int) -> None:
        """Return when good and bad events are on disk. Raises Unavailable when they are not."""
        bad = [event for event in collected.bad if event.raw]
        failed = None
        if bad:
            now = collected.sender.received_ms
            failed = failed_batch(bad, source=SOURCE, layout=collected.layout, now_ms=now, same_anywhere=True)
        arrival = Arrival(rows=collected.rows, size=size, others=collected.others, failed=failed)
        await asyncio.wrap_future(self._parts.intake.put(arrival))


def _in_query(query: bytes, sender: Sender) -> Collected:
    """The event in a query."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError as error:
        rule = f"the query cannot be read: {error}"
        return Collected(sender, bad=[BadEvent(0, "", Reason.BAD_ENCODING, rule, query[:EVENT_LIMIT])])
    return collect_query(pairs, sender)
