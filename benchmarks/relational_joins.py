"""Measures the joins and MATCH_RECOGNIZE: a seed into rows a second of processor time, and how long commits take.

    python -m benchmarks.relational_joins [--rows 1000000] [--batch 100000]

Rows are made before the clock starts. Each case runs three times on fresh state; the median counts. Processor time
is that of all threads of the process, so that others who use the machine change little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.events import CODED
from footfall.processors.base import NO_TIME, Flags, flags
from footfall.processors.relational.interval_join import IntervalJoin
from footfall.processors.relational.join import Join
from footfall.processors.relational.match import Match
from footfall.processors.relational.match_pattern import PatternItem
from footfall.processors.relational.matching import Bindings, OfBoth, OfMatch, OfRow
from footfall.processors.relational.rows import END_OF_TIME, Relation, Rows
from footfall.processors.relational.temporal_join import TemporalJoin

TIME: Final = pa.timestamp("ms", tz="UTC")
USERS: Final = 10_000
START: Final = 1_772_323_200_000
LATENESS: Final = 30_000
CLICKS: Final = pa.schema(
    [("user_id", CODED), ("page", pa.int32()), ("action", CODED), ("device", CODED), ("agent", CODED), ("t", TIME)]
)
PEOPLE: Final = pa.schema([("id", CODED), ("name", CODED), ("level", CODED), ("u", TIME)])
BOTH: Final = pa.schema([PEOPLE.field("id"), PEOPLE.field("name"), *list(CLICKS)[1:3], CLICKS.field("t")])
LOOKS: Final = pa.schema([("userId", CODED), ("productId", CODED), ("category", CODED), ("t", TIME)])
OFFERS: Final = pa.schema([("userId", CODED), ("began", TIME), ("completed", TIME)])

Numbers = npt.NDArray[np.int64]
Source = Sequence[tuple[Rows, int, int]]
"""Rows, their side, and the watermark after them."""


def coded(values: Numbers, texts: Sequence[str]) -> pa.DictionaryArray:
    """A coded column that carries only the texts that occur, as those of the log do."""
    used, places = np.unique(values, return_inverse=True)
    dictionary = pa.array([texts[value] for value in used.tolist()])
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), dictionary)


IDS: Final = [f"{n % 900:03d}-{n % 97:02d}-{n:04d}" for n in range(USERS)]


def clicks(rows: int, batch: int, rng: np.random.Generator) -> Iterator[tuple[Rows, int, int]]:
    """Clicks of users, a millisecond apart, a little out of order."""
    agents = [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(300)]
    actions = ["vitrine_nav", "checkout", "product_detail", "products", "selection", "cart"]
    for first in range(0, rows, batch):
        size = min(batch, rows - first)
        columns = [
            coded(rng.integers(0, USERS, size), IDS),
            pa.array(rng.integers(1, 100_000, size).astype(np.int32)),
            coded(rng.integers(0, len(actions), size), actions),
            coded(rng.integers(0, 3, size), ["mobile", "computer", "tablet"]),
            coded(rng.integers(0, len(agents), size), agents),
        ]
        yield timed(columns, CLICKS, first, rng)


def people(rng: np.random.Generator, *, first: int, rows: int) -> tuple[Rows, int, int]:
    """Users, each with a level."""
    who = np.arange(first, first + rows) % USERS
    levels = coded(rng.integers(0, 4, rows), ["BRONZE", "SILVER", "GOLD", "PLATINUM"])
    found = timed([coded(who, IDS), coded(who, [f"name {n}" for n in IDS]), levels], PEOPLE, first, rng)
    return found[0], 1, found[2]


def timed(
    columns: Sequence[pa.Array], schema: pa.Schema, first: int, rng: np.random.Generator
) -> tuple[Rows, int, int]:
    """Columns and times, with the watermarks of a lateness of 30 seconds."""
    size = len(columns[0])
    times = START + first + np.arange(size) - rng.integers(0, 5_000, size)
    high = START + first + np.arange(size) - LATENESS - 1
    batch = pa.RecordBatch.from_arrays([*columns, pa.array(times).cast(TIME)], names=schema.names)
    return Rows(batch, high), 0, int(high[-1])


def looks(rows: int, batch: int, rng: np.random.Generator) -> Iterator[tuple[Rows, int, int]]:
    """Looks at products of five categories by 50,000 visitors, who stay with one for a while."""
    visitors = [f"visitor-{n:06d}" for n in range(50_000)]
    products = [f"P{n:05d}" for n in range(2_000)]
    categories = ["clothing", "shoes", "books", "games", "food"]
    active = rng.integers(0, len(visitors), 4_000)
    for first in range(0, rows, batch):
        size = min(batch, rows - first)
        active[rng.integers(0, len(active), size // 8)] = rng.integers(0, len(visitors), size // 8)
        product = rng.integers(0, len(products), size)
        columns = [
            coded(active[rng.integers(0, len(active), size)], visitors),
            coded(product, products),
            coded(product % len(categories), categories),
        ]
        yield timed(columns, LOOKS, first * 40, rng)


def is_category(name: str) -> Callable[[Rows], pa.Array]:
    def compute(rows: Rows) -> pa.Array:
        column = rows.batch.column("category")
        same: Flags = flags(pc.equal(column.dictionary, name))
        return pa.array(same[column.indices.to_numpy()])

    return compute


def another(bindings: Bindings) -> Any:
    return bindings.value("L", "productId", "last", 0) != bindings.value("F", "productId", "last", 0)


def time_of(variable: str) -> OfMatch:
    return OfMatch(lambda bindings: bindings.value(variable, "t", "last", 0))


OFFER: Final = Match(
    input=LOOKS,
    output=OFFERS,
    partition=("userId",),
    time="t",
    pattern=PatternItem(
        items=(
            PatternItem(variable="F"),
            PatternItem(variable="C", least=0, most=None),
            PatternItem(variable="S"),
            PatternItem(variable="L"),
        )
    ),
    define={
        "F": OfRow(is_category("clothing")),
        "C": OfRow(is_category("clothing")),
        "S": OfRow(is_category("shoes")),
        "L": OfBoth(is_category("clothing"), another),
    },
    measures=(("began", time_of("F")), ("completed", time_of("L"))),
    within=30 * 60_000,
)
VIP: Final = Join(left=CLICKS, right=PEOPLE, output=BOTH, left_keys=("user_id",), right_keys=("id",))
NEAR: Final = IntervalJoin(
    left=CLICKS,
    right=PEOPLE,
    output=BOTH,
    left_keys=("user_id",),
    right_keys=("id",),
    left_time="t",
    right_time="u",
    lower=0,
    upper=60_000,
)
VERSIONS: Final = TemporalJoin(
    left=CLICKS, right=PEOPLE, output=BOTH, left_keys=("user_id",), right_keys=("id",), left_time="t", right_time="u"
)


def mixed(parts: Iterable[tuple[Rows, int, int]], rng: np.random.Generator, *, each: int) -> Source:
    """Before each batch of clicks, some users."""
    found = []
    for number, part in enumerate(parts):
        found += [people(rng, first=number * each, rows=each), part]
    return found


def run(relation: Relation, source: Source) -> tuple[float, int, float]:
    """Seconds, rows put out, and the seconds of the commits."""
    running = relation.start({})
    marks = [NO_TIME, NO_TIME if any(side for _, side, _ in source) else END_OF_TIME]
    put_out = 0
    commits = 0.0
    begin = time.process_time()
    for rows, side, mark in source:
        put_out += sum(map(len, running.process(rows, side)))
        marks[side] = mark
        put_out += sum(map(len, running.advance(min(marks), 0)))
        before = time.process_time()
        running.changes()
        commits += time.process_time() - before
    put_out += sum(map(len, running.advance(END_OF_TIME, 0)))
    return time.process_time() - begin, put_out, commits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    all_clicks = list(clicks(given.rows, given.batch, rng))
    everybody = people(rng, first=0, rows=USERS)
    each = max(USERS // len(all_clicks), 1)
    cases: list[tuple[str, Relation, Source]] = [
        ("VIP join, users first", VIP, [everybody, *all_clicks]),
        ("VIP join, users last", VIP, [*all_clicks, everybody]),
        ("VIP join, users in between", VIP, mixed(all_clicks, rng, each=each)),
        ("interval join, a minute", NEAR, mixed(all_clicks, rng, each=each)),
        ("temporal join", VERSIONS, mixed(all_clicks, rng, each=each)),
        ("offer pattern", OFFER, list(looks(given.rows, given.batch, rng))),
    ]
    for name, relation, source in cases:
        runs = sorted(run(relation, source) for _ in range(given.runs))
        seconds = statistics.median(taken for taken, _, _ in runs)
        rows = sum(len(one) for one, _, _ in source)
        print(f"{name:28} {rows / seconds:>12,.0f} rows/s, {runs[0][1]:,} out, commits {runs[0][2]:.3f} s in all")


if __name__ == "__main__":
    main()
