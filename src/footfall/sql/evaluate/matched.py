"""Turns conditions and measures of MATCH_RECOGNIZE into functions of a match, or of single rows if that will do."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from footfall.processors.relational.matching import Bindings, Condition, OfBoth, OfMatch, OfRow
from footfall.processors.relational.rows import Rows
from footfall.sql.evaluate.compile import compile_expression
from footfall.sql.evaluate.folds import folded
from footfall.sql.expressions import Call, Column, Constant, Expression, Matched, MatchedAggregate
from footfall.sql.functions.coercion import INTEGERS
from footfall.sql.functions.user import UserFunctions
from footfall.sql.types import Family

Value = Callable[[Bindings], Any]

_COMPARED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTED: Final[dict[str, Callable[[Any, Any], Any]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_EASY: Final = (Family.STRING, Family.BOOLEAN, Family.DOUBLE, Family.DATE, *INTEGERS)


def condition(variable: str, expression: Expression, *, functions: UserFunctions | None = None) -> Condition:
    """A variable's DEFINE: of the row alone, as far as it looks at no other."""
    parts = _all_of(expression)
    alone = [one for one in parts if _of_row(variable, one)]
    others = [one for one in parts if not _of_row(variable, one)]
    if not others:
        return OfRow(compile_expression(_as_columns(expression), functions=functions))
    if not alone:
        return OfMatch(compile_matched(expression, functions=functions))
    row = compile_expression(_as_columns(_and(expression, alone)), functions=functions)
    return OfBoth(row, compile_matched(_and(expression, others), functions=functions))


def _all_of(expression: Expression) -> list[Expression]:
    """What must all be true."""
    if isinstance(expression, Call) and expression.function == "AND":
        return [part for one in expression.arguments for part in _all_of(one)]
    return [expression]


def _and(whole: Expression, parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else Call(whole.type, "AND", tuple(parts), at=whole.at)


def _of_row(variable: str, expression: Expression) -> bool:
    match expression:
        case Matched(variable=of, which=which, offset=offset):
            return of == variable and which == "last" and offset == 0
        case MatchedAggregate():
            return False
        case Call(arguments=arguments):
            return all(_of_row(variable, one) for one in arguments)
    return True


def _as_columns(expression: Expression) -> Expression:
    match expression:
        case Matched(name=name, type=kind):
            return Column(kind, name, at=expression.at)
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(map(_as_columns, arguments)))
    return expression


def compile_matched(expression: Expression, *, functions: UserFunctions | None = None) -> Value:
    """Make an expression over a match ready to run: one value from the rows that its variables were given.

    It raises RowError (row 0) if there is no result.
    """
    match expression:
        case Constant(value=value):
            return lambda _: value
        case Matched(variable=variable, name=name, which=which, offset=offset):
            return lambda rows: rows.value(variable, name, which, offset)
        case MatchedAggregate():
            return _aggregate(expression, functions)
        case Call():
            quick = _quick(expression, functions)
            return quick if quick is not None else _by_row(expression, functions)
    raise TypeError(f"{type(expression).__name__} has no value in a match.")


def _quick(call: Call, functions: UserFunctions | None) -> Value | None:
    """A closure for what is common; None for all else."""
    name, given = call.function, call.arguments
    own = functions is not None and name in functions
    if own or name not in _QUICK:
        return None
    values = [compile_matched(one, functions=functions) for one in given]
    return _QUICK[name](call, values)


def _compared(call: Call, values: Sequence[Value]) -> Value | None:
    one, other = values
    compare = _COMPARED[call.function]
    if any(one.type.family not in _EASY and not _is_row_value(one) for one in call.arguments):
        return None

    def value(rows: Bindings) -> Any:
        left, right = one(rows), other(rows)
        return None if left is None or right is None else compare(left, right)

    return value


def _computed(call: Call, values: Sequence[Value]) -> Value | None:
    if len(values) != 2 or call.type.family not in {*INTEGERS, Family.DOUBLE}:
        return None
    if any(one.type.family is not call.type.family for one in call.arguments):
        return None
    one, other = values
    compute = _COMPUTED[call.function]
    bits = 0 if call.type.family is Family.DOUBLE else call.type.arrow.bit_width

    def value(rows: Bindings) -> Any:
        left, right = one(rows), other(rows)
        if left is None or right is None:
            return None
        found = compute(left, right)
        return found if not bits or -(1 << bits - 1) <= found < 1 << bits - 1 else _wrapped(found, bits)

    return value


def _is_row_value(expression: Expression) -> bool:
    """Whether it comes from a row as Python has it: texts of times come otherwise."""
    return isinstance(expression, Matched) and not expression.type.inner


