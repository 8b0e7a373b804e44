"""Turns a request's JSON into its events one by one, and says of each bad one where it breaks which rule.

A bad event costs nobody else: the text is cut at the events' borders first, leniently, so that a number that is none,
half a character or a key that stands twice stays the matter of the event that holds it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from footfall.core.errors import Reason
from footfall.sources.collect_events import (
    CUSTOM_TYPE,
    DEPTH_LIMIT,
    EVENT_LIMIT,
    EVENTS_LIMIT,
    KEYS,
    TEXTS,
    WHOLE_LIMIT,
    BadEvent,
    Event,
    Parsed,
    TooMany,
)
from footfall.sources.fields import Problem, shown, time_ms

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SHOWN_KEYS: Final = ", ".join(KEYS)
_NAMES: Final = dict(zip(KEYS, Event.__struct_fields__, strict=True))
_OF_CLICKS: Final = frozenset({"productId", "age", "gender"})
_OF_CUSTOM: Final = frozenset({"name", "properties"})


class _Twice(str):
    """A key that stands twice in its object."""

    __slots__ = ()


class _Number(str):
    """What JSON readers call NaN or Infinity, and JSON does not know; or a whole number of absurd length."""

    __slots__ = ()


class Malformed(Exception):
    """The text is not JSON, or no events in any of the forms. The arguments: the field, the reason, the rule."""

    def __init__(self, field: str, reason: Reason, rule: str) -> None:
        super().__init__(field, reason, rule)
        self.field = field
        self.reason = reason
        self.rule = rule


def parse_strictly(body: bytes) -> Parsed:
    """The usable events of any body, and those that are not. Raises TooMany and Malformed."""
    text = body.decode(errors="surrogateescape")
    prefix, raws, sent_at = _pieces(text)
    found: list[Event] = []
    places: list[int] = []
    bad: list[BadEvent] = []
    whole = Parsed((), (), prefix)
    for place, raw in enumerate(raws):
        event = event_of(raw)
        if isinstance(event, Event):
            found.append(event)
            places.append(place)
        else:
            key, problem = event
            kept = raw.encode(errors="surrogateescape")[:EVENT_LIMIT]
            bad.append(BadEvent(place, whole.path(place, key), problem.reason, problem.detail, kept))
    return Parsed(found, places, prefix, bad, sent_at)


def raw_events(body: bytes) -> list[bytes]:
    """The bytes of each event of a body that has been parsed before."""
    return [raw.encode(errors="surrogateescape") for raw in _pieces(body.decode(errors="surrogateescape"))[1]]


# -- cutting ------------------------------------------------------------------------------------------------------

_cutter = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


def _pieces(text: str) -> tuple[str, list[str], int | None]:
    """How a place is written in a path, the text of each event, and when they were sent."""
    start = _skip(text, 0)
    try:
        if text[start : start + 1] == "[":
            raws, end = _elements(text, start)
            _at_end(text, end)
            return "[{}]", raws, None
        if text[start : start + 1] == "{":
            return _of_object(text, start)
    except RecursionError as error:
        raise Malformed("", Reason.BAD_SYNTAX, f"the body is nested more than {DEPTH_LIMIT} deep") from error
    except json.JSONDecodeError as error:
        raise Malformed("", Reason.BAD_SYNTAX, f"the body is not JSON (character {error.pos + 1})") from error
    raise Malformed("", Reason.BAD_SYNTAX, "the body is no JSON object or list of objects")


def _of_object(text: str, start: int) -> tuple[str, list[str], int | None]:
    members, end = _members(text, start)
    _at_end(text, end)
    spans = {key: (begin, stop) for key, begin, stop in members}
    if "events" not in spans:
        return "", [text[start:end]], None
    for key, *_ in members:
        if key not in {"events", "sent_at"}:
            raise Malformed(shown(key)[1:-1], Reason.BAD_VALUE, "only events and sent_at may stand here")
    if len(spans) < len(members):
        raise Malformed("events", Reason.BAD_SYNTAX, "a key stands twice")
    begin, _ = spans["events"]
    if text[begin] != "[":
        raise Malformed("events", Reason.BAD_VALUE, "events is no list")
    raws, _ = _elements(text, begin)
    sent_at = _number(text[slice(*spans["sent_at"])]) if "sent_at" in spans else None
    return "events[{}]", raws, sent_at


def _number(text: str) -> int | None:
    if text == "null":
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > 17 or abs(int(text)) > WHOLE_LIMIT:
        raise Malformed("sent_at", Reason.BAD_TIMESTAMP, "sent_at is not a whole number of milliseconds")
    return int(text)


def _elements(text: str, start: int) -> tuple[list[str], int]:
    """The texts of a list's elements, and where it ends. Raises TooMany, and errors of the decoder."""
    raws: list[str] = []
    place = _skip(text, start + 1)
    if text[place : place + 1] == "]":
        raise Malformed("events" if start else "", Reason.MISSING_FIELD, "there is no event in it")
    while True:
        _, end = _cutter.raw_decode(text, place)
        raws.append(text[place:end])
        if len(raws) > EVENTS_LIMIT:
            raise TooMany
        end = _skip(text, end)
        if text[end : end + 1] == "]":
            return raws, end + 1
        _expect(text, end, ",")
        place = _skip(text, end + 1)


