"""Turns batches of rows, and how far they bring their stream, into transactions of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Final, Self

import psycopg

from footfall.core.errors import Fenced, Unavailable
from footfall.core.events import Batch
from footfall.sinks.columns import Kind
from footfall.sinks.postgres.connection import Connection, Server, abandon, connect, our_errors, transaction
from footfall.sinks.postgres.copying import from_csv, loose, name, names, to_csv
from footfall.sinks.postgres.errors import is_of_rows, words
from footfall.sinks.postgres.migrating import check, has, migrate
from footfall.sinks.tables import Bookmark, Move, RowsRefused, Table, offenders

_AT_A_TIME: Final = 10_000
"""Rows a batch when a table is read."""
_WHERE: Final = 'WHERE "group" = %s AND stream = %s AND partition = %s'

_Key = tuple[str, str, int]


class PostgresTables:
    """Tables in one database, made and migrated when the first one is prepared.

    The address may have any parameter of libpq (``sslmode``, ``options``, several hosts …). Several processes may
    work with it, each one thread at a time. Nothing is connected before it is needed; after Unavailable, the next
    call connects anew.
    """

    def __init__(self, url: str) -> None:
        self._server = Server.of(url)
        self._opened: Connection | None = None
        self._incoming: set[str] = set()
        """The tables of which this connection has a temporary one."""

    def __repr__(self) -> str:
        return f"PostgresTables({self._server})"

    def prepare(self, table: Table) -> None:
        """Bring the database up to date, with this table in it."""
        with self._using() as db:
            migrate(db, self._server)
            check(db, self._server, table)

    def place(self, group: str, stream: str, partition: int) -> Bookmark | None:
        """The group's bookmark; None if it never wrote.

        A transaction whose answer got lost may still be on its way in the server: this waits for its end.
        """
        key = (group, stream, partition)
        with self._using() as db:
            if not has(db, "footfall_place"):
                return None
            with transaction(db):
                db.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (_lock(key),))
                return _place(db, key)

    def write(self, table: Table, batch: Batch, move: Move) -> int:
        """Insert rows whose key is not there yet, and move the bookmark; how many rows are new."""
        with self._using() as db:
            self._make_incoming(db, table)
            try:
                with transaction(db):
                    _move(db, move)
                    return _insert(db, table, batch)
            except psycopg.Error as error:
                if not is_of_rows(error):
                    raise
            raise RowsRefused(_refused(db, table, batch))

    def read(self, table: Table) -> Iterator[Batch]:
        """All rows, in the order of the key, as of the first batch. Over a connection of its own."""
        with connect(self._server, statement="0") as db, our_errors(self._server):
            if not has(db, table.name):
                return
            rows = f"SELECT {names(table.names)} FROM {name(table.name)} ORDER BY {_order(table)}"  # noqa: S608
            with db.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)") as out:
                lines = iter(out)
                while text := b"".join(islice(lines, _AT_A_TIME)):
                    yield from_csv(table, text)

    def close(self) -> None:
        """Let go of the database."""
        self._incoming.clear()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _using(self) -> Iterator[Connection]:
        """The connection. It is given up when the server cannot be used, and when it was left half-way."""
        if self._opened is None or self._opened.closed:
            self.close()
            self._opened = connect(self._server)
        try:
            with our_errors(self._server):
                yield self._opened
        except Unavailable:
            self.close()
            raise

    def _make_incoming(self, db: Connection, table: Table) -> None:
        """The temporary table that rows come into, empty after each transaction."""
        if table.name not in self._incoming:
            columns = ", ".join(map(loose, table.columns))
            db.execute(f"CREATE TEMPORARY TABLE {_incoming(table)} ({columns}) ON COMMIT DELETE ROWS")
            self._incoming.add(table.name)


def _insert(db: Connection, table: Table, rows: Batch) -> int:
    """Insert all rows or fail; how many are new.

    They go in the order of the key: two transactions with the same rows wait for one another, and not in a circle.
    Of two with the same key the first one counts.
    """
    columns = names(table.names)
    with db.cursor() as cursor:
        with cursor.copy(f"COPY {_incoming(table)} ({columns}) FROM STDIN (FORMAT csv)") as into:
            into.write(memoryview(to_csv(table, rows)))
        cursor.execute(
            f"INSERT INTO {name(table.name)} ({columns}) SELECT {columns} FROM {_incoming(table)} "  # noqa: S608
            f"ORDER BY {_order(table)}, ctid ON CONFLICT ({names(table.key)}) DO NOTHING"
        )
        return int(cursor.rowcount)


def _refused(db: Connection, table: Table, rows: Batch) -> dict[int, str]:
    """The rows that the table does not take, in a transaction that is taken back."""

    def put(part: range) -> str | None:
        db.execute("SAVEPOINT some_rows")
        try:
            _insert(db, table, rows.slice(part.start, len(part)))
        except psycopg.Error as error:
            if not is_of_rows(error):
                raise
            db.execute("ROLLBACK TO some_rows")
            return words(error)
        db.execute(f"DELETE FROM {_incoming(table)}")  # noqa: S608
        return None

    db.execute("BEGIN")
    try:
        return offenders(rows.num_rows, put)
    finally:
        abandon(db)


def _move(db: Connection, move: Move) -> None:
    """Move the bookmark, or raise Fenced. Until the transaction ends, nobody else moves it, or asks where it is."""
    key = (move.group, move.stream, move.partition)
    to = (move.to.offset, move.to.sequence, move.to.log)
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (_lock(key),))
    if move.expected is None:
        done = db.execute(
            "INSERT INTO footfall_place VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", (*key, *to)
        )
    else:
        expected = (move.expected.offset, move.expected.sequence, move.expected.log)
        done = db.execute(
            f'UPDATE footfall_place SET "offset" = %s, sequence = %s, log = %s {_WHERE} '  # noqa: S608
            'AND "offset" = %s AND sequence = %s AND log = %s',
            (*to, *key, *expected),
        )
    if done.rowcount != 1:
        raise Fenced(
            f"Sink {move.group} stands at {_text(_place(db, key))} in {move.stream}-{move.partition}, not at "
            f"{_text(move.expected)}: another one has taken over.",
            remedy="Nothing was written. This one must stop.",
        )


def _place(db: Connection, key: _Key) -> Bookmark | None:
    row = db.execute(f'SELECT "offset", sequence, log FROM footfall_place {_WHERE}', key).fetchone()  # noqa: S608
    return Bookmark(*row) if row else None


def _lock(key: _Key) -> str:
    return "footfall " + "/".join(map(str, key))


def _incoming(table: Table) -> str:
    return name(f"footfall_incoming_{table.name}")


def _order(table: Table) -> str:
    """The key's columns; texts byte by byte, whatever the database's language is."""
    columns = [column for key in table.key for column in table.columns if column.name == key]
    return ", ".join(name(one.name) + (' COLLATE "C"' if one.kind is Kind.TEXT else "") for one in columns)


def _text(place: Bookmark | None) -> str:
    return (
        "its beginning" if place is None else f"offset {place.offset} (batch {place.sequence}) of log {place.log[:8]}"
    )
