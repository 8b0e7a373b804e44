"""Turns CASE, AND, OR and COALESCE into values: no part is computed for rows that do not need it, if it might fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.processors.base import Flags
from footfall.sql.evaluate.frame import (
    Evaluate,
    Frame,
    Numbers,
    RowError,
    Value,
    assembled,
    decoded,
    flags,
    is_scalar,
    known,
    spread,
)
from footfall.sql.expressions import Call, Constant, Expression


class Parts(Protocol):
    """What makes the parts of an expression ready to run."""

    def evaluate(self, expression: Expression) -> Evaluate: ...

    def fails(self, expression: Expression) -> bool: ...


def _on(evaluate: Evaluate, frame: Frame, which: Numbers) -> Value:
    """The value for some rows; what fails is numbered as in the frame."""
    if len(which) == len(frame):
        return evaluate(frame)
    try:
        return evaluate(frame.part(which))
    except RowError as error:
        raise RowError(which[error.rows], error.message) from error


def case(call: Call, parts: Parts) -> Evaluate:
    """The value beside the first condition that is true."""
    given = call.arguments
    pairs = [(parts.evaluate(given[at]), parts.evaluate(given[at + 1])) for at in range(0, len(given) - 1, 2)]
    last = parts.evaluate(given[-1])
    kind = call.type.arrow
    if not any(parts.fails(one) for one in given) and not call.type.inner:
        return lambda frame: _chosen(frame, pairs, last, kind)

    def evaluate(frame: Frame) -> Value:
        left = np.arange(len(frame))
        found: list[tuple[Numbers, Value]] = []
        for condition, value in pairs:
            if not len(left):
                break
            true = flags(decoded(_on(condition, frame, left)), len(left))
            if true.any():
                found.append((left[true], _on(value, frame, left[true])))
            left = left[~true]
        if len(left):
            found.append((left, _on(last, frame, left)))
        return assembled(found, kind, len(frame))

    return evaluate


def _chosen(frame: Frame, pairs: Sequence[tuple[Evaluate, Evaluate]], last: Evaluate, kind: pa.DataType) -> Value:
    found = _as(decoded(last(frame)), kind)
    for condition, value in reversed(pairs):
        true = decoded(condition(frame))
        if is_scalar(true):
            found = _as(decoded(value(frame)), kind) if true.as_py() is True else found
            continue
        found = pc.if_else(pc.fill_null(true, fill_value=False), _as(decoded(value(frame)), kind), found)
    return found


def _as(value: Value, kind: pa.DataType) -> Value:
    return value if value.type == kind else value.cast(kind)


def if_null(call: Call, parts: Parts) -> Evaluate:
    """The first value that is not NULL."""
    values = [parts.evaluate(one) for one in call.arguments]
    kind = call.type.arrow

    def evaluate(frame: Frame) -> Value:
        left = np.arange(len(frame))
        found: list[tuple[Numbers, Value]] = []
        for value in values:
            column = decoded(_on(value, frame, left))
            if is_scalar(column) or not column.null_count:
                if is_scalar(column) and not column.is_valid:
                    continue
                if not found:
                    return column if is_scalar(column) else _as(column, kind)
                found.append((left, column))
                break
            there = known(column, len(left))
            found.append((left[there], column.filter(pa.array(there))))
            left = left[~there]
        return assembled(found, kind, len(frame))

    return evaluate


def null_if(call: Call, parts: Parts) -> Evaluate:
    """The first value, unless it equals the second."""
    from footfall.sql.functions.registry import result_type

    first = call.arguments[0]
    kind, both = result_type("=", call.arguments, call.at)
    equal = Call(kind, "=", both, at=call.at)
    nothing = Constant(call.type.with_null(), None, at=call.at)
    return case(replace(call, function="CASE", arguments=(equal, nothing, first)), parts)


def _logic(
    join: Callable[[Value, Value], Value],
    decided: bool,  # noqa: FBT001
) -> Callable[[Call, Parts], Evaluate]:
    """AND and OR: what is ``decided`` by the parts before is not looked at again."""

    def form(call: Call, parts: Parts) -> Evaluate:
        first, *others = [parts.evaluate(one) for one in call.arguments]
        fails = [parts.fails(one) for one in call.arguments[1:]]

        def evaluate(frame: Frame) -> Value:
            found = decoded(first(frame))
            for other, may_fail in zip(others, fails, strict=True):
                if may_fail:
                    found = _further(frame, found, other)
                else:
                    found = join(found, decoded(other(frame)))
            return found

        def _further(frame: Frame, found: Value, other: Evaluate) -> Value:
            open_ = ~_equals(found, decided, len(frame))
            which = np.flatnonzero(open_)
            if not len(which):
                return found
            value = spread(decoded(_on(other, frame, which)), len(which))
            return join(spread(found, len(frame)), assembled([(which, value)], pa.bool_(), len(frame)))

        return evaluate

    return form


def _equals(value: Value, wanted: bool, length: int) -> Flags:  # noqa: FBT001
    return flags(value if wanted else pc.invert(value), length)


FORMS: Final[dict[str, Callable[[Call, Parts], Evaluate]]] = {
    "CASE": case,
    "IF": case,
    "COALESCE": if_null,
    "IFNULL": if_null,
    "NULLIF": null_if,
    "AND": _logic(pc.and_kleene, False),
    "OR": _logic(pc.or_kleene, True),
}
