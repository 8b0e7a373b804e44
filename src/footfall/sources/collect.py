"""Turns the bytes of a request into clicks and custom events, and into those that cannot be used, each with its rule.

Bad events cost nobody else: the good ones of a request are taken. Nothing here reads a clock or knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from footfall.core.errors import Failure, Reason
from footfall.core.events import CUSTOM, Batch
from footfall.sources.base import BadRow, Block
from footfall.sources.clicks import NO_CLICKS
from footfall.sources.collect_batches import Problems, Row, Sender, click_batch, customs_of, of_browser, rows_of
from footfall.sources.collect_cut import BAD_SENT_AT, Malformed, pieces_of
from footfall.sources.collect_events import (
    CUSTOM_TYPE,
    EVENT_LIMIT,
    EVENTS_LIMIT,
    BadEvent,
    Event,
    Parsed,
    TooMany,
    parse_clean,
)
from footfall.sources.collect_strict import event_of, parse_mostly_clean, parse_strictly
from footfall.sources.fields import Problem, shown
from footfall.sources.layouts import Layout

__all__ = [
    "EVENTS_LIMIT",
    "EVENT_LIMIT",
    "BadEvent",
    "Collected",
    "Sender",
    "TooMany",
    "click_of",
    "collect",
    "collect_carefully",
    "collect_query",
    "collect_quickly",
    "collect_row",
    "of_browser",
]

_NUMBERS: Final = frozenset({"timestamp", "age", "sent_at"})
_DIGITS: Final = 17
_MARKS: Final = (b",", b"[", b"{", b"\\")
_MANY_MARKS: Final = 20_000
"""500 events as the tracker sends them have a third of this."""
SOURCE: Final = "collector"
"""What failed events name as their source."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a request brought."""

    sender: Sender
    rows: Sequence[Row] = ()
    """Clicks, for ``click_batch``."""
    custom: Batch | None = None
    """CUSTOM_SCHEMA"""
    bad: Sequence[BadEvent] = ()
    """In the request's order."""

    @property
    def accepted(self) -> int:
        """How many events can be used."""
        return len(self.rows) + (0 if self.custom is None else int(self.custom.num_rows))

    @property
    def others(self) -> list[tuple[str, Batch]]:
        """The events that are no clicks, by stream."""
        return [] if self.custom is None else [(CUSTOM, self.custom)]

    @property
    def layout(self) -> str:
        """A text from which ``sources.again`` can parse a bad event again, as if it were received then."""
        return layout_text(self.sender)


def collect(body: bytes, sender: Sender) -> Collected:
    """The events of a body of JSON: one object, a list of them, or ``{"events": […], "sent_at": ms}``.

    Raises TooMany when there are more than 500: then none is used.
    """
    return collect_quickly(body, sender) or collect_carefully(body, sender)


def collect_quickly(body: bytes, sender: Sender) -> Collected | None:
    """The same within a few milliseconds, or None: such a body may take a hundred times as long. Raises TooMany."""
    if sum(map(body.count, _MARKS)) > _MANY_MARKS:
        return None
    parsed = parse_clean(body) or parse_mostly_clean(body)
    return None if parsed is None else _judged(parsed, replace(sender, sent_at=parsed.sent_at), body)


def collect_carefully(body: bytes, sender: Sender) -> Collected:
    """The same for a body in which anything may be. Raises TooMany."""
    try:
        parsed = parse_strictly(body)
    except Malformed as error:
        kept = [] if not body.strip() else [BadEvent(None, error.field, error.reason, error.rule, body[:EVENT_LIMIT])]
        return Collected(sender, bad=kept or [BadEvent(None, "", Reason.BAD_SYNTAX, "the body is empty", b"")])
    return _judged(parsed, replace(sender, sent_at=parsed.sent_at), body)


def collect_query(pairs: Sequence[tuple[str, str]], sender: Sender) -> Collected:
    """The one event that the names and values of a query describe. An empty value is none."""
    values: dict[str, str | int] = {}
    for key, value in pairs:
        if key in values:
            problem = Problem(Reason.BAD_SYNTAX, f"{shown(key)} stands twice")
            return _refused(sender, key, problem, msgspec.json.encode(dict(pairs)))
        values[key] = _number(value) if key in _NUMBERS else value
    sent_at = values.pop("sent_at", "")
    raw = msgspec.json.encode({key: value for key, value in values.items() if value != ""})
    bad = []
    if isinstance(sent_at, int):
        sender = replace(sender, sent_at=sent_at)
    elif sent_at:  # the event itself is none the worse for it
        bad.append(BadEvent(None, "sent_at", BAD_SENT_AT.reason, BAD_SENT_AT.detail, b""))
    event = event_of(raw)
    if isinstance(event, Event):
        return _judged(Parsed([event], [0], "", bad), sender, raw)
    found = _refused(sender, *event, raw)
    return replace(found, bad=[*bad, *found.bad])


