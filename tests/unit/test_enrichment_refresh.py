"""When a click only loads the same page again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.events import CLICK_SCHEMA, Batch
from footfall.processors.base import NO_TIME, Codebook, Frame
from footfall.processors.enrichment.refresh import TABLE, FlagRefresh, RunningFlagRefresh
from footfall.processors.enrichment.step import Context
from tests.unit.test_enrichment_steps import Known

MINUTE = 60_000
START = int(datetime(2023, 11, 14, tzinfo=UTC).timestamp() * 1000)

Row = tuple[str, str, int, bool]


def row(user: str = "ada", product: str = "P1", at: int = 0, *, late: bool = False) -> Row:
    return user, product, at, late


class Visit:
    """A running step with its book, fed row by row or all at once."""

    def __init__(self, state: dict[str, list[Batch]] | None = None) -> None:
        self.book = Codebook()
        self.step: RunningFlagRefresh = FlagRefresh().start(Context(lookups=Known(), book=self.book, state=state or {}))
        self.saved: dict[str, list[Batch]] = {}

    def flags(self, rows: Sequence[Row], *, watermark: int = NO_TIME) -> list[bool]:
        clicks = [
            {
                "timestamp": START + at,
                "event_id": bytes(16),
                "userId": user,
                "productId": product,
                "event_type": "view",
                "late": late,
            }
            for user, product, at, late in rows
        ]
        batch = Batch.from_pylist(clicks, schema=CLICK_SCHEMA)
        columns = self.step.columns(Frame(batch, book=self.book, before=NO_TIME, watermark=watermark))
        flags: list[bool] = columns["is_refresh"].to_pylist()
        return flags

    def save(self) -> dict[str, list[Batch]]:
        for change in self.step.changes():
            if change.reset:
                self.saved[change.table] = []
            self.saved.setdefault(change.table, []).append(change.batch)
        return self.saved


def test_the_same_product_again_is_a_refresh() -> None:
    assert Visit().flags([row(), row(at=1), row(product="P2"), row()]) == [False, True, False, False]


def test_a_click_exactly_30_minutes_later_is_a_refresh_and_one_longer_after_is_not() -> None:
    assert Visit().flags([row(), row(at=30 * MINUTE), row(at=60 * MINUTE + 1)]) == [False, True, False]


def test_the_clicks_of_others_in_between_do_not_count() -> None:
    assert Visit().flags([row(), row("bob"), row(), row("bob", "P2")]) == [False, False, True, False]


def test_a_late_click_is_no_refresh_and_is_not_seen() -> None:
    assert Visit().flags([row(), row(product="P2", late=True), row(late=True), row()]) == [False, False, False, True]


rows_ = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "cleo"]),
        st.sampled_from(["P1", "P2"]),
        st.integers(0, 120 * MINUTE),
        st.booleans(),
    ),
    max_size=30,
)


def slow(rows: Sequence[Row]) -> list[bool]:
    last: dict[str, tuple[str, int]] = {}
    flags = []
    for user, product, at, late in rows:
        before = last.get(user)
        flags.append(not late and before is not None and before[0] == product and at - before[1] <= 30 * MINUTE)
        if not late:
            last[user] = (product, at)
    return flags


@given(rows_, st.sets(st.integers(0, 30)))
def test_any_cut_with_a_restart_at_each_cut_gives_the_same_flags(rows: list[Row], cuts: set[int]) -> None:
    visit, flags = Visit(), []
    for begin, end in pairwise(sorted({0, len(rows)} | {cut for cut in cuts if cut < len(rows)})):
        flags += visit.flags(rows[begin:end])
        saved = visit.save()
        visit = Visit(saved)
        visit.saved = saved

    assert flags == slow(rows)


def test_visitors_who_left_are_forgotten_and_the_others_are_kept() -> None:
    visit = Visit()
    visit.flags([row(), row("bob", at=600 * MINUTE)], watermark=START + 590 * MINUTE)

    live = visit.step.live()

    assert [visit.book.visitors.text(code) for code in range(len(visit.book.visitors)) if live[code]] == ["bob"]
    (table,) = visit.save()[TABLE]
    assert table.column("userId").to_pylist() == ["bob"]


def test_the_table_is_written_anew_before_it_grows_far_beyond_what_is_in_it() -> None:
    visit = Visit()
    for turn in range(30):
        visit.flags([row(f"user {n}", at=turn) for n in range(1_000)])
        visit.save()

    assert sum(batch.num_rows for batch in visit.saved[TABLE]) <= 2 * 1_000 + 10_000


def test_only_what_changed_is_written() -> None:
    visit = Visit()
    visit.flags([row(), row("bob")])
    visit.save()
    visit.flags([row("bob", at=1)])

    (change,) = visit.step.changes()

    assert change.batch.column("userId") == pa.array(["bob"])
    assert visit.step.changes() == ()
