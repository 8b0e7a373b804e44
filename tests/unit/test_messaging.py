"""Every event of a stream becomes a message: at least once, in order, and the place is kept after the confirmation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced
from footfall.engine.messaging import MessageTask, Messaging
from footfall.log.base import Append, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.sinks.messages import MessageSink
from tests.unit.streams import START, open_log
from tests.unit.vips import VIPS, Memory, event_id, make, put

GROUP = "sink:vips"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path / "log", clock=clock) as opened:
        make(opened, partitions=2)
        yield opened


def task(log: EmbeddedLog, target: MessageSink, clock: ManualClock) -> MessageTask:
    return MessageTask(GROUP, stream=VIPS, partition=0, log=log, target=target, clock=clock, stop=threading.Event())


def run(log: EmbeddedLog, target: MessageSink, clock: ManualClock) -> tuple[dict[str, int], str]:
    """A new service works until nothing is left; its figures, and its last error."""
    told: list[str] = []
    service = Messaging(
        group=GROUP,
        stream=VIPS,
        log=log,
        target=target,
        clock=clock,
        beat=lambda **figures: told.append(figures["error"]),
    )
    return service.run(threading.Event(), until_end=True), told[-1]


def test_every_event_becomes_a_message_in_order(log: EmbeddedLog, clock: ManualClock) -> None:
    target = Memory()
    put(log, 1, 2)
    put(log, 3)
    put(log, 9, partition=1)

    assert run(log, target, clock) == ({"events": 4}, "")
    first, second, third, other = target.kept
    assert [one.id for one in target.kept] == [event_id(n).hex() for n in (1, 2, 3, 9)]
    assert msgspec.json.decode(first.body)["userId"] == "user-1"
    assert (second.stream, second.partition, second.offset, second.time_ms) == (VIPS, 0, 1, START + 2)
    assert (third.offset, other.partition, other.offset) == (2, 1, 0)


def test_a_sink_goes_on_where_it_stood(log: EmbeddedLog, clock: ManualClock) -> None:
    target = Memory()
    put(log, 1)
    run(log, target, clock)
    put(log, 2)

    assert run(log, target, clock)[0] == {"events": 1}
    assert [one.offset for one in target.kept] == [0, 1]


def test_what_was_not_confirmed_is_sent_again_from_its_first_message(log: EmbeddedLog, clock: ManualClock) -> None:
    target = Memory(away=2, before=2)
    put(log, 1, 2, 3)

    assert run(log, target, clock) == ({"events": 3}, "")
    assert [one.offset for one in target.kept] == [0, 1, 0, 1, 0, 1, 2]


def test_while_the_target_is_away_it_is_tried_more_and_more_seldom_and_the_reason_is_told(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    target = Memory(away=1_000)
    put(log, 1, 2, 3)
    working = task(log, target, clock)
    for _ in range(400):
        assert working.step() == 0
    assert working.trouble == "The broker is away. Wait."
    assert working.lag() == 3
    assert target.calls < 30

    target.away = 0
    while working.step() == 0:
        pass
    assert (working.trouble, working.lag(), len(target.kept)) == ("", 0, 3)


def test_an_event_without_an_id_is_known_by_where_it_stands(log: EmbeddedLog, clock: ManualClock) -> None:
    target = Memory()
    log.append([Append(VIPS, 0, pa.RecordBatch.from_pydict({"n": [7, 8]}))])

    run(log, target, clock)
    assert [(one.id, one.time_ms) for one in target.kept] == [("vip-action-0-0", None), ("vip-action-0-1", None)]


def test_events_that_left_the_log_before_are_told(log: EmbeddedLog, clock: ManualClock) -> None:
    target = Memory()
    log.create(VIPS, StreamSettings(partitions=2, keep_for=timedelta(days=1)))
    put(log, 1)
    run(log, target, clock)
    put(log, 2, 3)
    clock.advance(2 * 86_400)
    put(log, 4)
    log.enforce_retention()

    assert run(log, target, clock) == (
        {"events": 1},
        "vip-action-0: offsets 1 to 2 had left the log before they were sent",
    )
    assert [one.offset for one in target.kept] == [0, 3]


def test_of_two_sinks_of_one_name_the_overtaken_one_ends(log: EmbeddedLog, clock: ManualClock) -> None:
    first, second = task(log, Memory(), clock), task(log, Memory(), clock)
    put(log, 1)
    assert second.step() == 1

    with pytest.raises(Fenced):
        first.step()
