"""Runs the command line with a bug in the offers' streams: ``python -m tests.faults.buggy_offers BUG serve …``."""

from __future__ import annotations

import sys
import threading
from collections import deque
from datetime import timedelta
from typing import Final

from footfall.apps.web.offers import endpoints
from footfall.apps.web.offers.connection import Connection
from footfall.apps.web.offers.streams import Bounds, Stream
from footfall.core.events import SHOWN
from footfall.engine import offers
from footfall.engine.offers import Offer, OfferFeed
from footfall.engine.offers_tail import Tail
from footfall.log.base import Read

CLOSE: Final = offers.Subscription.close
HAND_OUT: Final = OfferFeed._hand_out
TAKE: Final = OfferFeed.take
READ: Final = Tail._read
ENDLESS: Final = 1 << 30


def never_cuts() -> None:
    """A reader may let any number of offers wait, and take for ever over each."""
    endpoints.routes.__kwdefaults__ = {"bounds": Bounds(queue=ENDLESS, send=timedelta(days=1))}


def buffers_without_bound() -> None:
    """All offers go into the connection's buffer at once, whether they are read or not."""
    Connection.buffer_little = lambda connection: (  # type: ignore[method-assign, assignment]
        connection._transport.set_write_buffer_limits(high=ENDLESS) if connection._transport else None
    )


def leaves_subscriptions() -> None:
    """Who has gone is still told of each offer."""
    offers.Subscription.close = lambda _subscription: None  # type: ignore[method-assign, assignment]


def tells_everybody() -> None:
    """Offers go to whoever is listening."""

    def hand_out(feed: OfferFeed, offer: Offer, *, shown: bool, by: str) -> None:
        HAND_OUT(feed, offer, shown=shown, by=by)
        others = [one for own in list(feed._subscriptions.values()) for one in own if one.visitor != offer.visitor]
        for one in others[:1]:
            one.listener(offer)

    OfferFeed._hand_out = hand_out  # type: ignore[method-assign, assignment]


def looks_seldom() -> None:
    """Offers are looked for every two seconds."""

    def take(feed: OfferFeed) -> None:
        threading.Event().wait(2)
        TAKE(feed)

    OfferFeed.take = take  # type: ignore[method-assign, assignment]


def passes_over_some() -> None:
    """When several batches are read together, only the first is looked at."""

    def read(tail: Tail, partition: int) -> Read:
        found = READ(tail, partition)
        return found if tail._stream == SHOWN else Read(found.chunks[:1], found.place)

    Tail._read = read  # type: ignore[method-assign, assignment]


def cuts_who_reads() -> None:
    """A reader may let no offer wait."""
    put = Stream.put

    def at_once(stream: Stream, offer: Offer) -> None:
        stream._most = 1
        stream._offers = deque(stream._offers, 1)
        put(stream, offer)
        put(stream, offer)

    Stream.put = at_once  # type: ignore[method-assign, assignment]


BUGS = {
    "never_cuts": (never_cuts, "a reader who does not read was not cut"),
    "buffers_without_bound": (buffers_without_bound, "a reader who does not read was not cut"),
    "leaves_subscriptions": (leaves_subscriptions, "streams are left of those who have gone"),
    "tells_everybody": (tells_everybody, "an offer came to somebody else"),
    "looks_seldom": (looks_seldom, "an offer came late"),
    "passes_over_some": (passes_over_some, "an offer did not come"),
    "cuts_who_reads": (cuts_who_reads, "a reader who reads was cut"),
}
"""Each with what it must be found by."""


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)][0]()
    from footfall.apps.cli.main import main

    main()
