"""A regular join's table is that of the rows on both sides, however they come, are cut, or the join is restarted."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational import join_side
from footfall.processors.relational.join import Join, JoinKind
from footfall.processors.relational.rows import Kind, Rows
from tests.properties.relational_rows import Driver, Event, Plain, applied, as_rows

LEFT: Final = pa.schema([("k", pa.string()), ("a", pa.int64())])
RIGHT: Final = pa.schema([("j", pa.string()), ("b", pa.int64())])
BOTH: Final = pa.schema([*LEFT, *RIGHT])


def smaller(rows: Rows) -> pa.Array:
    return pc.less(rows.batch.column("a"), rows.batch.column("b"))


def setting(kind: JoinKind, *, keyed: bool, conditional: bool, ttl: int | None = None) -> Join:
    return Join(
        left=LEFT,
        right=RIGHT,
        output=LEFT if kind in {JoinKind.SEMI, JoinKind.ANTI} else BOTH,
        kind=kind,
        left_keys=("k",) if keyed else (),
        right_keys=("j",) if keyed else (),
        condition=smaller if conditional else None,
        ttl=ttl,
    )


def pairs(left: Plain, right: Plain, *, keyed: bool, conditional: bool) -> bool:
    if keyed and (left[0] is None or left[0] != right[0]):
        return False
    return not conditional or (left[1] is not None and right[1] is not None and left[1] < right[1])


def expected(lefts: Counter[Plain], rights: Counter[Plain], kind: JoinKind, **how: bool) -> Counter[Plain]:
    """The join of two tables, pair by pair."""
    table: Counter[Plain] = Counter()
    for left, count in lefts.items():
        met = 0
        for right, times in rights.items():
            if pairs(left, right, **how):
                met += times
                if kind not in {JoinKind.SEMI, JoinKind.ANTI}:
                    table[left + right] += count * times
        if kind in {JoinKind.SEMI, JoinKind.ANTI}:
            if (met > 0) == (kind is JoinKind.SEMI):
                table[left] += count
        elif not met and kind.keeps[0]:
            table[(*left, None, None)] += count
    if kind.keeps[1]:
        for right, times in rights.items():
            if not any(pairs(left, right, **how) for left in lefts):
                table[(None, None, *right)] += times
    return table


ROW: Final = st.tuples(st.sampled_from(["x", "y", "z", None]), st.sampled_from([1, 2, 3, None]))


REMOVING: Final[st.SearchStrategy[Kind]] = st.sampled_from([Kind.DELETE, Kind.UPDATE_BEFORE])
ADDING: Final[st.SearchStrategy[Kind]] = st.sampled_from([Kind.INSERT, Kind.UPDATE_AFTER])


@st.composite
def changelogs(draw: st.DrawFn) -> list[tuple[int, Event]]:
    """Changes of both sides, in one order; only rows that are there are taken back."""
    there: tuple[list[Plain], list[Plain]] = ([], [])
    found: list[tuple[int, Event]] = []
    for _ in range(draw(st.integers(0, 24))):
        side = draw(st.integers(0, 1))
        if draw(st.booleans()) and there[side]:
            gone = there[side].pop(draw(st.integers(0, len(there[side]) - 1)))
            found.append((side, (draw(REMOVING), gone)))
        else:
            row = draw(ROW)
            there[side].append(row)
            found.append((side, (draw(ADDING), row)))
    return found


def run(join: Join, log: list[tuple[int, Event]], data: Any) -> Driver:
    """The changes in batches of any size, texts coded or not, saved and restarted in between."""
    driver = Driver(join)
    schemas = (LEFT, RIGHT)
    at = 0
    while at < len(log):
        side = log[at][0]
        size = data.draw(st.integers(1, 6))
        some: list[Event] = []
        while at < len(log) and log[at][0] == side and len(some) < size:
            some.append(log[at][1])
            at += 1
        driver.process(as_rows(schemas[side], some, coded=data.draw(st.booleans())), side)
        step = data.draw(st.sampled_from(["", "", "commit", "restart"]))
        if step == "commit":
            driver.commit()
        elif step == "restart":
            driver.restart()
    return driver


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("kind", JoinKind)
@given(log=changelogs(), few=st.sampled_from([0, 4096]), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_joins_table_is_the_join_of_both_tables(
    kind: JoinKind, keyed: bool, conditional: bool, few: int, log: list[tuple[int, Event]], data: Any
) -> None:
    with patch.object(join_side, "_FEW", few):
        driver = run(setting(kind, keyed=keyed, conditional=conditional), log, data)

    lefts = applied(event for side, event in log if side == 0)
    rights = applied(event for side, event in log if side == 1)
    assert applied(driver.out) == expected(lefts, rights, kind, keyed=keyed, conditional=conditional)


@given(log=changelogs(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_an_inner_join_of_inserts_takes_nothing_back(log: list[tuple[int, Event]], data: Any) -> None:
    inserts = [(side, (Kind.INSERT, row)) for side, (_, row) in log]

    driver = run(setting(JoinKind.INNER, keyed=True, conditional=False), inserts, data)

    assert all(kind is Kind.INSERT for kind, _ in driver.out)


def test_rows_older_than_the_ttl_find_no_partner() -> None:
    driver = Driver(setting(JoinKind.LEFT, keyed=True, conditional=False, ttl=10))
    driver.process(as_rows(LEFT, [(Kind.INSERT, ("x", 1))], now=100), 0)
    driver.process(as_rows(LEFT, [(Kind.INSERT, ("x", 2))], now=105), 0)
    driver.restart()
    driver.process(as_rows(RIGHT, [(Kind.INSERT, ("x", 3))], now=110), 1)

    assert applied(driver.out) == Counter({("x", 1, None, None): 1, ("x", 2, "x", 3): 1})


def test_a_row_taken_back_that_is_not_there_is_ignored() -> None:
    driver = Driver(setting(JoinKind.INNER, keyed=True, conditional=False))
    driver.process(as_rows(LEFT, [(Kind.DELETE, ("x", 1)), (Kind.INSERT, ("x", 2))]), 0)
    driver.process(as_rows(RIGHT, [(Kind.INSERT, ("x", 3))]), 1)

    assert driver.out == [(Kind.INSERT, ("x", 2, "x", 3))]


def test_what_a_commit_saves_grows_with_the_change_and_not_with_the_state() -> None:
    driver = Driver(setting(JoinKind.INNER, keyed=True, conditional=False))
    driver.process(as_rows(LEFT, [(Kind.INSERT, (str(n), n)) for n in range(10_000)]), 0)
    driver.commit()
    driver.process(as_rows(LEFT, [(Kind.DELETE, ("5", 5)), (Kind.INSERT, ("5", 6))]), 0)

    assert sum(change.batch.num_rows for change in driver.running.changes()) == 2
