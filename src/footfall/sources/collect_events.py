"""Turns a request's JSON into typed events, quickly; what is not perfectly clean is left to ``collect_strict``.

A decoder with types takes 500 events in less than a millisecond, but it takes the last of two equal keys in silence.
So the quotation marks are counted: a key too many adds two that no event accounts for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from footfall.core.errors import Reason

EVENTS_LIMIT: Final = 500
"""The most events of a request."""
EVENT_LIMIT: Final = 64 << 10
"""The longest JSON of an event, in bytes."""
DEPTH_LIMIT: Final = 32
"""How deep objects and lists may lie in an event; the event itself is the first level."""
VALUES_LIMIT: Final = 2_000
ALL_VALUES_LIMIT: Final = 50_000
"""The most values of an event, and of a request, on all levels: each may have to be looked at by itself.

An empty list or object counts as two.
"""
WHOLE_LIMIT: Final = 1 << 53
"""Greater whole numbers do not survive other JSON readers."""
CUSTOM_TYPE: Final = "custom"
"""The type of events that are no clicks."""

_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
_NUL: Final = b"\\u0000"


class Event(
    msgspec.Struct,
    forbid_unknown_fields=True,
    rename={
        "user": "userId",
        "product": "productId",
        "kind": "event_type",
        "session": "sessionId",
        "user_agent": "userAgent",
    },
):
    """An event as its sender describes it. What is absent is an empty text, or None."""

    user: str = ""
    product: str = ""
    kind: str = ""
    event_id: str = ""
    session: str = ""
    page: str = ""
    referrer: str = ""
    gender: str = ""
    user_agent: str = ""
    name: str = ""
    timestamp: int | None = None
    """Milliseconds by the sender's clock."""
    age: int | None = None
    properties: dict[str, Any] | None = None


KEYS: Final = tuple(Event.__struct_encode_fields__)
"""The names that an event's fields have in JSON."""
TEXTS: Final = KEYS[:10]
"""Those that hold texts."""


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """Events with the time at which they were sent."""

    events: list[Event]
    sent_at: int | None = None


class _Sizes(msgspec.Struct):
    events: list[msgspec.Raw]


class TooMany(Exception):
    """The request has more events than one may have."""


@dataclass(frozen=True, slots=True)
class BadEvent:
    """An event that cannot be used."""

    index: int | None
    """Its place in the request, from 0; None for the request as a whole."""
    field: str
    """Where in the request: ``events[3].age``. Empty for the whole."""
    reason: Reason
    rule: str
    """The rule, and what broke it."""
    raw: bytes

    @property
    def detail(self) -> str:
        """The rule with the place where it was broken, unless it names that itself."""
        name = self.field.rpartition(".")[2]
        return self.rule if not self.field or self.rule.startswith(name) else f"{self.field}: {self.rule}"

    @property
    def line(self) -> int:
        """Its place, as failed events name it."""
        return self.index or 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request's events, before their values are judged."""

    events: Sequence[Event]
    places: Sequence[int]
    """The place of each in the request."""
    prefix: str = "[{}]"
    """How a place is written in a field's path."""
    bad: Sequence[BadEvent] = ()
    sent_at: int | None = None

    def path(self, place: int, key: str) -> str:
        """Where a field stands in the request."""
        return ".".join(part for part in (self.prefix.format(place), key) if part)


_array = msgspec.json.Decoder(list[Event]).decode
_envelope = msgspec.json.Decoder(Envelope).decode
_single = msgspec.json.Decoder(Event).decode
_array_sizes = msgspec.json.Decoder(list[msgspec.Raw]).decode
_envelope_sizes = msgspec.json.Decoder(_Sizes).decode


