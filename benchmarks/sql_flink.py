"""Measures queries on a real Flink: events/s over files of a million clicks, two tasks side by side.

    python -m benchmarks.sql_flink                          # the four queries of benchmarks/sql, three times each
    python -m benchmarks.sql_flink FILE… --events 200000 --runs 1 --json

The time is the job's own, from all tasks running to the job finished, as the JobManager tells it: neither the start of
Flink nor the planning is in it. The first run of a query warms Java up and is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.sql_events import write_events
from footfall.sql.flink.gateway import Gateway, Session
from footfall.sql.flink.statements import split
from footfall.sql.flink.tables import created_table
from tests.servers.flink import Flink

QUERIES: Final = Path(__file__).parent / "sql"
PARALLEL: Final = 2
_JAVA: Final = ("-XX:+UseParallelGC",)
_MEGABYTES: Final = 4096
_SETTINGS: Final = {
    "execution.runtime-mode": "streaming",
    "table.local-time-zone": "UTC",
    "parallelism.default": str(PARALLEL),
    "pipeline.object-reuse": "true",  # quicker, and safe for SQL
    "table.dml-sync": "true",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A query's runs."""

    query: str
    events: int
    seconds: Sequence[float]
    """Of each run, without the one that warms up."""

    @property
    def rate(self) -> float:
        """Events a second, the median run."""
        return self.events / statistics.median(self.seconds)


def main() -> None:
    """Measure, and print a line a query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=sorted(QUERIES.glob("*.sql")))
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name, started() as flink:
        folder = Path(name)
        write_events(folder, options.events, parts=PARALLEL)
        found = [measure(flink, file, folder, runs=options.runs) for file in options.files]
    if options.json:
        print(json.dumps({one.query: round(one.rate) for one in found}))
        return
    for one in found:
        runs = ", ".join(f"{seconds:.2f}" for seconds in one.seconds)
        print(f"{one.query:16} {one.rate:>10,.0f} events/s   runs of {runs} s")


def started() -> Flink:
    """A Flink with room for this."""
    return Flink(java=_JAVA, megabytes=_MEGABYTES)


def measure(flink: Flink, file: Path, folder: Path, *, runs: int = 3) -> Measured:
    """Run a query over the tables' files in the folder. Tables that are written to swallow what comes."""
    statements = split(file.read_text())
    targets = {name for one in statements for name in one.targets}
    tables = [table for one in statements if (table := created_table(one)) is not None]
    seconds = []
    with Gateway(flink.gateway).session(_SETTINGS) as session:
        for one in statements:
            table = created_table(one)
            if table is not None:
                session.execute(table.bind(_place(table.name, folder, written=table.name in targets)).text)
            elif not one.targets:
                session.execute(one.text)
        for _ in range(runs + 1):
            seconds += [_run(session, flink, one.text) for one in statements if one.targets]
    read = [table.name for table in tables if table.name not in targets]
    events = sum(sum(1 for _ in (folder / f"{name}.ndjson").open("rb")) for name in read)
    return Measured(file.stem, events, seconds[1:])


def _place(name: str, folder: Path, *, written: bool) -> dict[str, str]:
    if written:
        return {"connector": "blackhole"}
    return {
        "connector": "filesystem",
        "path": str(folder / name),
        "format": "json",
        "json.timestamp-format.standard": "ISO-8601",
    }


def _run(session: Session, flink: Flink, statement: str) -> float:
    """Seconds that the job ran."""
    result = session.execute(statement)
    list(result.rows())
    with urllib.request.urlopen(f"{flink.jobmanager}/jobs/{result.job}", timeout=30) as answer:  # noqa: S310 - http, our own
        job: dict[str, Any] = json.loads(answer.read())
    assert job["state"] == "FINISHED", job["state"]
    running = max(vertex["start-time"] for vertex in job["vertices"])
    return float(job["end-time"] - running) / 1000


if __name__ == "__main__":
    main()
