"""A chain gives the same however the log is cut, whatever runs apart, and wherever it is killed and rebuilt."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from footfall.core.events import CLICKS, ENRICHED, FAILED, OFFERS, SESSIONS, Batch
from footfall.engine.figures import Totals, totals
from footfall.engine.stage import Stage
from footfall.log.base import Append
from footfall.log.embedded import EmbeddedLog
from footfall.stores import views
from tests.unit.streams import FOLLOWERS, MINUTE, SECOND, START, clicks, drain, events, open_log, stage

FILLERS = 50_000
"""So many codes, none of them in use, that a stage gives codes back whenever it tidies."""

A_FEW = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Each example makes two logs on disk: few, and none to find a smaller one."""

CLICK = st.tuples(
    st.sampled_from([0, 1, 20, 90, 700, 1_900]),  # seconds since the click before
    st.integers(0, 9),  # visitor
    st.sampled_from(["C1", "C2", "S1", "S2", "B1"]),
    st.sampled_from([0, 0, 0, 300, 599, 3_000]),  # seconds that it comes behind its time
)
APPENDS = st.lists(
    st.tuples(st.lists(CLICK, max_size=8), st.booleans(), st.sampled_from([0, 0, 1, 2])), min_size=1, max_size=6
)
"""Clicks, whether a watermark comes with them, and how many earlier clicks come again (one of them changed)."""


def batches(appends: Sequence[Any]) -> list[tuple[Batch, int | None]]:
    """What a source appends: batches, each perhaps with a watermark."""
    time, newest, number = START, START, 0
    earlier: list[dict[str, Any]] = []
    found = []
    for some, announced, repeated in appends:
        rows = []
        for seconds, visitor, product, behind in some:
            time += seconds * SECOND
            number += 1
            row = {"timestamp": time - behind * SECOND, "userId": f"user-{visitor}", "productId": product, "id": number}
            rows.append(row)
            newest = max(newest, time - behind * SECOND)
        again = [dict(row) for row in earlier[:repeated]]
        if len(again) > 1:
            again[1]["productId"] = "B9"
        earlier += rows
        found.append((clicks([*rows, *again]), newest - 10 * MINUTE if announced else None))
    return found


def fill(log: EmbeddedLog, given: Sequence[tuple[Batch, int | None]]) -> None:
    log.append([Append(CLICKS, 0, batch, watermark) for batch, watermark in given])


def outputs(log: EmbeddedLog) -> dict[str, list[dict[str, Any]]]:
    """What each stream holds; sessions by when they began, because how soon one is closed depends on the cut."""
    found = {stream: events(log, stream) for stream in (ENRICHED, OFFERS, FAILED)}
    return found | {SESSIONS: sorted(events(log, SESSIONS), key=lambda row: (row["start"], row["userId"]))}


def shown(stages: Sequence[Stage]) -> dict[str, list[dict[str, Any]]]:
    """The views, composed of what these stages know."""
    high = max(one.high for one in stages)
    parts = {part.view: part.batch for one in stages for part in one.partials()}
    return {name: views.compose(name, [batch], high) for name, batch in parts.items()} if high > 0 else {}


def state(log: EmbeddedLog) -> Totals:
    return totals(log, 1)


Results = tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]], Totals]


def undisturbed(given: Sequence[tuple[Batch, int | None]], *, max_rows: int = 100_000) -> Results:
    """One stage, never stopped."""
    with tempfile.TemporaryDirectory() as directory, open_log(Path(directory)) as log:
        fill(log, given)
        one = stage(log, max_rows=max_rows)
        drain(one)
        return outputs(log), shown([one]), state(log)


@A_FEW
@given(APPENDS, st.integers(1, 9), st.lists(st.booleans(), max_size=12))
def test_a_stage_rebuilt_after_any_commit_gives_what_one_that_never_stopped_gives(
    appends: Sequence[Any], max_rows: int, kills: list[bool]
) -> None:
    given = batches(appends)
    with tempfile.TemporaryDirectory() as directory, open_log(Path(directory)) as log:
        fill(log, given)
        one = stage(log, max_rows=max_rows)
        for kill in kills:
            one.step()
            one = stage(log, max_rows=max_rows) if kill else one
        drain(one)
        one = stage(log, max_rows=max_rows)
        assert (outputs(log), shown([one]), state(log)) == undisturbed(given)


