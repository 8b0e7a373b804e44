"""Runs the command line with one bug planted in what works on Kafka: ``python -m tests.faults.buggy_kafka BUG run …``.

With each, outputs and what is saved lie further apart in time than usual, so that kills come in between.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from footfall.engine.stage import Stage
from footfall.log.base import Append, Commit, Committed, Place
from footfall.log.checkpoints import redis as checkpoints
from footfall.log.checkpoints.scripts import SAVE
from footfall.log.kafka import KafkaLog, Membership, reading
from footfall.log.kafka.writing import Writer

GAP: Final = 0.5
"""Seconds between two things of which the one must not be without the other."""
FENCE: Final = "if stands ~= ARGV[5 + 4 * i] then return {i, stands} end"
WRITE: Final = Writer.write
COMMIT: Final = KafkaLog.commit


def none() -> None:
    """Nothing but a long way from the outputs to the save: this must change nothing."""

    def write(writer: Writer, appends: Sequence[Append]) -> Committed:
        written = WRITE(writer, appends)
        if appends:
            threading.Event().wait(GAP)
        return written

    Writer.write = write  # type: ignore[method-assign, assignment]


def positions_before_outputs() -> None:
    """Positions and state are saved before the outputs are acknowledged: a kill in between loses them."""

    def commit(log: KafkaLog, whole: Commit) -> Committed:
        if not whole.positions or not whole.outputs:
            return COMMIT(log, whole)
        foreseen = Committed((), _ends(log, whole.outputs))
        moved = [replace(one, place=foreseen.place_of(one)) for one in whole.positions]
        log._checkpoints.save(moved, whole.state)
        threading.Event().wait(GAP)
        return log._writer.write(whole.outputs)

    KafkaLog.commit = commit  # type: ignore[method-assign, assignment]


def _ends(log: KafkaLog, outputs: Sequence[Append]) -> dict[tuple[str, int], Place]:
    """Where partitions will end, when nobody else writes to them."""
    ends: dict[tuple[str, int], Place] = {}
    for one in outputs:
        key = (one.stream, one.partition)
        end = ends.get(key) or log.place(*key, at="latest")
        marked = one.watermark is not None or not one.batch.num_rows
        ends[key] = Place(end.offset + one.batch.num_rows + marked)
    return ends


def saves_from_any_position() -> None:
    """Whoever saves last is believed, wherever it started from, and nobody minds having stood still."""
    none()
    assert FENCE in SAVE
    vars(checkpoints)["SAVE"] = SAVE.replace(FENCE, "")
    KafkaLog._refuse_if_moved = lambda *_: None  # type: ignore[method-assign]
    Membership.check = lambda _: None  # type: ignore[method-assign, assignment]


def reads_repeats() -> None:
    """What comes twice is read twice."""
    none()
    vars(reading)["remembers"] = lambda _: False


def believes_the_end_of_the_topic() -> None:
    """Enriched clicks count as soon as they are on the topic, also those of a commit that failed."""
    none()
    first_end = Stage._first_end

    def latest(stage: Stage) -> Place:
        first_end(stage)
        return stage._log.place("enriched-click-data", stage.partition, at="latest")

    Stage._first_end = latest  # type: ignore[method-assign, assignment]


BUGS: Final = {
    bug.__name__: bug
    for bug in (none, positions_before_outputs, saves_from_any_position, reads_repeats, believes_the_end_of_the_topic)
}


if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    from footfall.apps.cli.main import main

    main()
