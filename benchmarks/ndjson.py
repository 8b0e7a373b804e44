"""Turns a file of clicks as NDJSON into columns, by our reader of lines and by Arrow's: processor seconds and seconds.

    python -m benchmarks.ndjson
    python -m benchmarks.ndjson --events 200000 --runs 1

By turns, in one process; the median of the runs. Arrow's times stay texts: to make them times comes on top.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.json as pajson

from benchmarks.sql_events import write_events
from footfall.sql.json_lines import read_blocks
from footfall.sql.types import INT, STRING, TIMESTAMP, SqlType

COLUMNS: Mapping[str, SqlType] = {"user_id": STRING, "page": INT, "action": STRING, "event_time": TIMESTAMP}


def main() -> None:
    """Measure, and print a line a reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    readers = {"footfall": ours, "arrow": arrows}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        write_events(Path(folder), options.events, parts=1)
        for _ in range(options.runs):
            for name, read in readers.items():
                found[name].append(timed(read, Path(folder) / "Clicks.ndjson", options.events))
    for name, runs in found.items():
        cpu, seconds = (statistics.median(one) for one in zip(*runs, strict=True))
        print(f"{name:9} {cpu:5.2f} processor seconds, {seconds:5.2f} s for {options.events:,} lines")


def timed(read: Callable[[Path], int], file: Path, events: int) -> tuple[float, float]:
    """Processor seconds, and seconds."""
    cpu, began = sum(os.times()[:2]), time.perf_counter()
    assert read(file) == events
    return sum(os.times()[:2]) - cpu, time.perf_counter() - began


def ours(file: Path) -> int:
    """Rows read."""
    with file.open("rb") as lines:
        return sum(block.rows.num_rows for block in read_blocks(lines, COLUMNS) if block.rows is not None)


def arrows(file: Path) -> int:
    """Rows read, a mebibyte at a time, on all processors."""
    texts = pa.schema([(name, pa.int32() if kind == INT else pa.string()) for name, kind in COLUMNS.items()])
    parse = pajson.ParseOptions(explicit_schema=texts, unexpected_field_behavior="ignore", newlines_in_values=False)
    rows: int = pajson.read_json(
        file, read_options=pajson.ReadOptions(block_size=1 << 20), parse_options=parse
    ).num_rows
    return rows


if __name__ == "__main__":
    main()
