"""Turns a path into an open file of tables, made where it is missing, and SQLite's errors into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

import apsw

from footfall.core.errors import Failure, FootfallError, Unavailable, UsageError
from footfall.core.turns import one_at_a_time

FORMAT: Final = 2
_APPLICATION: Final = 0x464F4F52  # "FOOR": says whose file this is
_BUSY: Final = 5_000  # ms


def open_file(path: Path) -> apsw.Connection:
    """The connection; the file and its table of places are made where they are missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The directory {path.parent} cannot be made: {error.strerror}.", remedy="Check its rights."
        ) from error
    with our_errors(path), one_at_a_time(path.parent):
        db = apsw.Connection(str(path))
        try:
            db.set_busy_timeout(_BUSY)
            if _pragma(db, "user_version") == 0:
                _create(db)
            _check(db, path)
            # A power cut may undo the newest commits, but rows and places together: the sink writes them again.
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
    return db


def definition(name: str) -> str:
    """The statement that makes a table of this name."""
    return resources.files("footfall.sinks").joinpath(f"schema/{name}.sqlite.sql").read_text(encoding="utf-8")


def _create(db: apsw.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")  # who reads does not keep the sink waiting
    with transaction(db):
        if _pragma(db, "user_version") == 0:  # no other process was faster
            db.execute(definition("places"))
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {FORMAT}")


def _check(db: apsw.Connection, path: Path) -> None:
    found = _pragma(db, "user_version")
    if _pragma(db, "application_id") != _APPLICATION or found != FORMAT:
        raise UsageError(
            f"{path} has format {found}; this version of Footfall reads format {FORMAT}.",
            remedy="Move the file away: a new one is filled from what the log still keeps.",
        )


def _pragma(db: apsw.Connection, name: str) -> int:
    [(value,)] = db.execute(f"PRAGMA {name}")
    return int(value)


@contextmanager
def transaction(db: apsw.Connection) -> Iterator[None]:
    """All or nothing, and no other writer in between."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if not db.get_autocommit():  # SQLite may have ended it already
            db.execute("ROLLBACK")
        raise


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as ours."""
    try:
        yield
    except apsw.Error as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: apsw.Error) -> FootfallError:
    match error:
        case apsw.NotADBError() | apsw.CorruptError():
            return UsageError(
                f"{path} is not a file of tables, or is damaged: {error}.",
                remedy="Restore it from a copy, or move it away, and start again: "
                "a new one is filled from what the log still keeps.",
            )
        case apsw.BusyError() | apsw.LockedError():
            return Unavailable(f"{path} has been held by another process for over {_BUSY // 1000} s.")
        case apsw.FullError():
            return Unavailable(f"No space is left for {path}.", remedy="Free some space on this disk.")
        case apsw.CantOpenError() | apsw.ReadOnlyError() | apsw.PermissionsError():
            return Unavailable(f"{path} cannot be opened for writing: {error}.", remedy="Check the file's rights.")
        case apsw.IOError():
            return Unavailable(
                f"{path} could not be read or written: {error}.", remedy="Check the disk and its free space."
            )
        case _:
            return Failure(f"{path} could not be used: {error}.")
