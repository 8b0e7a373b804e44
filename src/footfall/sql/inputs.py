"""Turns files (NDJSON, CSV, Parquet) into batches of a table's columns, and names each line that is none.

A block of lines is read by columns; if that fails, line by line, so that one wrong line costs no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.json as pajson
import pyarrow.parquet as pq

from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.sql.csv_lines import read_csv
from footfall.sql.file_columns import (
    BLOCK,
    LINES,
    NESTED,
    TIMES,
    WRONG,
    Columns,
    batch_of,
    column_of,
    schema_of,
    times_of,
)
from footfall.sql.types import Family, SqlType
from footfall.sql.values import UnfitError, value_of

_BYTES: Final = 24 << 20
"""Of lines that are read at a time."""
_SAMPLES: Final = 20
Rejected = Callable[["BadLine"], None]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no row of its table."""

    file: Path
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.why}"


def read_file(
    path: Path, columns: Columns, rejected: Rejected, *, order: Sequence[str] | None = None
) -> Iterator[Batch]:
    """The file's rows, in order, a block at a time.

    A CSV without a header has the columns ``order``. Raises UsageError when there is no such file, or of another kind.
    """
    readers = {".ndjson": _ndjson, ".jsonl": _ndjson, ".json": _ndjson, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix)
    if reader is None:
        raise UsageError(f"{path}: files of this kind are not read.", remedy=f"One of {', '.join(readers)}.")
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", remedy="Check the path.")
    return reader(path, columns, rejected, order or list(columns))


def _reject(rejected: Rejected, path: Path, first: int, at: int, why: str) -> None:
    rejected(BadLine(path, first + at, why))


# -- NDJSON -----------------------------------------------------------------------------------------------


def _ndjson(
    path: Path,
    columns: Columns,
    rejected: Rejected,
    order: Sequence[str],  # noqa: ARG001 - fields have names
) -> Iterator[Batch]:
    with path.open("rb") as file:
        begin = 0
        while text := _whole_lines(file):
            batch = _by_columns(text, columns)
            if batch is None:
                first = 1 + _lines_before(path, begin)
                batch = _by_lines(text.split(b"\n"), columns, partial(_reject, rejected, path, first))
            yield batch
            begin += len(text)


def _lines_before(path: Path, offset: int) -> int:
    """Counted only where a line is to be named: it takes as long as a good part of the reading."""
    lines = 0
    with path.open("rb") as file:
        while offset > 0 and (text := file.read(min(offset, _BYTES))):
            lines += text.count(b"\n")
            offset -= len(text)
    return lines


def _whole_lines(file: BinaryIO) -> bytes:
    text = file.read(_BYTES)
    return text + file.readline() if text else text


def _by_columns(text: bytes, columns: Columns) -> Batch | None:
    """The rows, or None where a line needs a closer look."""
    if any(kind.family in NESTED for kind in columns.values()):
        return None
    first = text.split(b"\n", _SAMPLES)[:_SAMPLES]
    schema = pa.schema([(name, _read_as(kind, _sample(first, name))) for name, kind in columns.items()])
    options = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore", newlines_in_values=False)
    block = pajson.ReadOptions(block_size=BLOCK)
    try:
        table = pajson.read_json(pa.BufferReader(text), read_options=block, parse_options=options)
        arrays = [column_of(table.column(name).combine_chunks(), kind) for name, kind in columns.items()]
    except WRONG:
        return None
    if any(array.null_count and not kind.nullable for array, kind in zip(arrays, columns.values(), strict=True)):
        return None
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))


def _sample(lines: Sequence[bytes], name: str) -> Any:
    """The first value of a field that is there: whether its times are texts or numbers."""
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            return None
        if isinstance(row, dict) and row.get(name) is not None:
            return row[name]
    return None


def _read_as(kind: SqlType, sample: Any) -> pa.DataType:
    if kind.family in TIMES:
        return pa.int64() if isinstance(sample, int) else pa.string()
    if kind.family is Family.DATE:
        return pa.string()
    return kind.arrow


def _by_lines(lines: Sequence[bytes], columns: Columns, reject: Callable[[int, str], None]) -> Batch:
    """The rows of those lines that are good."""
    found: list[list[Any]] = []
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
            if not isinstance(row, dict):
                raise UnfitError("not a JSON object")
            found.append([value_of(row.get(name), kind, name) for name, kind in columns.items()])
        except (msgspec.DecodeError, UnicodeDecodeError, UnfitError, RecursionError) as error:
            reject(at, str(error) or type(error).__name__)
    return batch_of(found, columns)


def _csv(path: Path, columns: Columns, rejected: Rejected, order: Sequence[str]) -> Iterator[Batch]:
    return read_csv(path, columns, lambda line, why: rejected(BadLine(path, line, why)), order)


# -- Parquet ----------------------------------------------------------------------------------------------


def _parquet(
    path: Path,
    columns: Columns,
    rejected: Rejected,  # noqa: ARG001 - a file is whole
    order: Sequence[str],  # noqa: ARG001 - columns have names
) -> Iterator[Batch]:
    try:
        with pq.ParquetFile(path) as file:
            there = set(file.schema_arrow.names)
            wanted = [name for name in columns if name in there]
            for batch in file.iter_batches(LINES, columns=wanted):
                arrays = [
                    _from_parquet(batch.column(name), kind) if name in there else pa.nulls(len(batch), kind.arrow)
                    for name, kind in columns.items()
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} does not hold the table's columns: {error}.", remedy="See their types.") from error


def _from_parquet(array: pa.Array, kind: SqlType) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if kind.family in TIMES and (pa.types.is_integer(array.type) or pa.types.is_string(array.type)):
        return times_of(array, kind.arrow)
    if pa.types.is_timestamp(array.type) and pa.types.is_timestamp(kind.arrow):
        in_unit = array.cast(pa.timestamp(kind.arrow.unit, tz=array.type.tz))
        return in_unit.cast(pa.int64()).cast(kind.arrow)
    return array if array.type == kind.arrow else array.cast(kind.arrow)
