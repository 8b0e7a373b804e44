"""Turns expressions into their parts: which columns they read, what they are with others in the columns' place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Call, Column, Constant, Expression, Matched, MatchedAggregate
from footfall.sql.types import BOOLEAN

_CHANCES: Final = {"RAND", "RAND_INTEGER", "UUID"}
_MOMENTS: Final = {
    "PROCTIME",
    "NOW",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURRENT_ROW_TIMESTAMP",
    "UNIX_TIMESTAMP",
}


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression, and all within it."""
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Call):
            waiting.extend(one.arguments)
        elif isinstance(one, MatchedAggregate) and one.argument is not None:
            waiting.append(one.argument)


def columns_of(expression: Expression | None) -> set[str]:
    """The columns that it reads; of a pattern's rows, too."""
    if expression is None:
        return set()
    return {one.name for one in parts(expression) if isinstance(one, Column | Matched)}


def columns_of_all(expressions: Iterable[Expression]) -> set[str]:
    """The columns that any of them reads."""
    return {name for one in expressions for name in columns_of(one)}


def is_settled(expression: Expression) -> bool:
    """Whether it is the same whenever it is computed, for the same row."""
    return not any(isinstance(one, Call) and _is_fleeting(one) for one in parts(expression))


def _is_fleeting(call: Call) -> bool:
    return call.function in _CHANCES or (call.function in _MOMENTS and not call.arguments)


def rewritten(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The expression with parts changed, from the outermost inwards: where ``change`` gives None, look inside."""
    changed = change(expression)
    if changed is not None:
        return changed
    if isinstance(expression, Call):
        return replace(expression, arguments=tuple(rewritten(one, change) for one in expression.arguments))
    return expression


def substituted(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with other expressions in the place of columns."""
    return rewritten(expression, lambda one: values.get(one.name) if isinstance(one, Column) else None)


def renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    """The expression over columns with other names."""
    return rewritten(
        expression,
        lambda one: replace(one, name=names[one.name]) if isinstance(one, Column) and one.name in names else None,
    )


def conjuncts(expression: Expression | None) -> list[Expression]:
    """The conditions of which all must be true."""
    if expression is None:
        return []
    found: list[Expression] = []
    waiting = [expression]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Call) and one.function == "AND":
            waiting.extend(reversed(one.arguments))
        elif not (isinstance(one, Constant) and one.value is True):
            found.append(one)
    return found


def conjunction(conditions: Iterable[Expression]) -> Expression | None:
    """All conditions as one; None when there are none."""
    distinct = list(dict.fromkeys(conditions))
    if not distinct:
        return None
    if len(distinct) == 1:
        return distinct[0]
    kind = replace(BOOLEAN, nullable=any(one.type.nullable for one in distinct))
    return Call(kind, "AND", tuple(distinct), at=distinct[0].at)
