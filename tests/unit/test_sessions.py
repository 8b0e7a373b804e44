"""When a session begins and ends, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from footfall.core.events import SESSION_SCHEMA, SESSIONS
from footfall.processors.base import NO_TIME, Codebook, Frame
from footfall.processors.sessions import Sessions
from tests.unit.frames import enriched, frame
from tests.unit.streams import MINUTE, START, Saved

END_OF_TIME = START + 10**9


class Watch:
    """A running operator, and what it said."""

    def __init__(self, settings: Sessions = Sessions()) -> None:  # noqa: B008 - frozen
        self.settings = settings
        self.book = Codebook()
        self.saved = Saved()
        self.sessions = settings.start(book=self.book, state={})

    def see(self, *clicks: dict[str, Any] | float, watermark: float = -1e9, high: int | None = None) -> list[Any]:
        """Show clicks (or minutes) and a watermark (a minute); start, end and clicks of what was put out."""
        rows = [c if isinstance(c, dict) else click(c) for c in clicks]
        mark = START + round(watermark * MINUTE)
        given = Frame(enriched(rows), book=self.book, before=NO_TIME, watermark=mark, high=high)
        return shown(self.sessions.process(given))

    def restart(self) -> None:
        self.saved.keep(self.sessions.changes())
        self.book = Codebook()
        self.sessions = self.settings.start(book=self.book, state=self.saved.tables)

    def buckets(self) -> dict[int, tuple[int, int]]:
        partial, _ = self.sessions.partials()
        first = START // (30 * MINUTE)
        return {row["bucket"] - first: (row["sessions"], row["bots"]) for row in partial.batch.to_pylist()}

    def totals(self) -> tuple[int, int]:
        self.saved.keep(self.sessions.changes())
        row = self.saved.tables["counts"][-1].to_pylist()[-1]
        return row["opened"], row["closed"]


def click(minute: float, **more: Any) -> dict[str, Any]:
    return {"timestamp": START + round(minute * MINUTE), **more}


def shown(outputs: Sequence[Any]) -> list[Any]:
    found = []
    for output in outputs:
        assert (output.stream, output.batch.schema) == (SESSIONS, SESSION_SCHEMA)
        output.batch.validate(full=True)
        found += [(minute(row["start"]), minute(row["end"]), row["clicks"]) for row in output.batch.to_pylist()]
    return sorted(found)


def minute(time: Any) -> float:
    return float((time.timestamp() * 1000 - START) / MINUTE)


@pytest.mark.parametrize("cut", [False, True])
def test_exactly_30_minutes_is_the_same_session_and_a_millisecond_more_is_another(cut: bool) -> None:
    watch, over = Watch(), 60 + 1 / MINUTE
    for clicks in [[0.0], [30.0], [60 + over]] if cut else [[0.0, 30.0, 60 + over]]:
        watch.see(*clicks)
    assert watch.see(watermark=1_000) == [(0, 30, 2), (60 + over, 60 + over, 1)]
    watch = Watch()
    watch.see(0, 30, 60, 90 + 1 / MINUTE)
    assert [clicks for _, _, clicks in watch.see(watermark=1_000)] == [3, 1]


def test_exactly_24_hours_is_the_same_session_and_a_millisecond_more_is_another() -> None:
    for last, expected in ((24 * 60.0, [49]), (24 * 60 + 1 / MINUTE, [48, 1])):
        watch = Watch()
        watch.see(*[30.0 * n for n in range(48)], last)
        assert [clicks for _, _, clicks in watch.see(watermark=9_999)] == expected


def test_a_session_is_closed_when_the_watermark_has_passed_its_end_by_more_than_the_gap() -> None:
    watch = Watch()
    assert watch.see(0, watermark=-10) == []
    assert watch.see(watermark=30) == []
    assert watch.see(watermark=30 + 1 / 60) == [(0, 0, 1)]
    assert watch.see(watermark=1_000) == []


def test_how_soon_a_session_is_closed_does_not_depend_on_the_cut_into_frames() -> None:
    for before in ((), (29.99,)):
        watch = Watch()
        watch.see(0)
        for minutes in before:
            watch.see(watermark=minutes)
        assert watch.see(watermark=30 + 1 / MINUTE) == [(0, 0, 1)]


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_event_never_reopens_a_closed_session(restart: bool) -> None:
    watch = Watch()
    watch.see(0)
    assert watch.see(watermark=31) == [(0, 0, 1)]
    if restart:
        watch.restart()
    assert watch.see(click(0, late=True), click(15, late=True), watermark=100) == []
    assert watch.see(watermark=1_000) == []
    assert watch.totals() == (1, 1)


def test_a_session_that_was_closed_after_it_was_saved_stays_closed_through_a_restart() -> None:
    watch = Watch()
    watch.see(0)
    watch.restart()
    assert watch.see(watermark=31) == [(0, 0, 1)]
    watch.restart()
    assert watch.see(watermark=1_000) == []
    assert watch.totals() == (1, 1)


def test_a_session_with_a_successor_is_kept_until_no_click_can_join_it() -> None:
    watch = Watch()
    watch.see(0, 40, watermark=30)
    watch.restart()
    watch.see(31 / 2 + 5, watermark=30)
    assert watch.see(watermark=1_000) == [(0, 40, 3)]
    assert watch.totals() == (1, 1)


def test_a_session_says_where_it_began_and_where_it_ended() -> None:
    watch = Watch()
    watch.see(
        click(0, productId="P1", country="Malta", deviceType="Tablet", is_bot=True),
        click(1, productId="P2", country="Chad", deviceType="Mobile", is_refresh=True),
        click(2, productId="P3", is_refresh=True, event_type="cart"),
    )
    given = frame(enriched([]), watch.book, watermark=END_OF_TIME)
    [row] = watch.sessions.process(given)[0].batch.to_pylist()
    assert {
        name: row[name] for name in SESSION_SCHEMA.names if name not in {"timestamp", "event_id", "start", "end"}
    } == {
        "userId": "ada",
        "clicks": 3,
        "refreshes": 2,
        "views": 2,
        "carts": 1,
        "first_product": "P1",
        "last_product": "P3",
        "country": "Malta",
        "deviceType": "Tablet",
        "is_bot": True,
    }


def test_the_id_of_a_session_follows_from_visitor_and_start() -> None:
    ids = []
    for products in ("P1", "P2"):
        book = Codebook()
        book.visitors.add(["somebody", products])
        sessions = Sessions().start(book=book, state={})
        sessions.process(frame([click(0, productId=products), click(1, userId="bob")], book))
        (output,) = sessions.process(frame(enriched([]), book, watermark=END_OF_TIME))
        ids.append(dict(zip(*(output.batch.column(n).to_pylist() for n in ("userId", "event_id")), strict=True)))
    assert ids[0] == ids[1]
    assert ids[0]["ada"] != ids[0]["bob"]


def test_the_view_counts_sessions_by_the_half_hour_of_their_start_and_bots_apart() -> None:
    watch = Watch()
    watch.see(0, 29, click(1, userId="bot", is_bot=True), click(31, userId="cyd"))
    assert watch.buckets() == {0: (2, 1), 1: (1, 0)}
    watch.restart()
    assert watch.buckets() == {0: (2, 1), 1: (1, 0)}


def test_the_view_forgets_half_hours_before_those_that_it_shows() -> None:
    watch = Watch(Sessions(buckets=2))
    for half_hours in range(10):
        watch.see(click(30.0 * half_hours + 1, userId=f"user-{half_hours}"), high=START + 30 * half_hours * MINUTE)
    assert max(watch.buckets()) == 9
    assert len(watch.buckets()) <= 3


def test_a_click_of_a_fast_clock_leaves_the_view_of_the_present_alone() -> None:
    watch = Watch()
    watch.see(0, high=START)
    watch.see(click(60 * 24 * 365, userId="wrong clock"), high=START)
    assert watch.buckets()[0] == (1, 0)


def test_sessions_are_saved_in_proportion_to_the_open_ones() -> None:
    watch = Watch(Sessions(gap=timedelta(minutes=1)))
    for n in range(60):
        rows = [click(n * 10, userId=f"user-{n}-{m}") for m in range(400)]
        watch.see(*rows, watermark=n * 10)
        watch.saved.keep(watch.sessions.changes())
    kept = sum(batch.num_rows for batch in watch.saved.tables["open"])
    assert kept <= 10_000 + 4 * 400
