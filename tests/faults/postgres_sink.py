"""Runs a sink into PostgreSQL, with a bug if one is named: ``python -m tests.faults.postgres_sink BUG URL DIR``."""

from __future__ import annotations

import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.errors import Unavailable
from footfall.core.events import Batch
from footfall.core.progress import unheard
from footfall.engine.sinking import SINKS, Sinking
from footfall.sinks.postgres import PostgresTables
from footfall.sinks.postgres import tables as adapter
from footfall.sinks.postgres.connection import Connection, Server
from footfall.sinks.postgres.copying import name, names, to_csv
from footfall.sinks.postgres.migrating import migrate
from footfall.sinks.tables import Bookmark, Move, RowsRefused, Table

WRITE: Final = PostgresTables.write
GAP: Final = 0.2
"""Seconds between two transactions that should have been one."""
NOBODY: Final = "nobody"
"""The group of a move that moves nobody."""

Writing = Callable[[PostgresTables, Table, Batch, Move], int]


def only_rows(tables: PostgresTables, table: Table, batch: Batch, move: Move) -> int:
    """The rows, in a transaction of their own."""
    expected = tables.place(NOBODY, move.stream, move.partition)
    return WRITE(
        tables,
        table,
        batch,
        Move(
            group=NOBODY,
            stream=move.stream,
            partition=move.partition,
            expected=expected,
            to=Bookmark(0, 0, move.to.log),
        ),
    )


def only_place(tables: PostgresTables, table: Table, batch: Batch, move: Move) -> int:
    """The place, in a transaction of its own."""
    return WRITE(tables, table, batch.slice(0, 0), move)


def in_two(first: Writing, second: Writing) -> None:
    """Make two transactions of one."""

    def write(tables: PostgresTables, table: Table, batch: Batch, move: Move) -> int:
        before = first(tables, table, batch, move)
        threading.Event().wait(GAP)
        return before + second(tables, table, batch, move)

    vars(adapter)["PostgresTables"].write = write


def place_before_rows() -> None:
    """The place moves before the rows are there: an end in between loses them."""
    in_two(only_place, only_rows)


def rows_before_place_and_no_key() -> None:
    """The rows are there before the place moves, in a table that takes rows twice: an end in between doubles them."""
    in_two(only_rows, only_place)

    def without_key(db: Connection, server: Server) -> None:
        migrate(db, server)
        db.execute("ALTER TABLE clickstream_data DROP CONSTRAINT IF EXISTS clickstream_data_pkey")

    def insert(db: Connection, table: Table, rows: Batch) -> int:
        columns = names(table.names)
        with db.cursor() as cursor:
            with cursor.copy(f"COPY {name(table.name)} ({columns}) FROM STDIN (FORMAT csv)") as into:
                into.write(memoryview(to_csv(table, rows)))
            return int(cursor.rowcount)

    vars(adapter).update(migrate=without_key, check=lambda *_: None, _insert=insert)


def outages_set_aside() -> None:
    """What cannot be written now is taken for rows that the table refuses."""

    def write(tables: PostgresTables, table: Table, batch: Batch, move: Move) -> int:
        try:
            return WRITE(tables, table, batch, move)
        except Unavailable as error:
            if not batch.num_rows:
                raise
            raise RowsRefused(dict.fromkeys(range(batch.num_rows), str(error))) from error

    vars(adapter)["PostgresTables"].write = write


BUGS: Final[dict[str, tuple[Callable[[], None], str]]] = {
    "place_before_rows": (place_before_rows, "lost"),
    "rows_before_place": (rows_before_place_and_no_key, "doubled"),
    "outages_set_aside": (outages_set_aside, "set aside"),
}
"""Each with what must be found."""


def run(url: str, data_dir: Path) -> None:
    """The cart's sink, until it is told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with wiring.open_log(data_dir) as log, PostgresTables(url) as target:
        beat: Callable[..., Any] = unheard
        random = secrets.token_bytes
        Sinking(sink=SINKS["cart"], log=log, target=target, clock=SystemClock(), random=random, beat=beat).run(
            stop, until_end=False
        )


if __name__ == "__main__":
    _, named, address, directory = sys.argv
    if named != "none":
        BUGS[named][0]()
    run(address, Path(directory))
