"""What many requests bring becomes durable together, and time goes on when nobody comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from footfall.core.clock import ManualClock, SystemClock
from footfall.core.errors import Reason, Unavailable
from footfall.core.events import CART, CART_SCHEMA, CLICKS, CUSTOM, CUSTOM_SCHEMA, FAILED, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.engine.failed import failed_batch
from footfall.engine.intake import Arrival, Intake, Overloaded
from footfall.log.base import Commit, Committed
from footfall.log.embedded import EmbeddedLog
from footfall.sources.base import BadRow
from footfall.sources.collect import click_of
from tests.unit.streams import events, open_log

NOW = 1_700_000_000_000
LATENESS = timedelta(minutes=10)
MINUTE = 60_000
PARTITIONS = 3


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


def click(user: str = "ada", product: str = "P1", *, at: int = NOW) -> Batch:
    return click_of(user=user, product=product, ip="192.0.2.1", user_agent="Mozilla/5.0", now_ms=at)


def row(user: str, product: str) -> tuple[object, ...]:
    return (NOW, NOW, user, product, "view", NOW // 1000, *[None] * 7)


def custom(user: str) -> Batch:
    record = {"timestamp": NOW, "event_id": id_from_text(user), "userId": user, "name": "opened"}
    return pa.RecordBatch.from_pylist([record], schema=CUSTOM_SCHEMA)


def watermarks(log: EmbeddedLog, partition: int) -> list[int]:
    chunks = log.read(CLICKS, partition, log.place(CLICKS, partition)).chunks
    return [chunk.watermark for chunk in chunks if chunk.watermark is not None]


def products(log: EmbeddedLog, user: str) -> list[str]:
    return [event["productId"] for event in events(log, CLICKS) if event["userId"] == user]


class Broken(EmbeddedLog):
    """A log whose disk takes nothing while ``full`` is set."""

    full = False

    def commit(self, commit: Commit) -> Committed:
        if self.full:
            raise Unavailable("No space left on device.")
        return super().commit(commit)


# -- durable together -----------------------------------------------------------------------------------------


def test_an_arrival_is_done_only_when_it_is_in_the_log(log: EmbeddedLog, intake: Intake) -> None:
    done = intake.put(Arrival(click()))
    assert not done.done()
    assert events(log, CLICKS) == []
    intake.turn()
    assert done.result(timeout=0) is None
    assert products(log, "ada") == ["P1"]


def test_all_that_waits_goes_into_one_commit(intake: Intake) -> None:
    waiting = [intake.put(Arrival(click(product=f"P{n}"))) for n in range(50)]
    intake.turn()
    assert all(done.done() for done in waiting)
    assert (intake.tally.events, intake.tally.commits) == (50, 1)


def test_a_visitors_clicks_keep_the_order_in_which_they_were_handed_in(log: EmbeddedLog, intake: Intake) -> None:
    for n in range(20):
        intake.put(Arrival(click("ada", f"P{n}")))
        intake.put(Arrival(click(f"other-{n}", "P")))
    intake.turn()
    assert products(log, "ada") == [f"P{n}" for n in range(20)]


def test_clicks_as_rows_are_the_same_as_clicks_in_a_batch(log: EmbeddedLog, intake: Intake) -> None:
    batch = click_of(user="ada", product="P1", ip=None, user_agent=None, now_ms=NOW)
    intake.put(Arrival(rows=[row("ada", "P1")]))
    intake.put(Arrival(batch))
    intake.turn()
    one, other = events(log, CLICKS)
    assert one == other


def test_each_event_goes_to_the_partition_of_its_key(log: EmbeddedLog, intake: Intake) -> None:
    for n in range(30):
        intake.put(Arrival(click(f"user-{n}"), others=[(CUSTOM, custom(f"user-{n}"))]))
    intake.turn()
    for stream in (CLICKS, CUSTOM):
        for partition in range(PARTITIONS):
            read = log.read(stream, partition, log.place(stream, partition))
            users = {user for chunk in read.chunks for user in chunk.batch.column("userId").to_pylist()}
            assert {partition_of(user, PARTITIONS) for user in users} <= {partition}


def test_cart_messages_are_keyed_by_their_username(log: EmbeddedLog, intake: Intake) -> None:
    record = {"timestamp": NOW, "event_id": bytes(16), "username": "ada", "creation_timestamp": NOW * 1000}
    intake.put(Arrival(others=[(CART, pa.RecordBatch.from_pylist([record], schema=CART_SCHEMA))]))
    intake.turn()
    assert log.info(CART).ends[partition_of("ada", PARTITIONS)] == 1


def test_what_cannot_be_used_is_kept_with_what_can(log: EmbeddedLog, intake: Intake) -> None:
    bad = [BadRow(0, Reason.BAD_VALUE, "age 900", b"{}")]
    intake.put(Arrival(click(), failed=failed_batch(bad, source="collector", layout="{}", now_ms=NOW)))
    intake.turn()
    assert [event["reason"] for event in events(log, FAILED)] == ["bad_value"]
    assert (intake.tally.events, intake.tally.failed) == (1, 1)


def test_an_arrival_with_nothing_in_it_is_done_at_once(intake: Intake) -> None:
    assert intake.put(Arrival()).done()


def test_a_batch_of_another_schema_is_refused_before_it_can_harm_others(intake: Intake) -> None:
    with pytest.raises(ValueError, match="schema"):
        intake.put(Arrival(custom("ada")))


# -- overload and trouble -------------------------------------------------------------------------------------


def test_more_than_may_wait_is_refused_at_once_and_taken_again_after_a_commit(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    intake = Intake(log, clock=clock, lateness=LATENESS, max_events=2)
    intake.put(Arrival(click()))
    intake.put(Arrival(click()))
    with pytest.raises(Overloaded):
        intake.put(Arrival(click()))
    intake.turn()
    intake.put(Arrival(click()))


def test_more_bytes_than_may_wait_are_refused_at_once(log: EmbeddedLog, clock: ManualClock) -> None:
    intake = Intake(log, clock=clock, lateness=LATENESS, max_bytes=1_000)
    intake.put(Arrival(rows=[row("ada", "P1")], size=900))
    with pytest.raises(Overloaded):
        intake.put(Arrival(rows=[row("ada", "P2")], size=200))


def test_everybody_who_waited_for_a_failed_commit_hears_of_it_and_later_ones_go_through(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_log(tmp_path, clock=clock):
        pass
    with Broken.open(tmp_path, clock=clock) as log:
        assert isinstance(log, Broken)
        intake = Intake(log, clock=clock, lateness=LATENESS)
        log.full = True
        waiting = [intake.put(Arrival(click())) for _ in range(3)]
        intake.turn()
        for done in waiting:
            with pytest.raises(Unavailable):
                done.result(timeout=0)
        assert intake.trouble is not None
        assert events(log, CLICKS) == []
        log.full = False
        intake.turn()  # nobody sends anything: it finds out by itself
        assert intake.trouble is None


def test_a_request_that_was_given_up_does_not_disturb_the_others(log: EmbeddedLog, intake: Intake) -> None:
    given_up, other = intake.put(Arrival(click(product="P1"))), intake.put(Arrival(click(product="P2")))
    given_up.cancel()
    intake.turn()
    assert other.result(timeout=0) is None
    assert products(log, "ada") == ["P1", "P2"]


def test_after_the_end_nothing_is_taken_and_what_waited_is_on_disk(tmp_path: Path) -> None:
    with open_log(tmp_path, partitions=2, clock=SystemClock()) as log:
        intake = Intake(log, clock=SystemClock(), lateness=LATENESS)
        waiting = [intake.put(Arrival(click(f"user-{n}"))) for n in range(100)]
        intake.start()
        intake.close()
        assert all(done.exception(timeout=0) is None for done in waiting)
        with pytest.raises(Unavailable):
            intake.put(Arrival(click()))
        assert len(events(log, CLICKS)) == 100
        assert not intake.healthy


def test_arrivals_of_many_threads_are_all_kept_once(tmp_path: Path) -> None:
    with open_log(tmp_path, partitions=2, clock=SystemClock()) as log:
        intake = Intake(log, clock=SystemClock(), lateness=LATENESS)
        intake.start()

        def work(thread: int) -> None:
            for n in range(25):
                intake.put(Arrival(click(f"user-{thread}", f"P{n}"))).result(timeout=30)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        intake.close()
        for number in range(8):
            assert products(log, f"user-{number}") == [f"P{n}" for n in range(25)]
        assert intake.tally.commits <= intake.tally.events


# -- time -----------------------------------------------------------------------------------------------------


def test_a_click_is_late_when_it_is_older_than_now_less_the_lateness(log: EmbeddedLog, intake: Intake) -> None:
    limit = NOW - 10 * MINUTE
    for product, at in (("just", limit), ("late", limit - 1)):
        intake.put(Arrival(click(product=product, at=at)))
    intake.turn()
    assert {event["productId"]: event.get("late", False) for event in events(log, CLICKS)} == {
        "just": False,
        "late": True,
    }


def test_time_is_announced_in_every_partition_with_the_first_click(log: EmbeddedLog, intake: Intake) -> None:
    intake.put(Arrival(click()))
    intake.turn()
    assert [watermarks(log, partition) for partition in range(PARTITIONS)] == [[NOW - 10 * MINUTE]] * PARTITIONS


def test_time_is_announced_at_most_once_a_second(log: EmbeddedLog, intake: Intake, clock: ManualClock) -> None:
    for _ in range(25):
        intake.put(Arrival(click()))
        intake.turn()
        clock.advance(0.1)
    assert len(watermarks(log, 0)) == 3


def test_without_clicks_time_goes_on_for_an_hour_and_then_stands_still(
    log: EmbeddedLog, intake: Intake, clock: ManualClock
) -> None:
    intake.put(Arrival(click()))
    for _ in range(2 * 3_600):
        intake.turn()
        clock.advance(1)
    marks = watermarks(log, 0)
    assert marks[-1] == NOW + 50 * MINUTE
    assert {later - earlier for earlier, later in pairwise(marks[:-1])} == {5_000}


def test_time_never_goes_on_before_the_first_click(log: EmbeddedLog, intake: Intake, clock: ManualClock) -> None:
    for _ in range(100):
        intake.turn()
        clock.advance(1)
    assert watermarks(log, 0) == []


def test_a_clock_that_is_set_back_takes_nothing_back(log: EmbeddedLog, clock: ManualClock) -> None:
    intake = Intake(log, clock=clock, lateness=LATENESS)
    for step in (0, -600, 2):
        clock.advance(step)
        intake.put(Arrival(click(at=clock.now_ms())))
        intake.turn()
    marks = watermarks(log, 0)
    assert marks == sorted(marks)


def test_after_a_restart_time_goes_on_as_if_there_had_been_none(log: EmbeddedLog, clock: ManualClock) -> None:
    first = Intake(log, clock=clock, lateness=LATENESS)
    first.put(Arrival(click()))
    first.turn()
    clock.advance(60)
    again = Intake(log, clock=clock, lateness=LATENESS)
    again.turn()
    assert watermarks(log, 0)[-1] == NOW + MINUTE - 10 * MINUTE
    clock.advance(24 * 3_600)
    Intake(log, clock=clock, lateness=LATENESS).turn()
    assert watermarks(log, 0)[-1] == NOW + 50 * MINUTE
