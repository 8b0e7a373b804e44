"""Sessions equal a plain sorted fold: in any order within the lateness, any cut into frames, any save and restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from footfall.processors.base import NO_TIME, Codebook
from footfall.processors.sessions import Sessions
from tests.unit.frames import enriched, frame
from tests.unit.streams import START, Saved

GAP, LONGEST, LATENESS = 30, 120, 60  # seconds: small, so that the limit and merges happen
SETTINGS = Sessions(
    gap=timedelta(seconds=GAP), longest=timedelta(seconds=LONGEST), bucket=timedelta(seconds=60), buckets=20
)
Click = tuple[int, str]
"""Seconds after START, visitor."""
Visit = list[int]
"""The times of a session's clicks, in order."""


@st.composite
def logs(draw: st.DrawFn, *, delays: Sequence[int] = (0, 0, 0, 20, 45, LATENESS)) -> list[Click]:
    """Clicks in an order of the log in which none is late."""
    steps = draw(st.lists(st.sampled_from([0, 1, 14, 15, 16, 29, 30, 31, 70]), max_size=40))
    time, clicks = 0, []
    for step in steps:
        time += step
        clicks.append((time, draw(st.sampled_from(["ada", "ada", "bob"])), draw(st.sampled_from(delays))))
    return [(time, visitor) for time, visitor, _ in sorted(clicks, key=lambda c: c[0] + c[2])]


THE_EXCEPTION: Final[list[Click]] = [(time, "ada") for time in (0, 30, 60, 85, 116, 140, 110)]
CUTS = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=6)


def plain(clicks: Sequence[Click]) -> list[tuple[str, Visit]]:
    """The sorted fold."""
    found: list[tuple[str, Visit]] = []
    for visitor in sorted({visitor for _, visitor in clicks}):
        visits: list[Visit] = []
        for time in sorted(time for time, who in clicks if who == visitor):
            if visits and time - visits[-1][-1] <= GAP and time - visits[-1][0] <= LONGEST:
                visits[-1].append(time)
            else:
                visits.append([time])
        found += [(visitor, visit) for visit in visits]
    return found


def meets_the_exception(clicks: Sequence[Click]) -> bool:
    """Whether a click out of order fills the gap between two sessions that together would be longer than the limit."""
    for number in range(len(clicks)):
        time, visitor = clicks[number]
        visits = [visit for who, visit in plain(clicks[:number]) if who == visitor]
        for before, after in pairwise(visits):
            fills = before[-1] <= time <= after[0] and time - before[-1] <= GAP and after[0] - time <= GAP
            if fills and after[0] - before[-1] > GAP and after[0] - before[0] <= LONGEST < after[-1] - before[0]:
                return True
    return False


def in_log_order(clicks: Sequence[Click]) -> list[tuple[str, Visit]]:
    """The fold that also says what happens in the exception: click by click, as they come."""
    visits: dict[str, list[Visit]] = {}
    for time, visitor in clicks:
        held = visits.setdefault(visitor, [])
        before = max((v for v in held if v[0] <= time), default=None)
        after = min((v for v in held if v[0] > time), default=None)
        if before and time - before[-1] <= GAP and time - before[0] <= LONGEST:
            before[:] = sorted([*before, time])
            if after and after[0] - before[-1] <= GAP and after[-1] - before[0] <= LONGEST:
                before += after
                held.remove(after)
        elif after and after[0] - time <= GAP and after[-1] - time <= LONGEST:
            after.insert(0, time)
        else:
            held.append([time])
    return sorted((visitor, sorted(visit)) for visitor, held in visits.items() for visit in held)


def row(click: Click) -> dict[str, Any]:
    """An enriched click whose content follows from its time, so that clicks of one time may be swapped."""
    time, visitor = click
    return {
        "timestamp": START + time * 1000,
        "userId": visitor,
        "productId": f"P{time}",
        "country": f"Country {time % 5}",
        "deviceType": ("Mobile", "Desktop")[time % 2],
        "is_bot": time % 3 == 0,
        "is_refresh": time % 4 == 0,
        "event_type": kind(time),
    }


def kind(time: int) -> str:
    """What a click of this time is."""
    return "cart" if time % 7 == 0 else "page" if time % 2 else "view"


@dataclass
class Run:
    """The operator at work, saved and restored as told."""

    book: Codebook = field(default_factory=Codebook)
    saved: Saved = field(default_factory=Saved)
    watermark: int = NO_TIME
    emitted: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sessions = SETTINGS.start(book=self.book, state=self.saved.tables)

    def see(self, rows: Sequence[dict[str, Any]], watermark: int) -> None:
        before, self.watermark = self.watermark, max(self.watermark, watermark)
        given = frame(enriched(rows), self.book, before=before, watermark=self.watermark)
        self.emitted += [one for output in self.sessions.process(given) for one in output.batch.to_pylist()]

    def restart(self) -> None:
        self.saved.keep(self.sessions.changes())
        self.book = Codebook()
        self.sessions = SETTINGS.start(book=self.book, state=self.saved.tables)


def run(clicks: Sequence[Click], cuts: Sequence[tuple[int, bool]]) -> Run:
    """All clicks shown, in frames."""
    edges = dict([(0, False), *((cut, again) for cut, again in cuts if cut <= len(clicks)), (len(clicks), False)])
    state = Run()
    for start, stop in pairwise(sorted(edges)):
        if edges[start]:
            state.restart()
        newest = max((START + (time - LATENESS) * 1000 for time, _ in clicks[:stop]), default=NO_TIME)
        state.see([row(click) for click in clicks[start:stop]], newest)
    return state


