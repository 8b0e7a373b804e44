"""Turns a column into the values that Avro writes, and what Avro reads into the values that JSON would hold.

The checks on values are those for JSON, so both formats refuse the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import EVENT_ID
from footfall.log.codecs.avro.schemas import field_names
from footfall.log.codecs.ids import text_of
from footfall.log.codecs.rare import is_list, is_milliseconds, jsonable
from footfall.log.codecs.rows import plain_values

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a Z is added where the column has a time zone
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_A_SECOND: Final = {"us": 1_000_000, "ns": 1_000_000_000}


def to_avro(field: pa.Field, column: pa.Array) -> list[Any]:
    """The column's values as the schema ``written`` wants them."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        return to_avro(field.with_type(kind.value_type), column.cast(kind.value_type))
    if is_list(kind) or pa.types.is_struct(kind):
        return [_inner(value, kind) for value in column.cast(_with_numbers(kind)).to_pylist()]
    if kind == EVENT_ID or _is_text_in_avro(kind):
        return plain_values(field, column)
    values: list[Any] = column.cast(_with_numbers(kind)).to_pylist()
    return [value if value is None else str(value) for value in values] if kind == pa.uint64() else values


def _is_text_in_avro(kind: pa.DataType) -> bool:
    """Whether values of the type are written as the texts that JSON has for them."""
    return bool(
        pa.types.is_decimal(kind) or pa.types.is_time(kind) or (pa.types.is_timestamp(kind) and kind.unit == "s")
    )


def _with_numbers(kind: pa.DataType) -> pa.DataType:
    """The type with times and days as the numbers that Avro writes."""
    if _is_text_in_avro(kind):
        return kind
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_date(kind):
        return pa.int32()
    if pa.types.is_dictionary(kind):
        return _with_numbers(kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_with_numbers(kind.value_type), kind.list_size)
    if is_list(kind):
        return pa.list_(_with_numbers(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _with_numbers(each.type)) for each in kind])
    return kind


def _inner(value: Any, kind: pa.DataType) -> Any:
    """A value inside a list or a record, or one that is such."""
    if value is None:
        return None
    if is_list(kind):
        return [_inner(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        names = field_names(pa.schema(list(kind)))
        return {name: _inner(value[each.name], each.type) for name, each in zip(names, kind, strict=True)}
    if kind == EVENT_ID:
        return text_of(value)
    if _is_text_in_avro(kind):
        return jsonable(value)
    return str(value) if kind == pa.uint64() else value


def from_avro(kind: pa.DataType) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """What makes of the values read those that JSON would hold; None where they are the same."""
    if pa.types.is_dictionary(kind):
        return from_avro(kind.value_type)
    if is_list(kind) or pa.types.is_struct(kind):
        return lambda values: [_json_of(value, kind) for value in values]
    if _is_read_as_json(kind):
        return None
    return lambda values: _each_once(values, kind)


def _is_read_as_json(kind: pa.DataType) -> bool:
    if pa.types.is_timestamp(kind):
        return kind.unit in {"ms", "s"}
    return not (pa.types.is_date(kind) or kind == pa.uint64())


def _each_once(values: Sequence[Any], kind: pa.DataType) -> list[Any]:
    """The values, each distinct one converted once."""
    forms = {value: _json_of(value, kind) for value in set(values)}
    return [forms[value] for value in values]


def _json_of(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if is_list(kind):
        return [_json_of(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        names = field_names(pa.schema(list(kind)))
        return {each.name: _json_of(value.get(name), each.type) for name, each in zip(names, kind, strict=True)}
    if pa.types.is_dictionary(kind):
        return _json_of(value, kind.value_type)
    if pa.types.is_date(kind):
        return _day(value)
    if pa.types.is_timestamp(kind) and not is_milliseconds(kind) and isinstance(value, int):
        return _iso(value, kind.unit, zoned=kind.tz is not None)
    if kind == pa.uint64() and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    return exact(value) if pa.types.is_integer(kind) else value


def exact(value: Any) -> Any:
    """An integer as JSON has it: beyond ±2^53 as a text."""
    return jsonable(value) if type(value) is int else value


def _day(days: int) -> str:
    try:
        return date.fromordinal(_FIRST_DAY + days).isoformat()
    except (ValueError, OverflowError):
        return str(days)  # no day that Python knows: the check says so


def _iso(number: int, unit: str, *, zoned: bool) -> str:
    seconds, rest = divmod(number, _A_SECOND[unit])
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return str(number)
    digits = len(str(_A_SECOND[unit])) - 1
    return f"{moment.isoformat()}.{rest:0{digits}}" + "Z" * zoned
