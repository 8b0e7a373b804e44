"""Runs the command line with a bug in the collector: ``python -m tests.faults.buggy_collector BUG serve …``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from footfall.core.errors import FootfallError
from footfall.engine.intake import Arrival, Intake, _Waiting
from footfall.log.base import Append, Commit, Committed
from footfall.log.embedded import EmbeddedLog

COMMIT: Final = EmbeddedLog.commit
WRITE: Final = Intake._commit
PUT: Final = Intake.put
RESOLVE: Final = _Waiting.resolve
GAP: Final = 0.1
"""Seconds between two things that should have been one."""


def answers_before_commit() -> None:
    """Requests are answered as soon as their events are about to be written: a kill in between loses these."""

    def write(intake: Intake, taken: Sequence[_Waiting]) -> None:
        for one in taken:
            one.resolve(None)
        threading.Event().wait(GAP)
        WRITE(intake, taken)

    def resolve(one: _Waiting, error: FootfallError | None) -> None:
        if not one.done.done():
            RESOLVE(one, error)

    Intake._commit = write  # type: ignore[method-assign, assignment]
    _Waiting.resolve = resolve  # type: ignore[method-assign, assignment]


def in_two(of: Callable[[Append], bool]) -> None:
    """Make two transactions of one: the outputs for which this holds, and the others."""

    def commit(log: EmbeddedLog, whole: Commit) -> Committed:
        COMMIT(log, replace(whole, outputs=[one for one in whole.outputs if of(one)]))
        threading.Event().wait(GAP)
        return COMMIT(log, Commit(outputs=[one for one in whole.outputs if not of(one)]))

    EmbeddedLog.commit = commit  # type: ignore[method-assign, assignment]


def partitions_apart() -> None:
    """Each partition is written for itself: a kill in between leaves a part of a request."""
    in_two(lambda one: one.partition == 0)


def writes_again() -> None:
    """Each commit is made twice, as if the first had failed."""

    def commit(log: EmbeddedLog, whole: Commit) -> Committed:
        COMMIT(log, replace(whole, state=()))
        return COMMIT(log, whole)

    EmbeddedLog.commit = commit  # type: ignore[method-assign, assignment]


def forgets_what_is_refused() -> None:
    """Bad events are answered, and not set aside."""

    def put(intake: Intake, arrival: Arrival) -> Future[None]:
        return PUT(intake, replace(arrival, failed=None))

    Intake.put = put  # type: ignore[method-assign, assignment]


BUGS = {
    "answers_before_commit": (answers_before_commit, "lost: ", 3),
    "partitions_apart": (partitions_apart, "torn: ", 3),
    "writes_again": (writes_again, "too often", 0),
    "forgets_what_is_refused": (forgets_what_is_refused, "lost: ", 0),
}
"""Each with what must be found, and the kills that this takes."""


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)][0]()
    from footfall.apps.cli.main import main

    main()
