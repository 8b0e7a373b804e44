"""Turns an offer into a Server-Sent Event: one line of JSON, with the titles of the products that led to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from footfall.core.errors import FootfallError
from footfall.engine.logs import logger
from footfall.engine.offers import Offer
from footfall.sources.catalogue import load_catalogue
from footfall.stores.base import ServingStore

BEGIN: Final = b"retry: 1000\n\n"
"""A client that lost the connection comes back after a second."""
STAY_AWAY: Final = b"retry: 60000\n\n"
"""A client that had to make room comes back later, or it would push out the next one at once."""
HEARTBEAT: Final = b":\n\n"


class Click(msgspec.Struct, frozen=True):
    """A click that led to the offer, as the page tells it."""

    time: int
    """Milliseconds since 1970 UTC."""
    product: str
    category: str
    title: str | None
    """None if the shop knows no such product, and so has no page for it."""


class Message(msgspec.Struct, frozen=True):
    """An offer, as the page gets it."""

    offer: str
    pattern: str
    time: int
    """Of the last click, in milliseconds since 1970 UTC."""
    clicks: Sequence[Click]


def event_of(offer: Offer, titles: Mapping[str, str]) -> bytes:
    """The event, whose id is the offer's; JSON escapes line ends, so nothing in it can end the event."""
    clicks = [Click(c.timestamp_ms, c.product, c.category, titles.get(c.product)) for c in offer.matched]
    data = msgspec.json.encode(Message(offer.offer, offer.pattern, offer.timestamp_ms, clicks))
    return b"event: offer\nid: %s\ndata: %s\n\n" % (offer.id.encode(), data)


def titles_of(offer: Offer, store: ServingStore) -> dict[str, str]:
    """The titles of the offer's products, as far as they are known; an offer is made with or without them."""
    products = list(dict.fromkeys(click.product for click in offer.matched))
    packaged = _packaged()
    titles = {product: packaged[product] for product in products if product in packaged}
    try:
        found = store.products(products)
    except FootfallError as error:
        logger().warning("titles_unknown", error=str(error))
        return titles
    for product, facts in zip(products, found, strict=True):
        if facts is not None:
            titles[product] = facts[1] or product
    return titles


@cache
def _packaged() -> Mapping[str, str]:
    return {product.id: product.title or product.id for product in load_catalogue()}
