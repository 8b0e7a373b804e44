"""De-duplication equals a plain fold over the rows, however these are cut, and whenever the operator starts anew."""

from __future__ import annotations

import random
from typing import Any, Final, Literal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.deduplicate import Deduplicate
from tests.reference.changelogs import MARK, Row, multiset, plain, rows_of, run, saved_into, table_of, with_marks

SCHEMA: Final = pa.schema(
    [("at", pa.timestamp("ms")), ("user", pa.dictionary(pa.int32(), pa.string())), ("n", pa.int64())]
)
OUTPUT: Final = pa.schema([("at", pa.timestamp("ms")), ("user", pa.string()), ("n", pa.int64())])


def some_rows(draw: random.Random, count: int) -> list[Row]:
    now, rows = 1_000_000, []
    for _ in range(count):
        now += draw.choice([0, 0, 100, 1_000])
        at = None if draw.random() < 0.03 else now - draw.choice([0, 0, 100, draw.randint(0, 3_000)])
        rows.append({"at": at, "user": draw.choice([None, "ada", "bob", "cy"]), "n": draw.randint(0, 2)})
    return with_marks(rows, "at", draw.choice([0, 1, 500]))


def bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != MARK}


def expected(rows: list[Row], time: str | None, keep: str) -> list[Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        user, held = row["user"], found.get(row["user"])
        if time is not None and row[time] is None:
            continue
        if keep == "first":
            timely = time is None or row[time] >= row[MARK]
            # A row that would be replaced was put out by then, if the newer one were not late.
            if timely and (held is None or (time is not None and row[time] < held[time])):
                found[user] = row
        elif held is None or time is None or row[time] >= held[time]:
            found[user] = row
    return [bare(row) for row in found.values()]


def deduplicate(time: str | None, keep: Literal["first", "last"], **more: Any) -> Deduplicate:
    return Deduplicate(input=SCHEMA, output=OUTPUT, partition=("user",), time=time, keep=keep, **more)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([None, "at"]), st.sampled_from(["first", "last"]))
def test_each_key_has_its_first_or_last_row(seed: int, time: str | None, keep: Any) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, draw.randint(0, 50))

    emitted = run(
        deduplicate(time, keep),
        SCHEMA,
        rows,
        seed=seed,
        mean=draw.choice([1, 5, 40]),
        after=lambda some: max(row[MARK] for row in some),
    )

    assert table_of(emitted) == multiset(expected(rows, time, keep))
    assert keep == "last" or {kind for kind, _ in emitted} <= {"+I"}


def test_the_first_by_time_comes_once_the_watermark_has_reached_it() -> None:
    running = deduplicate("at", "first").start({})
    row = {"at": 2_000, "user": "ada", "n": 1}
    assert running.process(rows_of(SCHEMA, [row, row | {"at": 1_500, "n": 2}])) == []
    assert running.advance(1_499, 0) == []

    (found,) = running.advance(1_500, 0)
    again = [*running.process(rows_of(SCHEMA, [row | {"at": 1_800}])), *running.advance(9_000, 0)]

    assert [row["n"] for _, row in plain(found)] == [2]
    assert found.marks.tolist() == [1_499]
    assert again == []


@pytest.mark.parametrize("keep", ["first", "last"])
def test_a_key_that_nothing_has_changed_for_long_is_forgotten(keep: Any) -> None:
    state: dict[str, list[Any]] = {}
    running = deduplicate(None, keep, ttl=100).start(state)
    row = {"at": 0, "user": "ada", "n": 1}
    running.process(rows_of(SCHEMA, [row], now=1_000))
    saved_into(state, running.changes())
    running = deduplicate(None, keep, ttl=100).start(state)

    assert running.process(rows_of(SCHEMA, [row], now=1_050)) == []
    (found,) = running.process(rows_of(SCHEMA, [row], now=1_150))

    assert [kind for kind, _ in plain(found)] == ["+I"]
