"""Turns rows of state in the manifest, and in its segments, back into a group's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from footfall.core.events import Batch
from footfall.log.embedded.frames import batch_of, damaged
from footfall.log.embedded.manifest import FILE, Manifest, Row
from footfall.log.embedded.reading import read_bytes
from footfall.log.embedded.segments import DIRECTORY, DamagedBytes, Range, SegmentReader

STATE: Final = (
    'SELECT t."group", t.partition, t."table", t.number, t.rows, t.crc, t.bytes, s.path, t.position, t.length '
    "FROM state t LEFT JOIN segments s ON s.id = t.segment "
)


def state_of(manifest: Manifest, segments: SegmentReader, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
    """Each table's batches since its last reset, in order."""
    tables: dict[str, list[Batch]] = {}
    for row in manifest.rows(
        f'{STATE} WHERE t."group" = ? AND t.partition = ? ORDER BY t."table", t.number', (group, partition)
    ):
        tables.setdefault(row[2], []).append(batch_of_row(segments, row))
    return tables


def batch_of_row(segments: SegmentReader, row: Row) -> Batch:
    """The batch of one row of ``STATE``. Raises DamagedBatch."""
    group, partition, table, number, rows, crc, inline, path, position, length = row
    try:
        if inline is None:
            where = Range(path, position, length, crc)
            data = read_bytes(segments, [where])
        else:
            where = Range(FILE, 0, len(inline), crc)
            data = pa.py_buffer(inline)
        return batch_of(data, where, rows)
    except DamagedBytes as error:
        file = FILE if inline is not None else f"{DIRECTORY}/{path}"
        raise damaged(f"state {table} of group {group}", partition, number, file, error) from error
