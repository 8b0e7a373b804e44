"""Turns batches into the text that COPY takes, and the text that COPY gives into batches: a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from footfall.core.events import Batch
from footfall.sinks.columns import Column, Kind, from_hex, hex_texts
from footfall.sinks.tables import Table

_TYPES: Final = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.BIGINT: "bigint",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.LOCAL_TIME: "timestamp without time zone",
    Kind.TIME: "timestamp with time zone",
    Kind.JSON: "json",
    Kind.UUID: "uuid",
}


def name(text: str) -> str:
    """A name as PostgreSQL knows it when it is written without quotes, so that ``SELECT userId`` works."""
    return '"' + text.lower().replace('"', '""') + '"'


def names(columns: Sequence[str]) -> str:
    """Names, with commas between them."""
    return ", ".join(map(name, columns))


def type_of(column: Column) -> str:
    """The column's type, in PostgreSQL's own words."""
    return _TYPES[column.kind] if column.longest is None else f"character varying({column.longest})"


def loose(column: Column) -> str:
    """The column in a table of rows that are still to be judged.

    A ``varchar`` cuts off spaces beyond its length without a word; and ``json`` takes a NUL that nobody can read.
    """
    rules = [name(column.name), _TYPES[column.kind]]
    if column.required:
        rules.append("NOT NULL")
    if column.longest is not None:
        rules.append(f"CHECK (char_length({name(column.name)}) <= {column.longest})")
    if column.kind is Kind.JSON:
        rules.append(rf"CHECK (position('\u0000' in replace({name(column.name)}::text, '\\', '')) = 0)")
    return " ".join(rules)


def to_csv(table: Table, rows: Batch) -> pa.Buffer:
    """Rows as CSV: an empty field is NULL, and a text is in quotes."""
    columns = [
        hex_texts(values) if column.kind is Kind.UUID else values
        for column, values in zip(table.columns, rows.columns, strict=True)
    ]
    sink = pa.BufferOutputStream()
    csv.write_csv(Batch.from_arrays(columns, names=table.names), sink, csv.WriteOptions(include_header=False))
    return sink.getvalue()


def from_csv(table: Table, text: bytes) -> Batch:
    """The rows of this CSV, in which all but NULL is in quotes."""
    texts = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=table.names, block_size=len(text), use_threads=False),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(table.names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    arrays = [_parsed(column, texts.column(column.name).combine_chunks()) for column in table.columns]
    return Batch.from_arrays(arrays, schema=table.schema)


def _parsed(column: Column, texts: pa.Array) -> pa.Array:
    kind = column.field.type
    match column.kind:
        case Kind.UUID:
            return from_hex(pc.replace_substring(texts, "-", ""))
        case Kind.BOOLEAN:
            return pc.equal(texts, "t")
        case Kind.TIME:
            exact = pc.utf8_slice_codeunits(texts, 0, -3).cast(pa.timestamp("us"))  # without its +00
            return pc.assume_timezone(exact, "UTC").cast(kind, safe=False)
        case _:
            return texts.cast(kind)
