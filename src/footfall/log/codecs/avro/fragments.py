"""Turns a batch into events in Avro, column by column: each value into its bytes, each row's into an event.

An event in Avro is the bytes of its fields, one after the other; the bytes are those that fastavro writes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import fastavro
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import EVENT_ID, Batch
from footfall.log.codecs.arrow import compact
from footfall.log.codecs.avro.values import to_avro
from footfall.log.codecs.fragments import hex_of
from footfall.log.codecs.rare import is_bytes, is_text

_NULL: Final = b"\x00"
_PRESENT: Final = b"\x02"
"""Which branch of a union with null a value is, as Avro writes it: 0 and 1."""
_NOTHING: Final = pa.scalar(b"", pa.binary())
_GROUP: Final = 7
"""Bits of an integer in a byte; the eighth says whether more follow."""


def encode(head: bytes, schema: dict[str, Any], batch: Batch) -> list[bytes]:
    """One message an event: ``head``, and the event as the schema ``written`` wants it."""
    batch = compact(batch)
    fragments: list[Any] = [pa.scalar(head, pa.binary())]
    for avro, field, column in zip(schema["fields"], batch.schema, batch.columns, strict=True):
        values = _column(avro, field, column)
        if field.nullable:
            values = _joined([pa.scalar(_PRESENT, pa.binary()), values])
        fragments.append(pc.fill_null(values, _NULL))
    messages: list[bytes] = _joined(fragments).to_pylist()
    return messages


def _joined(fragments: Sequence[Any]) -> pa.Array:
    """The fragments of each row, one after the other; null if one is."""
    return pc.binary_join_element_wise(*fragments, _NOTHING)


def _column(avro: dict[str, Any], field: pa.Field, column: pa.Array) -> pa.Array:
    """The bytes of each value; null for null."""
    kind = field.type
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.binary())
    if pa.types.is_dictionary(kind):
        return _column(avro, field.with_type(kind.value_type), column.dictionary).take(column.indices)
    if kind == EVENT_ID:
        return _with_length(hex_of(column).cast(pa.binary()))
    if is_text(kind) or (is_bytes(kind) and not pa.types.is_fixed_size_binary(kind)):
        return _with_length(column.cast(pa.binary()))
    if pa.types.is_boolean(kind):
        return pc.if_else(column, pa.scalar(b"\x01", pa.binary()), pa.scalar(b"\x00", pa.binary()))
    numbers = _numbers(kind, column)
    if numbers is not None:
        present = numbers.fill_null(0).to_numpy(zero_copy_only=False)
        return _where_valid(column, _integers(present))
    return _one_by_one(avro, field, column)


def _numbers(kind: pa.DataType, column: pa.Array) -> pa.Array | None:
    """The values as integers, if Avro has integers for them."""
    if (pa.types.is_timestamp(kind) and kind.unit != "s") or pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    return column.cast(pa.int64()) if pa.types.is_integer(kind) and kind != pa.uint64() else None


def _with_length(texts: pa.Array) -> pa.Array:
    lengths = pc.binary_length(texts).fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return _joined([_integers(lengths), texts])


def _where_valid(column: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(column.is_valid(), values, None) if column.null_count else values


def _integers(numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Avro's form of integers: the sign in the lowest bit, then seven bits a byte, the lowest first."""
    rest = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    groups = max(1, -(-int(rest.max(initial=0)).bit_length() // _GROUP))
    written = np.zeros((len(numbers), groups), dtype=np.uint8)
    used = np.ones((len(numbers), groups), dtype=np.bool_)
    for group in range(groups):
        used[:, group] = rest > 0 if group else True
        low, rest = rest & np.uint64(0x7F), rest >> np.uint64(_GROUP)
        written[:, group] = low | np.where(rest > 0, np.uint64(0x80), np.uint64(0))
    ends = np.zeros(len(numbers) + 1, dtype=np.int32)
    np.cumsum(used.sum(axis=1), out=ends[1:])
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(numbers), [None, pa.py_buffer(ends), pa.py_buffer(written[used])]
    )


def _one_by_one(avro: dict[str, Any], field: pa.Field, column: pa.Array) -> pa.Array:
    kind = avro["type"][1] if field.nullable else avro["type"]
    schema = fastavro.parse_schema(kind)
    return pa.array([_bytes_of(value, schema) for value in to_avro(field, column)], pa.binary())


def _bytes_of(value: Any, schema: Any) -> bytes | None:
    if value is None:
        return None
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()