@A_FEW
@given(APPENDS, st.integers(1, 9), st.integers(1, 9), st.integers(0, 10))
def test_processors_apart_give_what_they_give_together(
    appends: Sequence[Any], enrich_rows: int, follow_rows: int, steps: int
) -> None:
    given = batches(appends)
    with tempfile.TemporaryDirectory() as directory, open_log(Path(directory)) as log:
        fill(log, given)
        alone = stage(log, followers=(), max_rows=enrich_rows)
        others = [stage(log, enrich=False, followers=[each], max_rows=follow_rows) for each in FOLLOWERS]
        for number in range(steps):
            [alone, *others][number % 4].step()
        drain(alone, *others)
        assert (outputs(log), shown(others), state(log)) == undisturbed(given)


@A_FEW
@given(APPENDS, st.integers(1, 9), st.integers(1, 9), st.integers(0, 6), st.integers(0, 6))
def test_processors_moved_from_apart_to_together_lose_and_double_nothing(
    appends: Sequence[Any], enrich_rows: int, follow_rows: int, enriched: int, followed: int
) -> None:
    given = batches(appends)
    with tempfile.TemporaryDirectory() as directory, open_log(Path(directory)) as log:
        fill(log, given)
        alone = stage(log, followers=(), max_rows=enrich_rows)
        for _ in range(enriched):
            alone.step()
        for each in FOLLOWERS[:2]:
            other = stage(log, enrich=False, followers=[each], max_rows=follow_rows)
            for _ in range(followed):
                other.step()
        together = stage(log, max_rows=follow_rows)
        drain(together)
        assert (outputs(log), shown([together]), state(log)) == undisturbed(given)


@A_FEW
@given(APPENDS, st.integers(1, 6), st.lists(st.booleans(), min_size=3, max_size=12))
def test_codes_that_are_given_back_never_carry_one_visitors_state_over_to_another(
    appends: Sequence[Any], max_rows: int, tidy: list[bool]
) -> None:
    given = batches(appends)
    with tempfile.TemporaryDirectory() as directory, open_log(Path(directory)) as log:
        fill(log, given)
        one = stage(log, max_rows=max_rows)
        fillers = [f"filler-{n}" for n in range(FILLERS)]
        for again in tidy:
            one.step()
            if again:
                one._book.visitors.add(fillers)
                one.tidy()
                assert one._book.visitors.live < FILLERS
        drain(one)
        held, view, sums = undisturbed(given)
        assert (outputs(log), shown([one])) == (held, view)
        assert (state(log).sessions, state(log).offers) == (sums.sessions, sums.offers)


@A_FEW
@given(APPENDS, st.lists(st.integers(1, 5), max_size=6))
def test_how_the_appends_are_cut_changes_nothing(appends: Sequence[Any], sizes: list[int]) -> None:
    given = batches(appends)
    cut: list[tuple[Batch, int | None]] = []
    for number, (batch, watermark) in enumerate(given):
        size = sizes[number % len(sizes)] if sizes else 3
        cut += [(batch.slice(start, size), None) for start in range(0, batch.num_rows, size)]
        cut.append((batch.slice(0, 0), watermark))
    assert undisturbed(cut, max_rows=2)[1:] == undisturbed(given)[1:]


def test_the_clicks_above_make_sessions_and_offers() -> None:
    walk = [(20, 1, "C1", 0), (20, 1, "S1", 0), (20, 1, "C2", 0), (1_900, 2, "C1", 0), (1_900, 3, "C1", 0)]
    held, view, sums = undisturbed(batches([(walk, True, 0), (walk[:1], True, 2)]))
    assert (len(held[OFFERS]), len(held[FAILED]), sums.duplicates) == (1, 1, 1)
    assert (len(held[SESSIONS]), sums.sessions) == (1, 4)
    assert view["category_popularity"]
