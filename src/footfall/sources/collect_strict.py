"""Turns a request's JSON into its events one by one, and says of each bad one where it breaks which rule.

A bad event costs nobody else: a number that is none, half a character or a key that stands twice is the matter of the
event that holds it. Good events beside it are decoded quickly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from footfall.core.errors import Reason
from footfall.sources.collect_cut import Pieces, cut_quickly, pieces_of
from footfall.sources.collect_events import (
    CUSTOM_TYPE,
    DEPTH_LIMIT,
    EVENT_LIMIT,
    KEYS,
    TEXTS,
    VALUES_LIMIT,
    WHOLE_LIMIT,
    BadEvent,
    Event,
    Parsed,
    clean_events,
    too_full,
)
from footfall.sources.fields import Problem, shown, time_ms

_SHOWN_KEYS: Final = ", ".join(KEYS)
_NAMES: Final = dict(zip(KEYS, Event.__struct_fields__, strict=True))
_FEW: Final = 32
_SMALL: Final = 16 << 10
"""So many unusual events, with so many bytes together, are judged in about a millisecond."""
_TOO_DEEP: Final = Problem(Reason.BAD_SYNTAX, f"the event is nested more than {DEPTH_LIMIT} deep")
_TOO_FULL: Final = Problem(Reason.BAD_VALUE, f"the event has more than {VALUES_LIMIT:,} values, on all levels")
_OF_CLICKS: Final = frozenset({"productId", "age", "gender"})
_OF_CUSTOM: Final = frozenset({"name", "properties"})


class _Twice(str):
    """A key that stands twice in its object."""

    __slots__ = ()


class _Number(str):
    """What JSON readers call NaN or Infinity, and JSON does not know; or a whole number of absurd length."""

    __slots__ = ()


def parse_strictly(body: bytes) -> Parsed:
    """The usable events of any body, and those that are not. Raises TooMany and Malformed."""
    pieces = pieces_of(body)
    return _parsed(pieces, clean_events(pieces.raws))


def parse_mostly_clean(body: bytes) -> Parsed | None:
    """The same for a body in which few small events are unusual, within a few milliseconds; None for any other.

    Raises TooMany.
    """
    pieces = cut_quickly(body)
    if pieces is None:
        return None
    clean = clean_events(pieces.raws)
    odd = [len(raw) for raw, event in zip(pieces.raws, clean, strict=True) if event is None]
    return _parsed(pieces, clean) if len(odd) <= _FEW and sum(odd) <= _SMALL else None


def _parsed(pieces: Pieces, clean: Sequence[Event | None]) -> Parsed:
    """The pieces' events: the clean ones as they are, of the others what they are in the strict view."""
    found: list[Event] = []
    places: list[int] = []
    bad: list[BadEvent] = []
    if pieces.problem is not None:  # no event, so it is answered and not set aside
        bad.append(BadEvent(None, "sent_at", pieces.problem.reason, pieces.problem.detail, b""))
    whole = Parsed((), (), pieces.prefix)
    for place, (raw, event) in enumerate(zip(pieces.raws, clean, strict=True)):
        judged = event or event_of(raw)
        if isinstance(judged, Event):
            found.append(judged)
            places.append(place)
        else:
            key, problem = judged
            bad.append(BadEvent(place, whole.path(place, key), problem.reason, problem.detail, raw[:EVENT_LIMIT]))
    return Parsed(found, places, pieces.prefix, bad, pieces.sent_at)


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


def event_of(raw: bytes) -> Event | tuple[str, Problem]:
    """The event that these bytes of JSON describe, or the path in it and what is wrong there."""
    if len(raw) > EVENT_LIMIT:
        return "", Problem(Reason.FIELD_TOO_LONG, f"the event is {len(raw):,} bytes long, limit {EVENT_LIMIT:,}")
    if too_full(raw):
        return "", _TOO_FULL
    try:
        tree = _reader.decode(raw.decode(errors="surrogateescape"))
    except json.JSONDecodeError as error:  # what the cutting let pass
        return "", Problem(Reason.BAD_SYNTAX, f"a control character stands in a text (character {error.pos + 1})")
    except RecursionError:
        return "", _TOO_DEEP
    if not isinstance(tree, dict):
        return "", Problem(Reason.BAD_SYNTAX, "the event is no JSON object")
    for key, value in tree.items():
        if key not in _NAMES and value is not None:  # seen at once, however much is in it
            return _sound_text(key), _unknown(key)
    unsound = _unsound(tree, 1)
    if unsound is not None:
        places, problem = unsound
        return "".join(reversed(places)).removeprefix("."), problem
    return _event_of_values({key: value for key, value in tree.items() if value is not None})


def _unsound(value: dict[str, Any] | list[Any], depth: int) -> tuple[list[str], Problem] | None:
    """The first thing that no event may hold anywhere: its place, from the inside out, and what is wrong with it."""
    if depth > DEPTH_LIMIT:
        return [], _TOO_DEEP
    named = isinstance(value, dict)
    for place, one in value.items() if isinstance(value, dict) else enumerate(value):
        if named and (problem := _unsound_value(place)):
            return [], problem
        kind = type(one)
        if kind is dict or kind is list:
            found = _unsound(one, depth + 1)
        elif one is None or kind is bool or (kind is int and -WHOLE_LIMIT <= one <= WHOLE_LIMIT):
            continue  # as most values of a large event are
        else:
            problem = _unsound_value(one)
            found = None if problem is None else ([], problem)
        if found is not None:
            found[0].append(f".{_sound_text(str(place))}" if named else f"[{place}]")
            return found
    return None


def _unsound_value(value: Any) -> Problem | None:
    match value:
        case _Twice():
            return Problem(Reason.BAD_SYNTAX, f"the key {shown(_sound_text(value))} stands twice")
        case _Number():
            return Problem(Reason.BAD_VALUE, f"{_sound_text(value)[:20]} is no number of JSON, or beyond ±2^53")
        case str() if "\0" in value or not (value.isascii() or _sound_text(value) == value):
            return Problem(Reason.BAD_ENCODING, "the text holds a NUL, half a character or no UTF-8")
        case int() if abs(value) > WHOLE_LIMIT:
            return Problem(Reason.BAD_VALUE, f"{value} is beyond ±2^53: write it as a text")
        case float() if not math.isfinite(value):
            return Problem(Reason.BAD_VALUE, "the number is too large")
    return None


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


def _unknown(key: str) -> Problem:
    if key == "ip":
        return Problem(Reason.BAD_VALUE, "ip is taken from the connection; leave it out")
    return Problem(Reason.BAD_VALUE, f"{shown(_sound_text(key))} is no field; there are {_SHOWN_KEYS}")


def _problem(key: str, value: Any, *, custom: bool) -> Problem | None:
    """What is wrong with a value's kind, or with its being there at all."""
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
