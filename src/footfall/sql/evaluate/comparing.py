"""Turns comparisons into columns of TRUE, FALSE and NULL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.frame import Kernel, Value, each, spread
from footfall.sql.expressions import Call
from footfall.sql.types import BOOLEAN

_COMPARED: Final[dict[str, tuple[Callable[[Value, Value], Value], Callable[[Any, Any], bool]]]] = {
    "=": (pc.equal, operator.eq),
    "<>": (pc.not_equal, operator.ne),
    "<": (pc.less, operator.lt),
    "<=": (pc.less_equal, operator.le),
    ">": (pc.greater, operator.gt),
    ">=": (pc.greater_equal, operator.ge),
}


def comparison(call: Call) -> Kernel:
    """One of the six."""
    return _compared(call, call.function)


def _compared(call: Call, name: str) -> Kernel:
    of_columns, of_values = _COMPARED[name]
    kind = call.arguments[0].type.arrow
    if pa.types.is_nested(kind):
        return each(lambda one, other: of_values(_plain(one), _plain(other)), BOOLEAN)
    if pa.types.is_boolean(kind) and name not in {"=", "<>"}:
        return lambda values, _: of_columns(values[0].cast(pa.int8()), values[1].cast(pa.int8()))
    if pa.types.is_null(kind):
        return lambda _, length: pa.nulls(length, type=pa.bool_())
    return lambda values, _: of_columns(values[0], values[1])


def _plain(value: Any) -> Any:
    return tuple(value.values()) if isinstance(value, dict) else value


def distinct(call: Call) -> Kernel:
    """IS [NOT] DISTINCT FROM."""
    equal = _compared(call, "=")
    negated = call.function == "IS DISTINCT FROM"

    def kernel(values: Sequence[Value], length: int) -> Value:
        one, other = (spread(value, length) for value in values)
        both_null = pc.and_(one.is_null(), other.is_null())
        same = pc.or_(pc.fill_null(equal([one, other], length), fill_value=False), both_null)
        return pc.invert(same) if negated else same

    return kernel


def between(call: Call) -> Kernel:
    """On or between two borders."""
    above, below = _compared(call, ">="), _compared(call, "<=")

    def kernel(values: Sequence[Value], length: int) -> Value:
        value, low, high = (spread(one, length) for one in values)
        return pc.and_kleene(above([value, low], length), below([value, high], length))

    return kernel


def among(call: Call) -> Kernel:
    """IN: NULL instead of FALSE if one of the list is NULL."""
    equal = _compared(call, "=")

    def kernel(values: Sequence[Value], length: int) -> Value:
        first = spread(values[0], length)
        return reduce(pc.or_kleene, (equal([first, one], length) for one in values[1:]))

    return kernel


def is_null(call: Call) -> Kernel:
    """IS [NOT] NULL."""
    wanted = call.function == "IS NULL"
    return lambda values, _: values[0].is_null() if wanted else values[0].is_valid()


def truth(call: Call) -> Kernel:
    """IS [NOT] TRUE, FALSE, UNKNOWN."""
    word = call.function.removeprefix("IS ")
    negated = word.startswith("NOT ")
    word = word.removeprefix("NOT ")

    def kernel(values: Sequence[Value], length: int) -> Value:
        del length
        column = values[0]
        if word == "UNKNOWN":
            found = column.is_null()
        else:
            found = pc.fill_null(column if word == "TRUE" else pc.invert(column), fill_value=False)
        return pc.invert(found) if negated else found

    return kernel


def negation(call: Call) -> Kernel:
    """NOT."""
    del call
    return lambda values, _: pc.invert(values[0])


def extreme(call: Call) -> Kernel:
    """GREATEST and LEAST; NULL if one is NULL."""
    choose = _compared(call, ">" if call.function == "GREATEST" else "<")

    def better(one: pa.Array, other: pa.Array) -> pa.Array:
        # A comparison with NULL is NULL, and so is what is chosen by it.
        return pc.if_else(choose([other, one], len(one)), other, one)

    return lambda values, length: reduce(better, [spread(one, length) for one in values])


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    **dict.fromkeys(_COMPARED, comparison),
    "IS DISTINCT FROM": distinct,
    "IS NOT DISTINCT FROM": distinct,
    "BETWEEN": between,
    "IN": among,
    "IS NULL": is_null,
    "IS NOT NULL": is_null,
    **{f"IS {negated}{word}": truth for negated in ("", "NOT ") for word in ("TRUE", "FALSE", "UNKNOWN")},
    "NOT": negation,
    "GREATEST": extreme,
    "LEAST": extreme,
}
