"""Turns events of a stream into rows of the table declared over it, and a query's rows into events of its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import TIME, Batch
from footfall.log.base import Chunk
from footfall.processors.base import Flags
from footfall.processors.relational.rows import Kind, Rows
from footfall.sql.plan import Field, Insert, Table
from footfall.sql.rendering import OP
from footfall.sql.types import Family, SqlType

_TIMES: Final = {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}
_WRONG: Final = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)


def stream_of(table: Table) -> str:
    """The stream that a table is: as WITH says (``topic`` or ``stream``), as it was declared, or of its own name."""
    return table.options.get("topic") or table.stream or table.name


def key_of(table: Table) -> str | None:
    """The column that decides on a row's partition; None if nothing says which."""
    named = table.options.get("key.fields", "").split(";")[0]
    return named or next(iter(table.primary_key), None)


def message_schema(table: Table) -> pa.Schema:
    """What messages of the table look like that others write: its columns, and times as milliseconds."""
    fields = {"timestamp": TIME}
    for column in table.columns:
        if column.name not in table.metadata:
            fields[column.name] = TIME if column.type.family in _TIMES else column.type.arrow
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


def table_rows(table: Table, chunk: Chunk) -> tuple[Batch, Mapping[int, str]]:
    """The declared columns of these events, and which rows (by number) are none of this table, with the reason."""
    rows = chunk.batch.num_rows
    wrong: dict[int, str] = {}
    arrays = []
    for field in table.columns:
        array, misfits = _column(table, field, chunk)
        arrays.append(array)
        why = f"{field.name}: is no {field.type}"
        wrong |= dict.fromkeys(np.flatnonzero(misfits).tolist(), why)
    schema = pa.schema([pa.field(f.name, a.type, f.type.nullable) for f, a in zip(table.columns, arrays, strict=True)])
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema) if arrays else chunk.batch.select([])
    if wrong:
        good = np.setdiff1d(np.arange(rows), np.array(list(wrong)))
        batch = batch.take(pa.array(good, pa.int64()))
    return batch, wrong


def _column(table: Table, field: Field, chunk: Chunk) -> tuple[pa.Array, Flags]:
    rows = chunk.batch.num_rows
    metadata = table.metadata.get(field.name)
    if metadata == "offset":
        array: pa.Array = pa.array(chunk.offsets, pa.int64())
    elif metadata == "partition":
        array = pa.array(np.full(rows, chunk.partition, dtype=np.int32))
    elif metadata == "timestamp":
        array = chunk.batch.column("timestamp")
    elif field.name in chunk.batch.schema.names:
        array = chunk.batch.column(field.name)
    else:
        array = pa.nulls(rows, field.type.arrow)
    return _fitting(array, field.type)


def _fitting(array: pa.Array, kind: SqlType) -> tuple[pa.Array, Flags]:
    """The values as this type, and which of them are none."""
    try:
        fitting = as_type(array, kind)
    except _WRONG:
        fitting = _one_by_one(array, kind)
    misfits: Flags = np.zeros(len(array), dtype=np.bool_)
    if fitting.null_count:
        nulls: Flags = fitting.is_null().to_numpy(zero_copy_only=False)
        had: Flags = array.is_valid().to_numpy(zero_copy_only=False)
        misfits = nulls & had if kind.nullable else nulls
    return fitting, misfits


def as_type(array: pa.Array, kind: SqlType) -> pa.Array:
    """The column as this type; a coded text stays coded. Raises ArrowInvalid if a value is none."""
    if pa.types.is_dictionary(array.type):
        if kind.family is Family.STRING:
            return array
        array = array.dictionary_decode()
    if kind.family is Family.STRING and pa.types.is_fixed_size_binary(array.type):
        return pa.array([None if value is None else value.hex() for value in array.to_pylist()], pa.string())
    if kind.family in _TIMES and pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp(kind.arrow.unit, tz=array.type.tz)).cast(pa.int64()).cast(kind.arrow)
    if kind.family in _TIMES and pa.types.is_integer(array.type):
        return array.cast(pa.timestamp("ms")).cast(pa.timestamp(kind.arrow.unit)).cast(pa.int64()).cast(kind.arrow)
    return array if array.type == kind.arrow else array.cast(kind.arrow)


def _one_by_one(array: pa.Array, kind: SqlType) -> pa.Array:
    found = []
    for row in range(len(array)):
        try:
            found.append(as_type(array.slice(row, 1), kind))
        except _WRONG:
            found.append(pa.nulls(1, kind.arrow))
    return pa.chunked_array(found, kind.arrow).combine_chunks()


def event_batch(rows: Rows, insert: Insert) -> Batch:
    """The rows as events of the target: its columns, what they do if they are no inserts (``_op``), and a time."""
    target = insert.target
    source = insert.source.output
    fields = source if target is None else target.columns
    time = next((index for index, field in enumerate(source) if field.is_time), None)
    if time is None:  # what was a time attribute before a join is a time like others behind it
        time = next((index for index, field in enumerate(source) if field.type.family in _TIMES), None)
    arrays, names = [_plain(array) for array in rows.batch.columns], [field.name for field in fields]
    if rows.kinds is not None or insert.source.changes:
        kinds = np.zeros(len(rows), dtype=np.int8) if rows.kinds is None else rows.kinds
        texts = pa.array([kind.short_name for kind in Kind])
        arrays.append(texts.take(pa.array(kinds)))
        names.append(OP)
    if "timestamp" not in names:
        arrays.insert(0, _moment(rows, time))
        names.insert(0, "timestamp")
    else:
        place = names.index("timestamp")
        arrays[place] = _or_now(as_moment(arrays[place]), rows)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _moment(rows: Rows, time: int | None) -> pa.Array:
    if time is None:
        return pa.array(np.full(len(rows), rows.now), pa.int64()).cast(TIME)
    return _or_now(as_moment(rows.batch.column(time)), rows)


def _or_now(moments: pa.Array, rows: Rows) -> pa.Array:
    return pc.fill_null(moments, pa.scalar(rows.now, TIME)) if moments.null_count and moments.type == TIME else moments


def _plain(array: pa.Array) -> pa.Array:
    """Not coded: a stream's column is to look the same in all batches."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def as_moment(array: pa.Array) -> pa.Array:
    """A column of times as those of events: milliseconds, UTC."""
    if not pa.types.is_timestamp(array.type):
        return array
    return array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False).cast(pa.int64()).cast(TIME)
