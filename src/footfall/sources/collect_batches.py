"""Turns typed events into rows of their streams, and those that break a field's rule into bad ones.

Rows of clicks are plain tuples: a batch costs as much for one event as for a hundred, so it is made once for all
requests that wait (``click_batch``), by whoever writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import (
    CLICK_SCHEMA,
    CODED,
    CUSTOM_SCHEMA,
    EARLIEST_MS,
    EVENT_TYPES,
    LATEST_MS,
    PAGE,
    TIME,
    Batch,
)
from footfall.core.hashing import column_hashes, id_from_text, ids_of
from footfall.sources.collect_events import CUSTOM_TYPE, EVENTS_LIMIT, Event
from footfall.sources.fields import (
    FIELD_LIMIT,
    FIELDS,
    OLDEST,
    Problem,
    event_id_of,
    length_problem,
    time_problem,
    value_problem,
)

BEFORE: Final = timedelta(days=7)
"""An event is dated at most this long before it was received."""
_BEFORE_MS: Final = BEFORE // timedelta(milliseconds=1)
_PLACES: Final = 1 << EVENTS_LIMIT.bit_length()
Row = tuple[Any, ...]
"""A click: the values of CLICK_SCHEMA but ``late``.

Instead of an event_id it may have a time, a whole number: then it gets the id of its content with that time.
"""
_SHORT: Final = FIELD_LIMIT // 4
"""A text of so many characters is not too long, whatever they are."""
_KINDS: Final = frozenset({"", *EVENT_TYPES})
_IN_ID: Final = ("userId", "productId", "event_type", "ip", "userAgent")
_HOST: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_AFTER_PATH: Final = re.compile(r"[?#]")
_FIELDS: Final = CLICK_SCHEMA.names[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sent a request, as its connection shows it, and when."""

    ip: str
    """Empty when it is not known."""
    user_agent: str
    """For events that name none."""
    received_ms: int
    sent_at: int | None = None
    """When it was sent (ms), by the sender's own clock."""

    def time_of(self, timestamp: int | None) -> int:
        """An event's time (ms), from the time that the sender gives it.

        The sender's clock is off by (received - sent_at), as far as the way took no time: that is added. Then the
        time is moved into the seven days before it was received. Without a time, it is the time of receipt.
        """
        if timestamp is None:
            return self.received_ms
        return max(min(timestamp + self.behind, self.received_ms), self.received_ms - _BEFORE_MS)

    @property
    def behind(self) -> int:
        """By how much the sender's clock is slow (ms), as far as that is known."""
        return 0 if self.sent_at is None else self.received_ms - self.sent_at

    def in_id(self, timestamp: int | None, place: int) -> int:
        """The time in the id of an event that has none of its own, of these that are sent together.

        It is the sender's, neither corrected nor moved: so it tells events apart whatever the clock says, and is the
        same when they are sent again. Without a time, each event is one by itself: two in a request are two.
        """
        if timestamp is not None:
            return timestamp
        return self.received_ms if not place else self.received_ms * _PLACES + place


Problems = Sequence[tuple[int, str, Problem]]
"""For events that cannot be used: their place, the field's name, the problem."""


def rows_of(events: Sequence[Event], sender: Sender) -> tuple[list[Row], Problems]:
    """Clicks as rows, and what is wrong with those that are none."""
    rows: list[Row] = []
    problems: list[tuple[int, str, Problem]] = []
    behind = sender.behind
    for place, event in enumerate(events):
        if event.kind == PAGE and not event.product and event.page:
            event.product = path_of(event.page)
        found = None if _is_plain(event, behind) else first_problem(event, behind)
        if found is None:
            rows.append(_row(event, sender, place))
        else:
            problems.append((place, *found))
    return rows, problems


def _is_plain(event: Event, behind: int) -> bool:
    """Whether an event is seen to be good at a glance, as most are."""
    user, product, age, time = event.user, event.product, event.age, event.timestamp
    return (
        "!" <= user[:1] <= "~"
        and "!" <= product[:1] <= "~"
        and event.kind in _KINDS
        and (age is None or 0 <= age <= OLDEST)
        and (time is None or EARLIEST_MS <= time + behind <= LATEST_MS)
        and len(user) <= _SHORT
        and len(product) <= _SHORT
        and len(event.page) <= _SHORT
        and len(event.referrer) <= _SHORT
        and len(event.user_agent) <= _SHORT
        and len(event.event_id) <= _SHORT
        and len(event.session) <= _SHORT
        and len(event.gender) <= _SHORT
    )


def _row(event: Event, sender: Sender, place: int) -> Row:
    time = sender.time_of(event.timestamp)
    return (
        time,
        event_id_of(event.event_id) if event.event_id else sender.in_id(event.timestamp, place),
        event.user,
        event.product,
        event.kind or EVENT_TYPES[0],
        _original(event, time),
        sender.ip or None,
        event.user_agent or sender.user_agent or None,
        event.age,
        event.gender or None,
        event.session or None,
        event.page or None,
        event.referrer or None,
    )


