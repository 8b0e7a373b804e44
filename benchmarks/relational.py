"""Turns a million rows into figures: rows per second of processor time, of each operator over change streams.

python -m benchmarks.relational [--rows N] [--batch N] [--only NAME]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import coded
from footfall.processors.relational.aggregate import Aggregate, AggregateCall
from footfall.processors.relational.deduplicate import Deduplicate
from footfall.processors.relational.rank import Order, Rank
from footfall.processors.relational.rows import END_OF_TIME, Relation, Rows
from footfall.processors.relational.slices import Window
from footfall.processors.relational.window_aggregate import WindowAggregate
from footfall.processors.relational.window_table import WindowTable

START: Final = 1_700_000_000_000
USERS: Final = 50_000
DELAY: Final = 5_000
SCHEMA: Final = pa.schema(
    [
        ("at", pa.timestamp("ms")),
        ("user", pa.dictionary(pa.int32(), pa.string())),
        ("shop", pa.string()),
        ("amount", pa.int64()),
    ]
)
THREE: Final = [(name, pa.timestamp("ms")) for name in ("window_start", "window_end", "window_time")]
COUNT: Final = AggregateCall(name="n", function="COUNT", type=pa.int64())
DISTINCT: Final = AggregateCall(name="users", function="COUNT", argument="user", type=pa.int64(), distinct=True)
TOTAL: Final = AggregateCall(name="total", function="SUM", argument="amount", type=pa.int64())
MOST: Final = AggregateCall(name="most", function="MAX", argument="amount", type=pa.int64())


def batches(rows: int, size: int) -> Iterator[tuple[Rows, int]]:
    """Rows in nearly their order, and the watermark after each batch."""
    draw = np.random.default_rng(7)
    names = [f"user-{number:06d}" for number in range(USERS)]
    shops = pa.array([f"shop-{number}" for number in range(20)])
    high = -(2**62)
    for begin in range(0, rows, size):
        count = min(size, rows - begin)
        times = START + np.arange(begin, begin + count) * 4 - draw.integers(0, 2_000, count)
        marks = np.maximum.accumulate(np.concatenate([[high], times - DELAY]))
        columns = [
            pa.array(times, type=pa.timestamp("ms")),
            coded(draw.integers(0, USERS, count).astype(np.int32), names),
            shops.take(pa.array(draw.integers(0, 20, count))),
            pa.array(draw.integers(0, 1_000, count)),
        ]
        high = int(marks[-1])
        yield Rows(pa.RecordBatch.from_arrays(columns, schema=SCHEMA), marks[:-1], None, START), high


def window_aggregate(window: Window, keys: tuple[str, ...], *calls: AggregateCall) -> WindowAggregate:
    fields = [SCHEMA.field(key) for key in keys] + [pa.field(call.name, call.type) for call in calls]
    output = pa.schema([*fields, *(pa.field(*one) for one in THREE)])
    return WindowAggregate(input=SCHEMA, output=output, window=window, keys=keys, aggregates=calls)


def aggregate(keys: tuple[str, ...], *calls: AggregateCall, updating: bool) -> Aggregate:
    fields = [SCHEMA.field(key) for key in keys] + [pa.field(call.name, call.type) for call in calls]
    return Aggregate(input=SCHEMA, output=pa.schema(fields), keys=keys, aggregates=calls, updating=updating)


MINUTE: Final = 60_000
PLAIN: Final = pa.schema([(f.name, pa.string() if f.name == "user" else f.type) for f in SCHEMA])
BY_AMOUNT: Final = (Order("amount", descending=True),)
OPERATORS: Final[dict[str, Relation]] = {
    "tumble: count, distinct users": window_aggregate(
        Window(kind="TUMBLE", time="at", size=MINUTE), (), COUNT, DISTINCT
    ),
    "tumble by shop: count, sum": window_aggregate(
        Window(kind="TUMBLE", time="at", size=MINUTE), ("shop",), COUNT, TOTAL
    ),
    "hop by user: count": window_aggregate(
        Window(kind="HOP", time="at", size=10 * MINUTE, slide=MINUTE), ("user",), COUNT
    ),
    "session by user: count, sum": window_aggregate(
        Window(kind="SESSION", time="at", size=5 * MINUTE, partition=("user",)), ("user",), COUNT, TOTAL
    ),
    "group by user: count, max": aggregate(("user",), COUNT, MOST, updating=False),
    "group by shop: distinct users, updating": aggregate(("shop",), DISTINCT, MOST, updating=True),
    "distinct users": aggregate(("user",), updating=False),
    "window table: hop": WindowTable(
        input=SCHEMA,
        output=pa.schema([*PLAIN, *(pa.field(*one) for one in THREE)]),
        window=Window(kind="HOP", time="at", size=2 * MINUTE, slide=MINUTE),
    ),
    "top 3 by shop": Rank(
        input=SCHEMA, output=PLAIN, partition=("shop",), order=BY_AMOUNT, first=1, last=3, updating=False
    ),
    "top 3 by user, numbered": Rank(
        input=SCHEMA,
        output=pa.schema([*PLAIN, ("place", pa.int64())]),
        partition=("user",),
        order=BY_AMOUNT,
        first=1,
        last=3,
        number="place",
        updating=False,
    ),
    "last by user and time": Deduplicate(input=SCHEMA, output=PLAIN, partition=("user",), time="at", keep="last"),
    "first by user": Deduplicate(input=SCHEMA, output=PLAIN, partition=("user",), time=None, keep="first"),
}


def measure(relation: Relation, inputs: list[tuple[Rows, int]]) -> tuple[float, float, int]:
    """Seconds of processor time for the work and for saving, and rows put out."""
    running = relation.start({})
    out, saving = 0, 0.0
    begin = time.process_time()
    for rows, watermark in inputs:
        out += sum(map(len, running.process(rows)))
        out += sum(map(len, running.advance(watermark, rows.now)))
        saved = time.process_time()
        running.changes()
        saving += time.process_time() - saved
    out += sum(map(len, running.advance(END_OF_TIME, START)))
    return time.process_time() - begin - saving, saving, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=50_000)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    inputs = list(batches(options.rows, options.batch))
    for name, relation in OPERATORS.items():
        if options.only in name:
            took, saving, out = measure(relation, inputs)
            print(
                f"{name:42} {options.rows / took:12,.0f} rows/s"
                f"   {took:5.2f} s, and {saving:4.2f} s to save   {out:,} rows out"
            )


if __name__ == "__main__":
    main()
