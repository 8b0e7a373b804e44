"""A temporal join gives each row the version that held at its time, however rows come and are cut, if none is late."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational import join_side
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.rows import Kind, Rows
from footfall.processors.relational.temporal_join import TemporalJoin
from tests.properties.relational_rows import Driver, Event, Plain, applied, as_rows
from tests.properties.relational_times import drive, watermarked
from tests.properties.test_interval_join_any_cut import BOTH, LEFT, NOTHING, RIGHT, at, moment, ms, row


def unequal(rows: Rows) -> pa.Array:
    return pc.not_equal(rows.batch.column("a"), rows.batch.column("b"))


def setting(kind: JoinKind, *, conditional: bool = False, in_time: bool = True) -> TemporalJoin:
    return TemporalJoin(
        left=LEFT,
        right=RIGHT,
        output=BOTH,
        kind=kind,
        left_keys=("k",),
        right_keys=("j",),
        left_time="t" if in_time else None,
        right_time="u" if in_time else None,
        condition=unequal if conditional else None,
    )


def version(events: list[Event], key: str | None, time: datetime) -> Plain | None:
    """What holds of a key, which may be NULL, at a time: the last of the newest versions until then."""
    valid = [
        (values[2], order, kind, values)
        for order, (kind, values) in enumerate(events)
        if values[0] == key and values[2] <= time and kind is not Kind.UPDATE_BEFORE
    ]
    if not valid:
        return None
    *_, kind, values = max(valid, key=lambda one: one[:2])
    return None if kind is Kind.DELETE else values


def expected(lefts: list[Event], rights: list[Event], join: TemporalJoin) -> Counter[Plain]:
    table: Counter[Plain] = Counter()
    for _, left in lefts:
        right = version(rights, left[0], left[2])
        if right is not None and (join.condition is None or left[1] != right[1]):
            table[left + right] += 1
        elif join.kind is JoinKind.LEFT:
            table[left + NOTHING] += 1
    return table


VALUES: Final = st.tuples(st.sampled_from(["x", "y", None]), st.integers(0, 2), st.integers(0, 20).map(at))
INSERTS: Final = st.lists(VALUES.map(lambda values: (Kind.INSERT, values)), max_size=14)
VERSIONS: Final = st.lists(st.tuples(st.sampled_from(Kind), VALUES), max_size=14)


@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.LEFT])
@given(lefts=INSERTS, rights=VERSIONS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_each_row_gets_the_version_of_its_time(
    kind: JoinKind, lefts: list[Event], rights: list[Event], data: Any
) -> None:
    join = setting(kind, conditional=data.draw(st.booleans()))
    streams = [data.draw(watermarked(lefts, ms)), data.draw(watermarked(rights, ms))]

    with patch.object(join_side, "_FEW", data.draw(st.sampled_from([0, 4096]))):
        driver = drive(join, streams, (LEFT, RIGHT), data)

    assert applied(driver.out) == expected(lefts, rights, join)
    for mark, (_, values) in zip(driver.marks, driver.out, strict=True):
        assert mark < values[2].timestamp() * 1000


def test_superfluous_versions_are_forgotten() -> None:
    driver = Driver(setting(JoinKind.INNER))
    with patch.object(join_side, "_FEW", 0):
        for time in range(100):
            driver.process(as_rows(RIGHT, [row("x", time, time), row("y", time, time)]), 1)
            driver.advance(moment(time))
            driver.commit()

    assert sum(batch.num_rows for batch in driver._saved["right_rows"]) <= 8


def test_of_two_versions_of_the_same_time_the_later_one_stays() -> None:
    driver = Driver(setting(JoinKind.INNER))
    driver.process(as_rows(RIGHT, [row("x", 1, 5), row("x", 2, 5)]), 1)
    driver.advance(moment(6))
    driver.process(as_rows(LEFT, [row("x", 0, 8)]), 0)
    driver.advance(moment(8))

    assert [values[4] for _, values in driver.out] == [2]


def test_without_a_time_a_row_is_joined_with_what_is_there_when_it_comes() -> None:
    driver = Driver(setting(JoinKind.LEFT, in_time=False))
    driver.process(as_rows(LEFT, [row("x", 1, 0)]), 0)
    driver.process(as_rows(RIGHT, [row("x", 7, 9), row("x", 8, 5)]), 1)
    driver.restart()
    driver.process(as_rows(LEFT, [row("x", 2, 0)]), 0)
    driver.process(as_rows(RIGHT, [(Kind.DELETE, row("x", 8, 5)[1])]), 1)
    driver.process(as_rows(LEFT, [row("x", 3, 0)]), 0)

    assert [values for _, values in driver.out] == [
        ("x", 1, at(0), *NOTHING),
        ("x", 2, at(0), "x", 8, at(5)),
        ("x", 3, at(0), *NOTHING),
    ]
