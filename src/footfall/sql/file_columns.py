"""Turns values that a file's reader has found into batches of a table's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import Batch
from footfall.sql.types import Family, SqlType

LINES: Final = 100_000
"""That are read at a time."""
BLOCK: Final = 1 << 20
"""Bytes that one processor takes at a time."""
TIMES: Final = {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}
NESTED: Final = {Family.ARRAY, Family.MAP, Family.ROW, Family.BYTES, Family.DECIMAL, Family.TIME}
"""Read value by value: the quick readers have other ideas of them."""
WRONG: Final = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)

Columns = Mapping[str, SqlType]


def schema_of(columns: Columns) -> pa.Schema:
    """What batches of these columns look like."""
    return pa.schema([pa.field(name, kind.arrow, kind.nullable) for name, kind in columns.items()])


def column_of(array: pa.Array, kind: SqlType) -> pa.Array:
    """What was read as the column's type."""
    if kind.family in TIMES:
        return times_of(array, kind.arrow)
    return array if array.type == kind.arrow else array.cast(kind.arrow)


def times_of(array: pa.Array, kind: pa.TimestampType) -> pa.Array:
    """Times as texts or milliseconds, as this type."""
    if pa.types.is_integer(array.type):
        return array.cast(pa.timestamp("ms", tz=kind.tz)).cast(kind)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    # Texts that name a zone are moments; others are read as they stand, in UTC.
    try:
        times = array.cast(pa.timestamp(kind.unit))
    except pa.ArrowInvalid:
        times = array.cast(pa.timestamp(kind.unit, tz="UTC"))
    return times.cast(pa.int64()).cast(kind)


def batch_of(rows: Sequence[Sequence[Any]], columns: Columns) -> Batch:
    """Rows, each with a value a column."""
    schema = schema_of(columns)
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(list(column), type=field.type) for column, field in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
