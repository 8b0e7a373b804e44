"""Turns files (NDJSON, CSV, Parquet) into batches of a table's columns, and names each line that is none.

A block of lines is read by columns; if that fails, line by line, so that one wrong line costs no other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.sql.types import Family, SqlType
from footfall.sql.values import UnfitError, value_of

_LINES: Final = 100_000
"""That are read at a time."""
_BYTES: Final = 24 << 20
_SAMPLES: Final = 20
_BLOCK: Final = 1 << 20
"""Bytes that one processor takes at a time."""
_TIMES: Final = {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}
_NESTED: Final = {Family.ARRAY, Family.MAP, Family.ROW, Family.BYTES, Family.DECIMAL, Family.TIME}
"""Read value by value: the quick reader has other ideas of them."""
_WRONG: Final = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)

Columns = Mapping[str, SqlType]
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


def schema_of(columns: Columns) -> pa.Schema:
    """What batches of these columns look like."""
    return pa.schema([pa.field(name, kind.arrow, kind.nullable) for name, kind in columns.items()])


# -- NDJSON -----------------------------------------------------------------------------------------------


def _ndjson(
    path: Path,
    columns: Columns,
    rejected: Rejected,
    order: Sequence[str],  # noqa: ARG001 - fields have names
) -> Iterator[Batch]:
    with path.open("rb") as file:
        number = 1
        while text := _whole_lines(file):
            batch = _by_columns(text, columns)
            if batch is None:
                batch = _by_lines(text.split(b"\n"), columns, partial(_reject, rejected, path, number))
            yield batch
            number += text.count(b"\n")


def _whole_lines(file: BinaryIO) -> bytes:
    text = file.read(_BYTES)
    return text + file.readline() if text else text


def _by_columns(text: bytes, columns: Columns) -> Batch | None:
    """The rows, or None where a line needs a closer look."""
    if any(kind.family in _NESTED for kind in columns.values()):
        return None
    first = text.split(b"\n", _SAMPLES)[:_SAMPLES]
    schema = pa.schema([(name, _read_as(kind, _sample(first, name))) for name, kind in columns.items()])
    options = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore", newlines_in_values=False)
    block = pajson.ReadOptions(block_size=_BLOCK)
    try:
        table = pajson.read_json(pa.BufferReader(text), read_options=block, parse_options=options)
        if table.num_rows != text.count(b"\n") + (not text.endswith(b"\n")):  # an empty line is no row
            return None
        arrays = [_column(table.column(name).combine_chunks(), kind) for name, kind in columns.items()]
    except _WRONG:
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
    if kind.family in _TIMES:
        return pa.int64() if isinstance(sample, int) else pa.string()
    if kind.family is Family.DATE:
        return pa.string()
    return kind.arrow


def _column(array: pa.Array, kind: SqlType) -> pa.Array:
    """What was read as the column's type."""
    if kind.family in _TIMES:
        return _times(array, kind.arrow)
    return array if array.type == kind.arrow else array.cast(kind.arrow)


def _times(array: pa.Array, kind: pa.TimestampType) -> pa.Array:
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
    return _batch(found, columns)


def _batch(rows: Sequence[Sequence[Any]], columns: Columns) -> Batch:
    schema = schema_of(columns)
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(list(column), type=field.type) for column, field in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# -- CSV --------------------------------------------------------------------------------------------------


def _csv(path: Path, columns: Columns, rejected: Rejected, order: Sequence[str]) -> Iterator[Batch]:
    """With or without a header; without one, columns stand in the order of the table's. An empty field is NULL."""
    with path.open("rb") as file:
        number, names = 1, list(order)
        first = file.readline()
        header = next(csv.reader([first.decode("utf-8-sig", "replace")]), [])
        if header and set(header) & set(order):
            names, number = header, 2
        else:
            file.seek(0)
        while lines := list(islice(file, _LINES)):
            batch = _csv_by_columns(lines, names, columns)
            if batch is None:
                batch = _csv_by_lines(lines, names, columns, partial(_reject, rejected, path, number))
            yield batch
            number += len(lines)


def _csv_by_columns(lines: Sequence[bytes], names: Sequence[str], columns: Columns) -> Batch | None:
    if any(kind.family in _NESTED for kind in columns.values()):
        return None
    types = {name: pa.string() if columns[name].family in _TIMES else columns[name].arrow for name in columns}
    options = pacsv.ConvertOptions(
        column_types=types,
        include_columns=list(columns),
        include_missing_columns=True,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    block = pacsv.ReadOptions(column_names=list(names), block_size=max(_BLOCK, *map(len, lines)))
    try:
        table = pacsv.read_csv(io.BytesIO(b"".join(lines)), read_options=block, convert_options=options)
        if table.num_rows != len(lines):
            return None
        arrays = [_column(table.column(name).combine_chunks(), kind) for name, kind in columns.items()]
    except _WRONG:
        return None
    if any(array.null_count and not kind.nullable for array, kind in zip(arrays, columns.values(), strict=True)):
        return None
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))


def _csv_by_lines(
    lines: Sequence[bytes], names: Sequence[str], columns: Columns, reject: Callable[[int, str], None]
) -> Batch:
    found: list[list[Any]] = []
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            fields = next(csv.reader([line.decode()], strict=True))
            if len(fields) != len(names):
                raise UnfitError(f"{len(fields)} fields instead of {len(names)}")
            row = {name: text if text != "" else None for name, text in zip(names, fields, strict=True)}
            found.append([_from_text(row.get(name), kind, name) for name, kind in columns.items()])
        except (csv.Error, UnicodeDecodeError, UnfitError) as error:
            reject(at, str(error))
    return _batch(found, columns)


def _from_text(text: str | None, kind: SqlType, name: str) -> Any:
    if text is not None and kind.family in {Family.ARRAY, Family.MAP, Family.ROW}:
        try:
            return value_of(json.loads(text), kind, name)
        except json.JSONDecodeError as error:
            raise UnfitError(f"{name}: no JSON ({error})") from error
    if text is not None and kind.family in _TIMES and text.lstrip("-").isdecimal():
        return value_of(int(text), kind, name)
    return value_of(text, kind, name)


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
            for batch in file.iter_batches(_LINES, columns=wanted):
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
    if kind.family in _TIMES and (pa.types.is_integer(array.type) or pa.types.is_string(array.type)):
        return _times(array, kind.arrow)
    if pa.types.is_timestamp(array.type) and pa.types.is_timestamp(kind.arrow):
        in_unit = array.cast(pa.timestamp(kind.arrow.unit, tz=array.type.tz))
        return in_unit.cast(pa.int64()).cast(kind.arrow)
    return array if array.type == kind.arrow else array.cast(kind.arrow)
