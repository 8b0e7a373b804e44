"""The parts of the views that one partition knows, at the borders of their windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footfall.processors.aggregate import Aggregation, RunningAggregation
from footfall.processors.base import NO_TIME, Codebook, Frame
from tests.unit.frames import enriched
from tests.unit.streams import MINUTE, START, Saved

Row = dict[str, Any]


def click(minute: float, user: str = "ada", **more: Any) -> Row:
    return {"timestamp": START + round(minute * MINUTE), "userId": user, **more}


def see(running: RunningAggregation, *rows: Row, high: float | None = None) -> None:
    """Show these clicks; time comes to ``high`` (a minute), or to the newest of them."""
    newest = max(row["timestamp"] for row in rows) if high is None else START + round(high * MINUTE)
    frame = Frame(enriched(rows), book=running._book, before=NO_TIME, watermark=newest - 10 * MINUTE, high=newest)
    assert running.process(frame) == []


def started(saved: Saved | None = None) -> RunningAggregation:
    return Aggregation().start(book=Codebook(), state=saved.tables if saved else {})


def part(running: RunningAggregation, view: str) -> list[Row]:
    (found,) = [one.batch.to_pylist() for one in running.partials() if one.view == view]
    rows: list[Row] = found
    return rows


def minutes(running: RunningAggregation, view: str = "category_popularity") -> Sequence[int]:
    return [row["minute"] - START // MINUTE for row in part(running, view)]


def test_the_hour_begins_59_minutes_before_the_newest_minute() -> None:
    running = started()
    see(running, click(0), click(0.99), click(1), click(60))
    assert minutes(running) == [1, 60]


def test_clicks_of_one_frame_that_are_an_hour_old_at_its_end_are_not_counted() -> None:
    running = started()
    see(running, click(0), click(500))
    assert minutes(running) == [500]


def test_late_clicks_are_only_in_the_raw_data() -> None:
    running = started()
    see(running, click(0, late=True), high=0)
    assert [len(part(running, one.view)) for one in running.partials()] == [0, 0, 0, 0, 0, 1]


def test_a_late_click_is_in_the_raw_data_also_when_its_partition_has_not_come_so_far() -> None:
    running = started()
    see(running, click(0, late=True), high=-30)
    see(running, click(1), high=-30)  # a clock that is ahead
    assert [row["late"] for row in part(running, "raw_data")] == [True]


def test_before_the_first_click_every_part_is_empty() -> None:
    running = started()
    assert [one.batch.num_rows for one in running.partials()] == [0] * 6
    assert running.changes() == []


def test_the_latest_visitors_are_ten_even_when_one_visitor_fills_the_frame() -> None:
    running = started()
    others = [click(n / 100, f"user-{n:02}") for n in range(12)]
    see(running, *others, *(click(1 + n / 10_000, "crawler") for n in range(3_000)))
    assert [row["userId"] for row in part(running, "latest_visitors")] == [
        "crawler",
        *(f"user-{n:02}" for n in range(11, 2, -1)),
    ]


def test_visitors_of_one_moment_are_listed_by_name() -> None:
    running = started()
    see(running, *(click(0, f"user-{n:02}") for n in reversed(range(15))))
    assert [row["userId"] for row in part(running, "latest_visitors")] == [f"user-{n:02}" for n in range(10)]


def test_the_latest_rows_are_a_hundred_whatever_the_frame_holds() -> None:
    running = started()
    for start in (0, 300):
        see(running, *(click(0, event_id=(start + n).to_bytes(16, "big")) for n in range(300)))
    assert [int.from_bytes(row["event_id"], "big") for row in part(running, "raw_data")] == list(range(599, 499, -1))


def test_what_is_put_into_the_cart_is_a_visit_and_not_one_more_view() -> None:
    running = started()
    kinds = ("view", "cart", "remove_from_cart", "purchase", "page")
    see(running, *(click(0, event_type=kind, productId="P1") for kind in kinds))
    assert [row["count"] for row in part(running, "products_last_hour")] == [2]
    assert [row["count"] for row in part(running, "category_popularity")] == [2]
    assert [(row["visits"], row["visitors"]) for row in part(running, "last_15_minutes")] == [(5, 1)]


def test_a_product_that_was_renamed_is_counted_under_its_new_name() -> None:
    running = started()
    see(running, click(0, productId="P1", title="Old"))
    see(running, click(1, productId="P1", title="New"))
    assert {row["title"] for row in part(running, "products_last_hour")} == {"New"}


def test_what_was_saved_is_what_is_shown_after_a_restart() -> None:
    saved, running = Saved(), started()
    for n in range(5):
        see(running, click(n, f"user-{n}", category=f"c{n}", deviceType="Bot"), click(n, "bob", deviceType="Tablet"))
        saved.keep(running.changes())
    assert running.changes() == []
    again = started(saved)
    assert [p.batch.to_pylist() for p in again.partials()] == [p.batch.to_pylist() for p in running.partials()]
    assert again.changes() == []


def test_state_stays_in_proportion_to_the_last_hour() -> None:
    saved, running = Saved(), started()
    for n in range(300):
        see(running, *(click(n, f"user-{n}-{m}", productId=f"P{m}") for m in range(100)))
        saved.keep(running.changes())
    for table, batches in saved.tables.items():
        assert sum(batch.num_rows for batch in batches) <= 10_000 + 3 * 60 * 100, table


def test_a_click_ahead_of_time_is_in_no_count() -> None:
    running = started()
    see(running, click(8, "fast clock"), high=0)
    see(running, click(9), high=9)
    counted = [(row["visits"], row["visitors"]) for row in part(running, "last_15_minutes")]
    assert counted == [(1, 1)]
