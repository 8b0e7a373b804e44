"""Turns functions of dates and times into columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from footfall.sql.evaluate.arithmetic import DAY, plus_months, shifted, ticks
from footfall.sql.evaluate.frame import Kernel, Numbers, Value, all_valid, each, masked, numbers
from footfall.sql.evaluate.mathematics import whole
from footfall.sql.expressions import Call, Constant
from footfall.sql.functions.coercion import INTEGERS, INTERVALS, STAMPS
from footfall.sql.types import Family, SqlType

_FIXED: Final = {"WEEK": 7 * DAY, "DAY": DAY, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000, "MILLISECOND": 1}
_MONTHS: Final = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120, "CENTURY": 1200, "MILLENNIUM": 12_000}
_CENTURIES: Final = {"CENTURY": 100, "MILLENNIUM": 1000}
_PARTS: Final = {"DAYOFWEEK": "DOW", "DAYOFMONTH": "DAY", "DAYOFYEAR": "DOY"}
_SUNDAY: Final = 4 * DAY
"""1970 began on a Thursday; its first week began four days before."""


def millis(value: Value, kind: SqlType, length: int) -> Numbers:
    """Any date, time or interval as ms."""
    found = numbers(value, length)
    if kind.family is Family.DATE:
        return found * DAY
    if kind.family in STAMPS:
        return found // (ticks(kind) // 1000)
    return found


def _unit(call: Call) -> str:
    first = call.arguments[0]
    return str(first.value).upper() if isinstance(first, Constant) else ""


def extract(call: Call) -> Kernel:
    """EXTRACT: a unit, and a time."""
    kind = call.arguments[1].type
    part = part_of_interval if kind.family in INTERVALS else part_of_time
    return _part(call, _unit(call), 1, part)


def named_part(call: Call) -> Kernel:
    """YEAR and the like."""
    return _part(call, _PARTS.get(call.function, call.function), 0, part_of_time)


def _part(call: Call, unit: str, place: int, part: Callable[[Numbers, str, Family], Any]) -> Kernel:
    kind = call.arguments[place].type

    def kernel(values: Sequence[Value], length: int) -> Value:
        value = values[place]
        found = part(millis(value, kind, length), unit, kind.family)
        return masked(np.asarray(found, dtype=np.int64), all_valid([value], length), call.type.arrow)

    return kernel


def part_of_interval(value: Numbers, unit: str, family: Family) -> Any:
    """A part of an interval; cut off towards zero."""
    size = np.abs(value)
    if family is Family.INTERVAL_MONTH:
        found = {"YEAR": size // 12, "MONTH": size % 12, "QUARTER": size % 12 // 3 + 1}.get(unit, size * 0)
    else:
        found = {
            "DAY": size // DAY,
            "HOUR": size % DAY // 3_600_000,
            "MINUTE": size // 60_000 % 60,
            "SECOND": size // 1000 % 60,
            "MILLISECOND": size % 60_000,
            "EPOCH": size // 1000,
        }.get(unit, size * 0)
    return np.sign(value) * found


def part_of_time(value: Numbers, unit: str, family: Family) -> Any:
    """A part of a time, given as ms."""
    del family
    days = value // DAY
    of_day = value - days * DAY
    match unit:
        case "HOUR":
            return of_day // 3_600_000
        case "MINUTE":
            return of_day // 60_000 % 60
        case "SECOND":
            return of_day // 1000 % 60
        case "MILLISECOND":
            return of_day % 1000
        case "EPOCH":
            return value // 1000
        case "DOW":
            return (days + 4) % 7 + 1
        case "ISODOW":
            return (days + 3) % 7 + 1
        case "WEEK":
            thursday = days - (days + 3) % 7 + 3
            return (thursday - _first_of(thursday, "Y")) // 7 + 1
        case "DOY":
            return days - _first_of(days, "Y") + 1
        case "DAY":
            return days - _first_of(days, "M") + 1
    months = _month_number(days)
    year = months // 12 + 1970
    match unit:
        case "MONTH":
            return months % 12 + 1
        case "QUARTER":
            return months % 12 // 3 + 1
        case "DECADE":
            return year // 10
        case "CENTURY" | "MILLENNIUM":
            return (year - 1) // _CENTURIES[unit] + 1
    return year


def _month_number(days: Numbers) -> Any:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_of(days: Numbers, unit: str) -> Any:
    return days.astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)


def floor_ms(value: Numbers, unit: str) -> Any:
    """The beginning of the unit that a time is in; weeks begin on Sunday."""
    if unit == "WEEK":
        return (value + _SUNDAY) // _FIXED[unit] * _FIXED[unit] - _SUNDAY
    if unit in _FIXED:
        return value // _FIXED[unit] * _FIXED[unit]
    months = _month_number(value // DAY)
    step = _MONTHS[unit]
    # Centuries begin with the year 1, all else counts from the year 0.
    origin = (1970 - (1 if unit in _CENTURIES else 0)) * 12
    start = (months + origin) // step * step - origin
    return start.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) * DAY


def ceil_ms(value: Numbers, unit: str) -> Any:
    """The same if it is a beginning, else the next one. As Flink: beyond days, the time of day is not looked at."""
    if unit == "WEEK" or unit in _MONTHS:
        value = value // DAY * DAY
    start = floor_ms(value, unit)
    if unit in _FIXED:
        following = start + _FIXED[unit]
    else:
        following = plus_months(start // DAY, np.full(len(start), _MONTHS[unit])) * DAY
    return np.where(start == value, start, following)


def bounded(call: Call) -> Kernel:
    """CEIL and FLOOR: of numbers, or of a time to a unit."""
    if len(call.arguments) == 1:
        return whole(call)
    unit, kind = _unit(call), call.arguments[1].type
    bound = floor_ms if call.function == "FLOOR" else ceil_ms

    def kernel(values: Sequence[Value], length: int) -> Value:
        found = bound(millis(values[1], kind, length), unit)
        return masked(_from_ms(found, kind), all_valid([values[1]], length), kind.arrow)

    return kernel


def _from_ms(value: Any, kind: SqlType) -> Any:
    if kind.family is Family.DATE:
        return value // DAY
    return value * (ticks(kind) // 1000) if kind.family in STAMPS else value


def difference(call: Call) -> Kernel:
    """TIMESTAMPDIFF: whole units, towards zero."""
    unit = _unit(call)
    kinds = [one.type for one in call.arguments[1:]]

    def kernel(values: Sequence[Value], length: int) -> Value:
        start, end = (millis(one, kind, length) for one, kind in zip(values[1:], kinds, strict=True))
        found = _months_between(end, start, unit) if unit in _MONTHS else _cut((end - start), _FIXED[unit])
        return masked(found.astype(np.int32), all_valid(values[1:], length), call.type.arrow)

    return kernel


def _cut(value: Any, size: int) -> Any:
    return np.sign(value) * (np.abs(value) // size)


def _months_between(end: Numbers, start: Numbers, unit: str) -> Any:
    days = (end // DAY, start // DAY)
    later, earlier = np.maximum(*days), np.minimum(*days)
    count = _month_number(later) - _month_number(earlier)
    count -= plus_months(earlier, count) > later
    count = np.where(days[0] < days[1], -count, count)
    # As Flink: on the same day of the month, the time of day decides.
    count = count - ((plus_months(days[1], count) == days[0]) & (end % DAY < start % DAY))
    return _cut(count, _MONTHS[unit])


def added(call: Call) -> Kernel:
    """TIMESTAMPADD."""
    unit, kind = _unit(call), call.arguments[2].type
    size = _MONTHS.get(unit) or _FIXED[unit]

    def kernel(values: Sequence[Value], length: int) -> Value:
        step = numbers(values[1], length) * size
        found = shifted(numbers(values[2], length), step, kind, months=unit in _MONTHS)
        return masked(found, all_valid(values[1:], length), call.type.arrow)

    return kernel


def moment(call: Call) -> Kernel:
    """TO_TIMESTAMP_LTZ of a number: ms, or seconds if its second argument is 0."""
    precision = call.arguments[1] if len(call.arguments) == 2 else None
    factor = 1000 if isinstance(precision, Constant) and precision.value == 0 else 1
    kind = call.arguments[0].type
    if kind.family not in INTEGERS:
        # Of a DECIMAL whole seconds count, of a DOUBLE parts of them, too.
        is_exact = kind.family is Family.DECIMAL
        return each(lambda value, _=0: int(value) * factor if is_exact else int(value * factor), call.type)

    def kernel(values: Sequence[Value], length: int) -> Value:
        return masked(numbers(values[0], length) * factor, all_valid(values, length), call.type.arrow)

    return kernel


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "EXTRACT": extract,
    **dict.fromkeys(
        ("YEAR", "QUARTER", "MONTH", "WEEK", *_PARTS, "HOUR", "MINUTE", "SECOND"),
        named_part,
    ),
    **dict.fromkeys(("CEIL", "CEILING", "FLOOR"), bounded),
    "TIMESTAMPDIFF": difference,
    "TIMESTAMPADD": added,
}
