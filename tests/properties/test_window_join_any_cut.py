"""A window join finds all pairs of each window once it is over, however rows come and are cut, if none is late."""

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
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.rows import END_OF_TIME, Kind, Rows
from footfall.processors.relational.window_join import WindowJoin
from tests.properties.relational_rows import Driver, Event, Plain, applied, as_rows
from tests.properties.relational_times import drive, watermarked

TIME: Final = pa.timestamp("ms")
LEFT: Final = pa.schema([("k", pa.string()), ("a", pa.int64()), ("begin", TIME), ("end", TIME)])
RIGHT: Final = pa.schema([("j", pa.string()), ("b", pa.int64()), ("from", TIME), ("to", TIME)])
NOTHING: Final = (None, None, None, None)
START: Final = datetime(2026, 3, 1)  # noqa: DTZ001 - TIMESTAMP has no zone
SIZE: Final = 10


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def end_of(event: Event) -> int:
    """The last ms of a row's window, as watermarks have it."""
    return int(event[1][3].replace(tzinfo=UTC).timestamp() * 1000 + 0.5) - 1


def unequal(rows: Rows) -> pa.Array:
    return pc.not_equal(rows.batch.column("a"), rows.batch.column("b"))


def setting(kind: JoinKind, *, conditional: bool = False) -> WindowJoin:
    only_left = kind in {JoinKind.SEMI, JoinKind.ANTI}
    return WindowJoin(
        left=LEFT,
        right=RIGHT,
        output=LEFT if only_left else pa.schema([*LEFT, *RIGHT]),
        kind=kind,
        left_keys=("k",),
        right_keys=("j",),
        left_window=("begin", "end"),
        right_window=("from", "to"),
        condition=unequal if conditional else None,
    )


def expected(lefts: list[Plain], rights: list[Plain], join: WindowJoin) -> Counter[Plain]:
    """All pairs, one by one."""
    pairs = [
        (i, j)
        for i, left in enumerate(lefts)
        for j, right in enumerate(rights)
        if left[0] is not None
        and (left[0], left[2], left[3]) == (right[0], right[2], right[3])
        and (join.condition is None or left[1] != right[1])
    ]
    met = {i for i, _ in pairs}
    if join.kind in {JoinKind.SEMI, JoinKind.ANTI}:
        return Counter(left for i, left in enumerate(lefts) if (i in met) == (join.kind is JoinKind.SEMI))
    table = Counter(lefts[i] + rights[j] for i, j in pairs)
    if join.kind.keeps[0]:
        table += Counter(left + NOTHING for i, left in enumerate(lefts) if i not in met)
    if join.kind.keeps[1]:
        table += Counter(NOTHING + right for j, right in enumerate(rights) if j not in {j for _, j in pairs})
    return table


def row(key: str | None, value: int, window: int) -> Event:
    return Kind.INSERT, (key, value, at(window * SIZE), at(window * SIZE + SIZE))


ROWS: Final = st.lists(
    st.builds(row, st.sampled_from(["x", "y", None]), st.integers(0, 2), st.integers(0, 3)), max_size=14
)


@pytest.mark.parametrize("kind", list(JoinKind))
@given(lefts=ROWS, rights=ROWS, data=st.data())
@settings(max_examples=50, deadline=None)
def test_all_pairs_of_a_window_come_out_once(
    kind: JoinKind, lefts: list[Event], rights: list[Event], data: Any
) -> None:
    join = setting(kind, conditional=data.draw(st.booleans()))
    streams = [data.draw(watermarked(lefts, end_of)), data.draw(watermarked(rights, end_of))]

    with patch.object(join_side, "_FEW", data.draw(st.sampled_from([0, 4096]))):
        driver = drive(join, streams, (LEFT, RIGHT), data)

    assert applied(driver.out) == expected([row for _, row in lefts], [row for _, row in rights], join)
    ends = [end_of((kind, row if row[3] is not None else row[4:])) for kind, row in driver.out]
    assert driver.marks == [end - 1 for end in ends], "no row is late for who takes it"
    assert ends == sorted(ends)


def test_nothing_comes_out_of_a_window_that_is_not_over() -> None:
    driver = Driver(setting(JoinKind.LEFT))
    driver.process(as_rows(LEFT, [row("x", 1, 0)]), 0)
    driver.advance(end_of(row("x", 1, 0)) - 1)
    assert not driver.out
    driver.advance(end_of(row("x", 1, 0)))

    assert driver.out == [(Kind.INSERT, (*row("x", 1, 0)[1], *NOTHING))]


def test_a_row_of_a_window_that_is_over_is_late() -> None:
    driver = Driver(setting(JoinKind.FULL))
    driver.process(as_rows(LEFT, [row("x", 1, 0)], marks=[end_of(row("x", 1, 0))]), 0)
    driver.advance(end_of(row("x", 1, 1)))
    driver.restart()
    driver.process(as_rows(RIGHT, [row("x", 2, 1), row("x", 3, 2)]), 1)
    driver.advance(END_OF_TIME)

    assert driver.out == [(Kind.INSERT, (*NOTHING, *row("x", 3, 2)[1]))]
    assert driver.running.late == 2  # type: ignore[attr-defined]


def test_rows_of_windows_that_are_over_are_forgotten() -> None:
    driver = Driver(setting(JoinKind.INNER))
    with patch.object(join_side, "_FEW", 0):
        for window in range(100):
            driver.process(as_rows(LEFT, [row("x", 1, window)] * 10), 0)
            driver.advance(end_of(row("x", 1, window)))
            driver.commit()

    assert sum(batch.num_rows for batch in driver._saved["left_rows"]) <= 40