def _members(text: str, start: int) -> tuple[list[tuple[str, int, int]], int]:
    """An object's keys, where each one's value begins and ends, and where the object ends."""
    members: list[tuple[str, int, int]] = []
    place = _skip(text, start + 1)
    if text[place : place + 1] == "}":
        return members, place + 1
    while True:
        _expect(text, place, '"')
        key, end = _cutter.raw_decode(text, place)
        end = _skip(text, end)
        _expect(text, end, ":")
        begin = _skip(text, end + 1)
        _, end = _cutter.raw_decode(text, begin)
        members.append((key, begin, end))
        end = _skip(text, end)
        if text[end : end + 1] == "}":
            return members, end + 1
        _expect(text, end, ",")
        place = _skip(text, end + 1)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _expect(text: str, place: int, mark: str) -> None:
    if text[place : place + 1] != mark:
        raise json.JSONDecodeError(f"expected {mark}", text, place)


def _at_end(text: str, place: int) -> None:
    if _skip(text, place) != len(text):
        raise json.JSONDecodeError("something follows", text, place)


# -- judging ------------------------------------------------------------------------------------------------------


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found[key] = _Twice(key)
            seen.add(key)
    return found


def _whole(text: str) -> int | _Number:
    return int(text) if len(text) <= 17 else _Number(text)


_reader = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_whole, parse_constant=_Number)


def event_of(raw: str) -> Event | tuple[str, Problem]:
    """The event that a text of JSON describes, or the path in it and what is wrong there.

    Bytes that are not UTF-8 stand in the text as surrogates.
    """
    size = len(raw.encode(errors="surrogateescape"))
    if size > EVENT_LIMIT:
        return "", Problem(Reason.FIELD_TOO_LONG, f"the event is {size:,} bytes long, limit {EVENT_LIMIT:,}")
    try:
        tree = _reader.decode(raw)
    except json.JSONDecodeError as error:  # what the cutting let pass
        return "", Problem(Reason.BAD_SYNTAX, f"a control character stands in a text (character {error.pos + 1})")
    if not isinstance(tree, dict):
        return "", Problem(Reason.BAD_SYNTAX, "the event is no JSON object")
    for path, problem in _unsound(tree, "", 1):
        return path, problem
    return _event_of_values({key: value for key, value in tree.items() if value is not None})


def _unsound(value: Any, path: str, depth: int) -> Iterator[tuple[str, Problem]]:
    """What no event may hold anywhere, with its place."""
    match value:
        case _Twice():
            yield path, Problem(Reason.BAD_SYNTAX, f"the key {shown(_sound_text(value))} stands twice")
        case _Number():
            yield path, Problem(Reason.BAD_VALUE, f"{_sound_text(value)[:20]} is no number of JSON, or beyond ±2^53")
        case bool() | None:
            pass
        case str():
            if "\0" in value or _sound_text(value) != value:
                yield path, Problem(Reason.BAD_ENCODING, "the text holds a NUL, half a character or no UTF-8")
        case int() if abs(value) > WHOLE_LIMIT:
            yield path, Problem(Reason.BAD_VALUE, f"{value} is beyond ±2^53: write it as a text")
        case float() if not math.isfinite(value):
            yield path, Problem(Reason.BAD_VALUE, "the number is too large")
        case dict() | list() if depth > DEPTH_LIMIT:
            yield path, Problem(Reason.BAD_SYNTAX, f"the event is nested more than {DEPTH_LIMIT} deep")
        case dict():
            for key, one in value.items():
                yield from _unsound(key, path, depth)
                yield from _unsound(one, f"{path}.{_sound_text(key)}" if path else _sound_text(key), depth + 1)
        case list():
            for place, one in enumerate(value):
                yield from _unsound(one, f"{path}[{place}]", depth + 1)


def _sound_text(text: str) -> str:
    """The text with a mark in place of each half character."""
    return text.encode(errors="replace").decode()


def _event_of_values(values: Mapping[str, Any]) -> Event | tuple[str, Problem]:
    """The event that these values by their JSON names make, or the name and what is wrong with it."""
    custom = values.get("event_type") == CUSTOM_TYPE
    for key, value in values.items():
        problem = _problem(key, value, custom=custom)
        if problem is not None:
            return _sound_text(key), problem
    event = Event(**{_NAMES[key]: value for key, value in values.items()})
    if isinstance(event.timestamp, str):
        event.timestamp = time_ms(event.timestamp)
    return event


def _problem(key: str, value: Any, *, custom: bool) -> Problem | None:
    """What is wrong with a value's kind, or with its being there at all."""
    if key == "ip":
        return Problem(Reason.BAD_VALUE, "ip is taken from the connection; leave it out")
    if key not in _NAMES:
        return Problem(Reason.BAD_VALUE, f"{shown(_sound_text(key))} is no field; there are {_SHOWN_KEYS}")
    if key in (_OF_CLICKS if custom else _OF_CUSTOM):
        rule = "custom events have none; put it into properties" if custom else "only events of type custom have it"
        return Problem(Reason.BAD_VALUE, f"{key}: {rule}")
    if key in TEXTS:
        return None if isinstance(value, str) else Problem(Reason.BAD_VALUE, f"{key} is not a text")
    if key == "properties":
        return None if isinstance(value, dict) else Problem(Reason.BAD_VALUE, "properties is not a JSON object")
    if key == "timestamp" and isinstance(value, str) and time_ms(value) is not None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    reason, rule = (
        (Reason.BAD_TIMESTAMP, "milliseconds or ISO 8601")
        if key == "timestamp"
        else (Reason.BAD_VALUE, "a whole number")
    )
    return Problem(reason, f"{key} is not {rule}")
