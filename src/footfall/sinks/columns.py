"""Turns a column of a stream into a column of a table: what kinds of columns there are, and what each holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import EVENT_ID, TIME


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INTEGER = "integer"
    """32 bits."""
    BIGINT = "bigint"
    """64 bits."""
    BOOLEAN = "boolean"
    DATE = "date"
    LOCAL_TIME = "local time"
    """Microseconds, without a time zone."""
    TIME = "time"
    """An event time: milliseconds, in UTC."""
    JSON = "json"
    """A list or an object, as text."""
    UUID = "uuid"
    """16 bytes: an event id."""


_ARROW: Final = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int32(),
    Kind.BIGINT: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.LOCAL_TIME: pa.timestamp("us"),
    Kind.TIME: TIME,
    Kind.JSON: pa.string(),
    Kind.UUID: EVENT_ID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. It has the name of the stream's field that fills it."""

    name: str
    kind: Kind = Kind.TEXT
    longest: int | None = None
    """Of a text: how many characters fit. None: as many as the target takes."""
    required: bool = False

    @property
    def field(self) -> pa.Field:
        """The column, as Arrow knows it."""
        return pa.field(self.name, _ARROW[self.kind], nullable=not self.required)

    def filled(self, values: pa.Array) -> pa.Array:
        """The stream's values, as the column holds them."""
        return json_texts(values) if self.kind is Kind.JSON else values.cast(_ARROW[self.kind])

    def fault(self, value: object) -> tuple[Reason, str] | None:
        """Why the column does not hold the value, for people; None if it should."""
        if value is None:
            return (Reason.MISSING_FIELD, f"{self.name}: missing") if self.required else None
        if not isinstance(value, str):
            return None
        if "\0" in value or (self.kind is Kind.JSON and "\\u0000" in value.replace("\\\\", "")):
            return Reason.BAD_ENCODING, f"{self.name}: {value[:80]!a} holds a NUL"
        if self.longest is not None and len(value) > self.longest:
            return Reason.FIELD_TOO_LONG, f"{self.name}: {len(value):,} characters; {self.longest} fit"
        return None


def json_texts(values: pa.Array) -> pa.Array:
    """Lists and structs as JSON, each on its own; times in milliseconds, as in messages."""
    whole = values.cast(_times_as_numbers(values.type)).to_pylist()
    return pa.array([None if one is None else _json(one) for one in whole], pa.string())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _times_as_numbers(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_times_as_numbers(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_times_as_numbers(field.type)) for field in kind])
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def hex_texts(ids: pa.Array) -> pa.Array:
    """Ids of 16 bytes as 32 hex digits each."""
    if ids.null_count:
        return pa.array([None if one is None else one.hex() for one in ids.to_pylist()], pa.string())
    digits = b"".join(ids.to_pylist()).hex().encode()
    ends = np.arange(0, len(digits) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(digits))


def from_hex(texts: pa.Array) -> pa.Array:
    """The ids that these texts of 32 hex digits stand for."""
    raw = bytes.fromhex("".join(texts.to_pylist()))
    return pa.Array.from_buffers(EVENT_ID, len(texts), [None, pa.py_buffer(raw)])
