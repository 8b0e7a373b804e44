"""What is missing in a table, or comes from another log, is said; and nothing that is there is passed over."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.events import CART
from footfall.engine.log_identity import identity_of
from footfall.log.base import StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.sinks.sqlite import SqliteTables
from tests.unit.carts import Sunk, at, put, stored
from tests.unit.streams import START, open_log

HOUR = 3_600
DAY = 24 * HOUR


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def cart(tmp_path: Path, clock: ManualClock) -> Iterator[Sunk]:
    with open_log(tmp_path / "log", partitions=2, clock=clock) as log, SqliteTables(tmp_path / "tables.db") as tables:
        yield Sunk(log, tables, clock)


def keep_for_a_day(log: EmbeddedLog) -> None:
    log.create(CART, StreamSettings(partitions=2, keep_for=timedelta(days=1)))


def test_a_sink_that_was_down_longer_than_the_log_keeps_says_so_and_goes_on(cart: Sunk, clock: ManualClock) -> None:
    keep_for_a_day(cart.log)
    put(cart.log, {})
    cart.run()
    put(cart.log, {"username": "lost"}, {"username": "lost too"})
    clock.advance(2 * DAY)
    put(cart.log, {"username": "bob"})
    cart.log.enforce_retention()

    assert cart.run() == {"events": 1, "rows": 1, "repeated": 0, "rejected": 0}
    assert [row["username"] for row in stored(cart.target)] == ["ada", "bob"]
    assert cart.told[-1]["error"] == ("cart-data-0: offsets 1 to 2 had left the log before they were in the table")


def test_so_it_does_when_nothing_at_all_is_kept(cart: Sunk, clock: ManualClock) -> None:
    keep_for_a_day(cart.log)
    put(cart.log, {})
    cart.run()
    put(cart.log, {"username": "lost"})
    clock.advance(2 * DAY)
    cart.log.enforce_retention()

    assert cart.run()["events"] == 0
    assert "offsets 1 to 1" in cart.told[-1]["error"]
    put(cart.log, {"username": "bob"})
    assert cart.run()["rows"] == 1


def test_a_new_sink_begins_at_the_first_event_that_is_kept_and_misses_nothing(cart: Sunk, clock: ManualClock) -> None:
    keep_for_a_day(cart.log)
    put(cart.log, {})
    clock.advance(2 * DAY)
    put(cart.log, {"username": "bob"})
    cart.log.enforce_retention()

    assert cart.run()["rows"] == 1
    assert cart.told[-1]["error"] == ""


def test_a_gap_is_told_for_an_hour_and_no_longer(cart: Sunk, clock: ManualClock) -> None:
    keep_for_a_day(cart.log)
    put(cart.log, {})
    cart.run()
    put(cart.log, {"username": "lost"})
    clock.advance(2 * DAY)
    cart.log.enforce_retention()
    task = cart.task()
    task.step()

    clock.advance(HOUR - 1)
    assert "offsets 1 to 1" in task.gap
    clock.advance(1)
    assert task.gap == ""


# ---------------------------------------------------------------- another log


@pytest.mark.parametrize("length", [1, 3, 9], ids=["shorter", "as long", "longer"])
def test_of_another_log_every_event_is_read(tmp_path: Path, cart: Sunk, length: int) -> None:
    put(cart.log, {}, {}, {"username": "bob"})
    cart.run()
    with open_log(tmp_path / "another", partitions=2) as log:
        put(log, *({"username": f"new-{number}"} for number in range(length)))
        another = Sunk(log, cart.target)

        assert another.run() == {"events": length, "rows": length, "repeated": 0, "rejected": 0}
        assert "another log" in another.told[-1]["error"]
        put(log, {"username": "later"})
        assert another.run() == {"events": 1, "rows": 1, "repeated": 0, "rejected": 0}
        assert another.told[-1]["error"] == ""


def test_an_older_copy_of_the_log_is_read_from_its_beginning(tmp_path: Path, cart: Sunk) -> None:
    put(cart.log, {})
    cart.run()
    shutil.copytree(tmp_path / "log", tmp_path / "copy")
    put(cart.log, {"username": "bob"}, {"username": "cyd"})
    cart.run()
    with open_log(tmp_path / "copy", partitions=2) as log:
        put(log, {"username": "dan", "creation_timestamp": at(7)})
        older = Sunk(log, cart.target)

        assert older.run() == {"events": 2, "rows": 1, "repeated": 1, "rejected": 0}
        assert "older copy" in older.told[-1]["error"]
        assert [row["username"] for row in stored(cart.target)] == ["ada", "bob", "cyd", "dan"]


def test_a_log_has_one_identity_whoever_asks_first_and_keeps_it(tmp_path: Path) -> None:
    with open_log(tmp_path / "one") as log, open_log(tmp_path / "one") as same:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(identity_of, one, random=secrets.token_bytes) for one in (log, same) * 8]
        identities = {one.result() for one in asked}
    with open_log(tmp_path / "one") as again, open_log(tmp_path / "two") as other:
        identities.add(identity_of(again, random=secrets.token_bytes))
        assert len(identities) == 1
        assert identity_of(other, random=secrets.token_bytes) not in identities
