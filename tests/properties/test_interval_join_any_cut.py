"""An interval join finds all pairs that are near in time, each once, however rows come and are cut, if none is late."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational import join_side
from footfall.processors.relational.interval_join import IntervalJoin
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.rows import END_OF_TIME, Kind, Rows
from tests.properties.relational_rows import Driver, Event, Plain, applied, as_rows
from tests.properties.relational_times import drive, watermarked

TIME: Final = pa.timestamp("ms", tz="UTC")
LEFT: Final = pa.schema([("k", pa.string()), ("a", pa.int64()), ("t", TIME)])
RIGHT: Final = pa.schema([("j", pa.string()), ("b", pa.int64()), ("u", TIME)])
BOTH: Final = pa.schema([*LEFT, *RIGHT])
NOTHING: Final = (None, None, None)
KINDS: Final = (JoinKind.INNER, JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL)
START: Final = datetime(2026, 3, 1, tzinfo=UTC)


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def ms(event: Event) -> int:
    """The time of a row, as watermarks have it."""
    return int(event[1][2].timestamp() * 1000 + 0.5)


def unequal(rows: Rows) -> pa.Array:
    return pc.not_equal(rows.batch.column("a"), rows.batch.column("b"))


def setting(kind: JoinKind, lower: int, upper: int, *, conditional: bool = False) -> IntervalJoin:
    return IntervalJoin(
        left=LEFT,
        right=RIGHT,
        output=BOTH,
        kind=kind,
        left_keys=("k",),
        right_keys=("j",),
        left_time="t",
        right_time="u",
        lower=lower,
        upper=upper,
        condition=unequal if conditional else None,
    )


def expected(lefts: list[Plain], rights: list[Plain], join: IntervalJoin) -> Counter[Plain]:
    """All pairs, one by one."""
    pairs = [
        (i, j)
        for i, left in enumerate(lefts)
        for j, right in enumerate(rights)
        if left[0] is not None
        and left[0] == right[0]
        and timedelta(milliseconds=join.lower) <= left[2] - right[2] <= timedelta(milliseconds=join.upper)
        and (join.condition is None or left[1] != right[1])
    ]
    table = Counter(lefts[i] + rights[j] for i, j in pairs)
    if join.kind.keeps[0]:
        table += Counter(left + NOTHING for i, left in enumerate(lefts) if i not in {i for i, _ in pairs})
    if join.kind.keeps[1]:
        table += Counter(NOTHING + right for j, right in enumerate(rights) if j not in {j for _, j in pairs})
    return table


ROWS: Final = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.integers(0, 2), st.integers(0, 30).map(at)).map(
        lambda row: (Kind.INSERT, row)
    ),
    max_size=14,
)


@pytest.mark.parametrize("kind", KINDS)
@given(lefts=ROWS, rights=ROWS, bounds=st.tuples(st.integers(-9, 9), st.integers(-9, 9)), data=st.data())
@settings(max_examples=60, deadline=None)
def test_all_pairs_that_are_near_in_time_come_out_once(
    kind: JoinKind, lefts: list[Event], rights: list[Event], bounds: tuple[int, int], data: Any
) -> None:
    join = setting(kind, min(bounds), max(bounds), conditional=data.draw(st.booleans()))
    streams = [data.draw(watermarked(lefts, ms)), data.draw(watermarked(rights, ms))]

    with patch.object(join_side, "_FEW", data.draw(st.sampled_from([0, 4096]))):
        driver = drive(join, streams, (LEFT, RIGHT), data)

    assert applied(driver.out) == expected([row for _, row in lefts], [row for _, row in rights], join)
    for mark, (_, row) in zip(driver.marks, driver.out, strict=True):
        assert all(mark < time.timestamp() * 1000 for time in (row[2], row[5]) if time is not None)


def row(key: str, value: int, time: int) -> Event:
    return Kind.INSERT, (key, value, at(time))


def moment(time: int) -> int:
    return ms(row("", 0, time))


def test_rows_are_forgotten_as_time_passes() -> None:
    driver = Driver(setting(JoinKind.INNER, -5, 5))
    with patch.object(join_side, "_FEW", 0):
        for time in range(0, 1000, 10):
            driver.process(as_rows(LEFT, [row("x", 0, time)] * 10), 0)
            driver.advance(moment(time - 1))
            driver.commit()

    assert sum(batch.num_rows for batch in driver._saved["left_rows"]) <= 40


def test_a_row_without_a_partner_comes_out_when_none_can_come_any_more() -> None:
    driver = Driver(setting(JoinKind.LEFT, -5, 0))
    driver.process(as_rows(LEFT, [row("x", 1, 10)]), 0)
    driver.advance(moment(14))
    assert not driver.out
    driver.advance(moment(15))

    assert driver.out == [(Kind.INSERT, ("x", 1, at(10), *NOTHING))]


def test_a_late_row_is_joined_with_what_is_kept_and_else_comes_out_at_once() -> None:
    driver = Driver(setting(JoinKind.LEFT, -5, 5))
    driver.process(as_rows(RIGHT, [row("x", 7, 20)]), 1)
    driver.advance(moment(22))
    driver.process(as_rows(LEFT, [row("x", 1, 15), row("x", 2, 14)]), 0)

    assert driver.out == [
        (Kind.INSERT, ("x", 1, at(15), "x", 7, at(20))),
        (Kind.INSERT, ("x", 2, at(14), *NOTHING)),
    ]
    driver.advance(END_OF_TIME)
    assert len(driver.out) == 2


def test_a_row_so_late_finds_what_is_gone_no_more() -> None:
    driver = Driver(setting(JoinKind.INNER, -5, 5))
    driver.process(as_rows(RIGHT, [row("x", 7, 20)]), 1)
    driver.advance(moment(25))
    driver.restart()
    driver.process(as_rows(LEFT, [row("x", 1, 20)]), 0)

    assert not driver.out
