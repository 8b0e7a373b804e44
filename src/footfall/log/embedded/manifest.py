"""Turns SQL into answers and transactions on the manifest, and SQLite's errors into ours."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

import apsw

from footfall.core.errors import Failure, FootfallError, Unavailable, UsageError
from footfall.core.turns import one_at_a_time
from footfall.log.embedded.settings import EmbeddedSettings

FORMAT: Final = 1
FILE: Final = "manifest.db"

Row = tuple[Any, ...]
Value = str | int | bytes | memoryview | None


class Manifest:
    """One connection to the manifest. Threads take turns."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, directory: Path, settings: EmbeddedSettings) -> Self:
        """Connect; lay the tables out if they are not there. Raises UsageError on another format."""
        path = directory / FILE
        with _translated(path), one_at_a_time(directory):
            connection = apsw.Connection(os.fspath(path))
            try:
                connection.set_busy_timeout(round(settings.busy_timeout.total_seconds() * 1000))
                _lay_out(path, connection)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock, _translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row of a query."""
        with self._lock, _translated(self.path):
            row: Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def rows_up_to(self, limit: int, weight: int, sql: str, values: Sequence[Value]) -> list[Row]:
        """Rows of a query until their column number ``weight`` adds up to the limit."""
        taken: list[Row] = []
        with self._lock, _translated(self.path):
            for row in self._connection.execute(sql, values):
                taken.append(row)
                limit -= row[weight]
                if limit <= 0:
                    break
        return taken

    def many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """The same statement for each row of values."""
        if rows:
            with self._lock, _translated(self.path):
                self._connection.executemany(sql, rows)

    def version(self) -> int:
        """A number that changes when another connection commits."""
        row = self.one("PRAGMA data_version")
        return -1 if row is None else int(row[0])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and no other writer in between. On disk when the block has ended."""
        with self._lock, _translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


def _lay_out(path: Path, connection: apsw.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables:
        _check_format(path, connection, tables)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not tables:
        schema = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(schema)
        connection.execute("INSERT INTO format VALUES (?)", (FORMAT,))
        connection.execute("COMMIT")


def _check_format(path: Path, connection: apsw.Connection, tables: set[str]) -> None:
    if not {"format", "segments"} <= tables:
        raise UsageError(
            f"{path} is an SQLite database, but not a manifest of Footfall.",
            remedy="Choose another data directory.",
        )
    found = connection.execute("SELECT version FROM format").fetchone()
    if found is None or found[0] != FORMAT:
        raise UsageError(
            f"{path} has format {found[0] if found else 'unknown'}; this version of Footfall reads format {FORMAT}.",
            remedy="Use the version of Footfall that wrote it, or choose another data directory.",
        )


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise failure(path, error) from error


def failure(path: Path, error: apsw.Error) -> FootfallError:
    """What an error of SQLite means for the caller."""
    match error:
        case apsw.NotADBError():
            return UsageError(f"{path} is not a manifest ({error}).", remedy="Choose another data directory.")
        case apsw.CorruptError():
            return Failure(
                f"The manifest {path} is damaged ({error}).", remedy="Restore the data directory from a copy."
            )
        case apsw.BusyError() | apsw.LockedError():
            return Unavailable(f"The manifest {path} is held by another process.", remedy="Try again.")
        case apsw.FullError():
            return Unavailable(f"No space is left for the manifest {path}.", remedy="Free some space and try again.")
        case apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.PermissionsError():
            return Unavailable(f"The manifest {path} cannot be written ({error}).", remedy="Check the file's rights.")
        case apsw.IOError():
            return Unavailable(
                f"The manifest {path} could not be read or written ({error}).",
                remedy="Check the disk and its free space, and try again.",
            )
        case apsw.ConnectionClosedError():
            return Failure(f"The log {path.parent} is closed.")
        case _:
            return Failure(f"The manifest {path} could not be used ({error}).")
