"""The feed's thread follows the log, also through times in which the log cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from footfall.core.clock import SystemClock
from footfall.core.errors import Unavailable
from footfall.engine.offers import Offer, OfferFeed
from footfall.log.base import Place, Read
from footfall.log.embedded import EmbeddedLog
from tests.unit.offering import PARTITIONS, ids, key, make
from tests.unit.streams import open_log


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does; the test's time is bounded."""
    pause = threading.Event()
    while not true():
        pause.wait(0.01)


@pytest.mark.timeout(20)
def test_the_thread_hands_out_what_is_committed_while_it_runs(tmp_path: Path) -> None:
    clock, came = SystemClock(), threading.Event()
    heard: list[Offer] = []

    def listener(offer: Offer) -> None:
        heard.append(offer)
        came.set()

    with open_log(tmp_path, partitions=PARTITIONS, clock=clock) as log:
        feed = OfferFeed(log, clock=clock)
        feed.start()
        feed.subscribe("ada", listener)
        make(log, "ada", "a", at=clock.now_ms())
        assert came.wait(10)
        assert feed.alive
        feed.close()
        assert not feed.alive

    assert ids(heard) == [key("a")]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("error", [Unavailable("The disk is away."), ValueError("nobody thought of this")])
def test_the_feed_goes_on_when_the_log_can_be_read_again(tmp_path: Path, error: Exception) -> None:
    class Away(EmbeddedLog):
        """A log that cannot be read for a while."""

        away = threading.Event()
        asked = threading.Event()

        def read(
            self, stream: str, partition: int, place: Place, *, max_rows: int = 100_000, before: int | None = None
        ) -> Read:
            if self.away.is_set():
                self.asked.set()
                raise error
            return super().read(stream, partition, place, max_rows=max_rows, before=before)

    clock, came = SystemClock(), threading.Event()
    open_log(tmp_path, partitions=PARTITIONS, clock=clock).close()
    with Away.open(tmp_path, clock=clock) as log:
        feed = OfferFeed(log, clock=clock)
        feed.start()
        feed.subscribe("ada", lambda _offer: came.set())
        log.away.set()
        make(log, "ada", "a", at=clock.now_ms())
        assert log.asked.wait(10)
        until(lambda: str(error) in (feed.trouble or ""))
        assert not feed.alive
        log.away.clear()
        assert came.wait(10)
        until(lambda: feed.alive)
        feed.close()
