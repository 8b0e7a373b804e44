"""Turns batches of clicks into a file: the template's TSV, our own layout, or that of other shops.

Lines are joined a column at a time; each distinct text is escaped once a batch. The file gets its name
when it is complete.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyarrow as pa

from footfall.core.errors import Failure, FootfallError, UsageError
from footfall.core.events import Batch
from footfall.sources.lookups import ProductRow
from footfall.sources.written_rows import FIELDS, CommerceRows, JsonRows, OwnRows, Rows, TemplateRows, hex_ids


class FileLayout(StrEnum):
    """What a row of the file looks like."""

    TEMPLATE = "template"
    """The template's columns, with a few that nobody reads; separated by tabs, without quotes."""
    FOOTFALL = "footfall"
    """Our own columns, named as the fields of a click."""
    COMMERCE = "commerce"
    """``event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session``."""


def write_clicks(
    path: Path, batches: Iterable[Batch], *, layout: str | None = None, products: Sequence[ProductRow] = ()
) -> int:
    """Write batches of CLICK_SCHEMA to a new file and return the number of rows.

    The name's extension says how: .tsv, .csv, .ndjson (or .jsonl), .parquet; .gz after the first three.
    Without ``layout``, a .tsv file has the template's and all others our own. ``products`` fill category
    and price of the commerce layout. A file of this name is replaced once the new one is complete.
    """
    kind, packed = _kind(path)
    chosen = _layout(layout, kind)
    with _replacing(path) as partial:
        if kind == "parquet":
            return _write_parquet(partial, batches, _PARQUET)
        rows = _rows(chosen, kind, products)
        with _opened(partial, packed=packed) as file:
            return _write_lines(file, rows, batches)


def write_events(path: Path, batches: Iterable[Batch], *, schema: pa.Schema) -> int:
    """Write batches of any flat schema with an ``event_id`` to a new file and return the number of rows.

    Names, and files that are there, as in ``write_clicks``. Times are epoch milliseconds, ids are hex digits.
    """
    kind, packed = _kind(path)
    fields = [*(name for name in schema.names if name != "event_id"), "event_id"]
    with _replacing(path) as partial:
        if kind == "parquet":
            kinds = {pa.timestamp("ms", tz="UTC"): pa.int64(), pa.binary(16): pa.string()}
            shown = [(name, kinds.get(schema.field(name).type, schema.field(name).type)) for name in fields]
            return _write_parquet(partial, batches, pa.schema(shown))
        rows = JsonRows(fields) if kind == "ndjson" else OwnRows("\t" if kind == "tsv" else ",", fields)
        with _opened(partial, packed=packed) as file:
            return _write_lines(file, rows, batches)


def _kind(path: Path) -> tuple[str, bool]:
    name = path.name.lower()
    packed = name.endswith(".gz")
    extension = Path(name.removesuffix(".gz")).suffix
    kind = {".tsv": "tsv", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}.get(extension)
    if kind is None or (packed and kind == "parquet"):
        raise UsageError(
            f"Cannot tell from its name what kind of file {path} should be.",
            remedy="End it in .tsv, .csv, .ndjson or .parquet (the first three also with .gz).",
        )
    return kind, packed


def _layout(layout: str | None, kind: str) -> FileLayout:
    if layout is None:
        return FileLayout.TEMPLATE if kind == "tsv" else FileLayout.FOOTFALL
    if layout not in list(FileLayout):
        raise UsageError(f"There is no layout {layout}.", remedy=f"Layouts are {', '.join(FileLayout)}.")
    chosen = FileLayout(layout)
    fits = {FileLayout.TEMPLATE: ("tsv",), FileLayout.COMMERCE: ("csv", "tsv")}.get(chosen, (kind,))
    if kind not in fits:
        raise UsageError(f"The layout {chosen} cannot be written as {kind}.", remedy=f"Use {' or '.join(fits)}.")
    return chosen


def _rows(layout: FileLayout, kind: str, products: Sequence[ProductRow]) -> Rows:
    if layout is FileLayout.TEMPLATE:
        return TemplateRows()
    if kind == "ndjson":
        return JsonRows()
    separator = "\t" if kind == "tsv" else ","
    return CommerceRows(separator, products) if layout is FileLayout.COMMERCE else OwnRows(separator)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", remedy="Name a file in it.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, *, packed: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as plain:
        if not packed:
            yield plain
            return
        # Without a name and a time in it, the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0, compresslevel=3) as file:
            yield cast("BinaryIO", file)


def _write_lines(file: BinaryIO, rows: Rows, batches: Iterable[Batch]) -> int:
    file.write(rows.header())
    written = 0
    for batch in batches:
        if batch.num_rows:
            file.write(memoryview(rows.lines(batch)))
            written += batch.num_rows
    return written


def _write_parquet(path: Path, batches: Iterable[Batch], schema: pa.Schema) -> int:
    import pyarrow.parquet as pq  # takes long to import, and few need it

    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            columns = [_parquet_column(batch, name) for name in schema.names]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            written += batch.num_rows
    return written


def _parquet_column(batch: Batch, name: str) -> pa.Array:
    if name == "event_id":
        return hex_ids(batch.column(name))
    column = batch.column(name)
    return column.cast(pa.int64()) if name == "timestamp" else column


def _cannot_write(path: Path, error: OSError) -> FootfallError:
    why = error.strerror or str(error)
    if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError | IsADirectoryError):
        return UsageError(f"Cannot write {path}: {why}.", remedy="Choose a directory that exists and is yours.")
    return Failure(f"Could not write {path}: {why}.", remedy="Make room or choose another place; nothing was kept.")


_PARQUET: Final = pa.schema(
    [
        (name, pa.dictionary(pa.int32(), pa.string()))
        if name in ("userId", "productId", "event_type", "ip", "userAgent", "gender")
        else (name, {"event_id": pa.string(), "age": pa.int16()}.get(name, pa.int64()))
        for name in FIELDS
    ]
)