def parse_clean(body: bytes) -> Parsed | None:
    """The events of a body in which nothing is unusual; None for any other. Raises TooMany."""
    if _NUL in body:
        return None
    try:
        parsed, quotes = _decoded(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if len(parsed.events) > EVENTS_LIMIT:
        raise TooMany
    if not parsed.events or (len(body) > EVENT_LIMIT and _any_too_long(body, parsed.prefix)):
        return None
    if parsed.sent_at is not None and abs(parsed.sent_at) > WHOLE_LIMIT:
        return None
    expected = _quotes_of(parsed.events)
    if not all(map(_fits_its_type, parsed.events)) or _any_too_full(body, parsed):
        return None
    return None if expected is None or expected + quotes != quotes_in(body) else parsed


def clean_events(raws: Sequence[bytes]) -> list[Event | None]:
    """Each event in which nothing is unusual, None in the place of each other."""
    found = [_clean(raw) for raw in raws]
    good = [(event, raw) for event, raw in zip(found, raws, strict=True) if event is not None]
    if not good:
        return found
    # No event is written with fewer quotation marks than are expected of it: if the sums agree, so does each.
    if _quotes_of([event for event, _ in good]) == quotes_in(b"".join([raw for _, raw in good])):
        return found
    return [
        event if event is not None and _quotes_of([event]) == quotes_in(raw) else None
        for event, raw in zip(found, raws, strict=True)
    ]


def _clean(raw: bytes) -> Event | None:
    if len(raw) > EVENT_LIMIT or _NUL in raw or too_full(raw):
        return None
    try:
        event = _single(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return event if _fits_its_type(event) else None


def _fits_its_type(event: Event) -> bool:
    """Whether an event has nothing that only events of another type have."""
    if event.kind == CUSTOM_TYPE:
        return not event.product and event.age is None and not event.gender
    return not event.name and event.properties is None


def _decoded(body: bytes) -> tuple[Parsed, int]:
    """The events, and how many quotation marks belong to what is around them."""
    if body[:1] != b"{":
        events = _array(body)
        return Parsed(events, range(len(events))), 0
    if b'"events"' in body:
        envelope = _envelope(body)
        places = range(len(envelope.events))
        parsed = Parsed(envelope.events, places, prefix="events[{}]", sent_at=envelope.sent_at)
        return parsed, 2 if envelope.sent_at is None else 4
    return Parsed([_single(body)], [0], prefix=""), 0


def _any_too_long(body: bytes, prefix: str) -> bool:
    return any(memoryview(raw).nbytes > EVENT_LIMIT for raw in _raws(body, prefix))


def _raws(body: bytes, prefix: str) -> Sequence[msgspec.Raw | bytes]:
    """The bytes of each event of a body that is sound JSON."""
    if not prefix:
        return [body.strip()]
    return _array_sizes(body) if prefix == "[{}]" else _envelope_sizes(body).events


def _any_too_full(body: bytes, parsed: Parsed) -> bool:
    """Whether an event has too many values. Only properties hold more than the few that an event has fields for."""
    if all(event.properties is None for event in parsed.events) or not too_full(body):
        return False
    return any(too_full(bytes(raw)) for raw in _raws(body, parsed.prefix))


def too_full(raw: bytes, most: int = VALUES_LIMIT) -> bool:
    """Whether JSON has more values than that."""
    if len(raw) <= most or _marks(raw) <= most:
        return False  # each value costs a comma, or the mark that opens its list or object
    if b"\\" in raw:
        raw = _ESCAPED.sub(b"", raw)
    return _marks(b"".join(raw.split(b'"')[::2])) > most  # in texts these marks mean nothing


def _marks(raw: bytes) -> int:
    return sum(map(raw.count, (b",", b"[", b"{")))


def quotes_in(body: bytes) -> int:
    """How many quotation marks begin or end a text of JSON."""
    return (_ESCAPED.sub(b"", body) if b"\\" in body else body).count(b'"')


def _quotes_of(events: Sequence[Event]) -> int | None:
    """How many quotation marks these events are written with, each key once; None when a value is unusual."""
    columns = list(zip(*map(msgspec.structs.astuple, events), strict=True))
    rows = len(events)
    quotes = sum(4 * (rows - column.count("")) for column in columns[:10])
    for column in columns[10:12]:
        given = [number for number in column if number is not None]
        if given and (max(given) > WHOLE_LIMIT or min(given) < -WHOLE_LIMIT):
            return None
        quotes += 2 * len(given)
    for properties in columns[12]:
        if properties is not None:
            inside = _quotes_of_value(properties, 2)
            if inside is None:
                return None
            quotes += 2 + inside
    return quotes


def _quotes_of_value(value: Any, depth: int) -> int | None:
    """The same for a value of any kind."""
    if isinstance(value, str):
        return 2
    if isinstance(value, int):
        return 0 if -WHOLE_LIMIT <= value <= WHOLE_LIMIT else None
    if not isinstance(value, dict | list):
        return 0
    if depth > DEPTH_LIMIT:
        return None
    total = 2 * len(value) if isinstance(value, dict) else 0
    for one in value.values() if isinstance(value, dict) else value:
        inside = _quotes_of_value(one, depth + 1)
        if inside is None:
            return None
        total += inside
    return total
