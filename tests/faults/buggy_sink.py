"""Runs the command line with a bug in the sink: ``python -m tests.faults.buggy_sink BUG sink cart …``."""

from __future__ import annotations

import sys
import threading
from typing import Final

from footfall.core.events import Batch
from footfall.sinks.sqlite import SqliteTables, opening
from footfall.sinks.sqlite import tables as sqlite
from footfall.sinks.tables import Bookmark, Move, Table

WRITE: Final = SqliteTables.write
DEFINITION: Final = opening.definition
INSERTION: Final = sqlite._insertion
GAP: Final = 0.2
"""Seconds between two transactions that should have been one."""
NOBODY: Final = "nobody"
"""The group of a move that moves nobody."""


def in_two(*, rows_first: bool) -> None:
    """Make two transactions of one: the rows, and the place."""

    def rows(tables: SqliteTables, table: Table, batch: Batch, move: Move) -> int:
        expected = tables.place(NOBODY, move.stream, move.partition)
        aside = Move(
            group=NOBODY,
            stream=move.stream,
            partition=move.partition,
            expected=expected,
            to=Bookmark(0, 0, move.to.log),
        )
        return WRITE(tables, table, batch, aside)

    def place(tables: SqliteTables, table: Table, batch: Batch, move: Move) -> int:
        return WRITE(tables, table, batch.slice(0, 0), move)

    def write(tables: SqliteTables, table: Table, batch: Batch, move: Move) -> int:
        first, second = (rows, place) if rows_first else (place, rows)
        before = first(tables, table, batch, move)
        threading.Event().wait(GAP)
        return before + second(tables, table, batch, move)

    SqliteTables.write = write  # type: ignore[method-assign, assignment]


def place_before_rows() -> None:
    """The place moves before the rows are there: a kill in between loses them."""
    in_two(rows_first=False)


def rows_before_place_and_no_key() -> None:
    """The rows are there before the place moves, in a table that takes rows twice: a kill in between doubles them."""
    in_two(rows_first=True)
    key, conflict = ",\n  PRIMARY KEY (username, creation_timestamp)\n) WITHOUT ROWID", " ON CONFLICT"
    vars(sqlite).update(
        definition=lambda name: DEFINITION(name).replace(key, ")"),
        _insertion=lambda table: INSERTION(table).partition(conflict)[0] + " RETURNING 1",
    )


BUGS = {
    "place_before_rows": (place_before_rows, "lost"),
    "rows_before_place": (rows_before_place_and_no_key, "doubled"),
}
"""Each with what must be found."""


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)][0]()
    from footfall.apps.cli.main import main

    main()
