"""Turns lines of CSV into batches of a table's columns: a block by columns, or line by line where one is wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from footfall.core.events import Batch
from footfall.sql.file_columns import BLOCK, LINES, NESTED, TIMES, WRONG, Columns, batch_of, column_of, schema_of
from footfall.sql.types import Family, SqlType
from footfall.sql.values import UnfitError, value_of


def read_csv(path: Path, columns: Columns, reject: Callable[[int, str], None], order: Sequence[str]) -> Iterator[Batch]:
    """The rows of a file, with or without a header; without one, its columns are ``order``. An empty field is NULL.

    ``reject`` is told the number of a line that is no row, and what is wrong with it.
    """
    with path.open("rb") as file:
        number, names = 1, list(order)
        first = file.readline()
        header = next(csv.reader([first.decode("utf-8-sig", "replace")]), [])
        if header and set(header) & set(order):
            names, number = header, 2
        else:
            file.seek(0)
        while lines := list(islice(file, LINES)):
            batch = _csv_by_columns(lines, names, columns)
            if batch is None:
                batch = _csv_by_lines(lines, names, columns, partial(_from, number, reject))
            yield batch
            number += len(lines)


def _from(first: int, reject: Callable[[int, str], None], at: int, why: str) -> None:
    reject(first + at, why)


def _csv_by_columns(lines: Sequence[bytes], names: Sequence[str], columns: Columns) -> Batch | None:
    if any(kind.family in NESTED for kind in columns.values()):
        return None
    types = {name: pa.string() if columns[name].family in TIMES else columns[name].arrow for name in columns}
    options = pacsv.ConvertOptions(
        column_types=types,
        include_columns=list(columns),
        include_missing_columns=True,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    block = pacsv.ReadOptions(column_names=list(names), block_size=max(BLOCK, *map(len, lines)))
    try:
        table = pacsv.read_csv(io.BytesIO(b"".join(lines)), read_options=block, convert_options=options)
        if table.num_rows != len(lines):
            return None
        arrays = [column_of(table.column(name).combine_chunks(), kind) for name, kind in columns.items()]
    except WRONG:
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
    return batch_of(found, columns)


def _from_text(text: str | None, kind: SqlType, name: str) -> Any:
    if text is not None and kind.family in {Family.ARRAY, Family.MAP, Family.ROW}:
        try:
            return value_of(json.loads(text), kind, name)
        except json.JSONDecodeError as error:
            raise UnfitError(f"{name}: no JSON ({error})") from error
    if text is not None and kind.family in TIMES and text.lstrip("-").isdecimal():
        return value_of(int(text), kind, name)
    return value_of(text, kind, name)
