"""Which events ``footfall tail`` prints, in which order, and what they look like."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from footfall import wiring
from footfall.apps.cli import events, main
from footfall.core.clock import ManualClock
from footfall.core.events import ENRICHED, Batch
from footfall.core.hashing import partition_of
from footfall.log.base import Append, Log
from tests.unit.frames import enriched


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000_000)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[Log]:
    with wiring.open_log(tmp_path, clock=clock) as opened:
        yield opened


def append(log: Log, clock: ManualClock, *clicks: tuple[str, str]) -> None:
    """Each click (visitor, product) in an append of its own, a second apart."""
    for user, product in clicks:
        clock.advance(1)
        batch = enriched([{"userId": user, "productId": product}])
        log.append([Append(ENRICHED, partition_of(user, 2), batch)])


def products(batches: Iterable[Batch]) -> list[str]:
    return [product for batch in batches for product in batch.column("productId").to_pylist()]


def onward(log: Log, *, key: str | None = None, limit: int | None = None, at: str = "earliest") -> list[str]:
    return products(events.onward(log, ENRICHED, key=key, limit=limit, at=at, follow=False, stop=threading.Event()))


def test_the_newest_events_of_all_partitions_come_in_the_order_of_their_appends(log: Log, clock: ManualClock) -> None:
    append(log, clock, ("ada", "1"), ("bob", "2"), ("cyd", "3"), ("ada", "4"), ("bob", "5"))

    assert products(events.newest(log, ENRICHED, key=None, limit=3)) == ["3", "4", "5"]


def test_more_than_there_are_is_all_there_are(log: Log, clock: ManualClock) -> None:
    append(log, clock, ("ada", "1"), ("bob", "2"))

    assert products(events.newest(log, ENRICHED, key=None, limit=9)) == ["1", "2"]


def test_a_key_selects_one_visitor(log: Log, clock: ManualClock) -> None:
    append(log, clock, ("ada", "1"), ("bob", "2"), ("ada", "3"), ("cyd", "4"), ("ada", "5"))

    assert products(events.newest(log, ENRICHED, key="ada", limit=2)) == ["3", "5"]
    assert onward(log, key="ada") == ["1", "3", "5"]
    assert onward(log, key="ada", limit=2) == ["1", "3"]


def test_from_the_earliest_every_event_comes_once(log: Log, clock: ManualClock) -> None:
    append(log, clock, *((f"user-{number % 7}", str(number)) for number in range(50)))

    assert sorted(onward(log), key=int) == [str(number) for number in range(50)]
    assert len(onward(log, limit=20)) == 20


def test_from_the_latest_only_what_comes_is_printed(log: Log, clock: ManualClock) -> None:
    append(log, clock, ("ada", "1"))

    assert onward(log, at="latest") == []


def test_following_waits_for_more(log: Log, clock: ManualClock) -> None:
    found = events.onward(log, ENRICHED, key=None, limit=2, at="earliest", follow=True, stop=threading.Event())
    append(log, clock, ("ada", "1"))
    assert products([next(found)]) == ["1"]

    later = threading.Timer(0.05, append, (log, clock, ("bob", "2")))
    later.start()

    assert products(found) == ["2"]
    later.join()


def test_every_format_prints_each_event_on_a_line(log: Log, clock: ManualClock) -> None:
    batch = enriched([{"userId": "ada", "productId": "1"}, {"userId": "ada", "productId": "2"}])

    flat = [json.loads(line) for line in events.Printer("json").lines(batch)]
    envelopes = [json.loads(line) for line in events.Printer("quix").lines(batch)]
    header, *rows = [line.split("\t") for line in events.Printer("table").lines(batch)]

    assert [one["productId"] for one in flat] == ["1", "2"]
    assert [one["StringValues"]["productId"] for one in envelopes] == [["1"], ["2"]]
    assert [row[header.index("productId")] for row in rows] == ["1", "2"]


def test_an_unknown_stream_is_answered_with_those_there_are(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["tail", "clicks", "--data-dir", str(tmp_path)]) == 2

    assert "click-data" in capsys.readouterr().err
