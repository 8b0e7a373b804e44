"""Turns values of the types that only users' streams have into what JSON can hold, and back.

Texts stand for what JSON has no word for: fractions that are no number (NaN, Infinity), integers beyond ±2^53,
decimals, times of day, times in other units than milliseconds (ISO 8601). Bytes inside lists and objects are base64.
Durations are integers, in the unit of their column.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import EVENT_ID
from footfall.log.codecs.unusable import Unusable, bad_value, shown

LARGEST: Final = 2**53
"""Integers beyond this are not exact in every JSON reader."""
_INTEGER: Final = re.compile(r"-?[1-9][0-9]{15,19}", re.ASCII)
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z?)", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_A_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NO_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_milliseconds(kind: pa.DataType) -> bool:
    """Whether a type is that of a time which messages hold as an integer."""
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ms")


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is that of texts, coded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether a type is that of any bytes but an event id's."""
    some = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return bool(some and kind != EVENT_ID)


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is that of lists, of whatever size."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def jsonable(value: object) -> Any:
    """What JSON holds for a column's value as Python has it: what is inside included."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if -LARGEST <= value <= LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _named(value)
    if isinstance(value, list):
        return [jsonable(each) for each in value]
    if isinstance(value, dict):
        return {name: jsonable(each) for name, each in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _moment_text(value)


def _named(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _moment_text(value: object) -> str:
    if isinstance(value, datetime):
        zone = "" if value.tzinfo is None else "Z"
        return (value.astimezone(UTC) if zone else value).replace(tzinfo=None).isoformat(timespec="microseconds") + zone
    return value.isoformat() if isinstance(value, date | time) else str(value)


def whole_from_text(value: object) -> int | None:
    """The integer beyond ±2^53 that a text stands for, or None."""
    if not isinstance(value, str) or not _INTEGER.fullmatch(value) or -LARGEST <= int(value) <= LARGEST:
        return None
    return int(value)


def fraction(value: object, name: str) -> float:
    """The floating-point number that a value is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _NO_NUMBERS:
        return _NO_NUMBERS[value]
    raise bad_value(name, value, "a number")


def from_base64(value: object, field: pa.Field) -> bytes:
    """The bytes that a base64 text stands for."""
    try:
        found = base64.b64decode(value if isinstance(value, str) else b"?", validate=True)
    except ValueError:
        raise Unusable(Reason.BAD_VALUE, f"{field.name}: not base64") from None
    return of_width(found, field)


def of_width(value: bytes, field: pa.Field) -> bytes:
    """The bytes, if a column of bytes of one width can hold them."""
    if pa.types.is_fixed_size_binary(field.type) and len(value) != field.type.byte_width:
        raise bad_value(field.name, value.hex(), f"of {field.type.byte_width} bytes")
    return value


def rare_value_of(value: object, field: pa.Field) -> Any:
    """The value for a column of one of the remaining types."""
    for has_type, read in _READERS:
        if has_type(field.type):
            return read(value, field)
    raise bad_value(field.name, value, f"of type {field.type}, which no message can hold")


def _instant(value: object, field: pa.Field) -> int:
    """A time in the column's unit, since 1970."""
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    zoned = field.type.tz is not None
    try:
        if found is None or bool(found[3]) != zoned:
            raise ValueError
        seconds = (datetime.fromisoformat(found[1]).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
    except ValueError:
        form = "YYYY-MM-DDThh:mm:ss.ffffff" + "Z" * zoned
        raise Unusable(Reason.BAD_TIMESTAMP, f"{field.name}: {shown(value)} is not a time as {form}") from None
    parts = seconds * _A_SECOND["ns"] + int((found[2] or "").ljust(9, "0"))
    units, rest = divmod(parts, _A_SECOND["ns"] // _A_SECOND[field.type.unit])
    if rest or not -(1 << 63) <= units < 1 << 63:
        rule = f"a time that a column of {field.type} can hold"
        raise Unusable(Reason.BAD_TIMESTAMP, f"{field.name}: {shown(value)} is not {rule}")
    return units


def _decimal(value: object, field: pa.Field) -> Decimal:
    try:
        found = Decimal(value if isinstance(value, str) else "?")
        pa.scalar(found, type=field.type)
    except (InvalidOperation, pa.ArrowException):
        raise bad_value(field.name, value, f"a text with a {field.type}") from None
    return found


def _time_of_day(value: object, field: pa.Field) -> time:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return time.fromisoformat(value)
    except ValueError:  # a 25th hour
        pass
    raise bad_value(field.name, value, "a time of day as hh:mm:ss.ffffff")


def _duration(value: object, field: pa.Field) -> int:
    found = value if isinstance(value, int) and not isinstance(value, bool) else whole_from_text(value)
    if found is None or not -(1 << 63) <= found < 1 << 63:
        raise bad_value(field.name, value, f"a whole number for a {field.type}")
    return found


_READERS: Final[list[tuple[Callable[[pa.DataType], bool], Callable[[object, pa.Field], Any]]]] = [
    (pa.types.is_timestamp, _instant),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_time, _time_of_day),
    (pa.types.is_duration, _duration),
]
