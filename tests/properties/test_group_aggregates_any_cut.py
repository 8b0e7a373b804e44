"""Group aggregates equal a plain fold over the rows that are left, however these come, go and are cut."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.relational.aggregate import Aggregate, AggregateCall
from tests.reference.aggregates import aggregate_of
from tests.reference.changelogs import (
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
        ("user", pa.dictionary(pa.int32(), pa.string())),
        ("shop", pa.string()),
        ("day", pa.date32()),
        ("number", pa.int32()),
        ("price", pa.decimal128(10, 2)),
        ("ratio", pa.float64()),
        ("word", pa.string()),
        ("good", pa.bool_()),
    ]
)
LONG: Final = pa.int64()


def call(name: str, function: str, argument: str | None, kind: pa.DataType, **more: Any) -> AggregateCall:
    return AggregateCall(name=name, function=function, argument=argument, type=kind, **more)


CALLS: Final = (
    call("rows", "COUNT", None, LONG),
    call("good_rows", "COUNT", None, LONG, where="good"),
    call("words", "COUNT", "word", LONG, distinct=True),
    call("numbers", "SUM", "number", pa.int32()),
    call("each_number", "SUM", "number", pa.int32(), distinct=True),
    call("mean", "AVG", "number", pa.int32(), where="good"),
    call("paid", "SUM", "price", pa.decimal128(38, 2)),
    call("mean_paid", "AVG", "price", pa.decimal128(38, 6)),
    call("ratios", "SUM", "ratio", pa.float64()),
    call("least", "MIN", "number", pa.int32()),
    call("most", "MAX", "price", pa.decimal128(10, 2)),
    call("first_word", "MIN", "word", pa.string(), where="good"),
    call("last_word", "MAX", "word", pa.string()),
    call("last_user", "MAX", "user", pa.string()),
    call("last_day", "MAX", "day", pa.date32()),
    call("any_good", "MAX", "good", pa.bool_()),
    call("users", "COUNT", "user", LONG, distinct=True),
    call("least_ratio", "MIN", "ratio", pa.float64()),
    call("latest", "LAST_VALUE", "word", pa.string()),
    call("earliest", "FIRST_VALUE", "number", pa.int32()),
    call("spread", "VAR_POP", "ratio", pa.float64()),
    call("sample", "STDDEV_SAMP", "ratio", pa.float64()),
    call("list", "LISTAGG", "word", pa.string(), extra=("; ",)),
)
IN_ORDER: Final = {"latest", "earliest", "list"}


def some_rows(draw: random.Random, count: int) -> list[Row]:
    return [
        {
            "user": draw.choice([None, "ada", "bob", "cy"]),
            "shop": draw.choice(["x", "y"]),
            "day": draw.choice([None, 1]),
            "number": draw.choice([None, -3, 0, 5, 8]),
            "price": draw.choice([None, Decimal("0.01"), Decimal("-99999999.99"), Decimal("7.25")]),
            "ratio": draw.choice([None, 0.5, 2.0, -1.25]),
            "word": draw.choice([None, "", "a", "b", "ä"]),
            "good": draw.choice([None, True, False]),
        }
        for _ in range(count)
    ]


def grouped(rows: list[Row], keys: tuple[str, ...], calls: tuple[AggregateCall, ...]) -> list[Row]:
    def key(row: Row) -> str:
        return repr([row[name] for name in keys])

    found = []
    for _, group in groupby(sorted(rows, key=key), key=key):
        held = list(group)
        found.append({name: held[0][name] for name in keys} | {c.name: aggregate_of(c, held) for c in calls})
    return found


def aggregate(keys: tuple[str, ...], calls: tuple[AggregateCall, ...], *, updating: bool, **more: Any) -> Aggregate:
    fields = [SCHEMA.field(name) for name in keys] + [pa.field(c.name, c.type) for c in calls]
    return Aggregate(input=SCHEMA, output=pa.schema(fields), keys=keys, aggregates=calls, updating=updating, **more)


KEYS: Final = ((), ("user",), ("shop", "user"), ("day", "user", "shop"))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(KEYS), st.booleans())
def test_the_table_is_a_fold_over_the_rows_that_are_left(seed: int, keys: tuple[str, ...], updating: bool) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, draw.randint(0, 60))
    log = changing(rows, draw) if updating else rows
    calls = tuple(c for c in CALLS if c.name not in IN_ORDER) if updating else CALLS
    relation = aggregate(keys, calls, updating=updating)

    emitted = run(relation, SCHEMA, log, seed=seed, mean=draw.choice([2, 12]))

    assert table_of(emitted) == multiset(grouped([day_of(row) for row in left_of(log)], keys, calls))


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_of_equal_values_the_first_is_taken_back(seed: int) -> None:
    draw = random.Random(seed)
    log = changing(some_rows(draw, 40), draw)
    calls = tuple(c for c in CALLS if c.name in IN_ORDER)
    lists: dict[str, list[Any]] = {"word": [], "number": []}

    emitted = run(aggregate((), calls, updating=True), SCHEMA, log, seed=seed)

    for row in log:
        for name, values in lists.items():
            if row[name] is not None:
                (values.append if row["op"] in {"+I", "+U"} else values.remove)(row[name])
    words, numbers = lists["word"], lists["number"]
    expected = {
        "latest": words[-1] if words else None,
        "earliest": numbers[0] if numbers else None,
        "list": "; ".join(words) if words else None,
    }
    assert table_of(emitted) == multiset([expected] if left_of(log) else [])


def day_of(row: Row) -> Row:
    day = row["day"]
    return row | {"day": None if day is None else pa.scalar(day, pa.date32()).as_py()}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.booleans())
def test_distinct_rows_come_once(seed: int, updating: bool) -> None:
    draw = random.Random(seed)
    rows = some_rows(draw, 30)
    log = changing(rows, draw) if updating else rows

    emitted = run(aggregate(("shop", "user"), (), updating=updating), SCHEMA, log, seed=seed)

    assert table_of(emitted) == multiset(grouped(left_of(log), ("shop", "user"), ()))
    assert updating or {kind for kind, _ in emitted} <= {"+I"}


def test_an_aggregate_without_keys_has_no_row_before_the_first_and_none_after_the_last_is_taken_back() -> None:
    running = aggregate((), CALLS[:1], updating=True).start({})
    row = some_rows(random.Random(1), 1)[0]

    assert running.process(rows_of(SCHEMA, [])) == []
    (first,) = running.process(rows_of(SCHEMA, [row, row]))
    (second,) = running.process(rows_of(SCHEMA, [{**row, "op": "-D"}]))
    (third,) = running.process(rows_of(SCHEMA, [{**row, "op": "-U"}]))

    assert plain(first) == [("+I", {"rows": 2})]
    assert plain(second) == [("-U", {"rows": 2}), ("+U", {"rows": 1})]
    assert plain(third) == [("-D", {"rows": 1})]


def test_what_is_taken_back_from_an_unknown_key_is_left_out() -> None:
    running = aggregate(("shop",), CALLS[:1], updating=True).start({})
    x, y = ({**some_rows(random.Random(1), 1)[0], "shop": shop} for shop in "xy")

    (found,) = running.process(rows_of(SCHEMA, [{**x, "op": "-D"}, x, {**y, "op": "-D"}, y, {**y, "op": "-D"}]))

    assert plain(found) == [("+I", {"shop": "x", "rows": 1})]
    assert running._keys.live == 2  # NULL always has a code


def test_nothing_comes_when_nothing_has_changed() -> None:
    running = aggregate(("shop",), CALLS[9:10], updating=False).start({})
    row = {**some_rows(random.Random(1), 1)[0], "number": 3}

    assert len(running.process(rows_of(SCHEMA, [row]))) == 1
    assert running.process(rows_of(SCHEMA, [row | {"number": 4}, row | {"number": None}])) == []


@pytest.mark.parametrize("restart", [False, True])
def test_a_key_that_nothing_came_for_is_forgotten(restart: bool) -> None:
    relation = aggregate(("shop",), CALLS, updating=True, ttl=100)
    state: dict[str, list[Any]] = {}
    running = relation.start(state)
    x, y = ({**some_rows(random.Random(1), 1)[0], "shop": shop} for shop in "xy")
    running.process(rows_of(SCHEMA, [x, y], now=1_000))
    running.process(rows_of(SCHEMA, [y], now=1_099))
    assert running.advance(0, 1_100) == []
    if restart:
        saved_into(state, running.changes())
        running = relation.start(state)

    (found,) = running.process(rows_of(SCHEMA, [x, y], now=1_101))

    assert [(kind, row["shop"], row["rows"]) for kind, row in plain(found)] == [
        ("+I", "x", 1),
        ("-U", "y", 2),
        ("+U", "y", 3),
    ]


def test_a_sum_of_more_than_38_digits_is_null() -> None:
    schema = pa.schema([("price", pa.decimal128(38, 0))])
    total = call("total", "SUM", "price", pa.decimal128(38, 0))
    relation = Aggregate(input=schema, output=pa.schema([("total", total.type)]), keys=(), aggregates=(total,))
    running = relation.start({})
    most = Decimal(10**38 - 1)

    (first,) = running.process(rows_of(schema, [{"price": most}]))
    (second,) = running.process(rows_of(schema, [{"price": Decimal(1)}]))
    (third,) = running.process(rows_of(schema, [{"price": Decimal(-2)}]))

    assert plain(first) == [("+I", {"total": most})]
    assert plain(second)[-1] == ("+U", {"total": None})
    assert plain(third)[-1] == ("+U", {"total": Decimal(10**38 - 2)})
