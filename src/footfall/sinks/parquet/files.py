"""Turns events into Parquet files that are whole and synced before anybody can find them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.events import Batch
from footfall.sinks.parquet.manifest import Held, staged_path

GROUP: Final = 65_536
"""Rows a row group: what a writer holds in memory."""
_TEMPORARY: Final = ".tmp"


def name_of(partition: int, first: int, end: int) -> str:
    """A file's name. Offsets are padded, so that the order of the names is that of the events."""
    return f"part-{partition:05}-{first:012}-{end:012}.parquet"


def stage(folder: Path, held: Held, tables: Iterable[pa.Table]) -> None:
    """Write the tables, which have one schema, as one file under its name before it is published.

    It is written under another name, synced and renamed. The folder is not synced.
    """
    path = staged_path(folder, held)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(path.name + _TEMPORARY)
    with temporary.open("wb") as file:
        writer = None
        for table in tables:
            writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd", compression_level=1)
            writer.write_table(table, row_group_size=GROUP)
        if writer is not None:
            writer.close()
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o444)
    temporary.rename(path)


def read_groups(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """The rows of several files in one schema, some at a time; one file is open at any moment."""
    schema = pa.unify_schemas([pq.read_schema(path) for path in paths], promote_options="permissive")
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(GROUP):
                yield _joined([schema.empty_table(), pa.Table.from_batches([batch])])


def table_of(batches: Sequence[Batch]) -> pa.Table:
    """Batches as one table, with all columns that any of them has."""
    return _joined([pa.Table.from_batches([batch]) for batch in batches])


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
