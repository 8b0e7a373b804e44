"""Turns endless queries beside a backfill into how much slower it gets: not at all, if the sandbox keeps its promise.

``python -m benchmarks.query_beside [--events N] [--runs N] [--queries N] [--json]``. By turns: a backfill alone, and
one with so many queries beside it that each take a processor, if they are let, until their deadline, again and again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.data import Data, dataset
from benchmarks.measure import ROOT, environment, footfall
from footfall.apps.query import Limits, Table, run_query
from footfall.core.errors import Failure

ENDLESS: Final = (
    "SELECT max(md5(a.range::VARCHAR || b.range)) FROM range(100000000) a, range(1000) b",
    "SELECT count(*) FROM (SELECT i FROM range(100000000) t(i) ORDER BY md5(i::VARCHAR))",  # ends by its memory
)
DEADLINE: Final = timedelta(seconds=5)


def backfilled(data: Data) -> float:
    """Events a second, as the command says."""
    with tempfile.TemporaryDirectory() as directory:
        command = footfall("backfill", data.clicks, *data.lookups, "--data-dir", directory, "--json")
        done = subprocess.run(command, check=True, capture_output=True, env=environment(), cwd=ROOT)
        figures = json.loads(done.stdout)
    assert figures["accepted"] + figures["duplicates"] + figures["late"] >= data.events * 0.9, figures
    return float(figures["events_per_second"])


@contextmanager
def queries_beside(number: int, tables: dict[str, Table], ended: Counter[str]) -> Iterator[None]:
    """So many queries at any time, one after the other for ever; how each ended is counted."""
    over = threading.Event()

    def ask(which: int) -> None:
        while not over.is_set():
            try:
                run_query(ENDLESS[which % len(ENDLESS)], tables, limits=Limits(deadline=DEADLINE, memory_mb=256))
            except Failure as failure:
                ended[failure.message] += 1
            which += 1

    threads = [threading.Thread(target=ask, args=[which]) for which in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--queries", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    data = dataset(asked.events)
    rates: dict[str, list[float]] = {"alone": [], "beside": []}
    ended: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.parquet"
        pq.write_table(pa.table({"x": [1]}), path)
        tables = {"one": Table(name="one", schema=pa.schema({"x": pa.int64()}), files=lambda _: [path])}
        for _ in range(asked.runs):
            rates["alone"].append(backfilled(data))
            with queries_beside(asked.queries, tables, ended):
                rates["beside"].append(backfilled(data))
    report = {
        **{f"{name}_events_per_second": statistics.median(found) for name, found in rates.items()},
        "ratio": statistics.median(rates["beside"]) / statistics.median(rates["alone"]),
        "runs": rates,
        "queries": sum(ended.values()),
    }
    if asked.json:
        print(json.dumps(report))
    else:
        for name, found in rates.items():
            print(
                f"{name:<8}{statistics.median(found):>12,.0f} events/s   ({', '.join(f'{one:,.0f}' for one in found)})"
            )
        print(f"beside / alone {report['ratio']:.2f}; {report['queries']} queries: {dict(ended)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
