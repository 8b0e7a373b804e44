"""The example does what it says: the query's rows are those of a plain fold, and its files mean the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from examples.running import footfall
from examples.sql import at, needs_sql, rows_of
from footfall.sql.planning import plan_script

HERE = Path(__file__).parent


def test_the_query_can_be_planned() -> None:
    [insert] = plan_script((HERE / "vip.sql").read_text(), streams={}).inserts

    assert insert.target is not None
    assert [column.name for column in insert.source.output] == ["user_id", "name", "page", "action", "event_time"]


def test_the_files_here_are_those_that_footfall_brings() -> None:
    for name in ("vip.sql", "shout.py", "footfall.yaml", "manifest.yaml"):
        assert (HERE / name).resolve().parent.name == "vip"
        assert "src/footfall/examples" in str((HERE / name).resolve())


@needs_sql
def test_the_rows_are_those_of_a_plain_fold(tmp_path: Path) -> None:
    footfall(
        *("generate", "--example", "vip", "--events", 2_000, "--seed", 7, "--changes", 0.2, "--out", tmp_path),
        data_dir=tmp_path / "data",
    )
    inputs = {"Users": tmp_path / "user.ndjson", "Clicks": tmp_path / "click.ndjson"}
    users, clicks = ([json.loads(line) for line in file.read_text().splitlines()] for file in inputs.values())

    rows = rows_of(HERE / "vip.sql", data_dir=tmp_path / "data", **inputs)

    expected = [
        (u["user_id"], u["name"], c["page"], c["action"], datetime.fromtimestamp(c["timestamp"] / 1000, UTC))
        for c in clicks
        for u in users
        if u["user_id"] == c["user_id"] and u["level"] == "PLATINUM"
    ]
    found = [(r["user_id"], r["name"], r["page"], r["action"], at(r["event_time"])) for r in rows]
    assert len(expected) > 100
    assert sorted(found) == sorted(expected)
