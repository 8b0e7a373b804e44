"""Turns + - * / % of numbers, times and intervals into columns, as Java computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.frame import Kernel, Value, all_valid, each, masked, numbers, refuse, spread
from footfall.sql.expressions import Call
from footfall.sql.functions.coercion import APPROXIMATE, INTERVALS, NUMERIC
from footfall.sql.types import Family, SqlType

EXACT: Final = Context(prec=38, rounding=ROUND_HALF_UP, traps=[DivisionByZero, InvalidOperation])
WIDE: Final = Context(prec=120, rounding=ROUND_HALF_UP)
_ZERO: Final = "Division by zero"
DAY: Final = 86_400_000
_COLUMNS: Final[dict[str, Callable[[Value, Value], Value]]] = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}
_VALUES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": WIDE.add,
    "-": WIDE.subtract,
    "*": WIDE.multiply,
    "/": EXACT.divide,
    "%": WIDE.remainder,
    "MOD": WIDE.remainder,
}


def fit(value: Decimal, kind: SqlType) -> Decimal | None:
    """A number with the digits of a DECIMAL type, rounded half up; None if it has too many before the point."""
    if not value.is_finite():
        raise ValueError(f"{value} is no DECIMAL")
    found = value.quantize(Decimal(1).scaleb(-kind.scale), context=WIDE)
    return None if found.adjusted() >= kind.precision - kind.scale and found else found


def operation(call: Call) -> Kernel:
    """The kernel for an operator, by the types of its arguments."""
    name, types = call.function, [one.type for one in call.arguments]
    if len(types) == 1:
        return lambda values, _: pc.negate(values[0])
    if types[0].family not in NUMERIC and types[0].family not in INTERVALS:
        return moved(call)
    if types[0].family in INTERVALS or types[1].family in INTERVALS:
        return _interval(call)
    if types[0].family is Family.DECIMAL:
        return _decimals(name, types, call.type)
    if name in _COLUMNS:
        combine = _COLUMNS[name]
        return lambda values, _: combine(values[0], values[1])
    if types[0].family in APPROXIMATE:
        return _floats
    return _quotient if name == "/" else _rest


def _floats(values: Sequence[Value], length: int) -> Value:
    # Arrow gives an infinity, too, as long as it is not told to check.
    del length
    return pc.divide(values[0], values[1])


def _quotient(values: Sequence[Value], length: int) -> Value:
    """Of whole numbers, towards zero; the least number by -1 wraps to itself."""
    one, other, valid, kind = _whole(values, length)
    with np.errstate(over="ignore"):
        quotient = np.abs(one) // np.abs(other)
        found = np.where((one < 0) != (other < 0), -quotient, quotient)
        least = np.iinfo(one.dtype).min
        edge = (one == least) | (other == least)
    if edge.any():
        found = found.copy()
        bits = kind.bit_width
        for at in np.flatnonzero(edge):
            exact = abs(int(one[at])) // abs(int(other[at]))
            exact = -exact if (one[at] < 0) != (other[at] < 0) else exact
            found[at] = wrapped(exact, bits)
    return masked(found, valid, kind)


def _rest(values: Sequence[Value], length: int) -> Value:
    """What is left of a division towards zero."""
    one, other, valid, kind = _whole(values, length)
    with np.errstate(over="ignore"):
        return masked(np.fmod(one, np.where(other == -1, 1, other)), valid, kind)


def _whole(values: Sequence[Value], length: int) -> tuple[Any, Any, Any, pa.DataType]:
    kind = values[0].type
    width = f"int{kind.bit_width}"
    valid = all_valid(values, length)
    one, other = (numbers(value, length, width) for value in values)
    refuse(valid & (other == 0), _ZERO)
    return one, np.where(other == 0, np.ones(1, other.dtype), other), valid, kind


def wrapped(value: int, bits: int) -> int:
    """A whole number in so many bits, as Java cuts it."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _decimals(name: str, types: Sequence[SqlType], result: SqlType) -> Kernel:
    one, other = types
    if name in {"+", "-"} and max(one.precision - one.scale, other.precision - other.scale) + result.scale < 38:
        return _native(_COLUMNS[name], result)
    if name == "*" and one.precision + other.precision < 38:
        return _native(pc.multiply, result)
    compute = _VALUES[name]

    def of_values(left: Decimal, right: Decimal) -> Decimal | None:
        if name in {"/", "%", "MOD"} and not right:
            raise ZeroDivisionError(_ZERO)
        return fit(compute(left, right), result)

    return each(of_values, result, message=_ZERO)


def _native(combine: Callable[[Value, Value], Value], result: SqlType) -> Kernel:
    kind = result.arrow
    return lambda values, _: combine(values[0], values[1]).cast(kind)


def _interval(call: Call) -> Kernel:
    if call.function == "*":
        whole = all(one.type.family not in {*APPROXIMATE, Family.DECIMAL} for one in call.arguments)
        if not whole:
            return each(lambda one, other: int(Decimal(str(one)) * Decimal(str(other))), call.type)
    combine = _COLUMNS[call.function]
    return lambda values, _: combine(*(value.cast(pa.int64()) for value in values))


def moved(call: Call) -> Kernel:
    """A date or time, and an interval added or taken away."""
    kind, interval = call.arguments[0].type, call.arguments[1].type
    sign = -1 if call.function == "-" else 1

    def kernel(values: Sequence[Value], length: int) -> Value:
        valid = all_valid(values, length)
        start = spread(values[0], length)
        step = numbers(values[1], length) * sign
        return masked(shifted(numbers(start, length), step, kind, months=is_months), valid, start.type)

    is_months = interval.family is Family.INTERVAL_MONTH
    return kernel


def shifted(start: Any, step: Any, kind: SqlType, *, months: bool) -> Any:
    """Times in their own unit, so many months or milliseconds later."""
    if kind.family is Family.DATE:
        return plus_months(start, step) if months else start + step // DAY
    if kind.family is Family.TIME:
        return start if months else (start + step) % DAY
    scale = ticks(kind)
    if not months:
        return start + step * (scale // 1000)
    days, rest = np.divmod(start, scale * 86_400)
    return plus_months(days, step) * (scale * 86_400) + rest


def ticks(kind: SqlType) -> int:
    """How many of a timestamp's units make a second."""
    return 1_000 if kind.precision <= 3 else 1_000_000 if kind.precision <= 6 else 1_000_000_000


def plus_months(days: Any, months: Any) -> Any:
    """Days since 1970 so many months later: the same day, or the month's last."""
    dates = days.astype("datetime64[D]")
    first = dates.astype("datetime64[M]")
    day = (dates - first.astype("datetime64[D]")).astype(np.int64)
    target = first + months.astype("timedelta64[M]")
    start = target.astype("datetime64[D]")
    last = ((target + np.timedelta64(1, "M")).astype("datetime64[D]") - start).astype(np.int64) - 1
    return start.astype(np.int64) + np.minimum(day, last)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = dict.fromkeys(("+", "-", "*", "/", "%", "MOD"), operation)