def _number(text: str) -> str | int:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < _DIGITS else text


def _refused(sender: Sender, field: str, problem: Problem, raw: bytes) -> Collected:
    return Collected(sender, bad=[BadEvent(0, field, problem.reason, problem.detail, raw[:EVENT_LIMIT])])


def _judged(parsed: Parsed, sender: Sender, body: bytes) -> Collected:
    """The good events as batches, the others with those that were bad before."""
    clicks, at = parsed.events, parsed.places
    custom, custom_at = None, at[:0]
    others: Problems = ()
    if any(event.kind == CUSTOM_TYPE for event in clicks):
        both = list(zip(parsed.events, parsed.places, strict=True))
        clicks = [event for event, _ in both if event.kind != CUSTOM_TYPE]
        at = [place for event, place in both if event.kind != CUSTOM_TYPE]
        custom_at = [place for event, place in both if event.kind == CUSTOM_TYPE]
        custom, others = customs_of([event for event, _ in both if event.kind == CUSTOM_TYPE], sender)
    rows, problems = rows_of(clicks, sender)
    bad = list(parsed.bad)
    if problems or others:
        raws = [body] if not parsed.prefix else pieces_of(body).raws
        for some, places in ((problems, at), (others, custom_at)):
            for row, key, problem in some:
                place = places[row]
                bad.append(BadEvent(place, parsed.path(place, key), problem.reason, problem.detail, raws[place]))
        bad.sort(key=lambda event: event.index or 0)
    return Collected(sender, rows, custom, bad)


# -- once more ----------------------------------------------------------------------------------------------------


def layout_text(sender: Sender) -> str:
    """What is kept beside a bad event, so that it can be read again."""
    given = {"ip": sender.ip, "userAgent": sender.user_agent, "received": str(sender.received_ms)}
    if sender.sent_at is not None:
        given["sent_at"] = str(sender.sent_at)
    return Layout(layout="collect", form="collect", fields={}, given=given).text()


def collect_row(layout: Layout, raw: bytes) -> Block:
    """Read the JSON of one event that was set aside again: a block with one event, or one bad row."""
    given = layout.given
    try:
        sent_at = int(given["sent_at"]) if "sent_at" in given else None
        sender = Sender(
            ip=given["ip"], user_agent=given["userAgent"], received_ms=int(given["received"]), sent_at=sent_at
        )
    except (KeyError, ValueError) as error:
        raise Failure(f"The layout of a collected event is incomplete: {error}.") from error
    try:
        event = event_of(raw)
    except (ValueError, RecursionError) as error:
        return _bad_block(BadEvent(0, "", Reason.BAD_SYNTAX, f"not JSON: {error}", raw))
    if not isinstance(event, Event):
        key, problem = event
        return _bad_block(BadEvent(0, key, problem.reason, problem.detail, raw))
    found = _judged(Parsed([event], [0], prefix=""), sender, raw)
    if found.bad:
        return _bad_block(found.bad[0])
    return Block(click_batch(found.rows) if found.rows else NO_CLICKS, (), 1, found.others)


def _bad_block(bad: BadEvent) -> Block:
    return Block(NO_CLICKS, [BadRow(1, bad.reason, bad.detail, bad.raw)], 1)


# -- our own pages ------------------------------------------------------------------------------------------------


def click_of(
    *,
    user: str,
    product: str,
    event_type: str = "view",
    ip: str | None,
    user_agent: str | None,
    age: int | None = None,
    gender: str | None = None,
    page: str | None = None,
    referrer: str | None = None,
    session: str | None = None,
    now_ms: int,
) -> Batch:
    """One click of our own pages, as a row of ``click-data``.

    What a browser says of itself (user agent, page, referrer) is cut to what a field may hold.
    """
    row = (
        now_ms,
        now_ms,
        user,
        product,
        event_type,
        now_ms // 1000,
        ip or None,
        of_browser(user_agent) or None,
        age,
        gender or None,
        session or None,
        of_browser(page) or None,
        of_browser(referrer) or None,
    )
    return click_batch([row])
