"""Workers share the partitions of a stream on a real Kafka; who stood still too long is told so, who is slow is not."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from footfall.core.clock import SystemClock
from footfall.core.errors import Fenced
from footfall.core.events import CLICKS
from footfall.log.base import StreamSettings
from footfall.log.kafka import KafkaSettings, Membership
from tests.contracts.test_kafka_log import open_log
from tests.servers.kafka import Kafka
from tests.servers.process import until

pytestmark = pytest.mark.alone

SESSION = 1.0
"""Seconds: who has no time for its pulse so long is out."""


class StoppedClock(SystemClock):
    """A clock that may leap, as it does for a process that was frozen; and who waits, waits meanwhile."""

    def __init__(self) -> None:
        self.leap = 0.0
        self.still = threading.Event()

    def monotonic(self) -> float:
        return super().monotonic() + self.leap

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        ended = super().wait(seconds, stop)
        while self.still.is_set() and not stop.is_set():
            ended = super().wait(0.01, stop)
        return ended


@pytest.fixture
def settings(kafka: Kafka, tmp_path: Path) -> KafkaSettings:
    address = f"kafka://{kafka.address}?prefix={tmp_path.name}.&session_seconds={SESSION}"
    with open_log(address, tmp_path) as log:
        log.create(CLICKS, StreamSettings(partitions=3))
    return KafkaSettings.parse(address)


def member(settings: KafkaSettings, clock: SystemClock) -> Membership:
    return Membership(settings, group="workers", stream=CLICKS, clock=clock)


def owned(one: Membership, now: list[int]) -> list[int]:
    """What a member owns, given what it owned before."""
    given = one.owned()
    now[:] = now if given is None else given
    return now


def test_partitions_are_shared_and_handed_over_when_a_worker_leaves(settings: KafkaSettings) -> None:
    first, second = member(settings, SystemClock()), member(settings, SystemClock())
    has: tuple[list[int], list[int]] = ([], [])
    until(lambda: owned(first, has[0]) and owned(second, has[1]), what="each has some")
    until(lambda: sorted(owned(first, has[0]) + owned(second, has[1])) == [0, 1, 2], what="all are shared")
    second.close()
    until(lambda: owned(first, has[0]) == [0, 1, 2], what="the first has all")
    first.close()


def test_a_turn_that_takes_longer_than_the_session_costs_nothing(settings: KafkaSettings) -> None:
    slow, has = member(settings, SystemClock()), list[int]()
    until(lambda: owned(slow, has) == [0, 1, 2], what="it has all")
    threading.Event().wait(2 * SESSION)
    slow.check()
    assert owned(slow, has) == [0, 1, 2]
    slow.close()


def test_who_stood_still_longer_than_the_group_waits_is_fenced_at_once(settings: KafkaSettings) -> None:
    clock = StoppedClock()
    frozen = member(settings, clock)
    frozen.check()
    clock.still.set()
    clock.leap = 2 * SESSION
    with pytest.raises(Fenced, match="stood still for"):
        frozen.check()
    clock.still.clear()
    begun = time.monotonic()
    until(lambda: time.monotonic() > begun + SESSION / 4, what="its pulse goes on")
    with pytest.raises(Fenced, match="stood still for"):
        frozen.owned()
    frozen.close()
