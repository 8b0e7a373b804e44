"""Turns values of any type into texts, as Flink writes them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.frame import Value, each
from footfall.sql.functions.coercion import APPROXIMATE, INTEGERS, STAMPS
from footfall.sql.types import STRING, Family, SqlType

_PARTS: Final = re.compile(r"(-?)(\d)\.?(\d*)e([+-]?\d+)")


def java_double(value: float, *, single: bool = False) -> str:
    """A FLOAT or DOUBLE as Java writes it: 1.0E7, 0.001, NaN, Infinity."""
    if value != value:  # noqa: PLR0124
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    number = np.float32(value) if single else np.float64(value)
    if 1e-3 <= abs(value) < 1e7:
        text = np.format_float_positional(number, unique=True, trim="0")
        return str(text)
    found = _PARTS.fullmatch(np.format_float_scientific(number, unique=True, trim="0"))
    if found is None:  # numpy always writes it so
        raise ValueError(str(value))
    sign, first, rest, power = found.groups()
    return f"{sign}{first}.{rest or '0'}E{int(power)}"


def to_text(source: SqlType) -> Callable[[Value, int], Value]:
    """What writes a column of that type."""
    family = source.family
    if family in INTEGERS:
        return lambda column, _: column.cast(pa.string())
    if family is Family.BOOLEAN:
        return lambda column, _: pc.if_else(column, "TRUE", "FALSE")
    if family is Family.DATE:
        return lambda column, _: column.cast(pa.string())
    if family in STAMPS:
        return lambda column, _: _stamps(column, source)
    single = each(_single(source), STRING)
    return lambda column, length: single([column], length)


def _stamps(column: Value, kind: SqlType) -> Value:
    naive = column.cast(pa.timestamp(column.type.unit)) if column.type.tz else column
    written = naive.cast(pa.string())
    held = 3 if kind.precision <= 3 else 6 if kind.precision <= 6 else 9
    if kind.precision == held:
        return written
    return pc.utf8_slice_codeunits(written, 0, 19 + kind.precision + (kind.precision > 0))


def _single(kind: SqlType) -> Callable[[Any], str]:
    """What writes one value, given as Python has it."""
    match kind.family:
        case Family.BOOLEAN:
            return lambda value: "TRUE" if value else "FALSE"
        case Family.DECIMAL:
            return lambda value: f"{value:f}"
        case family if family in APPROXIMATE:
            return lambda value: java_double(value, single=family is Family.FLOAT)
        case Family.BYTES:
            return lambda value: str(value, "utf-8", "replace")
        case Family.TIME:
            return lambda value: _clock(value, kind.precision)
        case Family.TIMESTAMP | Family.TIMESTAMP_LTZ:
            return lambda value: _moment(value, kind.precision)
        case Family.INTERVAL_MONTH:
            return _months
        case Family.INTERVAL_SECOND:
            return _span
        case Family.ARRAY | Family.MAP | Family.ROW:
            return _nested(kind)
        case _:
            return str


def _clock(value: dt.time, precision: int) -> str:
    text = value.strftime("%H:%M:%S")
    return text if not precision else f"{text}.{value.microsecond:06d}"[: 9 + precision]


def _moment(value: dt.datetime, precision: int) -> str:
    text = value.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    return text if not precision else f"{text}.{value.microsecond:06d}"[: 20 + precision]


def _months(value: int) -> str:
    years, months = divmod(abs(value), 12)
    return f"{'-' if value < 0 else '+'}{years}-{months:02d}"


def _span(value: int) -> str:
    seconds, rest = divmod(abs(value), 1000)
    days, seconds = divmod(seconds, 86_400)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{'-' if value < 0 else '+'}{days} {hours:02d}:{minutes:02d}:{seconds % 60:02d}.{rest:03d}"


def _nested(kind: SqlType) -> Callable[[Any], str]:
    inner = [_single(one) for one in kind.inner]

    def write(value: Any, which: int) -> str:
        return "NULL" if value is None else inner[which](value)

    def of(value: Any) -> str:
        if kind.family is Family.ARRAY:
            return f"[{', '.join(write(one, 0) for one in value)}]"
        if kind.family is Family.MAP:
            return "{" + ", ".join(f"{write(key, 0)}={write(one, 1)}" for key, one in value) + "}"
        return f"({', '.join(write(one, at) for at, one in enumerate(value.values()))})"

    return of
