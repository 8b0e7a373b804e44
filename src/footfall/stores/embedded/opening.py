"""Turns a path into an open serving store file, made where it is missing, and SQLite's errors into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

import apsw

from footfall.core.errors import Failure, Unavailable, UsageError
from footfall.core.turns import one_at_a_time

FORMAT: Final = 1
_APPLICATION: Final = 0x464F4F54  # "FOOT": says whose file this is
_BUSY: Final = 10_000  # ms


def open_file(directory: Path, path: Path) -> apsw.Connection:
    """The connection, with the tables made where they are missing."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The data directory {directory} cannot be made: {error.strerror}.",
            remedy="Name another one with --data-dir.",
        ) from error
    with our_errors(path), one_at_a_time(directory):
        db = apsw.Connection(str(path))
        try:
            db.set_busy_timeout(_BUSY)
            if _pragma(db, "user_version") == 0:
                _create(db)
            _check(db, path)
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
    return db


def _create(db: apsw.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        if _pragma(db, "user_version") == 0:  # no other process was faster
            db.execute(resources.files("footfall.stores").joinpath("schema/serving.sql").read_text())
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


def _check(db: apsw.Connection, path: Path) -> None:
    found = _pragma(db, "user_version")
    if _pragma(db, "application_id") != _APPLICATION or found != FORMAT:
        raise UsageError(
            f"{path} has format {found}; this version of Footfall reads format {FORMAT}.",
            remedy="Use another data directory, or delete the file and load products and users again.",
        )


def _pragma(db: apsw.Connection, name: str) -> int:
    [(value,)] = db.execute(f"PRAGMA {name}")
    return int(value)


def roll_back(db: apsw.Connection) -> None:
    """End a transaction without its changes, unless SQLite did so already."""
    if not db.get_autocommit():
        db.execute("ROLLBACK")


@contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as ours."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Unavailable(f"{path} is held by another process for over {_BUSY // 1000} s.") from error
    except apsw.FullError as error:
        raise Unavailable(f"No space left for {path}.", remedy="Free some space on this disk.") from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise UsageError(
            f"{path} is not a serving store, or is damaged: {error}.",
            remedy="Delete it, and load products and users again: views are rebuilt from the log.",
        ) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise UsageError(
            f"{path} cannot be opened for writing: {error}.", remedy="Check the rights of the data directory."
        ) from error
    except apsw.Error as error:
        raise Failure(f"{path}: {error}.") from error
