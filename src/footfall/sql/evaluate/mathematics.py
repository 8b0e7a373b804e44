"""Turns functions of numbers into columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.arithmetic import WIDE, fit, wrapped
from footfall.sql.evaluate.frame import Kernel, Value, all_valid, each, masked, numbers
from footfall.sql.expressions import Call
from footfall.sql.functions.coercion import APPROXIMATE, MOST_DIGITS, decimal
from footfall.sql.types import Family


def _numpy(function: Callable[..., Any]) -> Callable[[Call], Kernel]:
    """A function of doubles."""

    def make(call: Call) -> Kernel:
        kind = call.type.arrow

        def kernel(values: Sequence[Value], length: int) -> Value:
            valid = all_valid(values, length)
            with np.errstate(all="ignore"):
                return masked(function(*(numbers(one, length, "float64") for one in values)), valid, kind)

        return kernel

    return make


def _log(*given: Any) -> Any:
    if len(given) == 1:
        return np.log(given[0])
    return np.log(given[1]) / np.log(given[0])


def _absolute(call: Call) -> Kernel:
    del call
    return lambda values, _: pc.abs(values[0])


def _sign(call: Call) -> Kernel:
    if call.type.family is Family.DECIMAL:
        return each(lambda value: Decimal((value > 0) - (value < 0)), call.type)
    return lambda values, _: pc.sign(values[0]).cast(values[0].type)


def whole(call: Call) -> Kernel:
    """CEIL and FLOOR of numbers."""
    up = call.function != "FLOOR"
    kind = call.type.arrow
    if call.type.family in APPROXIMATE:
        return lambda values, _: pc.ceil(values[0]) if up else pc.floor(values[0])
    if call.type.family is not Family.DECIMAL:
        return lambda values, _: values[0]
    source = call.arguments[0].type
    if source.precision == MOST_DIGITS:
        to_whole = math.ceil if up else math.floor
        return each(lambda value: fit(Decimal(to_whole(value)), call.type), call.type)
    wider = decimal(source.precision + 1, source.scale).arrow
    rounded = pc.ceil if up else pc.floor
    return lambda values, _: rounded(values[0].cast(wider)).cast(kind)


def _rounded(call: Call) -> Kernel:
    how = ROUND_HALF_UP if call.function == "ROUND" else ROUND_DOWN
    kind = call.arguments[0].type
    bits = kind.arrow.bit_width

    def exact(value: Any, digits: int) -> Decimal:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        unit = Decimal(1).scaleb(-digits)
        if number.as_tuple().exponent >= -digits and digits >= 0:  # type: ignore[operator]
            return number
        return number.quantize(unit, rounding=how, context=WIDE)

    def of_value(value: Any, digits: int = 0) -> Any:
        if kind.family is Family.DECIMAL:
            return fit(exact(value, digits), call.type)
        if kind.family in APPROXIMATE:
            return float(exact(value, digits))
        return wrapped(int(exact(value, digits)), bits)

    return each(of_value, call.type, message=f"{call.function} of a number that is not finite")


def _fixed(value: float) -> Callable[[Call], Kernel]:
    def make(call: Call) -> Kernel:
        del call
        return lambda _, __: pa.scalar(value, type=pa.float64())

    return make


def _binary(call: Call) -> Kernel:
    return each(lambda value: f"{value & (2**64 - 1):b}", call.type)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    "ABS": _absolute,
    "SIGN": _sign,
    "ROUND": _rounded,
    "TRUNCATE": _rounded,
    "POWER": _numpy(np.power),
    "SQRT": _numpy(np.sqrt),
    "EXP": _numpy(np.exp),
    "LN": _numpy(np.log),
    "LOG": _numpy(_log),
    "LOG10": _numpy(np.log10),
    "LOG2": _numpy(np.log2),
    "SIN": _numpy(np.sin),
    "COS": _numpy(np.cos),
    "TAN": _numpy(np.tan),
    "COT": _numpy(lambda value: 1 / np.tan(value)),
    "SINH": _numpy(np.sinh),
    "COSH": _numpy(np.cosh),
    "TANH": _numpy(np.tanh),
    "ASIN": _numpy(np.arcsin),
    "ACOS": _numpy(np.arccos),
    "ATAN": _numpy(np.arctan),
    "ATAN2": _numpy(np.arctan2),
    "DEGREES": _numpy(np.degrees),
    "RADIANS": _numpy(np.radians),
    "PI": _fixed(math.pi),
    "E": _fixed(math.e),
    "BIN": _binary,
}
