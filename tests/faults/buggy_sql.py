"""Runs the command line with a bug in the task of a query: ``python -m tests.faults.buggy_sql BUG sql vip.sql …``."""

from __future__ import annotations

import sys
import threading
from typing import Any, Final

from footfall.engine import queries
from footfall.log.base import Commit, DurableLog

GAP: Final = 0.2
"""Seconds between two commits that should have been one."""


class _InTwo:
    """A log that makes two commits of one."""

    def __init__(self, log: DurableLog, *, rows_first: bool) -> None:
        self._log = log
        self._rows_first = rows_first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def commit(self, commit: Commit) -> None:
        rows = Commit(outputs=commit.outputs)
        places = Commit(positions=commit.positions, state=commit.state)
        first, second = (rows, places) if self._rows_first else (places, rows)
        self._log.commit(first)
        threading.Event().wait(GAP)
        self._log.commit(second)


def _through_two_commits(*, rows_first: bool) -> None:
    begin = queries.QueryTask.__init__

    def init(task: queries.QueryTask, query: queries.Standing, *, log: Any, **how: Any) -> None:
        begin(task, query, log=_InTwo(log, rows_first=rows_first), **how)  # type: ignore[arg-type]

    queries.QueryTask.__init__ = init  # type: ignore[method-assign, assignment]


def places_before_rows() -> None:
    """The places move before the rows are there: a kill in between loses them."""
    _through_two_commits(rows_first=False)


def rows_before_places() -> None:
    """The rows are there before the places move: a kill in between doubles them."""
    _through_two_commits(rows_first=True)


BUGS = {"places_before_rows": (places_before_rows, "lost"), "rows_before_places": (rows_before_places, "doubled")}
"""Each with what must be found."""


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)][0]()
    from footfall.apps.cli.main import main

    main()
