"""Turns a user's Python function into a column: one call a row, NULL as None."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from footfall.sql.evaluate.arithmetic import fit
from footfall.sql.evaluate.frame import Kernel, RowError, Value, listed
from footfall.sql.functions.user import UserFunction
from footfall.sql.types import Family, SqlType


def user_kernel(function: UserFunction) -> Kernel:
    """What calls it for each row. RowError names the function and the types of the arguments, never their values."""
    fitted = _result(function.result)
    kind = function.result.arrow

    def kernel(values: Sequence[Value], length: int) -> Value:
        found: list[Any] = []
        wrong: dict[int, str] = {}
        columns = [listed(one, length) for one in values]
        for index in range(length):
            row = [column[index] for column in columns]
            try:
                found.append(fitted(function.call(*row)))
            except Exception as error:  # noqa: BLE001
                wrong[index] = _complaint(function, row, error)
                found.append(None)
        if wrong:
            raise RowError(wrong, next(iter(wrong.values())))
        return pa.array(found, type=kind)

    return kernel


def _complaint(function: UserFunction, row: Sequence[Any], error: Exception) -> str:
    taken = ", ".join("None" if one is None else type(one).__name__ for one in row)
    return f"{function.name}({taken}) raised {type(error).__name__}"


def _result(kind: SqlType) -> Callable[[Any], Any]:
    """What checks that a function returns what it says."""
    wanted = {Family.STRING: str, Family.BIGINT: int, Family.BOOLEAN: bool, Family.BYTES: bytes, Family.DATE: dt.date}

    def fitted(value: Any) -> Any:
        if value is None:
            return None
        if kind.family is Family.DOUBLE:
            return float(value)
        if kind.family is Family.DECIMAL:
            return fit(Decimal(value), kind)
        if kind.family is Family.TIMESTAMP:
            return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        if not isinstance(value, wanted[kind.family]):
            raise TypeError(type(value).__name__)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise OverflowError(str(value))
        return value

    return fitted