def _wrapped(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _both(call: Call, values: Sequence[Value]) -> Value:
    """AND: what follows a FALSE is not looked at."""
    del call

    def value(rows: Bindings) -> Any:
        found: Any = True
        for one in values:
            this = one(rows)
            if this is False:
                return False
            found = None if this is None else found
        return found

    return value


def _either(call: Call, values: Sequence[Value]) -> Value:
    """OR: what follows a TRUE is not looked at."""
    del call

    def value(rows: Bindings) -> Any:
        found: Any = False
        for one in values:
            this = one(rows)
            if this is True:
                return True
            found = None if this is None else found
        return found

    return value


def _not(call: Call, values: Sequence[Value]) -> Value:
    del call
    (one,) = values

    def value(rows: Bindings) -> Any:
        found = one(rows)
        return None if found is None else not found

    return value


def _is_null(call: Call, values: Sequence[Value]) -> Value:
    (one,) = values
    wanted = call.function == "IS NULL"
    return lambda rows: (one(rows) is None) is wanted


def _cast(call: Call, values: Sequence[Value]) -> Value | None:
    """Casts that keep the value as Python has it."""
    (one,) = values
    source, target = call.arguments[0].type.family, call.type.family
    widened = source in INTEGERS and target in INTEGERS and INTEGERS.index(source) <= INTEGERS.index(target)
    if widened or (source is target and target in _EASY and not call.type.precision):
        return one
    if source in INTEGERS and target is Family.DOUBLE:
        return _through(one, float)
    if source in INTEGERS and target is Family.DECIMAL and call.type.precision - call.type.scale >= 19:
        return _through(one, Decimal)
    return None


def _through(one: Value, function: Callable[[Any], Any]) -> Value:
    def value(rows: Bindings) -> Any:
        found = one(rows)
        return None if found is None else function(found)

    return value


_QUICK: Final[dict[str, Callable[[Call, Sequence[Value]], Value | None]]] = {
    **dict.fromkeys(_COMPARED, _compared),
    **dict.fromkeys(_COMPUTED, _computed),
    "AND": _both,
    "OR": _either,
    "NOT": _not,
    "IS NULL": _is_null,
    "IS NOT NULL": _is_null,
    "CAST": _cast,
}


def _by_row(call: Call, functions: UserFunctions | None) -> Value:
    """Through a batch of one row, whose columns are what the call looks at in the match."""
    looked: list[Expression] = []
    compute = compile_expression(_collected(call, looked), functions=functions)
    values = [compile_matched(one, functions=functions) for one in looked]
    fields = [pa.field(f"c{at}", one.type.arrow) for at, one in enumerate(looked)]
    schema = pa.schema(fields or [pa.field("none", pa.null())])
    mark = np.zeros(1, dtype=np.int64)

    def value(rows: Bindings) -> Any:
        found = [pa.array([one(rows)], type=kind.type) for one, kind in zip(values, schema, strict=False)]
        batch = pa.RecordBatch.from_arrays(found or [pa.nulls(1)], schema=schema)
        return compute(Rows(batch, mark))[0].as_py()

    return value


def _collected(expression: Expression, looked: list[Expression]) -> Expression:
    match expression:
        case Matched() | MatchedAggregate():
            if expression not in looked:
                looked.append(expression)
            return Column(expression.type, f"c{looked.index(expression)}", at=expression.at)
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(_collected(one, looked) for one in arguments))
    return expression


def _aggregate(expression: MatchedAggregate, functions: UserFunctions | None) -> Value:
    """An aggregate of a variable's rows; its argument is of a row alone."""
    fold = folded(expression.function, expression.type, distinct=expression.distinct)
    variable, argument = expression.variable, expression.argument
    if argument is None:
        return lambda rows: len(rows.values(variable, None))
    plain = _as_columns(argument)
    if isinstance(plain, Column):
        name = plain.name
        return lambda rows: fold(rows.values(variable, name))
    columns = sorted({one.name: one.type.arrow for one in _columns(plain)}.items())
    compute = compile_expression(plain, functions=functions)

    def value(rows: Bindings) -> Any:
        length = len(rows.values(variable, None))
        found = [pa.array(rows.values(variable, name), type=kind) for name, kind in columns] or [pa.nulls(length)]
        batch = pa.RecordBatch.from_arrays(found, names=[name for name, _ in columns] or ["none"])
        return fold(compute(Rows(batch, np.zeros(length, dtype=np.int64))).to_pylist())

    return value


def _columns(expression: Expression) -> list[Column]:
    if isinstance(expression, Column):
        return [expression]
    return [found for one in getattr(expression, "arguments", ()) for found in _columns(one)]
