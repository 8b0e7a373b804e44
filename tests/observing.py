"""Turns a data directory, and runs of the command line on it, into what the reference can be compared with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footfall import wiring
from footfall.core.events import CLICKS, ENRICHED, FAILED, OFFERS, SESSIONS
from footfall.log.base import Log
from footfall.log.codecs.rows import rows
from tests.reference.comparing import Observed

ROOT = Path(__file__).resolve().parent.parent
VIEWS = (
    "last_15_minutes",
    "sessions",
    "device_type_popularity",
    "products_last_hour",
    "latest_visitors",
    "category_popularity",
    "raw_data",
    "state_logs",
    "visits_by_day",
)


def command(*arguments: str | Path, module: str = "footfall.apps.cli") -> list[str]:
    """The command line of a footfall command, run by this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def environment() -> dict[str, str]:
    """What child processes need to find the package and the tests."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}  # noqa: TID251 - handed on


def footfall(*arguments: str | Path) -> str:
    """What a command prints on standard output. Fails with its messages when the command does."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, f"footfall {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}"
    return done.stdout


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects of one JSON text a line."""
    return [json.loads(line) for line in text.splitlines()]


def generate(out: Path, *, events: int, seed: int, days: int = 15, lookups: Path, **more: str | Path) -> Path:
    """A clickstream in the template's layout, and the look-up files that belong to it."""
    options: list[str | Path] = ["--events", str(events), "--seed", str(seed), "--days", str(days)]
    for name, value in {"out": out, "layout": "template", "lookups": lookups, **more}.items():
        options += [f"--{name}", value]
    footfall("generate", *options)
    return out


def backfill(file: Path, *, data_dir: Path, lookups: Path, batch_size: int = 100_000) -> dict[str, Any]:
    """The figures of one backfill."""
    options: list[str | Path] = ["--products", lookups / "products.json", "--users", lookups / "users.json"]
    options += ["--data-dir", data_dir, "--batch-size", str(batch_size), "--json"]
    out = footfall("backfill", file, *options)
    (figures,) = json_lines(out)
    return figures


def observe(data_dir: Path, *, figures: dict[str, Any] | None = None, enriched: bool = True) -> Observed:
    """Everything that a data directory holds, as plain rows."""
    with wiring.open_log(data_dir) as log:
        observed = Observed(
            enriched=list(events(log, ENRICHED)) if enriched else [],
            sessions=list(events(log, SESSIONS)),
            offers=list(events(log, OFFERS)),
            failed=list(events(log, FAILED)),
            figures=figures or {},
        )
    with wiring.open_store(data_dir) as store:
        observed.views = {name: [dict(row) for row in store.view(name)] for name in VIEWS}
    return observed


def observe_by_commands(data_dir: Path, *, figures: dict[str, Any]) -> Observed:
    """The same as ``observe``, as people get it: with ``tail``, ``query`` and ``failed list``."""

    def tail(stream: str) -> list[dict[str, Any]]:
        options = ("--from", "earliest", "--limit", "1000000", "--format", "json")
        return json_lines(footfall("tail", stream, *options, "--data-dir", data_dir))

    def query(view: str) -> list[dict[str, Any]]:
        table = "sessions_last_8_hours" if view == "sessions" else view
        return json_lines(footfall("query", f"SELECT * FROM {table}", "--json", "--data-dir", data_dir))

    failed = json_lines(footfall("failed", "list", "--json", "--data-dir", data_dir))
    return Observed(
        enriched=tail(ENRICHED),
        sessions=tail(SESSIONS),
        offers=tail(OFFERS),
        failed=[{**row, "event_id": row["id"]} for row in failed],
        views={name: query(name) for name in VIEWS},
        figures=figures,
    )


def clicks(data_dir: Path) -> list[dict[str, Any]]:
    """The stream click-data, partition after partition, each in the order of the log."""
    with wiring.open_log(data_dir) as log:
        return list(events(log, CLICKS))


def events(log: Log, stream: str) -> Iterator[dict[str, Any]]:
    """All events of a stream, partition after partition, as JSON-able rows."""
    for partition in range(log.info(stream).settings.partitions):
        place = log.place(stream, partition)
        while (read := log.read(stream, partition, place)).chunks:
            place = read.place
            for chunk in read.chunks:
                yield from rows(chunk.batch)
