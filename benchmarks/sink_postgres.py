"""Turns enriched clicks into rows of PostgreSQL and of SQLite, by turns, and says how many rows a second that makes.

``python -m benchmarks.sink_postgres postgresql://… [--events N] [--runs N] [--json]``. The tables are made in a schema
of their own, which is removed at the end. Both targets must hold the same rows, or the benchmark fails.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
import pyarrow as pa

from benchmarks.data import dataset
from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.events import ENRICHED
from footfall.core.progress import unheard
from footfall.engine.sinking import SINKS, Sinking
from footfall.log.base import DurableLog
from footfall.sinks.postgres import PostgresTables
from footfall.sinks.sqlite import SqliteTables
from footfall.sinks.tables import ENRICHED_CLICKS, TableSink

SCHEMA: Final = "footfall_benchmark"
Measured = Mapping[str, list[float]]


def sunk(log: DurableLog, target: TableSink) -> float:
    """Seconds until all clicks are in the table."""
    service = Sinking(
        sink=SINKS["clicks"], log=log, target=target, clock=SystemClock(), random=secrets.token_bytes, beat=unheard
    )
    began = time.perf_counter()
    figures = service.run(threading.Event(), until_end=True)
    seconds = time.perf_counter() - began
    assert figures["rows"] == figures["events"] == sum(log.info(ENRICHED).ends), figures
    return seconds


def in_postgres(url: str, measure: Callable[[TableSink], float]) -> tuple[float, pa.Table]:
    """In an empty schema: what is measured, and the rows."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        db.execute(f"CREATE SCHEMA {SCHEMA}")
        try:
            separator = "&" if "?" in url else "?"
            with PostgresTables(f"{url}{separator}options={quote(f'-csearch_path={SCHEMA}')}") as target:
                return measure(target), rows(target)
        finally:
            db.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def in_sqlite(measure: Callable[[TableSink], float]) -> tuple[float, pa.Table]:
    """In an empty file: what is measured, and the rows."""
    with tempfile.TemporaryDirectory() as folder, SqliteTables(Path(folder) / "tables.db") as target:
        return measure(target), rows(target)


def rows(target: TableSink) -> pa.Table:
    """All rows, in the order of their ids."""
    return pa.Table.from_batches(target.read(ENRICHED_CLICKS), schema=ENRICHED_CLICKS.schema)


def measured(url: str, *, events: int, runs: int) -> tuple[int, Measured]:
    """How many rows there are, and the seconds of each run."""
    data = dataset(events)
    took: dict[str, list[float]] = {"postgresql": [], "sqlite": []}
    with tempfile.TemporaryDirectory() as folder:
        wiring.backfill(data.clicks, data_dir=Path(folder), products=data.products, users=data.users)
        with wiring.open_log(Path(folder)) as log:
            for _ in range(runs):
                seconds, theirs = in_postgres(url, lambda target: sunk(log, target))
                took["postgresql"].append(seconds)
                seconds, ours = in_sqlite(lambda target: sunk(log, target))
                took["sqlite"].append(seconds)
                assert theirs.equals(ours), "the targets hold different rows"
            return sum(log.info(ENRICHED).ends), took


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    number, took = measured(options.url, events=options.events, runs=options.runs)
    rates = {name: round(number / statistics.median(seconds)) for name, seconds in took.items()}
    if options.json:
        print(json.dumps({"rows": number, "rows_per_second": rates}))
        return
    for name, rate in rates.items():
        print(f"{name:10} {rate:>9,} rows/s (median of {options.runs} runs with {number:,} rows)")


if __name__ == "__main__":
    main()
