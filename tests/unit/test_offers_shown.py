"""What was shown is counted once, by day, from any moment on; and a moment's place in a stream is found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.events import SHOWN, SHOWN_SCHEMA
from footfall.core.hashing import id_from_text
from footfall.engine.offers import ShownOffers
from footfall.engine.offers_tail import Tail, first_since
from footfall.log.base import Append, StreamSettings
from footfall.log.embedded import EmbeddedLog
from tests.unit.streams import START, open_log

DAY = 86_400_000


def shown(names: Sequence[str], *, at: int) -> pa.RecordBatch:
    rows = [{"timestamp": at, "event_id": id_from_text(n), "userId": f"of {n}", "offer": "offer1"} for n in names]
    return pa.RecordBatch.from_pylist(rows, schema=SHOWN_SCHEMA)


def append(log: EmbeddedLog, *names: str, at: int = START, partition: int = 0) -> None:
    log.append([Append(SHOWN, partition, shown(names, at=at))])


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


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30), st.integers(-1, 100))
def test_the_first_event_since_a_moment_is_found(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, int]], seconds: int
) -> None:
    clock = ManualClock(START)
    appended: list[int] = []
    with open_log(tmp_path_factory.mktemp("log"), clock=clock) as log:
        for rows, pause in batches:
            clock.advance(pause)
            log.append([Append(SHOWN, 0, shown([f"{len(appended) + i}" for i in range(rows)], at=START))])
            appended += [clock.now_ms()] * rows
        since = START + seconds * 1000

        place = first_since(log, SHOWN, 0, since_ms=since)

        assert place.offset == sum(1 for at in appended if at < since)
        assert log.read(SHOWN, 0, place).rows == len(appended) - place.offset


def test_events_that_retention_removes_meanwhile_are_passed_over(tmp_path: Path, clock: ManualClock) -> None:
    with open_log(tmp_path, clock=clock) as log:
        log.create(SHOWN, StreamSettings(partitions=1, keep_for=timedelta(hours=1)))
        tail = Tail(log, SHOWN, since_ms=0)
        append(log, "a")
        clock.advance(7200)
        append(log, "b")
        assert log.enforce_retention() == 1

        (chunk,) = tail.take()

        assert chunk.batch.column("event_id").to_pylist() == [id_from_text("b")]


def test_events_after_damaged_ones_still_come(tmp_path: Path, clock: ManualClock) -> None:
    with open_log(tmp_path, clock=clock) as log:
        tail = Tail(log, SHOWN, since_ms=0)
        append(log, "a")
        (file,) = tmp_path.rglob("*.seg*")
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(bytes(content))

        assert tail.take() == []
        append(log, "b")
        (chunk,) = tail.take()

        assert chunk.batch.column("event_id").to_pylist() == [id_from_text("b")]
