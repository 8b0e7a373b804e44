"""Turns files (NDJSON, CSV, Parquet) into batches of a table's columns, and names each line that is none.

A block of lines is read by columns; if that fails, line by line, so that one wrong line costs no other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.sql.csv_lines import read_csv
from footfall.sql.file_columns import LINES, TIMES, Columns, batch_of, schema_of, times_of
from footfall.sql.json_lines import read_blocks, read_line
from footfall.sql.types import SqlType
from footfall.sql.values import UnfitError, value_of

_BYTES: Final = 16 << 20
_LENIENT: Final = re.compile(rb",\s*[}\]]|nan|inf", re.IGNORECASE)
"""What DuckDB reads in JSON although it is none."""
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
    lines = _Lines(path)
    with path.open("rb") as file:
        for begin, end, rows in read_blocks(file, columns):
            if rows is not None:
                yield rows
                continue
            text = os.pread(file.fileno(), end - begin, begin)
            yield _by_lines(text.split(b"\n"), columns, partial(_reject, rejected, path, lines.number(begin)))


class _Lines:
    """Which line of a file begins where. They are counted only where one is to be named: that takes a while."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counted = (0, 1)

    def number(self, begin: int) -> int:
        """Of the line that begins here, from 1. The next one asked for lies behind it."""
        at, number = self._counted
        with self._path.open("rb") as file:
            file.seek(at)
            while at < begin and (text := file.read(min(begin - at, _BYTES))):
                number += text.count(b"\n")
                at += len(text)
        self._counted = at, number
        return number


def _by_lines(lines: Sequence[bytes], columns: Columns, reject: Callable[[int, str], None]) -> Batch:
    """The rows of those lines that are good."""
    found: list[list[Any]] = []
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            found.append(_values(line, columns))
        except (ValueError, RecursionError) as error:
            reject(at, str(error) or type(error).__name__)
    return batch_of(found, columns)


def _values(line: bytes, columns: Columns) -> list[Any]:
    """A value a column. Raises ValueError.

    What passes in a block of good lines passes here, too: whether a line is good does not depend on those beside it.
    """
    try:
        row = msgspec.json.decode(line)
    except msgspec.DecodeError:
        if _LENIENT.search(line) and (read := read_line(line, columns)) is not None:
            return list(read.to_pylist()[0].values())
        raise
    if not isinstance(row, dict):
        raise UnfitError("not a JSON object")
    return [value_of(row.get(name), kind, name) for name, kind in columns.items()]


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
