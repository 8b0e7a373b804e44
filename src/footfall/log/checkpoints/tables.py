"""Turns state tables in Redis into lists of their rows, and rows into bytes, a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from footfall.log.checkpoints.large import Large, fetch
from footfall.log.checkpoints.scripts import DIRECTORY, rows_key, tables_key
from footfall.servers.redis import RedisServer

_AT_A_TIME: Final = 4 * 1024 * 1024
"""Bytes that are read in one command (but always one row), so that Redis serves others in between."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a state table, without its bytes."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A state table as it was at one moment."""

    name: str
    epoch: int
    rows: Sequence[Row]
    """By number."""


class Tables:
    """Reads state tables."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._directory = server.script(DIRECTORY)

    def listed(self, group: str, partition: int, table: str = "") -> list[Listed]:
        """All tables of (group, partition), or this one, as of one moment."""
        found = self._directory([tables_key(group, partition)], [rows_key(group, partition, ""), table])
        return [
            Listed(name.decode(), int(epoch), sorted(map(_row, numbers, sizes), key=lambda row: row.number))
            for name, epoch, numbers, sizes in found
        ]

    def unchanged(self, group: str, partition: int, listed: Sequence[Listed]) -> bool:
        """Whether all rows that were listed are still those. Rows may have been added."""
        [found] = self._server.ask(("HGETALL", tables_key(group, partition)))
        epochs = {name.decode(): int(text.split()[1]) for name, text in found.items()}
        return all(epochs.get(one.name) == one.epoch for one in listed)

    def rows(self, group: str, partition: int, table: str, rows: Sequence[Row]) -> Iterator[tuple[int, bytes]]:
        """The bytes of these rows, each with its number, without those that are gone by now."""
        key = rows_key(group, partition, table)
        for some in _portions(rows):
            [found] = self._server.ask(("HMGET", key, *(row.number for row in some)))
            for row, data in zip(some, found, strict=True):
                large = None if data is None else Large.read(data)
                whole = data if large is None else fetch(self._server, large)
                if whole is not None:
                    yield row.number, whole


def _portions(rows: Sequence[Row]) -> Iterator[list[Row]]:
    portion: list[Row] = []
    for row in rows:
        if portion and sum(one.size for one in portion) + row.size > _AT_A_TIME:
            yield portion
            portion = []
        portion.append(row)
    if portion:
        yield portion


def _row(number: bytes, size: int) -> Row:
    return Row(int(number), size)
