"""Turns a table's columns into the fields of a file that hold them: what comes with a message has the message's names.

A column that is declared as METADATA FROM 'timestamp' is read from the field of its own name, as any other, or where
there is none from ``timestamp``: so a stream's events may be put into a file as they are.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.sql.plan import Table


def fields_of_file(path: Path, table: Table) -> dict[str, str]:
    """For each column of the table, the field of the file."""
    found = {column.name: column.name for column in table.columns}
    there = _names(path) if table.metadata else frozenset()
    for column, what in table.metadata.items():
        if column not in there and what in there and what not in found:
            found[column] = what
    return found


def _names(path: Path) -> frozenset[str]:
    """The fields of a file, as its beginning shows them; none where that cannot be read."""
    try:
        if path.suffix == ".parquet":
            return frozenset(pq.read_schema(path).names)
        with path.open("rb") as file:
            line = file.readline().decode("utf-8-sig")
        if path.suffix == ".csv":
            return frozenset(next(csv.reader([line]), []))
        first = json.loads(line)
    except (OSError, ValueError, pa.ArrowException, csv.Error):
        return frozenset()  # whoever reads the file says what is wrong with it
    return frozenset(first) if isinstance(first, dict) else frozenset()
