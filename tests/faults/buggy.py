"""Runs the command line with one bug planted: ``python -m tests.faults.buggy BUG run enrichment …``.

Each bug is a mistake that pipelines are known to make. The fault suite must find every one of them, or it is worth
nothing. The log's ``commit`` is the place where most of them can be made: it is what holds everything together.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from footfall.log.base import Commit, Committed, Place
from footfall.log.embedded import EmbeddedLog
from footfall.processors import dedupe

COMMIT = EmbeddedLog.commit
GAP = 0.2
"""Seconds between two transactions that should have been one."""


def in_two(first: Callable[[Commit], Commit], second: Callable[[Commit], Commit], *, of_processors: bool) -> None:
    """Make two transactions of the commits of processors, or of those of sources."""

    def commit(log: EmbeddedLog, whole: Commit) -> Committed:
        if bool(whole.positions) != of_processors or not whole.outputs:
            return COMMIT(log, whole)
        foreseen = Committed((), _ends(log, whole))
        whole = replace(whole, positions=[replace(one, place=foreseen.place_of(one)) for one in whole.positions])
        begun = COMMIT(log, first(whole))
        threading.Event().wait(GAP)
        ended = COMMIT(log, second(whole))
        return replace(foreseen, offsets=begun.offsets or ended.offsets)

    EmbeddedLog.commit = commit  # type: ignore[method-assign, assignment]


def _ends(log: EmbeddedLog, commit: Commit) -> dict[tuple[str, int], Place]:
    """Where partitions will end, when nobody else writes to them."""
    ends: dict[tuple[str, int], Place] = {}
    for one in commit.outputs:
        key = (one.stream, one.partition)
        end = ends.get(key) or log.place(*key, at="latest")
        ends[key] = Place(end.offset + one.batch.num_rows, end.sequence + 1)
    return ends


def outputs(commit: Commit) -> Commit:
    """Just what is put out."""
    return Commit(outputs=commit.outputs)


def the_rest(commit: Commit) -> Commit:
    """All but what is put out."""
    return replace(commit, outputs=())


def position_before_outputs() -> None:
    """The processor's position moves before its results are there: a kill in between loses them."""
    in_two(the_rest, outputs, of_processors=True)


def outputs_before_position() -> None:
    """Results are there before the position moves: a kill in between doubles them."""
    in_two(outputs, the_rest, of_processors=True)


def state_not_saved() -> None:
    """Processors remember nothing beyond their process."""

    def commit(log: EmbeddedLog, whole: Commit) -> Committed:
        return COMMIT(log, replace(whole, state=()) if whole.positions else whole)

    EmbeddedLog.commit = commit  # type: ignore[method-assign, assignment]


def source_place_before_clicks() -> None:
    """The source's place moves before its clicks are there: a kill in between loses them."""
    in_two(the_rest, outputs, of_processors=False)


def clicks_twice_without_deduplication() -> None:
    """Clicks are there before the source's place moves, and nobody drops what comes again."""
    in_two(outputs, the_rest, of_processors=False)
    sift = dedupe.SeenIds.sift

    def everything(ids: dedupe.SeenIds, clicks: object) -> dedupe.Sifted:
        sifted = sift(ids, clicks)
        rows = np.sort(np.concatenate([sifted.fresh, sifted.duplicates]))
        return dedupe.Sifted(rows, sifted.duplicates[:0], sifted.conflicts)

    dedupe.SeenIds.sift = everything  # type: ignore[method-assign, assignment]


BUGS = {
    bug.__name__: bug
    for bug in (
        position_before_outputs,
        outputs_before_position,
        state_not_saved,
        source_place_before_clicks,
        clicks_twice_without_deduplication,
    )
}


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    from footfall.apps.cli.main import main

    main()
