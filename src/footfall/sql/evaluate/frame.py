"""Turns rows into the columns that expressions read, whole or only those rows that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.processors.base import Flags
from footfall.processors.relational.rows import Rows
from footfall.sql.types import SqlType

Value = Any
"""A ``pa.Array`` with a value a row, or a ``pa.Scalar`` that is the same in all."""
Evaluate = Callable[["Frame"], Value]
Kernel = Callable[[Sequence[Value], int], Value]
"""A function of columns: the arguments (at least one is an array, if there are any), and the number of rows."""
Numbers = npt.NDArray[np.int64]

FAILURES: Final = (ValueError, ArithmeticError, OverflowError, LookupError)
"""What a function of single values may raise about its values."""


class RowError(ValueError):
    """Some rows have no result: a division by zero, a text that is no number. ``rows`` are their numbers, ascending."""

    def __init__(self, rows: Iterable[int] | Numbers, message: str) -> None:
        super().__init__(message)
        self.rows: Numbers = np.unique(np.asarray(list(rows), dtype=np.int64))
        self.message = message


class Frame:
    """Rows that an expression is computed for: all of a batch, or those that ``which`` names."""

    def __init__(self, rows: Rows, which: Numbers | None = None) -> None:
        self.rows = rows
        self.which = which
        self.known: dict[int, Value] = {}
        """What was computed already, by the number that the compiler gave it."""

    def __len__(self) -> int:
        return len(self.rows) if self.which is None else len(self.which)

    def column(self, name: str) -> pa.Array:
        """A column of the input."""
        column = self.rows.batch.column(name)
        return column if self.which is None else column.take(pa.array(self.which))

    @property
    def marks(self) -> Numbers:
        """How far time had come before each row."""
        return self.rows.marks if self.which is None else self.rows.marks[self.which]

    def part(self, which: Numbers) -> Frame:
        """Some of these rows."""
        return Frame(self.rows, which if self.which is None else self.which[which])


def is_scalar(value: Value) -> bool:
    """Whether it is the same in all rows."""
    return isinstance(value, pa.Scalar)


def is_coded(value: Value) -> bool:
    """Whether it is an array of codes with a dictionary."""
    return isinstance(value, pa.DictionaryArray)


def decoded(value: Value) -> Value:
    """Without codes."""
    return value.dictionary_decode() if is_coded(value) else value


def spread(value: Value, length: int) -> pa.Array:
    """A value for each row."""
    return pa.repeat(value, length) if is_scalar(value) else value


def listed(value: Value, length: int) -> list[Any]:
    """As Python's values."""
    return [value.as_py()] * length if is_scalar(value) else value.to_pylist()


def flags(value: Value, length: int) -> Flags:
    """Where a condition is true; NULL is not."""
    if is_scalar(value):
        return np.full(length, value.as_py() is True)
    found: Flags = pc.fill_null(value, fill_value=False).to_numpy(zero_copy_only=False)
    return found


def known(value: Value, length: int) -> Flags:
    """Where it is not NULL."""
    if is_scalar(value):
        return np.full(length, value.is_valid)
    found: Flags = value.is_valid().to_numpy(zero_copy_only=False)
    return found


def numbers(value: Value, length: int, kind: str = "int64") -> npt.NDArray[Any]:
    """As a numpy array, 0 for NULL. Times and dates as their whole numbers, in their own unit."""
    value = spread(value, length)
    if pa.types.is_temporal(value.type):
        width = value.type.bit_width
        value = value.view(pa.int64() if width == 64 else pa.int32())
    return np.asarray(pc.fill_null(value, fill_value=0).to_numpy(zero_copy_only=False)).astype(kind, copy=False)


def masked(values: npt.NDArray[Any], valid: Flags, kind: pa.DataType) -> pa.Array:
    """A numpy array as a column; NULL where it is not valid."""
    if pa.types.is_temporal(kind):
        plain = pa.array(values.astype("int64" if kind.bit_width == 64 else "int32"), mask=~valid)
        return plain.view(kind)
    return pa.array(values, type=kind, mask=~valid)


def all_valid(values: Sequence[Value], length: int) -> Flags:
    """The rows in which no argument is NULL."""
    found = np.ones(length, dtype=np.bool_)
    for one in values:
        if is_scalar(one) or one.null_count:
            found &= known(one, length)
    return found


def refuse(wrong: Flags, message: str) -> None:
    """Raise RowError if there are such rows."""
    if wrong.any():
        raise RowError(np.flatnonzero(wrong), message)


def each(function: Callable[..., Any], result: SqlType, *, nulls: bool = False, message: str = "") -> Kernel:
    """A kernel from a function of single values. Where an argument is NULL the result is, unless it takes ``nulls``.

    Where it raises, RowError names the rows, with ``message`` or with what it said.
    """
    kind = result.arrow

    def kernel(values: Sequence[Value], length: int) -> Value:
        found: list[Any] = []
        wrong: list[int] = []
        said = message
        for index, row in enumerate(zip(*(listed(one, length) for one in values), strict=True)):
            if not nulls and any(one is None for one in row):
                found.append(None)
                continue
            try:
                found.append(function(*row))
            except FAILURES as error:
                wrong.append(index)
                said = said or str(error)
                found.append(None)
        if wrong:
            raise RowError(wrong, said)
        return pa.array(found, type=kind)

    return kernel


def assembled(parts: Sequence[tuple[Numbers, Value]], kind: pa.DataType, length: int) -> pa.Array:
    """Values for disjoint sets of rows as one column; NULL for rows that are in none."""
    filled = [(which, decoded(spread(value, len(which)))) for which, value in parts if len(which)]
    if not filled:
        return pa.nulls(length, type=kind)
    places = np.full(length, -1, dtype=np.int64)
    all_rows = np.concatenate([which for which, _ in filled])
    places[all_rows] = np.arange(len(all_rows))
    column = pa.concat_arrays([value.cast(kind) if value.type != kind else value for _, value in filled])
    return column.take(pa.array(places, mask=places < 0))
