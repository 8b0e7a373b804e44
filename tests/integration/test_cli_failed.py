"""Rows that could not be used: listed with place and reason, corrected, and brought in once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footfall.apps.cli import main

HEADER = "userId,productId,timestamp,ip\n"
PATTERNS = """
patterns:
  - name: any-click
    within: 30 minutes
    audience:
      - {gender: any, age: [18, 99], offer: hello}
    states:
      init:
        - {on: {category: Unknown}, to: offer}
"""
ROWS = (
    "ada,P1,2026-01-01T10:00:00Z,10.0.0.1\n"
    "bob,P1,yesterday,10.0.0.2\n"
    ",P1,2026-01-01T10:00:02Z,10.0.0.3\n"
    "cyd,P1,2026-01-01T10:00:03Z,10.0.0.4\n"
)


class Shop:
    """A data directory and the command line."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._capsys = capsys

    def run(self, *arguments: str, code: int = 0) -> str:
        assert main.run([*arguments, "--data-dir", str(self.directory / "data")]) == code, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def failed(self, *options: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("failed", "list", "--json", *options).splitlines()]

    def stream(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("tail", name, "--from", "earliest", "--limit", "99").splitlines()]

    def clicks(self) -> int:
        return len(self.stream("click-data"))


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    made = Shop(tmp_path, capsys)
    (tmp_path / "clicks.csv").write_text(HEADER + ROWS)
    made.run("backfill", str(tmp_path / "clicks.csv"), "--json")
    return made


def test_each_failed_row_has_its_line_its_reason_and_its_text(shop: Shop) -> None:
    found = [(one["line"], one["reason"], one["raw"]) for one in shop.failed()]

    assert found == [
        (3, "bad_timestamp", "bob,P1,yesterday,10.0.0.2"),
        (4, "missing_field", ",P1,2026-01-01T10:00:02Z,10.0.0.3"),
    ]


def test_one_is_shown_by_the_first_digits_of_its_id(shop: Shop) -> None:
    first = shop.failed()[0]

    assert json.loads(shop.run("failed", "show", first["id"][:8], "--json")) == first
    shop.run("failed", "show", "xyz", code=2)


def test_corrected_rows_come_in_exactly_once(shop: Shop, tmp_path: Path) -> None:
    edited = tmp_path / "corrected.ndjson"
    lines = shop.run("failed", "list", "--json").replace("yesterday", "2026-01-01T10:00:01Z").replace('",P1', '"dan,P1')
    edited.write_text(lines)

    shop.run("failed", "replay", "--from", str(edited))
    shop.run("failed", "replay", "--from", str(edited))

    assert shop.failed() == []
    assert len(shop.failed("--status", "replayed")) == 2
    assert shop.clicks() == 4


def test_a_single_row_is_corrected_on_the_command_line(shop: Shop) -> None:
    first = shop.failed()[0]

    shop.run("failed", "replay", first["id"], "--raw", "bob,P1,2026-01-01T10:00:01Z,10.0.0.2")

    assert [one["line"] for one in shop.failed()] == [4]
    assert shop.clicks() == 3


def test_a_row_that_is_still_wrong_stays_in_the_list(shop: Shop) -> None:
    shop.run("failed", "replay", "--all", code=1)

    assert len(shop.failed()) == 2
    assert shop.clicks() == 2


def test_a_corrected_row_meets_the_patterns_that_are_named(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PATTERNS)
    (tmp_path / "users.json").write_text('{"userId": "bob", "gender": "M", "birthDate": "1990-01-01"}')
    shop.run("load", "users", str(tmp_path / "users.json"))
    first, *_ = shop.failed()
    row = "bob,P1,2026-01-01T10:00:04Z,10.0.0.2"

    shop.run("failed", "replay", first["id"], "--raw", row, "--patterns", str(tmp_path / "own.yaml"))

    assert [(one["userId"], one["offer"]) for one in shop.stream("special-offers")] == [("bob", "hello")]


@pytest.mark.parametrize(("minutes", "late"), [(1, True), (10, False)])
def test_a_corrected_row_is_late_by_the_settings_that_are_named(
    shop: Shop, tmp_path: Path, minutes: int, late: bool
) -> None:
    (tmp_path / "own.yaml").write_text(f"pipeline:\n  lateness_minutes: {minutes}\n")
    first, *_ = shop.failed()
    row = "bob,P1,2026-01-01T09:55:00Z,10.0.0.2"

    shop.run("failed", "replay", first["id"], "--raw", row, "--settings", str(tmp_path / "own.yaml"))

    (found,) = [one.get("late", False) for one in shop.stream("enriched-click-data") if one["userId"] == "bob"]
    assert found is late


@pytest.mark.parametrize("arguments", [[], ["--all", "0123"], ["--raw", "x"]])
def test_what_to_replay_must_be_said_in_one_way(shop: Shop, arguments: list[str]) -> None:
    shop.run("failed", "replay", *arguments, code=2)


def test_a_file_that_is_no_list_is_answered_with_its_line(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.ndjson").write_text('\n{"id": "1"}\n')

    assert main.run(["failed", "replay", "--from", str(tmp_path / "x.ndjson"), "--data-dir", str(tmp_path)]) == 2

    assert "x.ndjson, line 2" in capsys.readouterr().err
