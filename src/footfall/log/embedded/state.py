"""Turns rows of state in the manifest, and in its segments, back into a group's tables; drops them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from footfall.core.errors import DamagedBatch
from footfall.core.events import Batch
from footfall.log.embedded.frames import batches_of, damaged
from footfall.log.embedded.manifest import FILE, Manifest, Row, Value
from footfall.log.embedded.reading import read_bytes
from footfall.log.embedded.segments import DIRECTORY, DamagedBytes, Range, SegmentReader

STATE: Final = (
    'SELECT t."group", t.partition, t."table", t.number, t.rows, t.crc, t.bytes, s.path, t.position, t.length '
    "FROM state t LEFT JOIN segments s ON s.id = t.segment "
)


def state_of(manifest: Manifest, segments: SegmentReader, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
    """Each table's batches since its last reset, in order."""
    query = f'{STATE} WHERE t."group" = ? AND t.partition = ? ORDER BY t."table", t.number'
    rows = manifest.rows(query, (group, partition))
    while True:
        try:
            return _tables(segments, rows)
        except DamagedBatch:
            before, rows = rows, manifest.rows(query, (group, partition))
            if rows == before:  # and not just dropped by a reset, or merged
                raise


def _tables(segments: SegmentReader, rows: Sequence[Row]) -> dict[str, list[Batch]]:
    tables: dict[str, list[Batch]] = {}
    for row in rows:
        tables.setdefault(row[2], []).extend(batches_of_row(segments, row))
    return tables


def batches_of_row(segments: SegmentReader, row: Row) -> Sequence[Batch]:
    """The batches of one row of ``STATE``. Raises DamagedBatch."""
    try:
        return batches_of(*bytes_of_row(segments, row), row[4])
    except DamagedBytes as error:
        raise _damaged(row, error) from error


def bytes_of_row(segments: SegmentReader, row: Row) -> tuple[pa.Buffer, Range]:
    """The bytes of one row of ``STATE``, not yet checked, and where they are. Raises DamagedBytes."""
    crc, inline, path, position, length = row[5:10]
    if inline is not None:
        return pa.py_buffer(inline), Range(FILE, 0, len(inline), crc)
    where = Range(path, position, length, crc)
    return read_bytes(segments, [where]), where


def drop_state(manifest: Manifest, group: str, partition: int | None = None, table: str | None = None) -> bool:
    """Within a transaction, drop a state table, or all of a group's; whether a segment holds less now."""
    values: tuple[Value, ...]
    if table is None:
        which, values = '"group" = ?', (group,)
    else:
        which, values = '"group" = ? AND partition = ? AND "table" = ?', (group, partition, table)
    held = manifest.rows(
        f"SELECT count(*), segment FROM state WHERE {which} AND segment IS NOT NULL GROUP BY segment",  # noqa: S608
        values,
    )
    manifest.many("UPDATE segments SET named = named - ? WHERE id = ?", held)
    manifest.rows(f"DELETE FROM state WHERE {which}", values)  # noqa: S608
    return bool(held)


def _damaged(row: Row, error: DamagedBytes) -> DamagedBatch:
    group, partition, table, number, _, _, inline, path = row[:8]
    file = FILE if inline is not None else f"{DIRECTORY}/{path}"
    return damaged(f"state {table} of group {group}", partition, number, file, error)
