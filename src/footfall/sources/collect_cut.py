"""Turns the bytes of a request into those of its events, without looking into them.

What is no JSON in one event is the matter of that event: so the text is cut at the events' borders first, leniently.
Most bodies are sound at least in this, and are cut by a decoder that is fifty times as fast.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from footfall.core.errors import Reason
from footfall.sources.collect_events import (
    ALL_VALUES_LIMIT,
    DEPTH_LIMIT,
    EVENTS_LIMIT,
    WHOLE_LIMIT,
    TooMany,
    quotes_in,
    too_full,
)
from footfall.sources.fields import Problem, shown

_SPACES: Final = b" \t\n\r"
_SPACE: Final = re.compile(r"[ \t\n\r]*")
BAD_SENT_AT: Final = Problem(Reason.BAD_TIMESTAMP, "sent_at is not a whole number of milliseconds")
_LIST, _ENVELOPE, _ALONE = "[{}]", "events[{}]", ""
"""How a place is written in a path, by what is around the events."""


class Malformed(Exception):
    """The text is not JSON, or no events in any of the forms. The arguments: the field, the reason, the rule."""

    def __init__(self, field: str, reason: Reason, rule: str) -> None:
        super().__init__(field, reason, rule)
        self.field = field
        self.reason = reason
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Pieces:
    """A body's events as they stand there."""

    prefix: str
    """How a place is written in a field's path: ``events[{}]``."""
    raws: list[bytes]
    sent_at: int | None = None
    """When they were sent (ms), as the body says."""
    problem: Problem | None = None
    """What is wrong with what the body says of that."""


def pieces_of(body: bytes) -> Pieces:
    """The events of any body. Raises TooMany and Malformed."""
    if too_full(body, ALL_VALUES_LIMIT):
        raise Malformed("", Reason.BAD_VALUE, f"the body has more than {ALL_VALUES_LIMIT:,} values, on all levels")
    return cut_quickly(body) or cut_leniently(body)


# -- quickly ------------------------------------------------------------------------------------------------------


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]
    sent_at: int | None = None


_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_envelope = msgspec.json.Decoder(_Envelope).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def cut_quickly(body: bytes) -> Pieces | None:
    """The events of a body that is sound as JSON; None for any other. Raises TooMany."""
    try:
        match body[:1]:
            case b"[":
                pieces = Pieces(_LIST, [bytes(raw) for raw in _array(body)])
            case b"{" if b'"events"' in body:
                envelope = _envelope(body)
                pieces = Pieces(_ENVELOPE, [bytes(raw) for raw in envelope.events], envelope.sent_at)
                around = 2 if envelope.sent_at is None else 4
                if quotes_in(body) != around + quotes_in(b"".join(pieces.raws)):
                    return None  # a key stands twice, or sent_at is null
            case b"{" if "events" not in _object(body):
                pieces = Pieces(_ALONE, [body.rstrip(_SPACES)])
            case _:
                return None
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if len(pieces.raws) > EVENTS_LIMIT:
        raise TooMany
    return pieces if pieces.raws and abs(pieces.sent_at or 0) <= WHOLE_LIMIT else None


# -- leniently ----------------------------------------------------------------------------------------------------

_cutter = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


def cut_leniently(body: bytes) -> Pieces:
    """The events of any body, however unsound they are in themselves. Raises TooMany and Malformed."""
    text = body.decode(errors="surrogateescape")
    start = _skip(text, 0)
    try:
        if text[start : start + 1] == "[":
            raws, end = _elements(text, start)
            _at_end(text, end)
            return Pieces(_LIST, raws)
        if text[start : start + 1] == "{":
            return _of_object(text, start)
    except RecursionError as error:
        raise Malformed("", Reason.BAD_SYNTAX, f"the body is nested more than {DEPTH_LIMIT} deep") from error
    except json.JSONDecodeError as error:
        raise Malformed("", Reason.BAD_SYNTAX, f"the body is not JSON (character {error.pos + 1})") from error
    raise Malformed("", Reason.BAD_SYNTAX, "the body is no JSON object or list of objects")


def _of_object(text: str, start: int) -> Pieces:
    members, end = _members(text, start)
    _at_end(text, end)
    spans = {key: (begin, stop) for key, begin, stop in members}
    if "events" not in spans:
        return Pieces(_ALONE, [_bytes(text[start:end])])
    for key, *_ in members:
        if key not in {"events", "sent_at"}:
            raise Malformed(shown(key)[1:-1], Reason.BAD_VALUE, "only events and sent_at may stand here")
    if len(spans) < len(members):
        raise Malformed("events", Reason.BAD_SYNTAX, "a key stands twice")
    begin, _ = spans["events"]
    if text[begin] != "[":
        raise Malformed("events", Reason.BAD_VALUE, "events is no list")
    raws, _ = _elements(text, begin)
    sent_at = _number(text[slice(*spans.get("sent_at", (0, 0)))])
    if isinstance(sent_at, Problem):
        return Pieces(_ENVELOPE, raws, problem=sent_at)
    return Pieces(_ENVELOPE, raws, sent_at)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _number(text: str) -> int | Problem | None:
    if text in {"", "null"}:
        return None
    if not text.removeprefix("-").isdecimal() or len(text) > 17 or abs(int(text)) > WHOLE_LIMIT:
        return BAD_SENT_AT
    return int(text)


def _elements(text: str, start: int) -> tuple[list[bytes], int]:
    """The texts of a list's elements, and where it ends. Raises TooMany, and errors of the decoder."""
    raws: list[bytes] = []
    place = _skip(text, start + 1)
    if text[place : place + 1] == "]":
        raise Malformed("events" if start else "", Reason.MISSING_FIELD, "there is no event in it")
    while True:
        _, end = _cutter.raw_decode(text, place)
        raws.append(_bytes(text[place:end]))
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
