"""Runs the command line with a bug in the generator: ``python -m tests.faults.buggy_generator BUG generate …``."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import Final

from footfall.engine import generating
from footfall.log.base import Commit, Committed, DurableLog

GAP: Final = 0.1
"""Seconds between two commits that should have been one."""


class InTwo:
    """A log that writes the rows and the place of a commit one after the other."""

    def __init__(self, log: DurableLog, *, rows_first: bool) -> None:
        self._log = log
        self._rows_first = rows_first

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def commit(self, commit: Commit) -> Committed:
        """As ``Checkpoints.commit``, but for the kill that may come in between."""
        parts = [replace(commit, positions=()), replace(commit, outputs=())]
        first, second = parts if self._rows_first else reversed(parts)
        self._log.commit(first)
        threading.Event().wait(GAP)
        return self._log.commit(second)


def plant(*, rows_first: bool) -> None:
    """Give the generator such a log."""
    begin = generating.Generating.__init__

    def init(self: generating.Generating, log: DurableLog, *arguments: object, **named: object) -> None:
        begin(self, InTwo(log, rows_first=rows_first), *arguments, **named)  # type: ignore[arg-type]

    generating.Generating.__init__ = init  # type: ignore[method-assign]


BUGS: Final = {"place_before_rows": (False, "lost"), "rows_before_place": (True, "doubled")}
"""Whether the rows come first, and what must be found."""


if __name__ == "__main__":
    plant(rows_first=BUGS[sys.argv.pop(1)][0])
    from footfall.apps.cli.main import main

    main()
