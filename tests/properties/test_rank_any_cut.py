"""Top-N equals sorting the rows that are left, however these come, go and are cut."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.rank import Order, Rank
from footfall.processors.relational.window_rank import WindowRank
from tests.reference.changelogs import (
    MARK,
    Row,
    changing,
    left_of,
    multiset,
    plain,
    rows_of,
    run,
    saved_into,
    table_of,
)

SCHEMA: Final = pa.schema(
    [
        ("shop", pa.dictionary(pa.int32(), pa.string())),
        ("word", pa.string()),
        ("n", pa.int64()),
        ("ratio", pa.float64()),
    ]
)
THREE: Final = [(name, pa.timestamp("ms")) for name in ("window_start", "window_end", "window_time")]
ORDERS: Final = (
    (Order("n", descending=True, nulls_first=False),),
    (Order("word"), Order("n", descending=True)),
    (Order("ratio", nulls_first=False),),
)


def some_rows(draw: random.Random, count: int) -> list[Row]:
    return [
        {
            "shop": draw.choice([None, "x", "y"]),
            "word": draw.choice([None, "a", "b", "ä"]),
            "n": draw.choice([None, 1, 2, 2**60, draw.randint(0, 9)]),
            "ratio": draw.choice([None, 0.5, -1.0]),
        }
        for _ in range(count)
    ]


def sorted_by(rows: Sequence[Row], orders: Sequence[Order]) -> list[Row]:
    found = list(rows)
    for item in reversed(orders):
        present = [row for row in found if row[item.column] is not None]
        missing = [row for row in found if row[item.column] is None]
        present.sort(key=lambda row: row[item.column], reverse=item.descending)
        found = missing + present if item.nulls_first else present + missing
    return found


def top(rows: Sequence[Row], keys: Sequence[str], settings: Rank | WindowRank) -> list[Row]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(repr([row[key] for key in keys]), []).append(row)
    found = []
    for group in groups.values():
        for place, row in enumerate(sorted_by(group, settings.order), start=1):
            if settings.first <= place <= settings.last:
                found.append(row | ({settings.number: place} if settings.number else {}))
    return found


def rank(partition: tuple[str, ...], order: tuple[Order, ...], **more: Any) -> Rank:
    number = [("place", pa.int64())] if more.get("number") else []
    output = pa.schema([(f.name, pa.string() if f.name == "shop" else f.type) for f in SCHEMA] + number)
    return Rank(input=SCHEMA, output=output, partition=partition, order=order, **more)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 2**32),
    st.sampled_from(ORDERS),
    st.sampled_from([(), ("shop",), ("shop", "word")]),
    st.sampled_from([(1, 1), (1, 3), (2, 4)]),
    st.booleans(),
    st.booleans(),
)
def test_the_table_is_the_first_rows_that_are_left(
    seed: int,
    order: tuple[Order, ...],
    partition: tuple[str, ...],
    among: tuple[int, int],
    numbered: bool,
    updating: bool,
) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, draw.randint(0, 50))
    log = changing(rows, draw) if updating else rows
    number = "place" if numbered else None
    settings = rank(partition, order, first=among[0], last=among[1], number=number, updating=updating)

    emitted = run(settings, SCHEMA, log, seed=seed, mean=draw.choice([1, 4, 30]))

    assert table_of(emitted) == multiset(top(left_of(log), partition, settings))


def test_rows_that_move_are_put_out_again_only_with_their_number() -> None:
    for number, expected in (
        ("place", [("-U", 5, 1), ("+U", 9, 1), ("-U", 3, 2), ("+U", 5, 2)]),
        (None, [("+I", 9, None), ("-D", 3, None)]),
    ):
        running = rank((), ORDERS[0], first=1, last=2, number=number, updating=False).start({})
        row = some_rows(random.Random(1), 1)[0]
        running.process(rows_of(SCHEMA, [{**row, "n": n} for n in (3, 5)]))

        (found,) = running.process(rows_of(SCHEMA, [{**row, "n": 9}, {**row, "n": 1}]))

        assert [(kind, row["n"], row.get("place")) for kind, row in plain(found)] == expected


def test_of_inserts_no_more_rows_are_kept_than_are_shown() -> None:
    running = rank(("shop",), ORDERS[0], first=1, last=2, updating=False).start({})
    draw = random.Random(2)
    for _ in range(20):
        running.process(rows_of(SCHEMA, some_rows(draw, 50)))

    assert len(running._store.ids) == 6


def test_a_partition_that_no_row_comes_for_is_forgotten() -> None:
    state: dict[str, list[Any]] = {}
    settings = rank(("shop",), ORDERS[0], first=1, last=1, ttl=100)
    running = settings.start(state)
    row = {**some_rows(random.Random(1), 1)[0], "n": 5}
    running.process(rows_of(SCHEMA, [row], now=1_000))
    saved_into(state, running.changes())
    running = settings.start(state)

    assert running.process(rows_of(SCHEMA, [row | {"n": 4}], now=1_050)) == []
    (found,) = running.process(rows_of(SCHEMA, [row | {"n": 3}], now=1_150))

    assert [(kind, row["n"]) for kind, row in plain(found)] == [("+I", 3)]


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(ORDERS), st.sampled_from([(), ("shop",)]), st.booleans())
def test_windows_are_ranked_once_they_are_over(
    seed: int, order: tuple[Order, ...], partition: tuple[str, ...], numbered: bool
) -> None:
    draw = random.Random(seed)
    schema = pa.schema([*SCHEMA, *(pa.field(*one) for one in THREE)])
    output = pa.schema([*schema, pa.field("place", pa.int64())] if numbered else list(schema))
    output = pa.schema([(f.name, pa.string() if f.name == "shop" else f.type) for f in output])
    rows, mark, now = [], -(2**62), 10_000
    for row in some_rows(draw, draw.randint(0, 60)):
        now += draw.choice([0, 100, 2_000])
        start = (now - draw.choice([0, 0, 3_000])) // 1_000 * 1_000
        end = start + draw.choice([1_000, 2_000])
        times = {"window_start": start, "window_end": end, "window_time": end - 1}
        rows.append({**row, **times, MARK: mark})
        mark = max(mark, now - 500)
    settings = WindowRank(
        input=schema, output=output, partition=partition, order=order, first=1, last=2,
        number="place" if numbered else None,
    )  # fmt: skip

    emitted = run(settings, schema, rows, seed=seed, after=lambda some: max(row[MARK] for row in some))

    timely = [row for row in rows if row["window_end"] - 1 > row[MARK]]
    bare = [{name: value for name, value in row.items() if name != MARK} for row in timely]
    expected = top(bare, ("window_start", "window_end", *partition), settings)
    assert multiset(row for _, row in emitted) == multiset(expected)
    assert {kind for kind, _ in emitted} <= {"+I"}


@pytest.mark.parametrize("descending", [True, False])
def test_nulls_stand_where_the_order_says(descending: bool) -> None:
    for nulls_first in (True, False):
        order = (Order("n", descending=descending, nulls_first=nulls_first),)
        running = rank((), order, first=1, last=1).start({})
        row = some_rows(random.Random(1), 1)[0]
        (found,) = running.process(rows_of(SCHEMA, [{**row, "n": n} for n in (1, None, 2)]))
        assert [row["n"] for _, row in plain(found)] == [None if nulls_first else 2 if descending else 1]
