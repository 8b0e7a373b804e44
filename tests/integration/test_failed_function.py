"""A function of one's own raises; mended, it is handed the events again, by the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.observing import command, environment, footfall, json_lines

CLICKS = """\
timestamp,userId,productId,ip
2026-01-01T10:00:00Z,ada,lamp,81.2.69.160
2026-01-01T10:01:00Z,ada,odd,81.2.69.160
2026-01-01T10:02:00Z,ada,lamp,81.2.69.160
2026-01-01T10:03:00Z,bob,odd,81.2.69.160
"""
BROKEN = """\
import footfall


@footfall.on_event("enriched-click-data", to="counts")
def count(event, state):
    state["n"] = state.get("n", 0) + 1
    if event["productId"] == "odd":
        raise LookupError(event["productId"])
    return {"n": state["n"]}
"""
MENDED = BROKEN.replace('== "odd"', "is None")


def replay(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        command("failed", "replay", *arguments), capture_output=True, text=True, env=environment(), check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_events_at_which_a_function_raised_are_replayed_to_it_once(tmp_path: Path) -> None:
    file, function, data = tmp_path / "clicks.csv", tmp_path / "mine.py", str(tmp_path / "data")
    file.write_text(CLICKS)
    footfall("backfill", file, "--data-dir", data)

    def run(code: str) -> list[tuple[str, int]]:
        function.write_text(code)
        footfall("run", function, "--until-end", "--data-dir", data)
        lines = footfall("tail", "counts", "--from", "earliest", "--limit", "99", "--data-dir", data)
        return sorted((row["userId"], row["n"]) for row in json_lines(lines))

    def listed() -> list[str]:
        return [row["status"] for row in json_lines(footfall("failed", "list", "--json", "--data-dir", data))]

    assert run(BROKEN) == [("ada", 1), ("ada", 2)]
    assert listed() == ["open", "open"]

    code, out, said = replay("--all", "--data-dir", data)
    assert (code, "replayed          2" in out) == (0, True)
    assert said == "Handed to count again by the `footfall run FILE.py` that runs it, or else by the next one.\n"
    assert listed() == []
    assert run(BROKEN) == [("ada", 1), ("ada", 2)]
    assert listed() == ["open", "open"]

    code, out, said = replay("--all", "--json", "--data-dir", data)
    figures = [{"replayed": 2, "rejected": 0, "already_replayed": 0, "reasons": []}]
    assert (code, json_lines(out), said) == (0, figures, "")
    assert run(MENDED) == [("ada", 1), ("ada", 2), ("ada", 3), ("bob", 1)]
    assert run(MENDED) == [("ada", 1), ("ada", 2), ("ada", 3), ("bob", 1)]
    assert listed() == []

    def topics(*options: str) -> set[str]:
        return {row["stream"] for row in json_lines(footfall("topics", "--json", *options, "--data-dir", data))}

    assert "count.retry" not in topics()
    assert topics("--all") - topics() == {"count.retry"}
    assert "retry" not in footfall("query", "SHOW TABLES", "--data-dir", data)
