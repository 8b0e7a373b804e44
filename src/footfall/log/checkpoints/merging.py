"""Turns many small rows of a state table in Redis into few, so that neither Redis nor a start grows with each save.

The row that completes a block of N, of N * N, … rows has the small ones of that block merged, as in the embedded log.
The merged bytes are made here and put in their place by a script, unless the table was changed otherwise meanwhile:
then nothing happens, and a later block takes these rows along.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from footfall.core.errors import Emptied, Unavailable
from footfall.log.checkpoints.large import PIECE
from footfall.log.checkpoints.scripts import EPOCHS, MERGE, rows_key, tables_key
from footfall.log.checkpoints.tables import Listed, Row, Tables
from footfall.log.packing import block_of, pack
from footfall.servers.redis import RedisServer

_MOST: Final = 2 * 1024 * 1024
"""One save merges at most about so many bytes of a table: the newest ones."""
_SMALL: Final = 16 * 1024
"""A row of fewer bytes is merged with its neighbours; merged rows may be as much larger as they hold more.

What is kept in pieces is larger than that, and never merged."""
_TOO_MANY: Final = 3
"""A table with so many times N rows has missed a merge: the next one looks further back."""


class Merging:
    """Decides which rows become one, and has them replaced."""

    def __init__(self, server: RedisServer, tables: Tables, rows: int) -> None:
        self._tables = tables
        self._merge = server.script(MERGE)
        self._rows = rows

    def after(self, group: str, partition: int, table: str, *, number: int, rows: int) -> None:
        """Merge what there is to merge once the row with this number was saved. A failure leaves all as it is."""
        block = block_of(number, self._rows)
        if block > 1 and rows > _TOO_MANY * self._rows:
            block = max(block, self._rows**2)
        if block > 1:
            with contextlib.suppress(Unavailable, Emptied):  # what was saved, was saved; the next save will say it
                self._merge_block(group, partition, table, first=number + 1 - block, block=block)

    def _merge_block(self, group: str, partition: int, table: str, *, first: int, block: int) -> None:
        small = min(_SMALL * block // self._rows, PIECE)
        for listed in self._tables.listed(group, partition, table):
            epoch = listed.epoch
            for run in _runs(listed, first, small):
                epoch = self._replace(group, partition, table, run, epoch)
                if not epoch:
                    return

    def _replace(self, group: str, partition: int, table: str, run: Sequence[Row], epoch: int) -> int:
        """The new epoch, or 0 if the rows were changed meanwhile."""
        data = [data for _, data in self._tables.rows(group, partition, table, run)]
        if len(data) != len(run):
            return 0
        numbers = [row.number for row in run]
        keys = [tables_key(group, partition), rows_key(group, partition, table), EPOCHS]
        return int(self._merge(keys, [table, epoch, pack(data), numbers[-1], *numbers[:-1]]))


def _runs(listed: Listed, first: int, small: int) -> Iterator[Sequence[Row]]:
    """Neighbouring small rows, from this number on; of the newest few megabytes."""
    newest: list[Row] = []
    left = _MOST
    for row in reversed(listed.rows):
        if row.number < first or left <= 0:
            break
        newest.append(row)
        left -= row.size
    for is_small, run in itertools.groupby(reversed(newest), key=lambda row: row.size < small):
        rows = list(run)
        if is_small and len(rows) > 1:
            yield rows
