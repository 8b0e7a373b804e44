"""Builds expressions and rows for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.core.events import CODED
from footfall.processors.relational.rows import Rows
from footfall.sql.errors import At
from footfall.sql.evaluate.compile import compile_expression
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.functions.registry import cast_call, result_type
from footfall.sql.functions.user import UserFunctions
from footfall.sql.types import STRING, SqlType

AT = At(3, 7)


def column(name: str, kind: SqlType) -> Column:
    return Column(kind, name)


def constant(value: Any, kind: SqlType) -> Constant:
    return Constant(kind if value is None else kind.without_null(), value)


def call(name: str, *arguments: Expression, functions: UserFunctions | None = None) -> Call:
    kind, complete = result_type(name, arguments, AT, functions=functions)
    return Call(kind, name, complete, at=AT)


def cast(argument: Expression, kind: SqlType, *, attempt: bool = False) -> Expression:
    return cast_call(argument, kind, attempt=attempt, at=AT)


def rows(columns: dict[str, tuple[SqlType, Sequence[Any]]], *, coded: bool = False, now: int = 0) -> Rows:
    """Rows with these columns; texts as codes if wanted."""
    arrays = {}
    for name, (kind, values) in columns.items():
        plain = pa.array(values, type=kind.arrow)
        arrays[name] = plain.dictionary_encode().cast(CODED) if coded and kind.family is STRING.family else plain
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))
    return Rows(batch, np.zeros(len(batch), dtype=np.int64), now=now)


def computed(expression: Expression, given: Rows, *, functions: UserFunctions | None = None) -> list[Any]:
    """The values, checked to be of the type that was promised."""
    found = compile_expression(expression, functions=functions)(given)
    assert len(found) == len(given)
    if isinstance(found, pa.DictionaryArray):
        assert expression.type.family is STRING.family
        found = found.dictionary_decode()
    assert found.type == expression.type.arrow
    return list(found.to_pylist())
