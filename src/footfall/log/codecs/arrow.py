"""Turns a record batch into one self-contained run of bytes (an Arrow IPC stream), and back.

The bytes hold the schema, the dictionaries and the rows, so each batch can be read alone.
Slices are written as what they show. A coded column whose dictionary is much larger than the batch is
written with a dictionary of only the texts that occur.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import Batch

Compression = Literal["lz4", "zstd"]


def encode(batch: Batch, *, compression: Compression | None = None) -> pa.Buffer:
    """The bytes of a batch. Their length is a multiple of 8."""
    small = compact(batch)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, small.schema, options=options) as writer:
        writer.write_batch(small)
    return sink.getvalue()


def decode(data: pa.Buffer | bytes | memoryview) -> Batch:
    """The batch that these bytes hold; its columns point into them. Raises ValueError if they hold none."""
    try:
        return pa.ipc.open_stream(data).read_next_batch()
    except (pa.ArrowException, StopIteration, OSError) as error:
        msg = f"the bytes are not an Arrow batch ({error or 'no rows were written'})"
        raise ValueError(msg) from error


def compact(batch: Batch) -> Batch:
    """The same rows, with dictionaries of at most two texts a row."""
    columns = batch.columns
    changed = False
    for i, column in enumerate(columns):
        if isinstance(column, pa.DictionaryArray) and len(column.dictionary) > 2 * len(column):
            columns[i] = _compact_column(column)
            changed = True
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema) if changed else batch


def _compact_column(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """A coded column with only those texts that its rows use, in the order of their code."""
    used = pc.unique(column.indices).drop_null().sort()
    codes = pc.index_in(column.indices, value_set=used, skip_nulls=True).cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(codes, column.dictionary.take(used), ordered=column.type.ordered)
