"""Runs an example's SQL over files, as its reader would, and folds its changes into the rows that are left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from examples.running import events, footfall
from footfall.apps.cli.app import app

Row = dict[str, Any]
_TAKEN_BACK: Final = ("-U", "-D")

needs_sql = pytest.mark.skipif(
    not any(command.name == "sql" for command in app.registered_commands), reason="there is no `footfall sql` yet"
)


def with_known_clicks(directory: Path, *, events: int) -> Path:
    """A data directory with generated clicks, enriched with what is known of products and visitors."""
    data_dir, file = directory / "data", directory / "clicks.csv"
    made = ("--events", events, "--days", 2, "--seed", 5, "--out", file, "--lookups", directory)
    footfall("generate", *made, data_dir=data_dir)
    known = ("--products", directory / "products.json", "--users", directory / "users.json")
    footfall("backfill", file, *known, data_dir=data_dir)
    return data_dir


def enriched(directory: Path, *, data_dir: Path) -> Path:
    """The enriched clicks of a data directory as a file, in the order of their times."""
    rows = sorted(events("enriched-click-data", data_dir=data_dir), key=lambda row: row["timestamp"])
    file = directory / "enriched.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def rows_of(query: Path, *, data_dir: Path, **inputs: Path) -> list[Row]:
    """The rows that a query leaves when its inputs have ended."""
    files = [text for name, file in inputs.items() for text in ("--input", f"{name}={file}")]
    printed = footfall("sql", query, *files, "--until-end", "--json", data_dir=data_dir)
    return folded(json.loads(line) for line in printed.splitlines())


def folded(changes: Iterable[Row]) -> list[Row]:
    """What is left when all changes have been made."""
    left: list[Row] = []
    for change in changes:
        operation = change.pop("_op", "+I")
        if operation in _TAKEN_BACK:
            left.remove(change)
        else:
            left.append(change)
    return left


def at(text: str) -> datetime:
    """A time as queries print it; those without a zone are UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
