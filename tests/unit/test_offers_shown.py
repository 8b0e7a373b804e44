"""What was shown is counted once, by day, from any moment on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.events import SHOWN
from footfall.core.hashing import id_from_text
from footfall.engine.offers import ShownOffers
from footfall.log.base import Append
from footfall.log.embedded import EmbeddedLog
from tests.unit.offering import key, show, shown_batch
from tests.unit.streams import START, open_log

DAY = 86_400_000


def append(log: EmbeddedLog, *names: str, at: int = START, partition: int = 0) -> None:
    log.append([Append(SHOWN, partition, shown_batch(names, at=at))])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=2, clock=clock) as log:
        yield log


def test_offers_shown_are_counted_by_utc_day(log: EmbeddedLog) -> None:
    append(log, "a", "b")
    append(log, "c", at=START + DAY, partition=1)
    fold = ShownOffers(log, since_ms=0)
    fold.catch_up()

    assert dict(fold.by_day) == {"2012-03-15": 2, "2012-03-16": 1}


def test_an_offer_counts_once_however_often_it_was_shown(log: EmbeddedLog) -> None:
    append(log, "a", "a")
    fold = ShownOffers(log, since_ms=0)
    fold.catch_up()
    append(log, "a", at=START + DAY)
    fold.catch_up()

    assert dict(fold.by_day) == {"2012-03-15": 1}


def test_what_is_new_is_told_once(log: EmbeddedLog) -> None:
    append(log, "a")
    fold = ShownOffers(log, since_ms=0)
    told: list[tuple[str, str]] = []
    for _ in range(2):
        fold.catch_up(tell=lambda *each: told.append(each))

    assert told == [("of a", id_from_text("a").hex())]
    assert id_from_text("a").hex() in fold
    assert id_from_text("b").hex() not in fold


def test_only_the_latest_days_are_kept(log: EmbeddedLog) -> None:
    for day in range(12):
        append(log, f"on day {day}", at=START + day * DAY)
    fold = ShownOffers(log, since_ms=0)
    fold.catch_up()

    assert list(fold.by_day) == [f"2012-03-{15 + day}" for day in range(4, 12)]


def test_what_was_appended_before_is_not_read(log: EmbeddedLog, clock: ManualClock) -> None:
    append(log, "a")
    clock.advance(10)
    append(log, "b")
    fold = ShownOffers(log, since_ms=START + 10_000)
    fold.catch_up()

    assert id_from_text("a").hex() not in fold
    assert id_from_text("b").hex() in fold


def test_who_showed_an_offer_first_is_known(log: EmbeddedLog) -> None:
    show(log, "ada", "a", by="page 1")
    show(log, "ada", "a", by="page 2")
    show(log, "ada", "b")
    fold = ShownOffers(log, since_ms=0)
    fold.catch_up()

    assert [fold.claimant(key(name)) for name in ("a", "b", "never shown")] == ["page 1", "", ""]


def test_showings_from_before_the_claimant_was_kept_count(log: EmbeddedLog) -> None:
    log.append([Append(SHOWN, 0, shown_batch(["a"], at=START).drop_columns(["claimant"]))])
    fold = ShownOffers(log, since_ms=0)
    fold.catch_up()

    assert dict(fold.by_day) == {"2012-03-15": 1}
    assert fold.claimant(key("a")) == ""
