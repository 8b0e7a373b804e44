"""Turns values of one type into those of another: CAST and TRY_CAST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.sql.evaluate.arithmetic import DAY, fit, ticks, wrapped
from footfall.sql.evaluate.frame import Kernel, RowError, Value, all_valid, each, masked, numbers
from footfall.sql.evaluate.read_text import from_text
from footfall.sql.evaluate.write_text import java_double, to_text
from footfall.sql.expressions import Call
from footfall.sql.functions.coercion import APPROXIMATE, INTEGERS, STAMPS
from footfall.sql.types import Family, SqlType

Cast = Callable[[Value, int], Value]


def casting(call: Call) -> Kernel:
    """The kernel of a CAST, by both types; TRY_CAST gives NULL where CAST fails."""
    convert = cast_between(call.arguments[0].type, call.type)
    if call.function == "CAST":
        return lambda values, length: convert(values[0], length)

    def attempt(values: Sequence[Value], length: int) -> Value:
        column = values[0]
        try:
            return convert(column, length)
        except RowError as error:
            bad = np.zeros(length, dtype=np.bool_)
            bad[error.rows] = True
            nothing = pa.scalar(None, type=column.type)
            return convert(pc.if_else(pa.array(~bad), column, nothing), length)

    return attempt


def cast_between(source: SqlType, target: SqlType) -> Cast:
    """What takes a column from one type to another."""
    kind = target.arrow
    if source.family is Family.NULL:
        return lambda _, length: pa.nulls(length, type=kind)
    if source.family is Family.STRING and target.family is Family.STRING:
        return _shortened(target)
    if target.family is Family.STRING:
        write = to_text(source)
        cut = _shortened(target)
        return lambda column, length: cut(write(column, length), length)
    if source.family is Family.STRING:
        return from_text(target)
    if source.family is Family.DECIMAL or target.family is Family.DECIMAL:
        return _with_decimal(source, target)
    if target.family is Family.BOOLEAN:
        return lambda column, _: column if source.family is Family.BOOLEAN else pc.not_equal(column, 0)
    if source.family in APPROXIMATE and target.family in INTEGERS:
        return lambda column, length: _saturated(column, length, kind)
    if source.family is Family.FLOAT and target.family is Family.DOUBLE:
        return lambda column, _: column.cast(kind)
    if source.family in {Family.DATE, Family.TIME, *STAMPS}:
        return _time(source, target)
    if source.inner:
        return _nested(source, target)
    return lambda column, _: column.cast(kind, safe=False)


def _shortened(target: SqlType) -> Cast:
    if not target.precision:
        return lambda column, _: column
    return lambda column, _: pc.utf8_slice_codeunits(column, 0, target.precision)


def _saturated(column: Value, length: int, kind: pa.DataType) -> Value:
    """As Java: no number is 0, what is too large becomes the largest; small types are cut from an INT."""
    bits = max(32, kind.bit_width)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    value = np.trunc(np.nan_to_num(numbers(column, length, "float64"), nan=0.0, posinf=np.inf, neginf=-np.inf))
    inside = (value > low) & (value < high)
    whole = np.where(inside, value, 0).astype(np.int64)
    whole = np.where(value >= high, high, np.where(value <= low, low, whole))
    return masked(whole.astype(f"int{kind.bit_width}"), all_valid([column], length), kind)


def _with_decimal(source: SqlType, target: SqlType) -> Cast:
    kind = target.arrow
    if target.family is not Family.DECIMAL:
        return _from_decimal(source, target)
    if source.family is Family.DECIMAL and _widens(source, target):
        return lambda column, _: column.cast(kind)
    if source.family in INTEGERS:
        digits = pa.decimal128(19, 0)
        if target.precision - target.scale >= 19:
            return lambda column, _: column.cast(pa.int64()).cast(digits).cast(kind)
        return _single(lambda value: fit(Decimal(value), target), target)
    if source.family is Family.BOOLEAN:
        return _single(lambda value: fit(Decimal(int(value)), target), target)
    if source.family in APPROXIMATE:
        is_float = source.family is Family.FLOAT
        return _single(lambda value: fit(Decimal(java_double(value, single=is_float)), target), target)
    return _single(lambda value: fit(value, target), target)


def _widens(source: SqlType, target: SqlType) -> bool:
    return target.scale >= source.scale and target.precision - target.scale >= source.precision - source.scale


def _single(function: Callable[[Any], Any], target: SqlType) -> Cast:
    kernel = each(function, target)
    return lambda column, length: kernel([column], length)


def _from_decimal(source: SqlType, target: SqlType) -> Cast:
    kind = target.arrow
    if target.family is Family.BOOLEAN:
        return _single(bool, target)
    if target.family in APPROXIMATE:
        if source.precision <= 15:
            return lambda column, length: _scaled(column, length, source.scale).cast(kind)
        return _single(float, target)
    bits = kind.bit_width
    return _single(lambda value: wrapped(int(value), bits), target)


def _scaled(column: Value, length: int, scale: int) -> Value:
    """Exact, since both the digits and the power of ten are exact as doubles."""
    words = np.frombuffer(column.buffers()[1], dtype=np.int64)[::2][column.offset : column.offset + length]
    valid = all_valid([column], length)
    return masked(np.where(valid, words, 0) / 10.0**scale, valid, pa.float64())


def _time(source: SqlType, target: SqlType) -> Cast:
    kind = target.arrow

    def cast(column: Value, length: int) -> Value:
        return masked(_moved(numbers(column, length), source, target), all_valid([column], length), kind)

    return cast


def _moved(moment: Any, source: SqlType, target: SqlType) -> Any:
    if source.family is target.family is Family.DATE:
        return moment
    per_second = ticks(source) if source.family in STAMPS else 1000
    if source.family is Family.DATE:
        moment = moment * DAY
    if target.family is Family.DATE:
        return moment // (per_second * 86_400)
    if target.family is Family.TIME:
        moment = moment * 1000 // per_second % DAY
        return moment // 1000 * 1000 if target.precision == 0 else moment
    wanted = ticks(target)
    moment = moment * (wanted // per_second) if wanted >= per_second else moment // (per_second // wanted)
    step = wanted // 10**target.precision
    return moment if step <= 1 else moment // step * step


def _nested(source: SqlType, target: SqlType) -> Cast:
    kind = target.arrow
    inner = [cast_between(one, two) for one, two in zip(source.inner, target.inner, strict=True)]
    if source.family is not Family.ARRAY:
        return lambda column, _: column.cast(kind)

    def cast(column: Value, length: int) -> Value:
        column = pa.concat_arrays([column])
        values = inner[0](column.flatten(), len(column.flatten()))
        sizes = pc.fill_null(pc.list_value_length(column), fill_value=0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        missing = ~all_valid([column], length)
        return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=pa.array(missing))

    return cast


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {"CAST": casting, "TRY_CAST": casting}
