"""The dashboard's words and figures: how fresh data are, and what a day's counts mean."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall import wiring
from footfall.apps.dashboard.days import NONE, Day, days_of, percentage
from footfall.apps.dashboard.freshness import OLD_SECONDS, freshness
from footfall.apps.dashboard.offers import OfferCounts
from footfall.apps.dashboard.reading import Snapshot
from footfall.core.clock import ManualClock
from footfall.core.events import SHOWN, SHOWN_SCHEMA
from footfall.core.hashing import id_from_text
from footfall.log.base import Append, DurableLog
from footfall.stores.composing import DAY, iso
from tests.unit.dashboards import NOON, views

SECOND = 1000


def test_fresh_data_are_live() -> None:
    fresh = freshness(Snapshot(as_of=NOON - SECOND), now_ms=NOON)

    assert fresh.live
    assert fresh.text == "Data as of 11:59:59 UTC, 1 s ago."
    assert not fresh.advice


def test_data_of_another_day_say_which() -> None:
    assert "as of 2026-11-22 12:00:00 UTC, 1 day ago" in freshness(Snapshot(as_of=NOON - DAY), now_ms=NOON).text


def test_events_that_are_ahead_of_the_clock_are_of_now() -> None:
    assert freshness(Snapshot(as_of=NOON + 5 * SECOND), now_ms=NOON).text.endswith("0 s ago.")


def test_old_data_say_what_to_do_about_clicks_that_do_not_come() -> None:
    as_of = NOON - (OLD_SECONDS + 1) * SECOND
    fresh = freshness(Snapshot(as_of=as_of, silent_seconds=1), now_ms=NOON)

    assert (fresh.live, fresh.state) == (False, "quiet")
    assert "footfall replay FILE" in fresh.advice


def test_old_data_say_what_to_do_about_a_worker_that_is_not_there() -> None:
    fresh = freshness(Snapshot(as_of=NOON, silent_seconds=OLD_SECONDS + 1), now_ms=NOON)

    assert (fresh.live, fresh.state) == (False, "stopped")
    assert "footfall up" in fresh.advice


def test_no_data_say_how_to_get_some() -> None:
    assert "footfall up" in freshness(Snapshot(), now_ms=NOON).advice


@pytest.mark.parametrize("as_of", [None, NOON])
def test_an_error_is_said_whatever_else_there_is(as_of: int | None) -> None:
    fresh = freshness(Snapshot(as_of=as_of, error="It is broken."), now_ms=NOON)

    assert (fresh.state, fresh.advice) == ("error", "It is broken.")


def test_the_figures_of_a_day_are_those_of_its_counts() -> None:
    day = Day(day="2026-11-22", sessions=8, bots=2, bounces=2, views=20, carted=1, offers=3)

    assert day.figures() == {
        "Sessions": "8",
        "Bounce rate": "25.0 %",
        "Pages per session": "2.5",
        "Conversion": "12.5 %",
        "Offers shown": "3",
    }


def test_a_rate_of_nothing_is_a_dash() -> None:
    figures = Day(day="2026-11-22").figures()

    assert figures.pop("Sessions") == "0"
    assert set(figures.values()) == {NONE}


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_rate_is_between_nothing_and_all(part: int, rest: int) -> None:
    text = percentage(part, part + rest)

    assert text == NONE if part + rest == 0 else 0 <= float(text.removesuffix(" %")) <= 100


def test_the_newest_day_is_called_today_only_when_it_is() -> None:
    day = Day(day=iso(NOON)[:10])

    assert day.title(NOON) == f"Today, {day.day}"
    assert day.title(NOON + DAY) == f"The latest day, {day.day}"


def test_days_have_the_offers_of_their_date() -> None:
    rows = views()["visits_by_day"]
    days = days_of(rows, {rows[-1]["day"]: 5})

    assert [day.offers for day in days] == [0] * 6 + [5]
    assert {day.offers for day in days_of(rows, None)} == {None}


def test_offers_shown_are_counted_by_day_and_again_when_there_are_more(tmp_path: Path) -> None:
    clock = ManualClock(NOON)

    def log() -> DurableLog:
        return wiring.open_log(tmp_path, clock=clock)

    with log() as writing, OfferCounts(tmp_path, open_log=lambda _: log(), clock=clock) as counts:
        assert counts.by_day() == {}
        writing.append([Append(SHOWN, 0, shown_offers("a", "b"))])
        clock.advance(1)
        assert counts.by_day() == {iso(NOON)[:10]: 2}
        writing.append([Append(SHOWN, 1, shown_offers("b", "c"))])
        clock.advance(1)
        assert counts.by_day() == {iso(NOON)[:10]: 3}


def test_another_data_directory_in_the_same_place_has_its_own_offers(tmp_path: Path) -> None:
    clock, place = ManualClock(NOON), tmp_path / "data"
    with (
        wiring.open_log(place, clock=clock) as writing,
        OfferCounts(place, open_log=lambda found: wiring.open_log(found, clock=clock), clock=clock) as counts,
    ):
        writing.append([Append(SHOWN, 0, shown_offers("a", "b"))])
        assert counts.by_day() == {iso(NOON)[:10]: 2}
        place.rename(tmp_path / "before")
        wiring.open_log(place, clock=clock).close()
        clock.advance(1)
        assert counts.by_day() == {}


def test_offers_of_a_directory_that_cannot_be_read_are_not_known(tmp_path: Path) -> None:
    with OfferCounts(tmp_path / "nowhere", open_log=wiring.open_existing_log) as counts:
        assert counts.by_day() is None


def shown_offers(*names: str) -> pa.RecordBatch:
    rows = [{"timestamp": NOON, "event_id": id_from_text(n), "userId": "ada", "offer": "offer1"} for n in names]
    return pa.RecordBatch.from_pylist(rows, schema=SHOWN_SCHEMA)
