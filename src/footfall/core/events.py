"""Turns the events of the specification into Arrow schemas: what each stream's batches look like.

Texts that repeat are dictionary-coded (``CODED``); a batch carries its own dictionaries.
Times are milliseconds since 1970 UTC. ``event_id`` is 16 bytes, see ``core.hashing``.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

CLICKS: Final = "click-data"
ENRICHED: Final = "enriched-click-data"
SESSIONS: Final = "sessions"
OFFERS: Final = "special-offers"
FAILED: Final = "failed-events"
CART: Final = "cart-data"
CUSTOM: Final = "custom-events"
SHOWN: Final = "offers-shown"

SHOP_USERS: Final = "user"
SHOP_CLICKS: Final = "click"
"""The two streams of the streaming-SQL sample."""
VIP_ACTIONS: Final = "vip-action"
"""What its query makes of them."""

RETRY: Final = ".retry"
PARTIALS: Final = ".partials"
"""How the names of streams end in which parts of Footfall talk to one another."""

Batch = pa.RecordBatch

CODED: Final = pa.dictionary(pa.int32(), pa.string())
TIME: Final = pa.timestamp("ms", tz="UTC")
EVENT_ID: Final = pa.binary(16)

CLICK_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # the event time
        pa.field("event_id", EVENT_ID, nullable=False),
        pa.field("userId", CODED, nullable=False),  # the key
        pa.field("productId", CODED, nullable=False),
        pa.field("event_type", CODED, nullable=False),  # one of EVENT_TYPES
        pa.field("original_timestamp", pa.int64()),  # Unix seconds of the interaction
        pa.field("ip", CODED),
        pa.field("userAgent", CODED),
        pa.field("age", pa.int16()),  # only clicks from the shop bring their own
        pa.field("gender", CODED),  # likewise
        pa.field("sessionId", CODED),  # the tracker's own; Footfall's sessions do without it
        pa.field("page", CODED),  # the address on which it happened
        pa.field("referrer", CODED),  # the address before that
        pa.field("late", pa.bool_(), nullable=False),  # its source saw it too late (see sources.order)
    ]
)

ENRICHED_SCHEMA: Final = pa.schema(
    [
        *CLICK_SCHEMA,  # with late, age and gender now final
        pa.field("category", CODED, nullable=False),  # Unknown if the product is not known
        pa.field("title", CODED, nullable=False),  # likewise
        pa.field("birthdate", pa.date32()),
        pa.field("country", CODED, nullable=False),  # a name, or Unknown
        pa.field("deviceType", CODED, nullable=False),  # Mobile, Tablet, Desktop, Bot, Other
        pa.field("is_bot", pa.bool_(), nullable=False),
        pa.field("is_refresh", pa.bool_(), nullable=False),
    ]
)

SESSION_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # of the last click
        pa.field("event_id", EVENT_ID, nullable=False),  # of (userId, start)
        pa.field("userId", CODED, nullable=False),
        pa.field("start", TIME, nullable=False),  # of the first click
        pa.field("end", TIME, nullable=False),  # of the last click
        pa.field("clicks", pa.int32(), nullable=False),
        pa.field("refreshes", pa.int32(), nullable=False),
        pa.field("views", pa.int32(), nullable=False),  # clicks that show a page or a product
        pa.field("carts", pa.int32(), nullable=False),  # clicks that put something into the cart
        pa.field("first_product", CODED, nullable=False),
        pa.field("last_product", CODED, nullable=False),
        pa.field("country", CODED, nullable=False),  # of the first click
        pa.field("deviceType", CODED, nullable=False),  # of the first click
        pa.field("is_bot", pa.bool_(), nullable=False),  # of the first click
    ]
)

MATCHED: Final = pa.list_(
    pa.struct([pa.field("timestamp", TIME), pa.field("productId", pa.string()), pa.field("category", pa.string())])
)

OFFER_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # of the click that completed the pattern
        pa.field("event_id", EVENT_ID, nullable=False),  # of (pattern, completing click)
        pa.field("userId", CODED, nullable=False),
        pa.field("offer", CODED, nullable=False),
        pa.field("pattern", CODED, nullable=False),
        pa.field("matched", MATCHED, nullable=False),  # the clicks that entered each state, and the completing one
    ]
)

FAILED_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # when it was set aside
        pa.field("event_id", EVENT_ID, nullable=False),  # of (source, line or offset, raw)
        pa.field("status", CODED, nullable=False),  # open, or replayed (the latest record of an event_id counts)
        pa.field("reason", CODED, nullable=False),  # core.errors.Reason
        pa.field("detail", pa.string(), nullable=False),  # for people: field, value, rule
        pa.field("source", CODED, nullable=False),  # a file's path, or stream-partition
        pa.field("line", pa.int64()),  # 1 is the file's first line; or the offset in that partition
        pa.field("layout", CODED, nullable=False),  # what can parse ``raw`` again (see sources.layouts)
        pa.field("raw", pa.binary(), nullable=False),  # the bytes as they came, without the line end
    ]
)

CART_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # when it was put into the cart
        pa.field("event_id", EVENT_ID, nullable=False),  # of (username, creation_timestamp)
        pa.field("username", CODED, nullable=False),  # the key
        pa.field("creation_timestamp", pa.timestamp("us"), nullable=False),  # UTC, without a time zone
        pa.field("category", CODED),
        pa.field("gender", CODED),
        pa.field("style", CODED),
        pa.field("size", CODED),
        pa.field("hex_color", CODED),
    ]
)

CUSTOM_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),
        pa.field("event_id", EVENT_ID, nullable=False),
        pa.field("userId", CODED, nullable=False),
        pa.field("name", CODED, nullable=False),
        pa.field("properties", pa.string()),  # a JSON object
        pa.field("sessionId", CODED),
        pa.field("page", CODED),
        pa.field("referrer", CODED),
        pa.field("ip", CODED),
        pa.field("userAgent", CODED),
    ]
)

SHOWN_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),  # when the visitor saw it
        pa.field("event_id", EVENT_ID, nullable=False),  # the offer's
        pa.field("userId", CODED, nullable=False),
        pa.field("offer", CODED, nullable=False),
        pa.field("claimant", pa.string()),  # the name that the page gave itself which showed it
    ]
)

SCHEMAS: Final = {
    CLICKS: CLICK_SCHEMA,
    ENRICHED: ENRICHED_SCHEMA,
    SESSIONS: SESSION_SCHEMA,
    OFFERS: OFFER_SCHEMA,
    FAILED: FAILED_SCHEMA,
    CART: CART_SCHEMA,
    CUSTOM: CUSTOM_SCHEMA,
    SHOWN: SHOWN_SCHEMA,
}


_KEYS: Final = {CART: "username", SHOP_USERS: "user_id", SHOP_CLICKS: "user_id", VIP_ACTIONS: "user_id"}


def key_of(stream: str) -> str:
    """The column whose value decides on an event's partition, for our own streams and those of the sample."""
    return _KEYS.get(stream, "userId")


def is_internal(stream: str) -> bool:
    """Whether a stream is of use to Footfall alone."""
    return stream.endswith((RETRY, PARTIALS))


EVENT_TYPES: Final = ("view", "cart", "remove_from_cart", "purchase", "page")
"""What a click can be. ``view`` shows a product; ``page`` shows another page, whose address is its ``productId``."""
PAGE: Final = "page"
SHOWING: Final = ("view", PAGE)
"""The types that count as a page seen."""
CARTING: Final = ("cart",)
"""The types that put something into the cart."""
UNKNOWN: Final = "Unknown"
EARLIEST_MS: Final = 631_152_000_000  # 1990-01-01
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01
