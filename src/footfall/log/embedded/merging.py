"""Turns many small rows of a state table into one, so that neither the manifest nor a start grows with each commit.

Rows are numbered 0, 1, 2, … since the last reset. The row that completes a block of N, of N * N, … rows
has the small ones of that block merged: so a table has few rows, and each byte is written anew once a power of N.
A merged row has the number of its last part. It holds the same batches in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from footfall.log.embedded.frames import Frame, merged
from footfall.log.embedded.manifest import Manifest, Row
from footfall.log.embedded.segments import DamagedBytes, SegmentReader, check
from footfall.log.embedded.settings import EmbeddedSettings
from footfall.log.embedded.state import bytes_of_row
from footfall.log.packing import block_of

_MOST: Final = 4 * 1024 * 1024
"""One commit merges at most about so many bytes of a table: the newest ones."""
_BLOCK: Final = (
    'SELECT t."group", t.partition, t."table", t.number, t.rows, t.crc, t.bytes, s.path, t.position, t.length, '
    "t.segment, coalesce(length(t.bytes), t.length) FROM state t LEFT JOIN segments s ON s.id = t.segment "
    'WHERE t."group" = ? AND t.partition = ? AND t."table" = ? AND t.number >= ? ORDER BY t.number DESC'
)


@dataclass(frozen=True, slots=True)
class Merge:
    """Neighbouring rows of a table, and the frame that takes their place."""

    first: int
    last: int
    """The numbers of the first and the last row."""
    segments: Sequence[int]
    """Those in which they lie, each as often as rows lie in it."""
    frame: Frame


class Merging:
    """Decides which rows become one."""

    def __init__(self, manifest: Manifest, segments: SegmentReader, settings: EmbeddedSettings) -> None:
        self._manifest = manifest
        self._segments = segments
        self._rows = settings.merge_rows
        self._small = settings.inline_bytes

    def after(self, group: str, partition: int, table: str, number: int) -> Iterator[Merge]:
        """Within a transaction: what there is to merge once the row with this number was added."""
        block = block_of(number, self._rows)
        if block == 1:
            return
        small = min(self._small * block // self._rows, _MOST)
        found = self._manifest.rows_up_to(_MOST, 11, _BLOCK, (group, partition, table, number + 1 - block))
        for is_small, run in itertools.groupby(reversed(found), key=lambda row: row[11] < small):
            rows = list(run)
            if is_small and len(rows) > 1:
                yield from self._merge(rows)

    def _merge(self, rows: Sequence[Row]) -> Iterator[Merge]:
        """One row of many. If one is damaged, all stay: whoever reads or verifies them is told."""
        try:
            frames = [self._checked(row) for row in rows]
        except DamagedBytes:
            return
        held = [row[10] for row in rows if row[10] is not None]
        yield Merge(rows[0][3], rows[-1][3], held, merged(frames, sum(row[4] for row in rows)))

    def _checked(self, row: Row) -> pa.Buffer:
        data, where = bytes_of_row(self._segments, row)
        check(data, where)
        return data
