"""Turns an expression into a function of rows that gives a value a row, whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import Flags
from footfall.processors.relational.rows import Compute, Rows
from footfall.sql.errors import SqlError
from footfall.sql.evaluate import lazily, moments
from footfall.sql.evaluate.frame import (
    Evaluate,
    Frame,
    Kernel,
    RowError,
    Value,
    decoded,
    flags,
    is_coded,
    is_scalar,
    spread,
)
from footfall.sql.evaluate.kernels import MAKERS, NULL_BLIND, may_fail
from footfall.sql.evaluate.user import user_kernel
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.functions.user import UserFunctions
from footfall.sql.types import Family, SqlType

_CHEAP: Final = frozenset({"=", "<>", "<", "<=", ">", ">=", "||", "CONCAT", "CHAR_LENGTH", "CHARACTER_LENGTH"})
"""Functions that cost less than finding out which texts are the same."""


def compile_expression(expression: Expression, *, functions: UserFunctions | None = None) -> Compute:
    """Make an expression ready to run. What it gives has exactly ``expression.type.arrow``; texts may be coded.

    It raises RowError for rows that have no result. Raises SqlError for a function that is not known.
    """
    (compute,) = _computes([expression], functions)

    def run(rows: Rows) -> pa.Array:
        return compute(Frame(rows))

    return run


def compile_columns(
    expressions: Sequence[Expression], *, functions: UserFunctions | None = None
) -> Callable[[Rows], list[pa.Array]]:
    """As ``compile_expression``, for several: what they share is computed once."""
    computes = _computes(expressions, functions)

    def run(rows: Rows) -> list[pa.Array]:
        frame = Frame(rows)
        return [one(frame) for one in computes]

    return run


def predicate(expression: Expression, *, functions: UserFunctions | None = None) -> Callable[[Rows], Flags]:
    """Make a condition ready to run: for which rows it is true. NULL is not."""
    compiler = Compiler(functions)
    evaluate = compiler.evaluate(expression)

    def run(rows: Rows) -> Flags:
        if not len(rows):
            return np.zeros(0, dtype=np.bool_)
        return flags(decoded(evaluate(Frame(rows))), len(rows))

    return run


def _computes(expressions: Sequence[Expression], functions: UserFunctions | None) -> list[Callable[[Frame], pa.Array]]:
    compiler = Compiler(functions)
    return [_finished(compiler.evaluate(one), one.type) for one in expressions]


def _finished(evaluate: Evaluate, kind: SqlType) -> Callable[[Frame], pa.Array]:
    arrow = kind.arrow
    is_text = kind.family is Family.STRING

    def finish(frame: Frame) -> pa.Array:
        if not len(frame):
            return pa.nulls(0, type=arrow)
        found = spread(evaluate(frame), len(frame))
        if is_coded(found):
            return found if is_text else decoded(found).cast(arrow)
        return found if found.type == arrow else found.cast(arrow, safe=False)

    return finish


class Compiler:
    """Expressions, each into what computes it; equal ones into the same."""

    def __init__(self, functions: UserFunctions | None = None) -> None:
        self._functions = functions
        self._numbers = count()
        self._made: dict[Any, Evaluate] = {}

    def evaluate(self, expression: Expression) -> Evaluate:
        """What computes it in a frame."""
        try:
            key: Any = (type(expression), expression, repr(getattr(expression, "value", "")))
            hash(key)
        except TypeError:  # a constant list
            return self._new(expression)
        if key not in self._made:
            self._made[key] = _remembered(self._new(expression), next(self._numbers))
        return self._made[key]

    def fails(self, expression: Expression) -> bool:
        """Whether rows may have no result."""
        if not isinstance(expression, Call):
            return False
        own = self._functions is not None and expression.function in self._functions
        return own or may_fail(expression) or any(self.fails(one) for one in expression.arguments)

    def _new(self, expression: Expression) -> Evaluate:
        match expression:
            case Column(name=name):
                return lambda frame: frame.column(name)
            case Constant():
                value = scalar(expression)
                return lambda _: value
            case Call():
                return self._call(expression)
        raise TypeError(f"{type(expression).__name__} has no value in a row.")

    def _call(self, call: Call) -> Evaluate:
        if self._functions is not None and call.function in self._functions:
            kernel = user_kernel(self._functions[call.function])
            return _applied(call, [self.evaluate(one) for one in call.arguments], kernel, shared=False)
        if call.function in lazily.FORMS:
            return lazily.FORMS[call.function](call, self)
        if call.function in moments.FORMS:
            return moments.FORMS[call.function](call)
        if call.function == "UNIX_TIMESTAMP" and not call.arguments:
            return moments.seconds_now(call)
        make = MAKERS.get(call.function)
        if make is None:
            raise SqlError(
                f"There is no function {call.function}",
                at=call.at,
                remedy="The list is in docs/reference/sql-functions.md.",
            )
        shared = call.function not in NULL_BLIND
        return _applied(call, [self.evaluate(one) for one in call.arguments], make(call), shared=shared)


def scalar(constant: Constant) -> pa.Scalar[Any]:
    """A constant as Arrow has it."""
    value = constant.value
    if constant.type.family is Family.DECIMAL and value is not None and not isinstance(value, Decimal):
        value = Decimal(str(value))
    return pa.scalar(value, type=constant.type.arrow)


def _remembered(evaluate: Evaluate, number: int) -> Evaluate:
    def look(frame: Frame) -> Value:
        if number not in frame.known:
            frame.known[number] = evaluate(frame)
        return frame.known[number]

    return look


def _applied(call: Call, arguments: Sequence[Evaluate], kernel: Kernel, *, shared: bool) -> Evaluate:
    """Apply a kernel. If only one argument is not constant and it is a text, to each distinct text (``shared``)."""
    is_text = call.type.family is Family.STRING
    encode = call.function not in _CHEAP

    def apply(frame: Frame) -> Value:
        values = [one(frame) for one in arguments]
        varying = [index for index, one in enumerate(values) if not is_scalar(one)]
        if not varying:
            return _once(kernel, values, len(frame))
        if shared and len(varying) == 1:
            found = _by_text(kernel, values, varying[0], is_text=is_text, encode=encode)
            if found is not None:
                return found
        return kernel([decoded(one) for one in values], len(frame))

    return apply


def _once(kernel: Kernel, values: Sequence[Value], length: int) -> Value:
    try:
        found = kernel([pa.repeat(one, 1) for one in values], 1)
    except RowError as error:
        raise RowError(range(length), error.message) from error
    return found if is_scalar(found) else decoded(found)[0]


def _by_text(kernel: Kernel, values: Sequence[Value], index: int, *, is_text: bool, encode: bool) -> Value | None:
    column = values[index]
    if not is_coded(column):
        if not encode or not pa.types.is_string(column.type) or not _repeats(column):
            return None
        column = column.dictionary_encode()
    texts, codes = column.dictionary, column.indices
    if not len(texts) or len(texts) > len(column):
        return None
    try:
        found = kernel([texts if at == index else one for at, one in enumerate(values)], len(texts))
    except RowError:  # perhaps because of a text that no row has
        return None
    if is_scalar(found) or is_coded(found):
        return None
    if is_text and not found.null_count:
        return pa.DictionaryArray.from_arrays(codes, found)
    return found.take(codes)


def _repeats(column: pa.Array) -> bool:
    sample = column.slice(0, 1024)
    return len(sample.unique()) < 0.95 * len(sample)
