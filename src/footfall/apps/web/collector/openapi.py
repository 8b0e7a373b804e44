"""Turns the collector's rules into an OpenAPI description, by hand, as its handlers read raw requests."""

from __future__ import annotations

from typing import Any, Final

from footfall.core.events import EARLIEST_MS, EVENT_TYPES, LATEST_MS, PAGE
from footfall.sources.collect import EVENTS_LIMIT
from footfall.sources.collect_events import CUSTOM_TYPE, WHOLE_LIMIT
from footfall.sources.fields import FIELD_LIMIT, OLDEST

Schema = dict[str, Any]
_WITH_NUL: Final[Schema] = {"pattern": r"\u0000"}
_SOMETHING: Final[Schema] = {"not": {"anyOf": [_WITH_NUL, {"pattern": r"^\s*$"}]}}


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "maxLength": FIELD_LIMIT, "not": _WITH_NUL, "description": description, **more}


_USER: Final = _text("The visitor. The key of the stream.", **_SOMETHING)
_PRODUCT: Final = _text("The product. A page view may do without: it takes the path of its page.", **_SOMETHING)
_PAGE_ADDRESS: Final = _text("The address on which it happened.")
_TYPE: Final[Schema] = {
    "type": "string",
    "enum": [*EVENT_TYPES],
    "default": EVENT_TYPES[0],
    "description": "What happened. `view` shows a product, `page` another page.",
}
_TIMESTAMP: Final[Schema] = {
    "type": "integer",
    "minimum": EARLIEST_MS,
    "maximum": LATEST_MS,
    "description": "When, in milliseconds since 1970 by the sender's clock; absent: now. In requests it may also be a "
    "text of ISO 8601. With sent_at, timestamp + (received - sent_at) counts. It must lie within 1990 to 2100; then it "
    "is moved into the seven days before it was received.",
}
_AGE: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": OLDEST, "description": "The visitor's age in years."}
_EVENT_ID: Final = _text(
    "An id of your own, the same when the event is sent again: then it counts once. 32 hexadecimal digits are taken as "
    "they are, of any other text a hash. Without one, equal content with the same timestamp is one event; without "
    "both, each is one by itself."
)
_SHARED: Final[Schema] = {
    "userId": _USER,
    "timestamp": _TIMESTAMP,
    "event_id": _EVENT_ID,
    "sessionId": _text("The visit, as the sender counts it."),
    "page": _PAGE_ADDRESS,
    "referrer": _text("The address before that."),
    "userAgent": _text("The browser; absent: that of the request."),
}
_CLICK: Final[Schema] = {
    "productId": _PRODUCT,
    "event_type": _TYPE,
    "age": _AGE,
    "gender": _text("The visitor's gender, of which the first letter counts: F or M."),
}
_PAGE_VIEW: Final[Schema] = {
    **_CLICK,
    "event_type": {"type": "string", "enum": [PAGE]},
    "page": {**_PAGE_ADDRESS, **_SOMETHING},
}
_CUSTOM: Final[Schema] = {
    "event_type": {"type": "string", "enum": [CUSTOM_TYPE]},
    "name": _text("What a custom event is called.", **_SOMETHING),
    "properties": {
        "type": "object",
        "description": "Whatever belongs to a custom event, at most 32 levels deep and 2,000 values in all.",
    },
}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


