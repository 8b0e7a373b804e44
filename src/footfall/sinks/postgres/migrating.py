"""Turns a database of any age into one with today's tables: numbered steps, one process after the other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

from footfall.core.errors import UsageError
from footfall.sinks.postgres.connection import Connection, Server, transaction
from footfall.sinks.postgres.copying import type_of
from footfall.sinks.tables import Table

_LOCK: Final = 0x466F6F7466616C6C  # "Footfall": whoever holds this advisory lock migrates
_VERSIONS: Final = """
CREATE TABLE IF NOT EXISTS footfall_schema (
  version    integer     NOT NULL PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """What makes this version of the schema from the one before."""

    version: int
    sql: str


def steps() -> list[Step]:
    """All steps, in order: the files ``sinks/schema/NNNN_*.postgres.sql``."""
    folder = resources.files("footfall.sinks").joinpath("schema")
    files = [file for file in folder.iterdir() if file.name.endswith(".postgres.sql")]
    return sorted(Step(int(file.name.partition("_")[0]), file.read_text(encoding="utf-8")) for file in files)


def migrate(db: Connection, server: Server) -> None:
    """Take the steps that the database has not taken yet. Raises UsageError when a newer Footfall was there."""
    todo = steps()
    newest = todo[-1].version
    if (found := version(db)) < newest:
        with transaction(db):
            db.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
            db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            db.execute(_VERSIONS)
            found = version(db)
            for step in todo:
                if step.version > found:
                    db.execute(step.sql)
                    db.execute("INSERT INTO footfall_schema (version) VALUES (%s)", (step.version,))
    if found > newest:
        raise UsageError(
            f"{server} has version {found} of Footfall's tables; this Footfall knows {newest}.",
            remedy="Use the newer Footfall that made them, or another database.",
        )


def version(db: Connection) -> int:
    """The newest step that was taken; 0 if there was none."""
    if not has(db, "footfall_schema"):
        return 0
    row = db.execute("SELECT coalesce(max(version), 0) FROM footfall_schema").fetchone()
    return int(row[0]) if row else 0


def has(db: Connection, table: str) -> bool:
    """Whether there is such a table."""
    row = db.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    return row is not None and row[0] is not None


def check(db: Connection, server: Server, table: Table) -> None:
    """Raise UsageError unless the database has the table with its columns and key, and writes texts as they are."""
    if (encoding := db.info.parameter_status("server_encoding")) != "UTF8":
        raise UsageError(
            f"{server} has the encoding {encoding}, which lacks letters that visitors use.",
            remedy="Create the database with ENCODING 'UTF8'.",
        )
    expected = {column.name.lower(): type_of(column) for column in table.columns}
    found = _columns(db, table)
    if found != expected:
        raise UsageError(
            f"{server} has a table {table.name} with other columns: {', '.join(found)}. "
            f"{_difference(expected, found)}.",
            remedy="Rename that table: a new one is filled from what the log still keeps, once its place is removed: "
            "DELETE FROM footfall_place.",
        )
    if set(key := _key(db, table)) != {column.lower() for column in table.key}:
        raise UsageError(
            f"{server} has a table {table.name} whose primary key is ({', '.join(key)}), not ({', '.join(table.key)}).",
            remedy=f"ALTER TABLE {table.name} ADD PRIMARY KEY ({', '.join(table.key)}), or rename the table.",
        )


def _columns(db: Connection, table: Table) -> dict[str, str]:
    """Names and types, in order. A time with six digits is one without a number of digits."""
    found = db.execute(
        "SELECT attname, replace(format_type(atttypid, atttypmod), '(6)', '') FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table.name,),
    )
    return {str(row[0]): str(row[1]) for row in found}


def _key(db: Connection, table: Table) -> list[str]:
    found = db.execute(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = to_regclass(%s) AND indisprimary ORDER BY attname",
        (table.name,),
    )
    return [str(row[0]) for row in found]


def _difference(expected: dict[str, str], found: dict[str, str]) -> str:
    lacking = [f"{name} {kind}" for name, kind in expected.items() if name not in found]
    unknown = [name for name in found if name not in expected]
    changed = [
        f"{name} is {found[name]}, not {kind}" for name, kind in expected.items() if found.get(name, kind) != kind
    ]
    said = [*changed]
    if lacking:
        said.append(f"it lacks {', '.join(lacking)}")
    if unknown:
        said.append(f"it has besides {', '.join(unknown)}")
    return "; ".join(said).capitalize() if not changed else "; ".join(said)
