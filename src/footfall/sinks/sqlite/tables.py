"""Turns batches of rows, and how far they bring their stream, into transactions of one SQLite file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import apsw
import pyarrow as pa

from footfall.core.errors import Fenced, UsageError
from footfall.core.events import Batch
from footfall.sinks.columns import Column, Kind, from_hex, hex_texts
from footfall.sinks.sqlite.opening import definition, open_file, our_errors, transaction
from footfall.sinks.tables import Bookmark, Move, RowsRefused, Table, offenders

_REFUSALS: Final = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError)
"""What SQLite says of a row, and will say again."""
_AT_A_TIME: Final = 10_000
"""Rows a batch when a table is read."""
_WHERE: Final = 'WHERE "group" = ? AND stream = ? AND partition = ?'

_NUMBERS: Final = (Kind.INTEGER, Kind.BIGINT, Kind.BOOLEAN)
"""What SQLite keeps as numbers; the rest is text."""

_Row = tuple[str | int | None, ...]


class SqliteTables:
    """Tables in one file, which is made with the first one.

    Several processes may work with it, each one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: apsw.Connection | None = None

    def prepare(self, table: Table) -> None:
        """Make the table if it is not there."""
        db = self._connection()
        with our_errors(self.path), transaction(db):
            db.execute(definition(table.name))
        if (found := self._columns(table)) != table.names:
            raise UsageError(
                f"{self.path} has a table {table.name} with other columns: {', '.join(found)}.",
                remedy="Rename that table, or move the file away: a new one is filled from what the log still keeps.",
            )

    def place(self, group: str, stream: str, partition: int) -> Bookmark | None:
        """The group's bookmark; None if it never wrote."""
        if not self._is_there():
            return None
        db = self._connection()
        with our_errors(self.path):
            return _place(db, (group, stream, partition))

    def write(self, table: Table, batch: Batch, move: Move) -> int:
        """Insert rows whose key is not there yet, and move the bookmark; how many rows are new."""
        sql = _insertion(table)
        values = [_values(column, array) for column, array in zip(table.columns, batch.columns, strict=True)]
        rows: list[_Row] = list(zip(*values, strict=True))
        db = self._connection()

        def put(part: range) -> str | None:
            try:
                _insert(db, sql, rows[part.start : part.stop])
            except _REFUSALS as error:
                return str(error)
            return None

        with our_errors(self.path), transaction(db):
            _move(db, move)
            try:
                return _insert(db, sql, rows)
            except _REFUSALS as error:
                raise RowsRefused(offenders(len(rows), put)) from error

    def read(self, table: Table) -> Iterator[Batch]:
        """All rows, in the order of the key, as of the first batch."""
        if not self._is_there() or not self._columns(table):
            return
        names = ", ".join(map(_name, table.names))
        order = ", ".join(map(_name, table.key))
        with our_errors(self.path):
            found = self._connection().execute(f"SELECT {names} FROM {_name(table.name)} ORDER BY {order}")  # noqa: S608
            while rows := list(islice(found, _AT_A_TIME)):
                columns = zip(*rows, strict=True)
                arrays = [_array(column, values) for column, values in zip(table.columns, columns, strict=True)]
                yield Batch.from_arrays(arrays, schema=table.schema)

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connection(self) -> apsw.Connection:
        if self._opened is None:
            self._opened = open_file(self.path)
        return self._opened

    def _is_there(self) -> bool:
        """Whether there is a file: who only looks makes none."""
        return self._opened is not None or self.path.exists()

    def _columns(self, table: Table) -> list[str]:
        """The columns that the table has in the file; none if it is not there."""
        db = self._connection()
        with our_errors(self.path):
            return [str(row[1]) for row in db.execute(f"PRAGMA table_info({_name(table.name)})")]


def _values(column: Column, values: pa.Array) -> list[str | int | None]:
    """A column's values, as they go into the file."""
    if column.kind is Kind.UUID:
        values = hex_texts(values)
    elif column.kind not in _NUMBERS:
        values = values.cast(pa.string())
    found: list[str | int | None] = values.to_pylist()
    return found


def _array(column: Column, values: Sequence[object]) -> pa.Array:
    """A column's values, as they come from the file."""
    kind = column.field.type
    match column.kind:
        case Kind.UUID:
            return from_hex(pa.array(values, pa.string()))
        case Kind.BOOLEAN:
            return pa.array(values, pa.int8()).cast(kind)
        case Kind.INTEGER | Kind.BIGINT:
            return pa.array(values, kind)
        case _:
            return pa.array(values, pa.string()).cast(kind)


def _place(db: apsw.Connection, key: tuple[str, str, int]) -> Bookmark | None:
    row = db.execute(f'SELECT "offset", sequence, log FROM footfall_place {_WHERE}', key).fetchone()  # noqa: S608
    return Bookmark(*row) if row else None


def _move(db: apsw.Connection, move: Move) -> None:
    key = (move.group, move.stream, move.partition)
    if (found := _place(db, key)) != move.expected:
        raise Fenced(
            f"Sink {move.group} stands at {_text(found)} in {move.stream}-{move.partition}, not at "
            f"{_text(move.expected)}: another one has taken over.",
            remedy="Nothing was written. This one must stop.",
        )
    to = (move.to.offset, move.to.sequence, move.to.log)
    db.execute("INSERT OR REPLACE INTO footfall_place VALUES (?, ?, ?, ?, ?, ?)", (*key, *to))


def _insert(db: apsw.Connection, sql: str, rows: Sequence[_Row]) -> int:
    """Insert all rows or none; how many are new."""
    db.execute("SAVEPOINT some_rows")
    try:
        new = len(db.executemany(sql, rows).fetchall())
    except _REFUSALS:
        db.execute("ROLLBACK TO some_rows")
        db.execute("RELEASE some_rows")
        raise
    db.execute("RELEASE some_rows")
    return new


def _insertion(table: Table) -> str:
    names, key = (", ".join(map(_name, columns)) for columns in (table.names, table.key))
    marks = ", ".join("?" * len(table.names))
    into = f"{_name(table.name)} ({names})"
    return f"INSERT INTO {into} VALUES ({marks}) ON CONFLICT ({key}) DO NOTHING RETURNING 1"  # noqa: S608


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(place: Bookmark | None) -> str:
    return (
        "its beginning" if place is None else f"offset {place.offset} (batch {place.sequence}) of log {place.log[:8]}"
    )
