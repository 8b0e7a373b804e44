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
from footfall.log.codecs.rare import (
    LARGEST,
    fraction,
    from_base64,
    is_bytes,
    is_list,
    is_milliseconds,
    is_text,
    of_width,
    rare_value_of,
    whole_from_text,
)
from footfall.log.codecs.unusable import Unusable, bad_value, shown

LONGEST_TEXT: Final = 8_192
"""Bytes of a field."""
OLDEST: Final = 130

MOMENT: Final = pa.timestamp("us")
"""A time of its own, beside the event's: UTC, without a time zone; ISO 8601 text with microseconds in messages."""
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what MOMENT counts from has no time zone either


def value_of(value: object, field: pa.Field) -> Any:
    """The value for the field's column. Raises Unusable."""
    if value is None:
        if field.nullable:
            return None
        raise Unusable(Reason.MISSING_FIELD, f"{field.name}: missing")
    kind = field.type
    if is_text(kind):
        return _text(value, field)
    if pa.types.is_dictionary(kind):
        return value_of(value, field.with_type(kind.value_type))
    if kind == MOMENT:
        return _moment(value, field.name)
    if is_milliseconds(kind):
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
    if is_milliseconds(kind):
        return EARLIEST_MS, LATEST_MS
    if not pa.types.is_integer(kind):
        return 0, -1
    if field.name == "age":
        return 0, OLDEST
    low, high = _bounds(kind)
    return max(low, -LARGEST), min(high, LARGEST - 1)


def _rarer(value: object, field: pa.Field) -> Any:
    kind = field.type
    if pa.types.is_date(kind):
        return _date(value, field.name)
    if pa.types.is_floating(kind):
        return fraction(value, field.name)
    if is_bytes(kind):
        if isinstance(value, str):
            return of_width(_encoded(value, field.name), field)
        raise bad_value(field.name, value, "a text")
    if is_list(kind):
        return _list(value, field)
    if pa.types.is_struct(kind):
        if not isinstance(value, dict):
            raise bad_value(field.name, value, "an object")
        return {each.name: _inner(value.get(each.name), each) for each in kind}
    return rare_value_of(value, field)


def _list(value: object, field: pa.Field) -> list[Any]:
    kind = field.type
    if not isinstance(value, list):
        raise bad_value(field.name, value, "a list")
    if pa.types.is_fixed_size_list(kind) and len(value) != kind.list_size:
        raise bad_value(field.name, value, f"of {kind.list_size} values")
    return [_inner(each, kind.value_field.with_name(field.name)) for each in value]


def _inner(value: object, field: pa.Field) -> Any:
    """A value inside a list or an object: bytes have no second name there, so they are always base64."""
    return from_base64(value, field) if value is not None and is_bytes(field.type) else value_of(value, field)


def _text(value: object, field: pa.Field) -> str:
    may_be_empty = field.nullable or not pa.types.is_dictionary(field.type)
    text = _sound(value, field.name, required=not may_be_empty)
    if field.name == "event_type" and text not in EVENT_TYPES:
        raise bad_value(field.name, value, "one of " + ", ".join(EVENT_TYPES))
    if field.name == "ip" and text:
        try:
            ip_address(text)
        except ValueError:
            raise Unusable(Reason.BAD_IP, f"ip: {shown(value)} is neither IPv4 nor IPv6") from None
    return text


def _sound(value: object, name: str, *, required: bool) -> str:
    if not isinstance(value, str):
        raise bad_value(name, value, "a text")
    if required and not value:
        raise Unusable(Reason.MISSING_FIELD, f"{name}: empty")
    if "\0" in value:
        raise Unusable(Reason.BAD_ENCODING, f"{name}: {shown(value)} holds a NUL")
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
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {shown(value)} is not a number of milliseconds")
    if not EARLIEST_MS <= value <= LATEST_MS:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE, f"{name}: {shown(value)} ms is before 1990 or after 2100")
    if value != int(value):
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {shown(value)} is not a whole number of milliseconds")
    return int(value)


def _moment(value: object, name: str) -> int:
    """Microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and _ISO.fullmatch(value) else None
    except ValueError:  # a 30th of February
        moment = None
    if moment is None:
        raise Unusable(Reason.BAD_TIMESTAMP, f"{name}: {shown(value)} is not a time as YYYY-MM-DDThh:mm:ss.ffffff")
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    if not EARLIEST_MS * 1_000 <= microseconds <= LATEST_MS * 1_000:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE, f"{name}: {shown(value)} is before 1990 or after 2100")
    return microseconds


def _integer(value: object, field: pa.Field) -> int:
    low, high = _bounds(field.type)
    number = _whole(value)
    if number is None and high >= LARGEST:
        number = whole_from_text(value)
    if number is None:
        raise bad_value(field.name, value, "a whole number within ±2^53")
    if field.name == "age" and not 0 <= number <= OLDEST:
        raise bad_value(field.name, value, f"an age from 0 to {OLDEST}")
    if not low <= number <= high:
        raise bad_value(field.name, value, f"a whole number of {field.type.bit_width} bits")
    return number


def _bounds(kind: pa.DataType) -> tuple[int, int]:
    """The least and the greatest integer of a type."""
    if pa.types.is_unsigned_integer(kind):
        return 0, (1 << kind.bit_width) - 1
    return -(1 << kind.bit_width - 1), (1 << kind.bit_width - 1) - 1


def _flag(value: object, name: str) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise bad_value(name, value, "true or false")


def _date(value: object, name: str) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise bad_value(name, value, "a date as YYYY-MM-DD") from None
