"""Turns the parts of the web server into the addresses of offers: each visitor's stream, and the right to show one."""

from __future__ import annotations

import asyncio
from typing import Final

import pyarrow as pa
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from footfall.apps.web.offers.channel import is_channel
from footfall.apps.web.offers.streams import NO_STORE, Bounds, OfferStreams
from footfall.apps.web.parts import WebParts
from footfall.core.errors import Unavailable
from footfall.core.events import SHOWN, SHOWN_SCHEMA, Batch
from footfall.engine.intake import Arrival
from footfall.engine.offers import Claim, Offer

CLAIMANT: Final = "footfall-claim"
"""The header in which a page names itself, so that it may ask again when it did not hear the answer."""
_LONGEST: Final = 64
_BOUNDS: Final = Bounds()


def routes(parts: WebParts, *, bounds: Bounds = _BOUNDS) -> APIRouter:
    """``GET /offers/{visitor}/{mac}`` and ``POST /offers/{visitor}/{mac}/{id}/shown``."""

    async def shown(request: Request) -> Response:
        path = request.path_params
        if not is_channel(parts.key, path["visitor"], path["mac"]):
            return Response(status_code=404, headers=NO_STORE)
        by = request.headers.get(CLAIMANT, "")[:_LONGEST]
        return await show(parts, path["visitor"], path["id"], by=by)

    channel = "/offers/{visitor}/{mac}"
    return APIRouter(
        routes=[
            Route(channel, OfferStreams(parts, bounds), methods=["GET"], include_in_schema=False),
            Route(f"{channel}/{{id}}/shown", shown, methods=["POST"], include_in_schema=False),
        ]
    )


async def show(parts: WebParts, visitor: str, offer_id: str, *, by: str) -> Response:
    """Whether whoever asks may show the offer: 204 yes, and it is on disk; 409 it was shown; 404 there is none.

    503: it cannot be written down now. The same one (``by``) who asks again gets the same answer, also after a restart.
    """
    claim, offer = parts.feed.claim(visitor, offer_id, by=by)
    if offer is None:
        return _answer(404)
    match claim:
        case Claim.GRANTED:
            return _answer(204) if await _written(parts, offer, by=by) else _answer(503)
        case Claim.AGAIN:
            return _answer(204)
        case Claim.PENDING:
            return _answer(503)
        case _:
            return _answer(409)


async def _written(parts: WebParts, offer: Offer, *, by: str) -> bool:
    written = False
    try:
        arrival = Arrival(others=[(SHOWN, shown_batch(offer, by=by, now_ms=parts.clock.now_ms()))])
        await asyncio.wrap_future(parts.intake.put(arrival))
        written = True
    except Unavailable:
        pass
    finally:
        parts.feed.settle(offer.visitor, offer.id, shown=written)
    return written


def shown_batch(offer: Offer, *, by: str, now_ms: int) -> Batch:
    """The event of ``offers-shown`` that says that the visitor saw this offer, at this time, on the page ``by``."""
    row = {
        "timestamp": now_ms,
        "event_id": bytes.fromhex(offer.id),
        "userId": offer.visitor,
        "offer": offer.offer,
        "claimant": by or None,
    }
    return pa.RecordBatch.from_pylist([row], schema=SHOWN_SCHEMA)


def _answer(status: int) -> Response:
    return Response(status_code=status, headers={**NO_STORE, "Retry-After": "1"} if status == 503 else NO_STORE)
