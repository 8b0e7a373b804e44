"""Turns batches into dicts that any message format can write, and such dicts back into batches.

In a dict, times in milliseconds are integers, and those in other units ISO texts. Dates are ISO texts, event ids hex
texts. Nulls are left out, and so is a ``late`` that is false. Bytes are a text, or base64 under the name with
``_base64`` if they are not UTF-8. See ``rare`` for the rest.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.errors import Reason
from footfall.core.events import CLICK_SCHEMA, EVENT_ID, Batch
from footfall.log.codecs.ids import text_of, with_ids
from footfall.log.codecs.rare import LARGEST, from_base64, is_bytes, is_list, is_milliseconds, is_text, jsonable
from footfall.log.codecs.unusable import Unusable
from footfall.log.codecs.values import plain_integers, value_of

Row = Mapping[str, Any]

LONGEST_MESSAGE: Final = 1 << 20
BASE64: Final = "_base64"

DEFAULTS: Final[Row] = {"event_type": "view", "late": False}
"""What a message may leave out although the schema wants it."""


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A message, or a row of one, that is no event."""

    index: int
    """Its place among the messages that were to be decoded."""
    reason: Reason
    detail: str
    """For people: the field, its value, the rule."""
    raw: bytes
    """The whole message."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows that messages hold, and the messages that hold none."""

    rows: Sequence[Row]
    origins: Sequence[int]
    """For each row, which message it came from."""
    bad: Sequence[BadMessage]


def rows(batch: Batch) -> list[dict[str, Any]]:
    """The batch's events, in order."""
    events: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
    for field, column in zip(batch.schema, batch.columns, strict=True):
        name, values = field.name, plain_values(field, column)
        if is_bytes(field.type):
            for event, value in zip(events, values, strict=True):
                event.update(readable(name, value))
            continue
        left_out = False if name == "late" else None
        for event, value in zip(events, values, strict=True):
            if value is not None and value is not left_out:
                event[name] = value
    return events


def plain_values(field: pa.Field, column: pa.Array) -> list[Any]:
    """The column's values as JSON holds them; bytes as they are."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        return plain_values(field.with_type(kind.value_type), column.cast(kind.value_type))
    if pa.types.is_timestamp(kind) and not is_milliseconds(kind):
        return _iso(column)
    if is_milliseconds(kind) or pa.types.is_duration(kind):
        column = column.cast(pa.int64())
    elif is_list(kind) or pa.types.is_struct(kind):
        column = column.cast(_plain(kind))
    values: list[Any] = column.to_pylist()
    if kind == EVENT_ID:
        return [None if value is None else text_of(value) for value in values]
    if is_bytes(kind) or is_text(kind) or pa.types.is_boolean(kind) or _are_exact(kind, column):
        return values
    return [jsonable(value) for value in values]


def _iso(column: pa.Array) -> list[Any]:
    """Times as texts: in UTC, with a Z if they have a time zone."""
    kind = column.type
    texts = pc.replace_substring(column.cast(pa.timestamp(kind.unit)).cast(pa.string()), " ", "T")
    ending = "" if kind.tz is None else "Z"
    found: list[Any] = pc.binary_join_element_wise(texts, ending, "").to_pylist()
    return found


def _are_exact(kind: pa.DataType, column: pa.Array) -> bool:
    """Whether the column has integers only that every JSON reader has exactly."""
    return bool(pa.types.is_integer(kind) or is_milliseconds(kind)) and integers_are_exact(column)


def integers_are_exact(column: pa.Array) -> bool:
    """Whether all integers are within ±2^53."""
    if column.type.bit_width < 64 or column.null_count == len(column):
        return True
    ends = pc.min_max(column)
    return bool(ends["min"].as_py() >= -LARGEST and ends["max"].as_py() <= LARGEST)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The same nested type, with what Python has no exact values for as integers and texts."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if is_milliseconds(kind) or pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _plain(each.type)) for each in kind])
    return kind


def readable(name: str, value: bytes | None) -> dict[str, str]:
    """Bytes as a text, or as base64 under another name."""
    if value is None:
        return {}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {name + BASE64: base64.b64encode(value).decode()}


def batch_of(parsed: Parsed, *, schema: pa.Schema, messages: Sequence[bytes]) -> tuple[Batch, list[BadMessage]]:
    """The rows that are events as a batch, in order, and why the others are not."""
    batch, _, bad = placed_batch_of(parsed, schema=schema, messages=messages)
    return batch, bad


def placed_batch_of(
    parsed: Parsed, *, schema: pa.Schema, messages: Sequence[bytes]
) -> tuple[Batch, list[int], list[BadMessage]]:
    """The same, and which message each row of the batch came from."""
    problems: dict[int, Unusable] = {}
    id_optional = schema == CLICK_SCHEMA
    columns = [_values(parsed.rows, field, problems, id_optional=id_optional) for field in schema]
    good = [row for row in range(len(parsed.rows)) if row not in problems]
    missing = [at for at, row in enumerate(good) if "event_id" not in parsed.rows[row]] if id_optional else []
    arrays = [as_array([column[row] for row in good], field) for column, field in zip(columns, schema, strict=True)]
    batch = with_ids(Batch.from_arrays(arrays, schema=schema), missing=missing)
    bad = [*parsed.bad]
    for row, problem in problems.items():
        index = parsed.origins[row]
        bad.append(BadMessage(index, problem.reason, problem.detail, messages[index]))
    return batch, [parsed.origins[row] for row in good], sorted(bad, key=lambda each: each.index)


def _values(events: Sequence[Row], field: pa.Field, problems: dict[int, Unusable], *, id_optional: bool) -> list[Any]:
    """What the column holds for each event. Each distinct text is checked once, the rest if it is not plain."""
    values: list[Any] = []
    name, default = field.name, DEFAULTS.get(field.name)
    low, high = plain_integers(field)
    is_flag = pa.types.is_boolean(field.type)
    may_lack = field.nullable and not is_bytes(field.type)
    checked: dict[str, Any] = {}
    for row, event in enumerate(events):
        value = event.get(name, default)
        kind = type(value)
        if (kind is int and low <= value <= high) or (kind is bool and is_flag) or (value is None and may_lack):
            values.append(value)
        elif kind is str and value in checked:
            values.append(checked[value])
        else:
            try:
                usable = _looked_at(event, value, field, id_optional=id_optional)
            except Unusable as problem:
                problems.setdefault(row, problem)
                usable = None
            else:
                if kind is str:
                    checked[value] = usable
            values.append(usable)
    return values


def _looked_at(event: Row, value: object, field: pa.Field, *, id_optional: bool) -> Any:
    if value is None and field.type == EVENT_ID and id_optional and field.name not in event:
        return bytes(16)
    if value is None and field.name + BASE64 in event and is_bytes(field.type):
        return from_base64(event[field.name + BASE64], field.with_name(field.name + BASE64))
    return value_of(value, field)


def as_array(values: list[Any], field: pa.Field) -> pa.Array:
    """Values that were looked at, as the field's column."""
    if pa.types.is_dictionary(field.type):
        return pa.array(values, type=field.type.value_type).dictionary_encode().cast(field.type)
    return pa.array(values, type=field.type)
