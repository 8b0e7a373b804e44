"""A stage commits what it read together with what came of it, and stops when another has taken over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced
from footfall.core.events import CLICKS, ENRICHED, FAILED, OFFERS, SCHEMAS, SESSIONS
from footfall.engine.figures import totals
from footfall.engine.publish import publish
from footfall.engine.stage import portions
from footfall.log.base import Append, Chunk, Place, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.stores.embedded import EmbeddedStore
from footfall.stores.views import refresh
from tests.unit.streams import (
    FOLLOWERS,
    MINUTE,
    START,
    WATERMARK,
    Row,
    clicks,
    drain,
    events,
    open_log,
    partials,
    stage,
)

AGGREGATION = [one for one in FOLLOWERS if one.name == "aggregation"]
SESSIONIZER = [one for one in FOLLOWERS if one.name == "sessions"]
OFFER: list[Row] = [
    {"timestamp": START + n * MINUTE, "productId": product, "id": f"offer-{n}"}
    for n, product in enumerate(["C1", "S1", "C2"])
]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path / "log") as log:
        yield log


def append(log: EmbeddedLog, *rows: Row, watermark: int | None = None) -> None:
    log.append([Append(CLICKS, 0, clicks(rows), watermark)])


def at(minute: float, **more: object) -> Row:
    return {"timestamp": START + round(minute * MINUTE), **more}


def watermarks(log: EmbeddedLog, stream: str) -> list[int | None]:
    return [chunk.watermark for chunk in log.read(stream, 0, Place()).chunks]


def test_nothing_to_read_is_nothing_to_do(log: EmbeddedLog) -> None:
    one = stage(log)
    assert (one.step(), one.lag()) == (None, 0)


def test_a_step_says_how_many_events_it_took_and_what_it_put_out(log: EmbeddedLog) -> None:
    append(log, *OFFER)
    one = stage(log)
    assert one.lag() == 3
    assert (one.step(), one.step(), one.lag()) == (3, None, 0)
    assert one.put_out == {ENRICHED: 3, OFFERS: 1}


def test_a_step_covers_at_most_max_rows(log: EmbeddedLog) -> None:
    append(log, *(at(0, id=n) for n in range(7)))
    one = stage(log, max_rows=3)
    assert [one.step() for _ in range(4)] == [3, 3, 1, None]


def test_what_is_enriched_carries_the_watermark(log: EmbeddedLog) -> None:
    append(log, at(60))
    append(log, at(90))
    drain(stage(log, max_rows=1))
    assert watermarks(log, ENRICHED) == [START + 50 * MINUTE, START + 80 * MINUTE]


def test_a_watermark_without_events_moves_time_on_and_closes_sessions(log: EmbeddedLog) -> None:
    append(log, at(0))
    one = stage(log)
    drain(one)
    append(log, watermark=START + 31 * MINUTE)
    drain(one)
    assert [row["clicks"] for row in events(log, SESSIONS)] == [1]
    assert len(events(log, ENRICHED)) == 1


def test_a_watermark_is_bounded_by_the_clock_of_the_log(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with open_log(tmp_path / "clock", clock=clock) as log:
        append(log, at(0))
        append(log, watermark=START + 10_000 * MINUTE)
        drain(stage(log))
        assert max(w for w in watermarks(log, ENRICHED) if w is not None) == START - 5 * MINUTE
        clock.advance(3_600)
        append(log, watermark=START + 31 * MINUTE)
        drain(stage(log))
        assert [row["clicks"] for row in events(log, SESSIONS)] == [1]


def test_a_watermark_that_says_nothing_new_is_not_handed_on(log: EmbeddedLog) -> None:
    append(log, at(60))
    append(log, watermark=START)
    drain(stage(log, max_rows=1))
    assert len(watermarks(log, ENRICHED)) == 1


def test_the_second_of_two_stages_to_commit_is_fenced_and_nothing_is_doubled(log: EmbeddedLog) -> None:
    append(log, *OFFER)
    first, second = stage(log), stage(log)
    assert first.step() == 3
    with pytest.raises(Fenced):
        second.step()
    assert [len(events(log, stream)) for stream in (ENRICHED, OFFERS)] == [3, 1]
    assert totals(log, 1).accepted == 3
    drain(stage(log))
    assert totals(log, 1).offers == {"offer1": 1}


def test_a_follower_that_another_worker_runs_is_fenced_with_all_its_outputs(log: EmbeddedLog) -> None:
    append(log, *OFFER)
    drain(stage(log, followers=()))
    together, alone = stage(log), stage(log, enrich=False, followers=FOLLOWERS[2:])
    assert alone.step() == 3
    with pytest.raises(Fenced):
        drain(together)
    assert len(events(log, OFFERS)) == 1


def test_duplicates_and_conflicts_are_told_apart_over_a_restart(log: EmbeddedLog) -> None:
    append(log, at(0, id="a", productId="C1"))
    drain(stage(log))
    append(log, at(0, id="a", productId="C1"), at(0, id="a", productId="C2"), at(1, id="b"))
    drain(stage(log))
    found = totals(log, 1)
    assert (found.accepted, found.duplicates, found.conflicts, found.visitors) == (2, 1, 1, 1)
    [failed] = events(log, FAILED)
    assert (failed["source"], failed["line"], failed["reason"]) == ("click-data-0", 2, "id_conflict")


def test_the_offset_of_a_conflict_is_that_of_its_own_append(log: EmbeddedLog) -> None:
    append(log, at(0, id="a"), at(0, id="b"))
    append(log)
    append(log, at(0, id="c"), at(0, id="b", productId="C9"))
    drain(stage(log))
    assert [row["line"] for row in events(log, FAILED)] == [3]


def test_a_follower_that_starts_later_reads_what_it_has_not_seen(log: EmbeddedLog) -> None:
    append(log, *OFFER)
    drain(stage(log, followers=SESSIONIZER))
    append(log, at(100))
    both = stage(log)
    drain(both)
    assert totals(log, 1).offers == {"offer1": 1}
    assert totals(log, 1).sessions == 2
    assert partials(both)["category_popularity"]


def test_a_follower_that_starts_after_retention_reads_from_what_is_kept(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with EmbeddedLog.open(tmp_path / "short", clock=clock) as log:
        for stream in SCHEMAS:
            log.create(stream, StreamSettings(partitions=1, keep_for=timedelta(hours=1)))
        for hours in (0, 2):
            append(log, at(60 * hours, id=hours))
            drain(stage(log, followers=()))
            clock.advance(2 * 3_600 * (1 - hours // 2))
        assert log.enforce_retention() > 0
        drain(stage(log))
        assert totals(log, 1).sessions == 1


def test_followers_at_different_places_are_brought_together(log: EmbeddedLog) -> None:
    for n in range(5):
        append(log, at(n, id=n))
        append(log, watermark=START + (n - 9) * MINUTE)
    drain(stage(log, followers=(), max_rows=2))
    ahead = stage(log, enrich=False, followers=SESSIONIZER, max_rows=1)
    for _ in range(3):
        ahead.step()
    one = stage(log, max_rows=2)
    drain(one)
    assert one.lag() == 0
    assert totals(log, 1).sessions == 1
    assert sum(row["visits"] for row in partials(one)["last_15_minutes"]) == 5


def test_a_follower_that_stops_in_the_middle_of_a_batch_sees_all_of_it(log: EmbeddedLog) -> None:
    append(log, *(at(n, id=n, userId=f"user-{n}") for n in range(5)))
    drain(stage(log, followers=()))
    alone = stage(log, enrich=False, followers=AGGREGATION, max_rows=2)
    drain(alone)
    assert [row["visitors"] for row in partials(alone)["last_15_minutes"]] == [1] * 5


@pytest.mark.parametrize("enrich", [True, False])
def test_a_stage_waits_where_it_will_read_next(log: EmbeddedLog, enrich: bool) -> None:
    append(log, *OFFER)
    first = stage(log)
    drain(first)
    one = stage(log, enrich=enrich)
    [(place_of, place)] = one.places().items()
    assert place_of == (CLICKS if enrich else ENRICHED, 0)
    assert (place.offset, log.wait({place_of: place}, timeout=0)) == (3, False)


def test_what_a_stage_knows_becomes_views(log: EmbeddedLog, tmp_path: Path) -> None:
    append(log, *OFFER)
    one = stage(log)
    with EmbeddedStore(tmp_path / "store") as store:
        publish([one], store)
        assert refresh(store) is None
        drain(one)
        publish([one, stage(log, followers=())], store)
        assert refresh(store) == START + 2 * MINUTE
        assert store.view("category_popularity") == [
            {"category": "clothing", "count": 2},
            {"category": "shoes", "count": 1},
        ]


def test_large_chunks_are_processed_alone_and_small_ones_together() -> None:
    def chunk(rows: int) -> Chunk:
        return Chunk(CLICKS, 0, 0, clicks([at(0)] * rows), None, START)

    sizes = [5, 5, 19_995, 30_000, 1, 0, 2]
    grouped = [[len(one.batch) for one in group] for group in portions([chunk(n) for n in sizes])]
    assert grouped == [[5, 5], [19_995], [30_000], [1, 0, 2]]


def test_a_larger_lateness_lets_older_clicks_through(log: EmbeddedLog) -> None:
    append(log, at(0, id=1), at(30, id=2), at(1, id=3))
    drain(stage(log, watermark=replace(WATERMARK, lateness=timedelta(minutes=29))))
    assert totals(log, 1).late == 0
    append(log, at(0, id=4))
    drain(stage(log, watermark=replace(WATERMARK, lateness=timedelta(minutes=29))))
    assert totals(log, 1).late == 1