def described(sessions: Sequence[tuple[str, Visit]]) -> list[tuple[Any, ...]]:
    """What the stream must say of these sessions."""
    return sorted(
        (
            *(visitor, START + visit[0] * 1000, START + visit[-1] * 1000, len(visit)),
            sum(time % 4 == 0 for time in visit),
            *(sum(kind(time) != "cart" for time in visit), sum(kind(time) == "cart" for time in visit)),
            *(f"P{visit[0]}", f"P{visit[-1]}", f"Country {visit[0] % 5}"),
            *(("Mobile", "Desktop")[visit[0] % 2], visit[0] % 3 == 0),
        )
        for visitor, visit in sessions
    )


def said(emitted: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    assert all(one["timestamp"] == one["end"] for one in emitted)
    assert len({one["event_id"] for one in emitted}) == len(emitted)
    return sorted(
        (
            *(one["userId"], round(one["start"].timestamp() * 1000), round(one["end"].timestamp() * 1000)),
            *(one["clicks"], one["refreshes"], one["views"], one["carts"]),
            *(one["first_product"], one["last_product"]),
            *(one["country"], one["deviceType"], one["is_bot"]),
        )
        for one in emitted
    )


def by_day(sessions: Sequence[tuple[str, Visit]]) -> list[tuple[int, ...]]:
    """What the view must say of each day: sessions, bots, bounces, views, carted."""
    found: dict[int, list[int]] = {}
    for _, visit in sessions:
        row = found.setdefault((START + visit[0] * 1000) // 86_400_000, [0] * 5)
        carts = sum(kind(time) == "cart" for time in visit)
        views = len(visit) - carts
        if visit[0] % 3 == 0:
            row[1] += 1
        else:
            more = (1, 0, views <= 1 and not carts, views, carts > 0)
            row[:] = [held + new for held, new in zip(row, more, strict=True)]
    return [(day, *row) for day, row in sorted(found.items())]


def check(state: Run, clicks: Sequence[Click], expected: Sequence[tuple[str, Visit]]) -> None:
    """What was put out so far, the view, and in the end everything, each session once."""
    due = [one for one in expected if START + (one[1][-1] + GAP) * 1000 < state.watermark]
    assert said(state.emitted) == described(due)
    view, days = state.sessions.partials()
    seen = {row["bucket"]: (row["sessions"], row["bots"]) for row in view.batch.to_pylist() if row["sessions"]}
    by_start = Counter((START + visit[0] * 1000) // 60_000 for _, visit in expected)
    robots = Counter((START + visit[0] * 1000) // 60_000 for _, visit in expected if visit[0] % 3 == 0)
    newest = max((START + (time - LATENESS) * 1000 for time, _ in clicks), default=START) // 60_000
    shown = {bucket: (n, robots[bucket]) for bucket, n in by_start.items() if bucket >= newest - SETTINGS.buckets}
    assert seen == shown
    assert [tuple(row.values()) for row in days.batch.to_pylist()] == by_day(expected)
    state.restart()
    for again in range(2):
        state.see([], START + 10_000_000 + again * 10_000)
        state.restart()
    assert said(state.emitted) == described(expected)


@settings(max_examples=300)
@given(logs(), CUTS)
def test_sessions_equal_a_sorted_fold_in_any_order_but_for_the_one_exception(
    clicks: list[Click], cuts: list[tuple[int, bool]]
) -> None:
    assume(not meets_the_exception(clicks))
    expected = plain(clicks)
    event("a session was cut at the limit", payload=any(v[-1] - v[0] > LONGEST - GAP for _, v in expected))
    check(run(clicks, cuts), clicks, expected)


@settings(max_examples=200)
@given(logs(delays=[0]), CUTS)
def test_sessions_in_order_equal_the_fold_without_exception(clicks: list[Click], cuts: list[tuple[int, bool]]) -> None:
    assert not meets_the_exception(clicks)
    check(run(clicks, cuts), clicks, plain(clicks))


@settings(max_examples=300)
@example(THE_EXCEPTION, [])
@example(THE_EXCEPTION, [(6, True)])
@given(logs(), CUTS)
def test_the_cut_changes_nothing_not_even_in_the_exception(clicks: list[Click], cuts: list[tuple[int, bool]]) -> None:
    check(run(clicks, cuts), clicks, in_log_order(clicks))


@given(logs(), CUTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 900)), max_size=5))
def test_late_clicks_change_nothing(
    clicks: list[Click], cuts: list[tuple[int, bool]], late: list[tuple[int, int]]
) -> None:
    plainly, disturbed = run(clicks, cuts), Run()
    newest = NO_TIME
    for number, click in enumerate(clicks):
        newest = max(newest, START + (click[0] - LATENESS) * 1000)
        with_late = [row((time, "ada")) | {"late": True} for at, time in late if at == number]
        disturbed.see([*with_late, row(click)], newest)
    for state in (plainly, disturbed):
        state.see([], START + 10_000_000)
    assert said(disturbed.emitted) == said(plainly.emitted)


def test_in_the_exception_sessions_are_cut_at_the_gap_instead_of_at_the_limit() -> None:
    assert meets_the_exception(THE_EXCEPTION)
    assert [visit for _, visit in in_log_order(THE_EXCEPTION)] == [[0, 30, 60, 85, 110], [116, 140]]
    assert [visit for _, visit in plain(THE_EXCEPTION)] == [[0, 30, 60, 85, 110, 116], [140]]
