"""Turns a batch into flat JSON, column by column: each value into a fragment with its name, each row's into a message.

The messages are those of ``rows`` written by msgspec, byte for byte, without a Python object for each value.
Columns that Arrow cannot write as JSON (lists, bytes, fractions) are written value by value.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import EVENT_ID, Batch
from footfall.log.codecs.arrow import compact
from footfall.log.codecs.rare import is_bytes, is_milliseconds, is_text
from footfall.log.codecs.rows import integers_are_exact, plain_values, readable

_ENCODER: Final = msgspec.json.Encoder()
_UNCLEAN: Final = '[\\x00-\\x1f"\\\\]'
"""What a JSON text cannot hold as it is."""
_QUOTE, _BACKSLASH = 0x22, 0x5C
_NOTHING: Final = pa.scalar("", pa.string())
_END: Final = pa.scalar("}", pa.string())

Fragment = Any
"""An Arrow array with something for each row, or a scalar for all."""


def encode(batch: Batch) -> list[bytes]:
    """One message an event, in order."""
    if not batch.num_columns or not batch.num_rows:
        return [b"{}"] * batch.num_rows
    batch = compact(batch)
    fragments: list[Fragment] = []
    starts_all = not batch.column(0).null_count and batch.schema.names[0] != "late"
    for number, (field, column) in enumerate(zip(batch.schema, batch.columns, strict=True)):
        name = _ENCODER.encode(field.name).decode()
        before = "," if number or not starts_all else "{"
        fragments += _column(f"{before}{name}:", field, column)
    if not fragments:
        return [b"{}"] * batch.num_rows
    rows = _joined(*fragments, _END)
    if not starts_all:
        rows = pc.if_else(pc.equal(rows, "}"), "{}", pc.binary_replace_slice(rows, 0, 1, "{"))
    messages: list[bytes] = rows.cast(pa.binary()).to_pylist()
    return messages


def _joined(*fragments: Fragment) -> pa.Array:
    """The fragments of each row, one after the other; a null is nothing."""
    return pc.binary_join_element_wise(*fragments, _NOTHING, null_handling="replace", null_replacement="")


def _column(start: str, field: pa.Field, column: pa.Array) -> list[Fragment]:
    """What each row has of a column: its name and value, or null."""
    kind = field.type
    if column.null_count == len(column):
        return []
    if is_text(kind):
        return [_texts(start, column)]
    if kind == EVENT_ID:
        return [_with_name(start + '"', hex_of(column), '"')]
    if pa.types.is_boolean(kind):
        return _flags(start, column, left_out=field.name == "late")
    numbers = column.cast(pa.int64()) if is_milliseconds(kind) else column
    if pa.types.is_integer(numbers.type) and integers_are_exact(numbers):
        digits = numbers.cast(pa.string())
        return [_with_name(start, digits)] if column.null_count else [pa.scalar(start), digits]
    if pa.types.is_date32(kind):
        return [_with_name(start + '"', column.cast(pa.string()), '"')]
    return [_one_by_one(start, field, column)]


def _with_name(start: str, values: pa.Array, end: str = "") -> pa.Array:
    """The values with their name before them; a null stays a null."""
    return pc.binary_join_element_wise(pa.scalar(start), values, pa.scalar(end), _NOTHING)


def _texts(start: str, column: pa.Array) -> pa.Array:
    if isinstance(column, pa.DictionaryArray):
        return _texts(start, column.dictionary).take(column.indices)
    column = column.cast(pa.string())
    return _with_name(start + '"', column if _is_clean(column) else _escaped(column), '"')


def _is_clean(texts: pa.Array) -> bool:
    """Whether JSON holds all these texts as they are. It may say no of texts whose neighbours are at fault."""
    data = texts.buffers()[2]
    if not data:
        return True
    raw = np.frombuffer(data, dtype=np.uint8)
    return not ((raw < 0x20) | (raw == _QUOTE) | (raw == _BACKSLASH)).any()


def _escaped(texts: pa.Array) -> pa.Array:
    unclean = pc.fill_null(pc.match_substring_regex(texts, _UNCLEAN), fill_value=False)
    escaped = [_ENCODER.encode(text)[1:-1].decode() for text in texts.filter(unclean).to_pylist()]
    return pc.replace_with_mask(texts, unclean, pa.array(escaped, pa.string()))


def hex_of(ids: pa.Array) -> pa.Array:
    """Event ids as 32 hex digits."""
    size = EVENT_ID.byte_width
    raw = np.frombuffer(ids.buffers()[1], dtype=np.uint8)[ids.offset * size : (ids.offset + len(ids)) * size]
    starts = np.arange(0, 2 * size * len(ids) + 1, 2 * size, dtype=np.int32)
    digits = raw.tobytes().hex().encode()
    texts = pa.StringArray.from_buffers(len(ids), pa.py_buffer(starts), pa.py_buffer(digits))
    return pc.if_else(ids.is_valid(), texts, None) if ids.null_count else texts


def _flags(start: str, column: pa.Array, *, left_out: bool) -> list[Fragment]:
    if left_out and not pc.any(column).as_py():
        return []
    false = pa.scalar(None, pa.string()) if left_out else pa.scalar(start + "false")
    return [pc.if_else(column, pa.scalar(start + "true"), false)]


def _one_by_one(start: str, field: pa.Field, column: pa.Array) -> pa.Array:
    values = plain_values(field, column)
    if is_bytes(field.type):
        named = [_ENCODER.encode(readable(field.name, value))[1:-1].decode() for value in values]
        return pa.array([start[0] + pair if pair else None for pair in named], pa.string())
    found = [None if value is None else start + _ENCODER.encode(value).decode() for value in values]
    return pa.array(found, pa.string())
