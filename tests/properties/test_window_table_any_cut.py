"""Each row comes once a window that it is in, however rows are cut, and whenever the operator starts anew."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.slices import Window
from footfall.processors.relational.window_table import WindowTable
from tests.properties.test_window_aggregates_any_cut import BY_TIME, SCHEMA, THREE, reached, some_rows
from tests.reference.changelogs import MARK, Row, multiset, plain, rows_of, run
from tests.reference.windows import spans_of, windows_at

OUTPUT: Final = pa.schema(
    [*((f.name, pa.string() if f.name == "user" else f.type) for f in SCHEMA), *THREE]  # coded texts come out plain
)


def with_window(row: Row, start: int, end: int) -> Row:
    bare = {name: value for name, value in row.items() if name != MARK}
    return bare | {"window_start": start, "window_end": end, "window_time": end - 1}


def table(window: Window) -> WindowTable:
    return WindowTable(input=SCHEMA, output=OUTPUT, window=window)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([*BY_TIME[:-2], Window(kind="HOP", time="at", size=2_500, slide=4_000)]))
def test_a_row_comes_at_once_with_each_window_that_it_is_in(seed: int, window: Window) -> None:
    rows = some_rows(random.Random(seed), 40)

    emitted = run(table(window), SCHEMA, rows, seed=seed, after=reached)

    timed = [row for row in rows if row["at"] is not None]
    expected = [with_window(row, *span) for row in timed for span in windows_at(window, row["at"])]
    assert multiset(row for _, row in emitted) == multiset(expected)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(BY_TIME[-2:]), st.sampled_from([(), ("user",), ("shop", "user")]))
def test_a_row_comes_with_its_session_once_that_is_over(seed: int, window: Window, keys: tuple[str, ...]) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, 50)
    window = replace(window, partition=keys)

    emitted = run(
        table(window), SCHEMA, rows, seed=seed, mean=draw.choice([1, 5, 40]), after=draw.choice([reached, None])
    )

    spans, _, _ = spans_of(window, keys, rows)
    assert multiset(row for _, row in emitted) == multiset(
        with_window(row, span.start, span.end) for span in spans for row in span.rows
    )


def test_rows_keep_their_marks() -> None:
    rows = [{**row, "at": 5_000} for row in some_rows(random.Random(1), 3)]
    running: Any = table(BY_TIME[2]).start({})

    (found,) = running.process(rows_of(SCHEMA, rows))

    assert found.marks.tolist() == [row[MARK] for row in rows for _ in range(3)]
    assert len(plain(found)) == 9
