"""Turns positions and state of groups into one conditional write to Redis: all of it, or nothing and the reason."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Self

import pyarrow as pa

from footfall.core.errors import DamagedBatch, Fenced, Unavailable
from footfall.core.events import Batch
from footfall.core.progress import unheard
from footfall.log.base import Place, Position, StateWrite
from footfall.log.checkpoints.large import PIECE, Large, forget, send
from footfall.log.checkpoints.merging import Merging
from footfall.log.checkpoints.scripts import (
    DELETE,
    EPOCHS,
    GROUPS,
    SAVE,
    field_of,
    partitions_key,
    pieces_key,
    positions_key,
    rows_key,
    tables_key,
)
from footfall.log.checkpoints.tables import Listed, Tables
from footfall.log.codecs.arrow import decode, encode
from footfall.log.packing import is_packed, unpack
from footfall.servers.redis import RedisServer, RedisSettings, Value

_SETTINGS: Final = RedisSettings()
_MERGE_ROWS: Final = 128
_SAVED: Final = -1
_TOO_LATE: Final = -2
_TRIES: Final = 20
"""So often state is read again when it is merged or written anew meanwhile."""


class RedisCheckpoints:
    """See ``log.base.CheckpointStore``. Threads and processes share the database; one ``save`` is one script.

    After Unavailable, a save that Redis had received may still go through later (a frozen server that wakes up does
    what it was sent); then the next one of the same position is Fenced, and nothing is doubled.
    Each operation raises Emptied when the server has lost what it held.
    """

    def __init__(self, server: RedisServer, *, merge_rows: int = _MERGE_ROWS) -> None:
        """Use ``open``."""
        self._server = server
        self._save = server.script(SAVE)
        self._delete = server.script(DELETE)
        self._tables = Tables(server)
        self._merging = Merging(server, self._tables, merge_rows)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        random: Callable[[int], bytes],
        known: str | None = None,
        settings: RedisSettings = _SETTINGS,
        merge_rows: int = _MERGE_ROWS,
        warn: Callable[[str], None] = unheard,
        follow: bool = False,
    ) -> Self:
        """Connect. See ``RedisServer.open``; so many small rows of a state table become one (0 or 1 merges none)."""
        server = RedisServer.open(url, random=random, known=known, settings=settings, warn=warn, follow=follow)
        return cls(server, merge_rows=merge_rows)

    @property
    def generation(self) -> str:
        """What to give as ``known`` at the next start, so that a server emptied in between is noticed."""
        return self._server.generation

    def accept_emptied(self) -> str:
        """Begin a new generation, when all is to be computed again; it. All who have the old one are told."""
        return self._server.accept_emptied()

    def position(self, group: str, stream: str, partition: int) -> Place:
        """See ``CheckpointStore.position``."""
        [found] = self._server.ask(("HGET", positions_key(group), field_of(stream, partition)))
        return Place() if found is None else _place(found)

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """See ``CheckpointStore.state``. Raises DamagedBatch if some of it is no state of ours."""
        for _ in range(_TRIES):
            listed = self._tables.listed(group, partition)
            tables = {one.name: self._batches(group, partition, one) for one in listed}
            if self._tables.unchanged(group, partition, listed):
                return {name: list(batches) for name, batches in tables.items()}
        raise Unavailable(
            f"The state of group {group}, partition {partition}, changes faster than {self._server.place} gives it.",
            remedy="See which other worker writes it.",
        )

    def groups(self) -> Sequence[str]:
        """See ``CheckpointStore.groups``."""
        [found] = self._server.ask(("SMEMBERS", GROUPS))
        return sorted(group.decode() for group in found)

    def save(self, positions: Sequence[Position], state: Sequence[StateWrite]) -> None:
        """See ``CheckpointStore.save``."""
        rows = [self._row(write) for write in state]
        first, *rest = self._save(_keys(positions, state), _arguments(positions, state, rows))
        if first != _SAVED:
            with contextlib.suppress(Unavailable):  # then they go by themselves
                forget(self._server, [row.key for row in rows if isinstance(row, Large)])
        if first == _TOO_LATE:
            raise Unavailable(f"{self._server.place} took too long to take a large state.", remedy="It is tried again.")
        if first != _SAVED:
            raise _fenced(positions[first], _place(rest[0]))
        for write, number, count in zip(state, rest[::2], rest[1::2], strict=True):
            self._merging.after(write.group, write.partition, write.table, number=number, rows=count)

    def delete_group(self, group: str) -> None:
        """See ``CheckpointStore.delete_group``."""
        beginnings = [tables_key(group, ""), rows_key(group, "", "")[:-1], pieces_key(group, "", "")[:-1]]
        self._delete([GROUPS, positions_key(group), partitions_key(group)], [group, *beginnings])

    def close(self) -> None:
        """Release the connections."""
        self._server.close()

    def _row(self, write: StateWrite) -> Large | pa.Buffer:
        data = encode(write.batch)
        return send(self._server, data) if data.size > PIECE else data

    def _batches(self, group: str, partition: int, listed: Listed) -> list[Batch]:
        rows = self._tables.rows(group, partition, listed.name, listed.rows)
        return [batch for number, data in rows for batch in self._unpacked(group, partition, listed.name, number, data)]

    def _unpacked(self, group: str, partition: int, table: str, number: int, data: bytes) -> Iterator[Batch]:
        try:
            if is_packed(data):
                yield from unpack(pa.py_buffer(data))
            else:
                yield decode(data)
        except (ValueError, OSError, pa.ArrowException) as error:
            stream = f"state {table} of group {group}"
            place = f"{rows_key(group, partition, table)} of {self._server.place}"
            raise DamagedBatch(stream=stream, partition=partition, offset=number, file=place, why=str(error)) from error


def _keys(positions: Sequence[Position], state: Sequence[StateWrite]) -> list[str]:
    keys = [GROUPS, EPOCHS, *(positions_key(position.group) for position in positions)]
    for write in state:
        keys += [tables_key(write.group, write.partition), rows_key(write.group, write.partition, write.table)]
        keys += [partitions_key(write.group), pieces_key(write.group, write.partition, write.table)]
    return keys


def _arguments(
    positions: Sequence[Position], state: Sequence[StateWrite], rows: Sequence[Large | pa.Buffer]
) -> list[Value]:
    arguments: list[Value] = [len(positions), len(state)]
    for position in positions:
        arguments += [field_of(position.stream, position.partition), _text(position.expected), _text(position.place)]
        arguments.append(position.group)
    for write, row in zip(state, rows, strict=True):
        arguments += [write.table, int(write.reset), write.group, write.partition]
        arguments += [bytes(row), row.key] if isinstance(row, Large) else [memoryview(row), ""]
    return arguments


def _fenced(position: Position, found: Place) -> Fenced:
    return Fenced(
        f"Group {position.group} stands at {_shown(found)} in {position.stream}-{position.partition}, "
        f"not at {_shown(position.expected)}: another worker has taken over.",
        remedy="Nothing was written. This worker must stop.",
    )


def _shown(place: Place) -> str:
    return f"offset {place.offset} (batch {place.sequence})"


def _text(place: Place) -> str:
    return f"{place.offset} {place.sequence}"


def _place(text: bytes) -> Place:
    offset, sequence = text.split()
    return Place(int(offset), int(sequence))
