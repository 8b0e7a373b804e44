"""Turns requests into arrivals for the intake, and answers when they are on disk."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from footfall.apps.web.client import client_ip
from footfall.apps.web.collector.answers import Refused, answer_of, picture
from footfall.apps.web.collector.aside import Aside
from footfall.apps.web.collector.body import Gone, Unfinished, Unpackable, read_body
from footfall.apps.web.parts import WebParts
from footfall.core.errors import Reason, Unavailable
from footfall.engine.intake import Arrival, Overloaded
from footfall.engine.logs import logger
from footfall.sources.collect import (
    EVENT_LIMIT,
    EVENTS_LIMIT,
    BadEvent,
    Collected,
    Sender,
    TooMany,
    collect_carefully,
    collect_query,
    collect_quickly,
    of_browser,
)

_SOON: Final = 1
_LATER: Final = 5
"""Seconds after which one may try again: when there is too much at once, and when the disk does not take anything."""
_TO_READ: Final = 8 << 20
"""The most bytes of bodies that wait to be read with care: a body takes a tenth of a second, at worst."""
_FIELDS: Final = 64
"""The most fields that are looked at in a query."""


class Collector:
    """The addresses that take events."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._open: Counter[str] = Counter()
        """Requests that are being worked on, by client address."""
        self._unfinished = Unfinished()
        self._careful = ThreadPoolExecutor(1, thread_name_prefix="careful")
        self._to_read = 0
        """Bytes of the bodies that wait for that thread, or are with it."""
        self._aside = Aside(parts.clock, mask_ip=parts.settings.mask_ip)
        self._unmasked = msgspec.structs.replace(parts.settings, mask_ip=False)

    async def collect(self, request: Request) -> Response:
        """``POST /collect``: events in a body of JSON."""
        return await self._answered(request, self._body)

    async def pixel(self, request: Request) -> Response:
        """``GET /pixel.gif``: one event in the query."""
        return await self._answered(request, self._query)

    async def health(self, _request: Request) -> Response:
        """``GET /health``: whether events are taken, and offers handed out. Why not is in the log, for its owner."""
        intake, feed = self._parts.intake, self._parts.feed
        healthy = intake.healthy and feed.alive
        body = {"status": "healthy" if healthy else "unhealthy", "sse": feed.listeners}
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
        except Unavailable:  # the reason names paths and SQL: it is for the server's owner
            return Refused(503, "events cannot be written just now", retry_after=_LATER).answer()
        except Exception as error:  # noqa: BLE001 (other sites' pages may read no answer but ours)
            logger().error("web", message="a request failed", error=repr(error), traceback=traceback.format_exc())
            return Refused(500, "the server has failed; nothing is known to be kept").answer()

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
            collected = Collected(sender, bad=[unpackable]) if unpackable else await self._collected(body, sender)
            await self._keep(collected, len(body))
        return answer_of(collected.accepted, collected.bad)

    async def _collected(self, body: bytes, sender: Sender) -> Collected:
        """The events of a body. What may take long is left to a thread, one body at a time: others are answered.

        Raises Refused when that thread has enough to do.
        """
        quick = collect_quickly(body, sender)
        if quick is not None:
            return quick
        if self._to_read and self._to_read + len(body) > _TO_READ:
            raise Refused(503, "too many bodies wait that hold faults or much", retry_after=_SOON)
        self._to_read += len(body)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._careful, collect_carefully, body, sender)
        finally:
            self._to_read -= len(body)

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
        failed = self._aside.batch(collected)
        arrival = Arrival(rows=collected.rows, size=size, others=collected.others, failed=failed)
        await asyncio.wrap_future(self._parts.intake.put(arrival))
        if failed is not None:
            self._aside.remember(failed)


def _in_query(query: bytes, sender: Sender) -> Collected:
    """The event in a query."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except ValueError as error:
        rule = f"the query cannot be read: {error}"
        return Collected(sender, bad=[BadEvent(0, "", Reason.BAD_ENCODING, rule, query[:EVENT_LIMIT])])
    return collect_query(pairs, sender)
