"""Turns streams, views, look-up data and sinks' rows into named tables: each some Parquet files, made on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.events import EVENT_ID, SESSIONS, Batch
from footfall.sinks.base import Source, Warehouse
from footfall.sinks.tables import CLICKSTREAM_DATA, TableSink
from footfall.sinks.tables import Table as Sunk
from footfall.stores.base import ServingStore
from footfall.stores.views import VIEWS

Notice = Callable[[str], None]
"""Called with what a person should know, and that is no error."""

_RENAMED: Final = {SESSIONS: "sessions_last_8_hours"}
"""Views whose name a stream's table has already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that a query may name."""

    name: str
    schema: pa.Schema
    files: Callable[[Path, Notice], Sequence[Path]]
    """Makes the Parquet files, in the given folder or where they belong, and returns them."""
    reading: Callable[[], AbstractContextManager[None]] = field(default=nullcontext)
    """Keeps the files in place while a query runs."""

    @property
    def hexed(self) -> list[str]:
        """The columns that are shown as hexadecimal text."""
        return [column.name for column in self.schema if column.type == EVENT_ID]


def view_table(store: ServingStore, name: str) -> Table:
    """A live view."""
    schema = VIEWS[name].rows

    def files(folder: Path, _notice: Notice) -> Sequence[Path]:
        return [_written(folder, name, [_from_rows(store.view(name), schema)], schema)]

    return Table(name=_RENAMED.get(name, name), schema=schema, files=files)


def stream_table(warehouse: Warehouse, source: Source) -> Table:
    """A stream, converted to Parquet as far as it goes now."""

    def files(_folder: Path, notice: Notice) -> Sequence[Path]:
        for gap in warehouse.refresh(source).gaps:
            notice(f"{source.name}: {gap}.")
        return [part.path for part in warehouse.parts(source.name)]

    return Table(
        name=source.name.replace("-", "_"),
        schema=source.schema,
        files=files,
        reading=lambda: warehouse.reading([source.name]),
    )


def sunk_table(tables: TableSink, sunk: Sunk) -> Table:
    """A table that a sink fills, as it is now."""
    return Table(
        name=sunk.name,
        schema=sunk.schema,
        files=lambda folder, _notice: [_written(folder, sunk.name, tables.read(sunk), sunk.schema)],
    )


def lookup_tables(store: ServingStore) -> list[Table]:
    """The products and the visitors."""
    text = pa.string()
    products = pa.schema(
        {"id": text, "category": text, "title": text, "price": pa.float64(), "description": text, "image": text}
    )
    visitors = pa.schema({"userId": text, "gender": text, "birthday": text})

    def of(name: str, schema: pa.Schema, batches: Callable[[], Iterable[Batch]]) -> Table:
        return Table(
            name=name, schema=schema, files=lambda folder, _notice: [_written(folder, name, batches(), schema)]
        )

    return [of("products", products, store.all_products), of("visitors", visitors, store.all_visitors)]


def all_tables(
    store: ServingStore, warehouse: Warehouse, sources: Iterable[Source], tables: TableSink | None = None
) -> Mapping[str, Table]:
    """Everything that a query may name, by name. A stream goes before a view of the same name.

    Of the sinks' tables only the cart's: the others have the rows and columns of their streams.
    """
    found = [
        *lookup_tables(store),
        *(view_table(store, name) for name in VIEWS),
        *(stream_table(warehouse, source) for source in sources),
        *([sunk_table(tables, CLICKSTREAM_DATA)] if tables is not None else []),
    ]
    return {table.name: table for table in found}


def empty(folder: Path, table: Table) -> Path:
    """A file with the table's columns and no rows."""
    return _written(folder, f"{table.name}-empty", [], table.schema)


def _written(folder: Path, name: str, batches: Iterable[Batch], schema: pa.Schema) -> Path:
    path = folder / f"{name}.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def _from_rows(rows: Sequence[Mapping[str, object]], schema: pa.Schema) -> Batch:
    columns = [pa.array([_typed(row.get(f.name), f.type) for row in rows], type=f.type) for f in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _typed(value: object, kind: pa.DataType) -> object:
    if isinstance(value, str) and pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and pa.types.is_date(kind):
        return date.fromisoformat(value)
    return value
