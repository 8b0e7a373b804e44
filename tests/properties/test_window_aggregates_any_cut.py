"""Window aggregates equal a plain fold over the rows, however these are cut, and whenever the operator starts anew."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.errors import UsageError
from footfall.processors.base import NO_TIME
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.rows import END_OF_TIME
from footfall.processors.relational.slices import Window
from footfall.processors.relational.window_aggregate import WindowAggregate
from tests.reference.changelogs import Emitted, Row, multiset, plain, rows_of, run, with_marks
from tests.reference.windows import aggregated, spans_of

START: Final = 1_331_802_578_000
SCHEMA: Final = pa.schema(
    [
        ("at", pa.timestamp("ms")),
        ("user", pa.dictionary(pa.int32(), pa.string())),
        ("shop", pa.int32()),
        ("number", pa.int64()),
        ("word", pa.string()),
        ("good", pa.bool_()),
    ]
)
CALLS: Final = tuple(
    AggregateCall(name=name, function=function, argument=argument, type=kind, **more)
    for name, function, argument, kind, more in (
        ("rows", "COUNT", None, pa.int64(), dict[str, Any]()),
        ("users", "COUNT", "user", pa.int64(), {"distinct": True}),
        ("words", "COUNT", "word", pa.int64(), {"distinct": True, "where": "good"}),
        ("total", "SUM", "number", pa.int64(), {"where": "good"}),
        ("mean", "AVG", "number", pa.int64(), {}),
        ("least", "MIN", "number", pa.int64(), {}),
        ("last_word", "MAX", "word", pa.string(), {}),
        ("last_user", "MAX", "user", pa.string(), {}),
        ("first", "FIRST_VALUE", "number", pa.int64(), {}),
        ("latest", "LAST_VALUE", "number", pa.int64(), {}),
    )
)
BY_TIME: Final = (
    Window(kind="TUMBLE", time="at", size=5_000),
    Window(kind="TUMBLE", time="at", size=700, offset=-100),
    Window(kind="HOP", time="at", size=12_000, slide=4_000),
    Window(kind="HOP", time="at", size=3_000, slide=1_000, offset=300),
    Window(kind="CUMULATE", time="at", size=12_000, slide=3_000, offset=500),
    Window(kind="SESSION", time="at", size=3_000),
    Window(kind="SESSION", time="at", size=500),
)
THREE: Final = [(name, pa.timestamp("ms")) for name in ("window_start", "window_end", "window_time")]


def relation(window: Window | None, keys: tuple[str, ...], calls: Sequence[AggregateCall] = CALLS) -> WindowAggregate:
    if window is not None and window.kind == "SESSION":
        window = replace(window, partition=keys)
    fields = [SCHEMA.field(key) for key in keys] + [pa.field(call.name, call.type) for call in calls]
    output = pa.schema([*fields, *(pa.field(*one) for one in THREE)])
    schema = SCHEMA if window is not None else pa.schema([*SCHEMA, *(pa.field(*one) for one in THREE)])
    return WindowAggregate(input=schema, output=output, window=window, keys=keys, aggregates=tuple(calls))


def some_rows(draw: random.Random, count: int) -> list[Row]:
    step = draw.choice([3, 300, 1_500, 6_000])
    now, rows = START, []
    for _ in range(count):
        now += draw.choice([0, draw.randint(0, step)])
        behind = draw.choice([0, 0, 0, draw.randint(0, 3_000), draw.randint(0, 20_000)])
        rows.append(
            {
                "at": None if draw.random() < 0.03 else (now - behind) // 100 * 100,
                "user": draw.choice([None, "ada", "bob"]),
                "shop": draw.choice([1, 2]),
                "number": draw.choice([None, -7, 0, 4]),
                "word": draw.choice([None, "a", "b", "ä"]),
                "good": draw.choice([None, True, False]),
            }
        )
    return with_marks(rows, "at", draw.choice([-1, 0, 1, 100, 2_000]))


def reached(rows: Sequence[Row], delay: int = 30_000) -> int:
    """A watermark that is no further than the marks of rows to come."""
    return max((row["mark"] for row in rows), default=NO_TIME)


def in_order(emitted: Emitted) -> bool:
    ends = [row["window_end"] for _, row in emitted]
    return ends == sorted(ends)


KEYS: Final = ((), ("user",), ("shop", "user"))


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**32), st.sampled_from(BY_TIME), st.sampled_from(KEYS))
def test_windows_are_a_fold_over_the_rows_that_are_not_late(seed: int, window: Window, keys: tuple[str, ...]) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, draw.randint(0, 60))
    calls = CALLS if window.kind != "SESSION" else CALLS[:-2]

    emitted = run(
        relation(window, keys, calls),
        SCHEMA,
        rows,
        seed=seed,
        mean=draw.choice([1, 5, 40]),
        after=draw.choice([reached, reached, None]),
    )

    spans, _, _ = spans_of(window, keys, rows)
    assert multiset(row for _, row in emitted) == multiset(aggregated(spans, keys, calls))
    assert in_order(emitted)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(BY_TIME))
def test_rows_that_are_late_and_rows_without_a_time_are_counted(seed: int, window: Window) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, 60)
    running: Any = relation(window, ("user",)).start({})

    for begin in range(0, 60, 7):
        running.process(rows_of(SCHEMA, rows[begin : begin + 7]))

    assert (running.late, running.timeless) == spans_of(window, ("user",), rows)[1:]


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_windows_of_an_earlier_step_are_grouped_again(seed: int) -> None:
    draw = random.Random(seed)
    window = draw.choice(BY_TIME[:-2])
    first = relation(window, ("shop", "user"), CALLS[:1])
    counted = run(first, SCHEMA, some_rows(draw, 60), seed=seed, after=reached)
    most = AggregateCall(name="most", function="MAX", argument="rows", type=pa.int64())
    output = pa.schema(
        [pa.field("user", pa.string()), pa.field("most", pa.int64()), *(pa.field(*one) for one in THREE)]
    )
    again = WindowAggregate(input=first.output, output=output, window=None, keys=("user",), aggregates=(most,))
    rows = [{**row, "mark": row["window_end"] - 2} for _, row in counted]

    emitted = run(again, first.output, rows, seed=seed + 1, after=reached)

    best: dict[Any, int] = {}
    for row in rows:
        key = (row["user"], row["window_start"], row["window_end"], row["window_time"])
        best[key] = max(best.get(key, 0), row["rows"])
    names = ("user", "window_start", "window_end", "window_time", "most")
    assert multiset(row for _, row in emitted) == multiset(
        dict(zip(names, (*key, count), strict=True)) for key, count in best.items()
    )


def test_a_window_comes_once_the_watermark_has_reached_its_last_moment() -> None:
    running = relation(Window(kind="TUMBLE", time="at", size=1_000), (), CALLS[:1]).start({})
    row = {**some_rows(random.Random(1), 1)[0], "at": 10_000}
    running.process(rows_of(SCHEMA, [row]))

    assert running.advance(10_998, 0) == []
    (found,) = running.advance(10_999, 0)

    assert plain(found)[0][1] == {"rows": 1, "window_start": 10_000, "window_end": 11_000, "window_time": 10_999}
    assert found.marks.tolist() == [10_998]


@pytest.mark.parametrize("kind", ["TUMBLE", "SESSION"])
def test_windows_by_arrival_close_by_the_clock(kind: Any) -> None:
    window = Window(kind=kind, time="", size=1_000, arrival=True)
    running = relation(window, (), CALLS[:1]).start({})
    row = {**some_rows(random.Random(1), 1)[0], "at": None}
    running.process(rows_of(SCHEMA, [row, row], now=10_000))
    assert running.advance(0, 10_999) == []
    running.process(rows_of(SCHEMA, [row], now=10_999))

    found = [one for now in (11_000, 11_999) for rows in running.advance(0, now) for one in plain(rows)]

    assert [(row["rows"], row["window_end"]) for _, row in found] == [(3, 11_000 if kind == "TUMBLE" else 11_999)]
    assert running.advance(END_OF_TIME, 12_000) == []


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_times_may_have_any_unit(unit: str) -> None:
    schema = pa.schema([("at", pa.timestamp(unit, "UTC"))])
    output = pa.schema([("rows", pa.int64()), *((name, pa.timestamp("us", "UTC")) for name, _ in THREE)])
    window = Window(kind="TUMBLE", time="at", size=2_000)
    running = WindowAggregate(input=schema, output=output, window=window, keys=(), aggregates=CALLS[:1]).start({})
    rows = rows_of(schema, [{"at": time} for time in (-1_000, 0, 1_000)])
    running.process(rows)

    found = [row for one in running.advance(END_OF_TIME, 0) for _, row in plain(one)]

    assert [(row["window_start"], row["rows"]) for row in found] == [(-2_000, 1), (0, 2)]


def test_state_of_windows_that_are_over_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{KeyIndex.__module__}._SPARE", 20_000)
    running: Any = relation(Window(kind="HOP", time="at", size=2_000, slide=1_000), ("user",)).start({})
    draw = random.Random(3)
    for step in range(50):
        rows = [{**row, "at": step * 10_000, "user": f"u{step}-{n}"} for n, row in enumerate(some_rows(draw, 1_000))]
        running.process(rows_of(SCHEMA, [{**row, "mark": NO_TIME} for row in rows]))
        running.advance(step * 10_000 + 5_000, 0)
        running.changes()

    assert len(running._cells) <= 2_000
    assert len(running._keys) < 25_000
    assert len(running._slices.first) <= 1_024
    assert np.all(running._known._all[0].state["count"] == 0)


def test_one_time_that_is_far_from_all_others_does_not_disturb_the_sessions_of_many_keys() -> None:
    schema = pa.schema([("at", pa.timestamp("ms")), ("user", pa.int64())])
    output = pa.schema([("user", pa.int64()), ("rows", pa.int64()), *THREE])
    window = Window(kind="SESSION", time="at", size=1_000, partition=("user",))
    running = WindowAggregate(input=schema, output=output, window=window, keys=("user",), aggregates=CALLS[:1]).start(
        {}
    )
    rows = [{"at": START + n % 7, "user": n // 2} for n in range(80_000)]
    running.process(rows_of(schema, [*rows, {"at": 253_402_300_799_000, "user": 5}]))

    found = [row for one in running.advance(END_OF_TIME, 0) for _, row in plain(one)]

    assert [row["rows"] for row in found] == [2] * 40_000 + [1]
    assert found[-1]["user"] == 5


def test_sessions_by_other_columns_than_the_keys_are_refused() -> None:
    with pytest.raises(UsageError, match="partitioned"):
        WindowAggregate(input=SCHEMA, output=SCHEMA, window=BY_TIME[-1], keys=("user",), aggregates=())
