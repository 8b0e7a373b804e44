"""Custom events that come again, as a beacon's do, are written once: across requests, commits and restarts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import Unavailable
from footfall.core.events import CUSTOM, CUSTOM_SCHEMA, Batch
from footfall.core.hashing import id_from_text
from footfall.engine.intake import Arrival, Intake
from footfall.engine.seen_custom import SeenCustom
from footfall.log.base import Append, Commit, Committed
from footfall.log.embedded import EmbeddedLog
from tests.unit.streams import events, open_log

NOW = 1_700_000_000_000
LATENESS = timedelta(minutes=10)
PARTITIONS = 2


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=PARTITIONS, clock=clock) as log:
        yield log


@pytest.fixture
def intake(log: EmbeddedLog, clock: ManualClock) -> Intake:
    return Intake(log, clock=clock, lateness=LATENESS)


def customs(*names: str, user: str | None = None, properties: str | None = None, at: int = NOW) -> Batch:
    """Events of these names, each with an id that follows from the name."""
    rows = [
        {
            "timestamp": at,
            "event_id": id_from_text(name),
            "userId": user or f"user of {name}",
            "name": name,
            "properties": properties,
        }
        for name in names
    ]
    return pa.RecordBatch.from_pylist(rows, schema=CUSTOM_SCHEMA)


def take(intake: Intake, *batches: Batch) -> None:
    """Commit these, each a request of its own, together."""
    done = [intake.put(Arrival(others=[(CUSTOM, batch)])) for batch in batches]
    intake.turn()
    for one in done:
        assert one.result(timeout=0) is None


def names(log: EmbeddedLog) -> list[str]:
    return sorted(event["name"] for event in events(log, CUSTOM))


def test_an_event_that_comes_again_is_answered_as_the_first_one_and_written_once(
    log: EmbeddedLog, intake: Intake
) -> None:
    take(intake, customs("a", "b"))
    take(intake, customs("b"))
    take(intake, customs("b", "c"))
    assert names(log) == ["a", "b", "c"]
    assert intake.tally.events == 3


def test_an_event_that_comes_twice_before_the_commit_is_written_once(log: EmbeddedLog, intake: Intake) -> None:
    take(intake, customs("a", "b", "a"), customs("b", "c"))
    assert names(log) == ["a", "b", "c"]


def test_an_event_that_comes_again_is_the_same_whatever_the_correction_of_its_time(
    log: EmbeddedLog, intake: Intake
) -> None:
    take(intake, customs("a"), customs("a", at=NOW + 1))
    take(intake, customs("a", at=NOW + 2))
    assert names(log) == ["a"]


def test_an_id_that_stands_for_several_events_costs_none_of_them(log: EmbeddedLog, intake: Intake) -> None:
    different = [customs("a"), customs("a", user="ada"), customs("a", properties="{}"), customs("a", properties="[]")]
    take(intake, *different)
    take(intake, *different)
    assert names(log) == ["a"] * 4


def test_an_event_whose_commit_failed_is_written_when_it_comes_again(tmp_path: Path, clock: ManualClock) -> None:
    class Full(EmbeddedLog):
        """A log whose disk takes nothing while ``full`` is set."""

        full = True

        def commit(self, commit: Commit) -> Committed:
            if self.full:
                raise Unavailable("No space left on device.")
            return super().commit(commit)

    with open_log(tmp_path, clock=clock):
        pass
    with Full.open(tmp_path, clock=clock) as log:
        assert isinstance(log, Full)
        intake = Intake(log, clock=clock, lateness=LATENESS)
        with pytest.raises(Unavailable):
            take(intake, customs("a"))
        log.full = False
        take(intake, customs("a"))
        assert names(log) == ["a"]


def test_what_was_written_before_a_restart_is_known_after_it(log: EmbeddedLog, clock: ManualClock) -> None:
    before = customs(*map(str, range(20)))
    take(Intake(log, clock=clock, lateness=LATENESS), before)
    assert min(log.info(CUSTOM).ends) > 0
    take(Intake(log, clock=clock, lateness=LATENESS), before, customs("new"))
    assert names(log) == sorted([*map(str, range(20)), "new"])


@settings(max_examples=20, deadline=None)
@given(
    sent=st.lists(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4), max_size=3), max_size=4),
    restarts=st.sets(st.integers(0, 3)),
)
def test_however_events_are_sent_together_each_is_written_once(sent: list[list[list[str]]], restarts: set[int]) -> None:
    clock = ManualClock(NOW)
    with TemporaryDirectory() as directory, open_log(Path(directory), partitions=PARTITIONS, clock=clock) as log:
        intake = Intake(log, clock=clock, lateness=LATENESS)
        for number, requests in enumerate(sent):
            take(intake, *(customs(*request) for request in requests))
            if number in restarts:
                intake = Intake(log, clock=clock, lateness=LATENESS)
        everything = itertools.chain.from_iterable(itertools.chain.from_iterable(sent))
        assert names(log) == sorted(set(everything))


# -- the bound ------------------------------------------------------------------------------------------------


def known(seen: SeenCustom, *asked: str) -> list[str]:
    """Those that would not be written."""
    return [name for name in asked if not seen.fresh(customs(name)).num_rows]


def test_only_the_latest_events_are_remembered(log: EmbeddedLog) -> None:
    seen = SeenCustom(log, capacity=3)
    for name in "abacd":
        seen.add(customs(name))
    assert known(seen, *"abcd") == ["a", "c", "d"]


def test_a_restart_remembers_the_latest_of_all_partitions(log: EmbeddedLog, clock: ManualClock) -> None:
    for number, partition in enumerate((0, 0, 1, 0, 1, 1, 1)):
        log.append([Append(CUSTOM, partition, customs(str(number)))])
        clock.advance(1)
    assert known(SeenCustom(log, capacity=5), *map(str, range(7))) == ["2", "3", "4", "5", "6"]


def test_a_damaged_end_of_the_stream_stops_nobody(log: EmbeddedLog, clock: ManualClock, tmp_path: Path) -> None:
    log.append([Append(CUSTOM, 0, customs("a"))])
    log.append([Append(CUSTOM, 0, customs("damaged"))])
    (segment,) = [path for path in tmp_path.rglob("*") if path.is_file() and b"damaged" in path.read_bytes()]
    segment.write_bytes(segment.read_bytes().replace(b"damaged", b"DAMAGED"))
    intake = Intake(log, clock=clock, lateness=LATENESS)
    take(intake, customs("a"), customs("b"))
    assert sum(log.info(CUSTOM).ends) == len(["a", "damaged", "b"])