EVENT: Final[Schema] = {
    "title": "Event",
    "description": "A click, or a custom event. The client's address is taken from the connection, never from here.",
    "anyOf": [
        {**_object({**_SHARED, **_CLICK}, ["userId", "productId"]), "title": "Click"},
        {**_object({**_SHARED, **_PAGE_VIEW}, ["userId", "event_type", "page"]), "title": "Page view"},
        {**_object({**_SHARED, **_CUSTOM}, ["userId", "event_type", "name"]), "title": "Custom event"},
    ],
}
BATCH: Final[Schema] = {"type": "array", "items": EVENT, "minItems": 1, "maxItems": EVENTS_LIMIT, "title": "List"}
ENVELOPE: Final[Schema] = {
    **_object(
        {
            "events": BATCH,
            "sent_at": {
                "type": "integer",
                "minimum": -WHOLE_LIMIT,
                "maximum": WHOLE_LIMIT,
                "description": "When this is sent, in milliseconds by the sender's clock: it tells how wrong that is.",
            },
        },
        ["events"],
    ),
    "title": "List with the time of sending",
}
_BODY: Final[Schema] = {"anyOf": [EVENT, BATCH, ENVELOPE]}
ANSWER: Final[Schema] = {
    **_object(
        {
            "accepted": {"type": "integer", "minimum": 0, "description": "Events that are on disk now."},
            "refused": {
                "type": "array",
                "items": _object(
                    {
                        "index": {"type": ["integer", "null"], "description": "From 0; null: the whole request."},
                        "field": {"type": "string", "description": "Where: `events[3].age`. Empty: the whole."},
                        "rule": {"type": "string", "description": "The rule, and what broke it."},
                    },
                    ["index", "field", "rule"],
                ),
            },
        },
        ["accepted", "refused"],
    ),
    "title": "Answer",
}


def _answer(description: str, *, retry: bool = False) -> Schema:
    found: Schema = {"description": description, "content": {"application/json": {"schema": ANSWER}}}
    if retry:
        found["headers"] = {
            "Retry-After": {"description": "Seconds to wait, at least.", "schema": {"type": "integer", "minimum": 1}}
        }
    return found


_ANYTIME: Final[Schema] = {
    "408": _answer("The request did not arrive in time."),
    "429": _answer("Too many requests of one address are open.", retry=True),
    "431": _answer("The address, or the whole head of the request, is too long."),
    "503": _answer("Too much is waiting, or the disk takes nothing. Nothing of this was kept.", retry=True),
}
_NONE: Final = "No event was accepted; each is set aside with its rule."

COLLECT: Final[Schema] = {
    "operationId": "collect",
    "summary": "Take events",
    "description": "One event, a list, or a list with the time of sending. The answer comes when the events are on "
    "disk. Good events of a request are kept; each bad one is answered and set aside. The body has at most 1 MiB "
    "(also unpacked), 500 events, and 50,000 values on all levels, an event 64 KiB and 2,000 values; it arrives within "
    "10 s. It may be packed with gzip.",
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _BODY},
            "text/plain": {
                "schema": {
                    "type": "string",
                    "minLength": 1,
                    "contentMediaType": "application/json",
                    "contentSchema": _BODY,
                }
            },
        },
    },
    "responses": {
        "200": _answer("At least one event was accepted."),
        "400": _answer(_NONE),
        "413": _answer("The body is too long, or has too many events. Nothing of it was kept."),
        "415": _answer("Another type or encoding of content than those taken."),
        **_ANYTIME,
    },
}
PIXEL: Final[Schema] = {
    "operationId": "pixel",
    "summary": "Take one click from an address",
    "description": "For pages without scripts: the click stands in the query, by the same rules.",
    "parameters": [
        {"name": name, "in": "query", "required": name == "userId", "schema": schema}
        for name, schema in {**_SHARED, **_CLICK, "sent_at": ENVELOPE["properties"]["sent_at"]}.items()
    ],
    "responses": {
        "200": {
            "description": "The click is on disk; a picture of one pixel.",
            "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
        },
        "400": _answer(_NONE),
        **_ANYTIME,
    },
}
_STATE: Final[Schema] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"type": "string", "enum": ["healthy", "unhealthy"]},
                    "sse": {"type": "integer", "minimum": 0, "description": "Pages that wait for offers."},
                },
            }
        }
    }
}
HEALTH: Final[Schema] = {
    "operationId": "health",
    "summary": "Whether events are taken",
    "responses": {
        "200": {"description": "Events are taken.", **_STATE},
        "503": {"description": "The last events could not be written.", **_STATE},
    },
}
