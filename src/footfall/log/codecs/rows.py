"""Turns batches into dicts that any message format can write, and such dicts back into batches.

In a dict, times are milliseconds, and those without a time zone ISO texts with microseconds. Dates are ISO texts,
event ids hex texts. Nulls are left out, and so is a ``late`` that is false. Bytes are a text, or base64 under the
name with ``_base64`` if they are not UTF-8.
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
from footfall.log.codecs.values import MOMENT, Unusable, plain_integers, value_of

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
        name, values = field.name, _plain_values(field, column)
        if pa.types.is_binary(field.type):
            for event, value in zip(events, values, strict=True):
                event.update(_readable(name, value))
            continue
        left_out = False if name == "late" else None
        for event, value in zip(events, values, strict=True):
            if value is not None and value is not left_out:
                event[name] = value
    return events


def _plain_values(field: pa.Field, column: pa.Array) -> list[Any]:
    if field.type == MOMENT:
        iso: list[Any] = pc.replace_substring(column.cast(pa.string()), " ", "T").to_pylist()
        return iso
    values: list[Any] = column.cast(_plain(field.type)).to_pylist()
    if field.type == EVENT_ID:
        return [None if value is None else text_of(value) for value in values]
    if pa.types.is_date(field.type):
        return [None if value is None else value.isoformat() for value in values]
    return values


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type whose Python values JSON knows."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_timestamp(kind):
        return pa.int64()
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _plain(each.type)) for each in kind])
    return kind


def _readable(name: str, value: bytes | None) -> dict[str, str]:
    if value is None:
        return {}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {name + BASE64: base64.b64encode(value).decode()}


def batch_of(parsed: Parsed, *, schema: pa.Schema, messages: Sequence[bytes]) -> tuple[Batch, list[BadMessage]]:
    """The rows that are events as a batch, in order, and why the others are not."""
    problems: dict[int, Unusable] = {}
    id_optional = schema == CLICK_SCHEMA
    columns = [_values(parsed.rows, field, problems, id_optional=id_optional) for field in schema]
    good = [row for row in range(len(parsed.rows)) if row not in problems]
    missing = [at for at, row in enumerate(good) if "event_id" not in parsed.rows[row]] if id_optional else []
    arrays = [_array([column[row] for row in good], field) for column, field in zip(columns, schema, strict=True)]
    batch = with_ids(Batch.from_arrays(arrays, schema=schema), missing=missing)
    bad = [*parsed.bad]
    for row, problem in problems.items():
        index = parsed.origins[row]
        bad.append(BadMessage(index, problem.reason, problem.detail, messages[index]))
    return batch, sorted(bad, key=lambda each: each.index)


def _values(events: Sequence[Row], field: pa.Field, problems: dict[int, Unusable], *, id_optional: bool) -> list[Any]:
    """What the column holds for each event. Each distinct text is checked once, the rest if it is not plain."""
    values: list[Any] = []
    name, default = field.name, DEFAULTS.get(field.name)
    low, high = plain_integers(field)
    is_flag = pa.types.is_boolean(field.type)
    may_lack = field.nullable and not pa.types.is_binary(field.type)
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
    if value is None and field.name + BASE64 in event and pa.types.is_binary(field.type):
        return _unreadable(field.name, event[field.name + BASE64])
    return value_of(value, field)


def _unreadable(name: str, value: object) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else b"?", validate=True)
    except ValueError:
        raise Unusable(Reason.BAD_VALUE, f"{name}{BASE64}: not base64") from None


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    if pa.types.is_dictionary(field.type):
        return pa.array(values, type=field.type.value_type).dictionary_encode().cast(field.type)
    return pa.array(values, type=field.type)
