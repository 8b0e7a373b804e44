"""OVER and ORDER BY put out what Flink's timers do, however rows are cut, and whenever the operator starts anew."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.ordering import Order
from footfall.processors.relational.over import Over
from footfall.processors.relational.rows import END_OF_TIME
from footfall.processors.relational.sort import Sort
from tests.properties.test_window_aggregates_any_cut import CALLS, KEYS, SCHEMA, reached, some_rows
from tests.reference.changelogs import MARK, Row, multiset, plain, rows_of, run
from tests.reference.over import Key, Timers, over

PLAIN: Final = pa.schema([(f.name, pa.string() if f.name == "user" else f.type) for f in SCHEMA])
FRAMES: Final = (
    (True, None),
    (True, 0),
    (True, 2),
    (True, 7),
    (False, None),
    (False, 0),
    (False, 300),
    (False, 2_500),
    (False, 9_000),
)


def relation(
    by_rows: bool,
    preceding: int | None,
    keys: tuple[str, ...] = ("user",),
    calls: Sequence[AggregateCall] = CALLS,
) -> Over:
    output = pa.schema([*PLAIN, *(pa.field(call.name, call.type) for call in calls)])
    return Over(
        input=SCHEMA,
        output=output,
        partition=keys,
        time="at",
        by_rows=by_rows,
        preceding=preceding,
        aggregates=tuple(calls),
    )


def per_key(emitted: list[Row], keys: tuple[str, ...]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in emitted:
        found.setdefault(tuple(row[name] for name in keys), []).append(row)
    return found


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from(FRAMES), st.sampled_from(KEYS))
def test_each_row_comes_with_the_aggregates_up_to_it(seed: int, frame: tuple[bool, int | None], keys: Any) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, draw.randint(0, 60))
    operator = relation(*frame, keys, draw.choice([CALLS, CALLS[:1], CALLS[3:5]]))

    emitted = run(
        operator, SCHEMA, rows, seed=seed, mean=draw.choice([1, 5, 40]), after=draw.choice([reached, reached, None])
    )

    expected, _ = over(operator, rows)
    assert per_key([row for _, row in emitted], keys) == per_key(expected, keys)


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_rows_that_are_too_late_are_counted(frame: tuple[bool, int | None]) -> None:
    rows = some_rows(random.Random(5), 60)
    operator = relation(*frame)
    running = operator.start({})
    running.process(rows_of(SCHEMA, rows))
    running.advance(END_OF_TIME, 0)

    assert running.late == over(operator, rows)[1]
    assert running.timeless == sum(row["at"] is None for row in rows)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(FRAMES))
def test_watermarks_never_fall_from_row_to_row(seed: int, frame: tuple[bool, int | None]) -> None:
    rows = some_rows(random.Random(seed), 40)
    running = relation(*frame).start({})
    marks: list[int] = []
    for at in range(0, len(rows), 7):
        running.process(rows_of(SCHEMA, rows[at : at + 7]))
        for some in running.advance(reached(rows[: at + 7]), 0):
            marks += some.marks.tolist()

    assert marks == sorted(marks)


MONEY: Final = pa.schema(
    [("at", pa.timestamp("ms")), ("user", pa.string()), ("price", pa.decimal128(12, 2)), ("share", pa.float64())]
)
MEASURES: Final = tuple(
    AggregateCall(name=f"{function}_{argument}", function=function, argument=argument, type=kind)
    for function, argument, kind in (
        ("SUM", "price", pa.decimal128(38, 2)),
        ("AVG", "price", pa.decimal128(38, 6)),
        ("MAX", "price", pa.decimal128(12, 2)),
        ("SUM", "share", pa.float64()),
        ("AVG", "share", pa.float64()),
        ("VAR_POP", "share", pa.float64()),
    )
)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(FRAMES))
def test_decimals_and_fractions_are_summed_up_to_each_row(seed: int, frame: tuple[bool, int | None]) -> None:
    draw = random.Random(seed)
    rows = [
        {
            **{name: row[name] for name in ("at", "user", MARK)},
            "price": draw.choice([None, Decimal("-3.25"), Decimal("99999.99"), Decimal("0.01")]),
            "share": draw.choice([None, 0.5, -4.0, 1024.25]),
        }
        for row in some_rows(draw, 40)
    ]
    output = pa.schema([*MONEY, *(pa.field(call.name, call.type) for call in MEASURES)])
    operator = replace(relation(*frame), input=MONEY, output=output, aggregates=MEASURES)

    emitted = run(operator, MONEY, rows, seed=seed, after=reached)

    assert multiset(row for _, row in emitted) == multiset(over(operator, rows)[0])


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(FRAMES))
def test_by_arrival_rows_come_out_at_once(seed: int, frame: tuple[bool, int | None]) -> None:
    draw = random.Random(seed)
    rows = [{**row, "at": None} for row in some_rows(draw, 40)]
    by_rows, preceding = frame
    operator = replace(relation(by_rows, preceding), arrival=True)
    running = operator.start({})
    state: dict[str, list[Any]] = {}
    now, at, emitted, arrivals = 1_000, 0, [], []
    while at < len(rows):
        some = rows[at : at + draw.randint(1, 9)]
        at += len(some)
        arrivals += [now] * len(some)
        emitted += [row for found in running.process(rows_of(SCHEMA, some, now=now)) for _, row in plain(found)]
        running.advance(END_OF_TIME if at == len(rows) else 0, now)
        for change in running.changes():
            state[change.table] = [*([] if change.reset else state.get(change.table, [])), change.batch]
        running = operator.start(state) if draw.random() < 0.3 else running
        now += draw.choice([0, 1, 250, 2_000, 30_000])

    timed = [{**row, "at": arrival} for row, arrival in zip(rows, arrivals, strict=True)]
    assert [{**row, "at": None} for row in by_hand(operator, timed)] == emitted


def by_hand(operator: Over, rows: list[Row]) -> list[Row]:
    """One row after the other, each the last of its frame."""
    from tests.reference.over import frame_of, with_aggregates

    found = []
    for at, row in enumerate(rows):
        history = [one for one in rows[: at + 1] if one["user"] == row["user"]]
        found.append(with_aggregates(operator, row, frame_of(operator, history)))
    return found


def test_what_no_frame_can_hold_is_forgotten() -> None:
    operator = relation(False, 1_000)
    running = operator.start({})
    base = {"shop": 1, "number": 1, "word": "a", "good": True}
    for second in range(0, 4_000, 10):
        time = second * 1_000
        rows = [{**base, "at": time, "user": f"user {second}", MARK: time - 1}] * 3
        running.process(rows_of(SCHEMA, rows))
        running.advance(time, 0)

    assert len(running._held.ids) <= 3
    assert running._keys.live <= 2


@pytest.mark.parametrize("preceding", [None, 5])
def test_a_key_that_nothing_comes_for_is_forgotten_after_its_time(preceding: int | None) -> None:
    operator = replace(relation(True, preceding, calls=CALLS[:1]), ttl=1_000)
    base = {"shop": 1, "number": 1, "word": "a", "good": True, MARK: 0}
    state: dict[str, list[Any]] = {}
    running = operator.start(state)
    found = []
    for at, (user, now) in enumerate([("ada", 0), ("bob", 900), ("ada", 999), ("bob", 1_900), ("ada", 1_998)]):
        running.process(rows_of(SCHEMA, [{**base, "user": user, "at": at + 1}], now=now))
        for some in running.advance(at + 1, now):
            found += [(row["user"], row["rows"]) for _, row in plain(some)]
        for change in running.changes():
            state[change.table] = [*([] if change.reset else state.get(change.table, [])), change.batch]
        running = operator.start(state)

    assert found == [("ada", 1), ("bob", 1), ("ada", 2), ("bob", 1), ("ada", 3)]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_rows_come_sorted_once_time_has_passed_them(seed: int, descending: bool, nulls_first: bool) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, 50)
    operator = Sort(output=PLAIN, order=(Order("at"), Order("number", descending, nulls_first), Order("word")))

    emitted = run(operator, SCHEMA, rows, seed=seed, mean=draw.choice([1, 6, 60]), after=draw.choice([reached, None]))

    found: list[Row] = []

    def rank(row: Row) -> tuple[Any, ...]:
        number, word = row["number"], row["word"]
        place = 0 if number is None else -number if descending else number
        return ((number is None) != nulls_first, place, word is not None, word or "")

    def show(_: Key, some: list[Row]) -> None:
        found.extend({name: row[name] for name in PLAIN.names} for row in sorted(some, key=rank))

    timers = Timers(lambda _: (), show)
    timers.feed(rows, "at")
    assert [row for _, row in emitted] == found