def _original(event: Event, time: int) -> int | None:
    """The Unix seconds of the interaction as its sender says them, without correction.

    An event may be sent again with the same id: then its corrected time is another one, and this must not be.
    """
    if event.timestamp is None:
        return None if event.event_id else time // 1000
    return max(min(event.timestamp, LATEST_MS), EARLIEST_MS) // 1000


def click_batch(rows: Sequence[Row]) -> Batch:
    """Rows as a batch of ``click-data``, ``late`` false throughout."""
    columns = dict(zip(_FIELDS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(_FIELDS, ())
    arrays: dict[str, Any] = {}
    for field in CLICK_SCHEMA:
        if field.type == CODED:
            arrays[field.name] = pa.array(columns[field.name], type=pa.string()).dictionary_encode()
        elif field.type == TIME:
            arrays[field.name] = pa.array(columns[field.name], type=pa.int64()).view(TIME)
        elif field.name == "late":
            arrays[field.name] = pa.array(np.zeros(len(rows), dtype=np.bool_))
        elif field.name != "event_id":
            arrays[field.name] = pa.array(columns[field.name], type=field.type)
    arrays["event_id"] = _ids(columns["event_id"], arrays)
    return pa.RecordBatch.from_arrays([arrays[name] for name in CLICK_SCHEMA.names], schema=CLICK_SCHEMA)


def _ids(given: Sequence[bytes | int], arrays: Mapping[str, Any]) -> Any:
    """The ids of clicks, made as in ``sources.clicks`` where a time is given instead."""
    kind = CLICK_SCHEMA.field("event_id").type
    if not any(isinstance(one, int) for one in given):
        return pa.array(given, type=kind)
    times = pa.array([one if isinstance(one, int) else 0 for one in given], type=pa.int64())
    of_content = ids_of([column_hashes(times), *(column_hashes(arrays[name]) for name in _IN_ID)]).to_pylist()
    return pa.array(
        [content if isinstance(own, int) else own for own, content in zip(given, of_content, strict=True)], type=kind
    )


def customs_of(events: Sequence[Event], sender: Sender) -> tuple[Batch | None, Problems]:
    """Custom events as a batch of ``custom-events``, and what is wrong with those that are none."""
    problems: list[tuple[int, str, Problem]] = []
    rows: list[dict[str, Any]] = []
    for place, event in enumerate(events):
        found = first_problem(event, sender.behind)
        if found is not None:
            problems.append((place, *found))
        else:
            rows.append(_custom(event, sender, place))
    return pa.RecordBatch.from_pylist(rows, schema=CUSTOM_SCHEMA) if rows else None, problems


def _custom(event: Event, sender: Sender, place: int) -> dict[str, Any]:
    in_id = sender.in_id(event.timestamp, place)
    properties = None if event.properties is None else msgspec.json.encode(event.properties).decode()
    user_agent = event.user_agent or sender.user_agent
    content = "\0".join((str(in_id), event.user, event.name, properties or "", sender.ip, user_agent))
    return {
        "timestamp": sender.time_of(event.timestamp),
        "event_id": event_id_of(event.event_id) if event.event_id else id_from_text(content),
        "userId": event.user,
        "name": event.name,
        "properties": properties,
        "sessionId": event.session or None,
        "page": event.page or None,
        "referrer": event.referrer or None,
        "ip": sender.ip or None,
        "userAgent": user_agent or None,
    }


def first_problem(event: Event, behind: int) -> tuple[str, Problem] | None:
    """The first field, in the order of FIELDS, that breaks its rule, and how; ``behind`` is that of its sender."""
    custom = event.kind == CUSTOM_TYPE
    values = {
        "userId": event.user,
        "productId": event.product,
        "event_type": "" if custom else event.kind,
        "userAgent": event.user_agent,
        "age": "" if event.age is None else str(event.age),
        "gender": event.gender,
        "sessionId": event.session,
        "page": event.page,
        "referrer": event.referrer,
        "event_id": event.event_id,
    }
    if custom:
        del values["productId"]
    for name in FIELDS:
        problem = value_problem(name, values[name]) if name in values else None
        if name == "timestamp" and event.timestamp is not None:
            problem = time_problem(name, str(event.timestamp), event.timestamp + behind)
        if problem is not None:
            return name, replace(problem, detail=f"{problem.detail}, custom") if name == "event_type" else problem
    if custom:
        problem = length_problem("name", event.name) if event.name.strip() else _NAMELESS
        return None if problem is None else ("name", problem)
    return None


_NAMELESS: Final = Problem(Reason.MISSING_FIELD, "name is empty: a custom event needs one")


def path_of(page: str) -> str:
    """The path of a page's address: ``https://shop.example/about?x=1`` is ``/about``."""
    return _AFTER_PATH.split(_HOST.sub("", page, count=1), maxsplit=1)[0] or "/"


def of_browser(text: str | None) -> str:
    """What a browser says of itself, as far as a field can hold it."""
    raw = (text or "").replace("\0", "").encode(errors="replace")
    return raw[:FIELD_LIMIT].decode(errors="ignore")
