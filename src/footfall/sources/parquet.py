"""Turns a Parquet file into blocks of clicks.

Rows are numbered from 1. A bad row's bytes are a JSON object of its used columns, which can be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from footfall.core.errors import Failure, UsageError
from footfall.sources.base import BadRow, Block
from footfall.sources.clicks import Clicks, only_good
from footfall.sources.layouts import Layout, recognise

_ROW_BYTES: Final = 200
"""About what a row takes, to turn a size of blocks into a number of rows."""
_MOST_ROWS: Final = 100_000


def open_parquet(path: Path, *, mapping: Mapping[str, str], block_bytes: int) -> ParquetClicks:
    """A reader for a Parquet file, of the layout that its columns have."""
    try:
        schema = pa.parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"{path} begins like a Parquet file but is not a whole one: {_first(error)}.", remedy="Write it again."
        ) from error
    known = recognise(schema.names, mapping, form="ndjson", where=str(path))
    for column in known.fields:
        kind = schema.field(column).type
        if not _is_flat(kind):
            raise UsageError(
                f"{path}: the column {column!r} has the type {kind}.", remedy="Store it as text, number or timestamp."
            )
    return ParquetClicks(path, known, min(_MOST_ROWS, max(1, block_bytes // _ROW_BYTES)))


def _first(error: BaseException) -> str:
    return str(error).splitlines()[0][:200].rstrip(".") if str(error) else type(error).__name__


@dataclass(frozen=True, slots=True)
class ParquetClicks:
    """A Parquet file."""

    path: Path
    known: Layout
    block_rows: int

    @property
    def layout(self) -> str:
        """What ``layouts.parse_row`` needs to parse a row again."""
        return self.known.text()

    def blocks(self) -> Iterator[Block]:
        """The file's rows, from its beginning."""
        clicks = Clicks(self.known.cleaners)
        row = 1
        try:
            with pa.parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(self.block_rows, columns=list(self.known.fields), use_threads=False):
                    if batch.num_rows:
                        yield self._block(batch, clicks, row)
                        row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise Failure(
                f"{self.path} cannot be read beyond row {row - 1}: {_first(error)}.", remedy="Write the file again."
            ) from error

    def _block(self, batch: Any, clicks: Clicks, row: int) -> Block:
        columns = {f: _as_text(batch.column(c)) for c, f in self.known.fields.items()}
        built, flags = clicks.build(columns)
        last = row + batch.num_rows - 1
        if flags is None:
            return Block(built, last_line=last)
        bad = []
        for i in np.flatnonzero(flags).tolist():
            texts = {name: column[i].as_py() for name, column in columns.items()}
            problem = clicks.problem(texts)
            raw = msgspec.json.encode({c: texts[f] for c, f in self.known.fields.items() if texts[f]})
            bad.append(BadRow(row + i, problem.reason, problem.detail, raw))
        return Block(only_good(built, ~flags), bad, last)


def _is_flat(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_null(kind)
        or kind == pa.binary(16)
    )


def _as_text(column: Any) -> Any:
    """The column as texts, as a CSV file would hold them; null is an empty text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ms", tz=kind.tz), safe=False).cast(pa.int64())
    elif kind == pa.binary(16):
        column = pa.array([None if v is None else v.hex() for v in column.to_pylist()], type=pa.string())
    elif pa.types.is_floating(kind):
        column = column.cast(pa.int64()) if _is_whole(column) else column
    return pc.fill_null(column.cast(pa.string()), "")


def _is_whole(column: Any) -> bool:
    """Whether all numbers of a column have no fraction and fit into 64 bits."""
    try:
        column.cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True
