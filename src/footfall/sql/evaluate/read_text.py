"""Turns texts into values of any type, as Flink reads them in a CAST."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.arithmetic import WIDE, ticks
from footfall.sql.evaluate.frame import Value, each
from footfall.sql.functions.coercion import APPROXIMATE, INTEGERS, STAMPS
from footfall.sql.types import Family, SqlType

_WHOLE: Final = re.compile(r"([+-]?)(\d*)(?:\.\d*)?", re.ASCII)
_DOUBLE: Final = re.compile(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?)", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?: .*)?", re.ASCII | re.DOTALL)
_TIME: Final = re.compile(r"(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?", re.ASCII)
_STAMP: Final = re.compile(
    r"(\d{1,4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{0,9}))?)?", re.ASCII
)
_PLAIN_STAMP: Final = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?$"
_TRUE: Final = {"t", "true", "y", "yes", "1"}
_FALSE: Final = {"f", "false", "n", "no", "0"}
_EPOCH: Final = dt.date(1970, 1, 1)


def from_text(target: SqlType) -> Callable[[Value, int], Value]:
    """What reads a column of texts as that type. It raises RowError for rows that cannot be read."""
    if target.family is Family.BYTES:
        return lambda column, _: column.cast(pa.binary())
    kernel = each(reader(target), target)
    slow: Callable[[Value, int], Value] = lambda column, length: kernel([column], length)  # noqa: E731
    return _fast_stamps(target, slow) if target.family in STAMPS else slow


def reader(target: SqlType) -> Callable[[str], Any]:
    """What reads one text. It raises ValueError."""
    match target.family:
        case Family.BOOLEAN:
            return _boolean
        case Family.DECIMAL:
            return lambda text: _decimal(text, target)
        case family if family in INTEGERS:
            bits = target.arrow.bit_width
            return lambda text: _integer(text, bits)
        case family if family in APPROXIMATE:
            return _double
        case Family.DATE:
            return lambda text: _EPOCH + dt.timedelta(days=date_days(text))
        case Family.TIME:
            return _time
        case Family.TIMESTAMP | Family.TIMESTAMP_LTZ:
            return lambda text: stamp(text, target)
    raise TypeError(f"A text cannot be cast to {target}.")


def _refused(text: str, what: str) -> ValueError:
    return ValueError(f"{text[:40]!r} is not {what}")


def _integer(text: str, bits: int) -> int:
    found = _WHOLE.fullmatch(text.strip(" "))
    if found is None or not text.strip(" +-"):
        raise _refused(text, "a whole number")
    value = int(found[1] + (found[2] or "0"))
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise _refused(text, f"a whole number of {bits} bits")
    return value


def _double(text: str) -> float:
    plain = text.strip()
    if _DOUBLE.fullmatch(plain) is None:
        raise _refused(text, "a number")
    return float(plain.rstrip("dDfF") if plain[-1] in "dDfF" else plain)


def _decimal(text: str, kind: SqlType) -> Decimal:
    plain = text.strip()
    if _DECIMAL.fullmatch(plain) is None:
        raise _refused(text, "a number")
    found = Decimal(plain).quantize(Decimal(1).scaleb(-kind.scale), rounding=ROUND_HALF_UP, context=WIDE)
    if found and found.adjusted() >= kind.precision - kind.scale:
        raise _refused(text, f"a number of {kind.precision} digits")
    return found


def _boolean(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise _refused(text, "TRUE or FALSE")
    return word in _TRUE


def date_days(text: str) -> int:
    """A date as days since 1970: a year, or with month, or with day; what follows a space is not looked at."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "a date")
    year, month, day = (int(one or 1) for one in found.groups())
    return (dt.date(year, month, day) - _EPOCH).days


def _time(text: str) -> dt.time:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "a time of day")
    hour, minute, second = (int(one or 0) for one in found.groups()[:3])
    return dt.time(hour, minute, second)


def stamp(text: str, kind: SqlType) -> int:
    """A timestamp as a number of its unit: yyyy-MM-dd, or with HH:mm:ss and up to nine digits after a point."""
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "a timestamp such as 2020-02-29 12:34:56.789")
    year, month, day, hour, minute, second = [int(one or 0) for one in found.groups()[:6]]
    days: int = (dt.date(year, month, day) - _EPOCH).days
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and minute + second):
        raise _refused(text, "a timestamp")
    nanos = int((found[7] or "").ljust(9, "0"))
    unit: int = 10 ** (9 - kind.precision)
    nanos -= nanos % unit
    whole: int = days * 86_400 + hour * 3600 + minute * 60 + second
    per_second: int = ticks(kind)
    return whole * per_second + nanos // (10**9 // per_second)


def _fast_stamps(target: SqlType, slow: Callable[[Value, int], Value]) -> Callable[[Value, int], Value]:
    """Where all texts are in the usual form, Arrow reads them."""
    kind = target.arrow
    if target.precision != 3:
        return slow

    def read(column: Value, length: int) -> Value:
        if not pc.all(pc.match_substring_regex(column, _PLAIN_STAMP), min_count=0).as_py():
            return slow(column, length)
        try:
            return column.cast(pa.timestamp("ms")).cast(kind)
        except pa.ArrowInvalid:
            return slow(column, length)

    return read
