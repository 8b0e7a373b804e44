"""Turns a value out of a message into what its column holds, or says why it cannot be."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import EARLIEST_MS, EVENT_ID, EVENT_TYPES, LATEST_MS
from footfall.log.codecs.ids import id_from

LONGEST_TEXT: Final = 8_192
"""Bytes of a field."""
LARGEST: Final = 2**53
"""Integers beyond this are not exact in every JSON reader."""
OLDEST: Final = 130

MOMENT: Final = pa.timestamp("us")
"""A time of its own, beside the event's: UTC, without a time zone; ISO 8601 text with microseconds in messages."""
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what MOMENT counts from has no time zone either


class Unusable(Exception):
    """A value that the column cannot hold."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def value_of(value: object, field: pa.Field) -> Any:
    """The value for the field's column. Raises Unusable."""
    if value is None:
        if field.nullable:
            return None
        raise Unusable(Reason.MISSING_FIELD, f"{field.name}: missing")
    kind = field.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return _text(value, field)
    if kind == MOMENT:
        return _moment(value, field.name)
    if pa.types.is_timestamp(kind):
        return _time(value, field.name)
    if pa.types.is_integer(kind):
        return _integer(value, field)
    if pa.types.is_boolean(kind):
        return _flag(value, field.name)
    if kind == EVENT_ID:
        return id_from(_sound(value, field.name, required=True))
    return _rarer(value, field)


def plain_integers(field: pa.Field) -> tuple[int, int]:
    """Between which bounds an integer is good for the field without a closer look; (0, -1): none is."""
    kind = field.type
    if pa.types.is_timestamp(kind) and kind != MOMENT:
        return EARLIEST_MS, LATEST_MS
    if not pa.types.is_integer(kind):
        return 0, -1
    if field.name == "age":
        return 0, OLDEST
    bits = min(kind.bit_width - 1, 53)
    return -(1 << bits), (1 << bits) - 1


def _rarer(value: object, field: pa.Field) -> Any:
    kind = field.type
    if pa.types.is_date(kind):
        return _date(value, field.name)
    if pa.types.is_floating(kind):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise _bad(field.name, value, "a number")
    if pa.types.is_binary(kind):
        if isinstance(value, str):
            return _encoded(value, field.name)
        raise _bad(field.name, value, "a text")
    if pa.types.is_list(kind):
        if not isinstance(value, list):
            raise _bad(field.name, value, "a list")
        return [value_of(each, kind.value_field.with_name(field.name)) for each in value]
    if pa.types.is_struct(kind):
        if not isinstance(value, dict):
            raise _bad(field.name, value, "an object")
        return {each.name: value_of(value.get(each.name), each) for each in kind}
    raise _bad(field.name, value, f"of type {kind}, which no message can hold")


def _text(value: object, field: pa.Field) -> str:
    may_be_empty = field.nullable or not pa.types.is_dictionary(field.type)
    text = _sound(value, field.name, required=not may_be_empty)
    if field.name == "event_type" and text not in EVENT_TYPES:
        raise _bad(field.name, value, "one of " + ", ".join(EVENT_TYPES))
    if field.name == "ip" and text:
        try:
            ip_address(text)
        except ValueError:
            raise Unusable(Reason.BAD_IP, f"ip: {_shown(value)} is neither IPv4 nor IPv6") from None
    return text


def _sound(value: object, name: str, *, required: bool) -> str:
    if not isinstance(value, str):
        raise _bad(name, value, "a text")
    if required and not value:
        raise Unusable(Reason.MISSING_FIELD, f"{name}: empty")
    if "\0" in value:
        raise Unusable(Reason.BAD_ENCODING, f"{name}: {_shown(value)} holds a NUL")
    if len(_encoded(value, name)) > LONGEST_TEXT:
        raise Unusable(Reason.FIELD_TOO_LONG, f"{name}: longer than {LONGEST_TEXT:,} bytes")
    return value


def _encoded(value: str, name: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Unusable(Reason.BAD_ENCODING, f"{name}: holds a lone surrogate") from None


def _whole(value: object) -> int | None:
    """The value as an integer that every JSON reader has exactly, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        return None
    return int(value) if value == int(value) else None


def _time(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {_shown(value)} is not a number of milliseconds")
    if not EARLIEST_MS <= value <= LATEST_MS:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE, f"{name}: {_shown(value)} ms is before 1990 or after 2100")
    if value != int(value):
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {_shown(value)} is not a whole number of milliseconds")
    return int(value)


def _moment(value: object, name: str) -> int:
    """Microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and _ISO.fullmatch(value) else None
    except ValueError:  # a 30th of February
        moment = None
    if moment is None:
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {_shown(value)} is not a time as YYYY-MM-DDThh:mm:ss.ffffff")
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    if not EARLIEST_MS * 1_000 <= microseconds <= LATEST_MS * 1_000:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE, f"{name}: {_shown(value)} is before 1990 or after 2100")
    return microseconds


def _integer(value: object, field: pa.Field) -> int:
    number = _whole(value)
    if number is None:
        raise _bad(field.name, value, "a whole number within ±2^53")
    if field.name == "age" and not 0 <= number <= OLDEST:
        raise _bad(field.name, value, f"an age from 0 to {OLDEST}")
    bits = field.type.bit_width - 1
    if not -(1 << bits) <= number < 1 << bits:
        raise _bad(field.name, value, f"a whole number of {field.type.bit_width} bits")
    return number


def _flag(value: object, name: str) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise _bad(name, value, "true or false")


def _date(value: object, name: str) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise _bad(name, value, "a date as YYYY-MM-DD") from None


def _bad(name: str, value: object, rule: str) -> Unusable:
    return Unusable(Reason.BAD_VALUE, f"{name}: {_shown(value)} is not {rule}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else "a list" if isinstance(value, list) else str(value)[:80]
    return ascii(text[:80])
