"""Turns the queries of benchmarks/sql into how fast they run: on our engine, on Flink, and on pyclink.

    python -m benchmarks.sql                                # ours and Flink's, by turns, over a million clicks
    python -m benchmarks.sql --pyclink PYTHON               # a Python that has pyclink, in a venv of its own
    python -m benchmarks.sql --no-flink                     # ours alone

All read the same NDJSON files. Running time without start-up: ours from the first line read to the last row out, in one
process; Flink's as its JobManager tells it, with two tasks side by side. Each has run the query once before; our first
run, which loads code, is printed as ``first_seconds``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import environment
from benchmarks.sql_events import write_events

QUERIES = sorted((Path(__file__).parent / "sql").glob("*.sql"))


def main() -> None:
    """Measure, and print a line a query."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--query", action="append", choices=[file.stem for file in QUERIES], help="only this one; may be repeated"
    )
    parser.add_argument("--no-flink", action="store_true")
    parser.add_argument("--pyclink", metavar="PYTHON", help="a Python with pyclink")
    parser.add_argument("--one", nargs=2, metavar=("QUERY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(ours(Path(options.one[0]), Path(options.one[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        folder = Path(name)
        write_events(folder, options.events, parts=2)
        rates = {"footfall": our_rates(folder, options)} if options.no_flink else by_turns(folder, options)
        if options.pyclink:
            rates["pyclink"] = pyclink_rates(folder, options)
    for file in chosen(options):
        own = rates["footfall"][file.stem]
        others = "".join(
            f"   {name} {found[file.stem]:>9,.0f} (ours is {own / found[file.stem]:.1f} times that)"
            for name, found in rates.items()
            if name != "footfall" and file.stem in found
        )
        print(f"{file.stem:16} footfall {own:>9,.0f} events/s{others}")


def chosen(options: argparse.Namespace) -> list[Path]:
    """The queries that are to be measured."""
    return [file for file in QUERIES if not options.query or file.stem in options.query]


def our_rates(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Events a second of each query."""
    return {file.stem: our_rate(file, folder, options) for file in chosen(options)}


def our_rate(file: Path, folder: Path, options: argparse.Namespace) -> float:
    """The median run; each is a process of its own."""
    rates = []
    for _ in range(options.runs):
        command = [sys.executable, "-m", "benchmarks.sql", "--one", str(file), str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
        figures = json.loads(done.stdout)
        rates.append(float(figures["events"] / figures["seconds"]))
        print(f"  footfall {file.stem}: {figures}", flush=True)
    return statistics.median(rates)


def ours(file: Path, folder: Path) -> Mapping[str, float]:
    """The second of two runs: seconds, events read and rows made; and the seconds of the first."""
    from footfall.core.clock import SystemClock
    from footfall.sql.batch import rows_over_files
    from footfall.sql.planning import plan_script
    from footfall.sql.standing import tables_of

    script = plan_script(file.read_text())
    inputs = {name: folder / f"{name}.ndjson" for name in tables_of(script.inserts[-1])}

    def run() -> int:
        made = rows_over_files(script, inputs, until_end=True, reject=print, now=SystemClock().now_ms)
        return sum(len(rows) for some in made for rows in some)

    begun = time.perf_counter()
    run()
    loaded = time.perf_counter()
    rows = run()
    first, seconds = loaded - begun, time.perf_counter() - loaded
    events = sum(sum(1 for _ in path.open("rb")) for path in inputs.values())
    return {"first_seconds": round(first, 3), "seconds": round(seconds, 3), "events": events, "rows": rows}


def by_turns(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Ours and Flink's of each query right after each other: the machine's speed changes from minute to minute."""
    from benchmarks.sql_flink import measure, started

    found: dict[str, dict[str, float]] = {"footfall": {}, "flink": {}}
    with started() as flink:
        for file in chosen(options):
            theirs = measure(flink, file, folder, runs=options.runs)
            print(f"  flink {file.stem}: {', '.join(f'{seconds:.2f}' for seconds in theirs.seconds)} s", flush=True)
            found["flink"][file.stem] = theirs.rate
            found["footfall"][file.stem] = our_rate(file, folder, options)
    return found


def pyclink_rates(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The same in pyclink, which wants times in milliseconds."""
    with (folder / "ClicksMs.ndjson").open("w") as file:
        for line in (folder / "Clicks.ndjson").open():
            click: dict[str, Any] = json.loads(line)
            moment = datetime.fromisoformat(click["event_time"]).replace(tzinfo=UTC)
            file.write(json.dumps({**click, "event_time": round(moment.timestamp() * 1000)}) + "\n")
    script = Path(__file__).with_name("sql_pyclink.py")
    command = [options.pyclink, str(script), str(folder), str(options.runs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, list[tuple[float, int]]] = json.loads(done.stdout)
    print(f"  pyclink: {found}", flush=True)
    return {name: options.events / statistics.median(seconds for seconds, _ in runs) for name, runs in found.items()}


if __name__ == "__main__":
    main()
