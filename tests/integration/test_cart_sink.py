"""From ``cart-data`` to rows of ``clickstream_data``: by the commands that people use."""

from __future__ import annotations

import json
import math
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from footfall import wiring
from footfall.apps.cli import main
from footfall.core.events import CART, FAILED
from footfall.engine.ingest import Splitter
from tests.observing import command, environment
from tests.unit.carts import at, selections, stored, table_rows

TRIES = 20
SOON = 0.5
"""Seconds from the commit in the log to the row in the table: the promise."""


class Shop:
    """A data directory and the command line."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self._capsys = capsys

    def run(self, *arguments: str, code: int = 0) -> str:
        assert main.run([*arguments, "--data-dir", str(self.directory)]) == code, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments).splitlines()]

    def rows(self) -> list[dict[str, Any]]:
        return self.lines("query", "SELECT * FROM clickstream_data", "--json")

    def put(self, *rows: dict[str, Any]) -> None:
        put(self.directory, *rows)


def put(data_dir: Path, *rows: dict[str, Any]) -> None:
    """Append selections, each to the partition of its username."""
    with wiring.open_log(data_dir) as log:
        splitter = Splitter(log.info(CART).settings.partitions, key="username")
        log.append(splitter.split(selections(rows), stream=CART))


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    made = Shop(tmp_path / "data", capsys)
    made.put({}, {"username": "bob", "creation_timestamp": at(1), "category": None, "size": "XL"})
    return made


def test_a_selection_is_a_row_with_every_column_right(shop: Shop) -> None:
    shop.run("sink", "cart", "--until-end")

    assert shop.rows() == [
        {
            "username": "ada",
            "creation_timestamp": "2026-11-22T15:40:00.123456",
            "category": "shoes",
            "gender": "Female",
            "style": "casual",
            "size": "M",
            "hex_color": "#FFAA00",
        },
        {
            "username": "bob",
            "creation_timestamp": "2026-11-22T15:40:00.123457",
            "category": None,
            "gender": "Female",
            "style": "casual",
            "size": "XL",
            "hex_color": "#FFAA00",
        },
    ]


def test_the_same_message_again_is_no_second_row(shop: Shop) -> None:
    shop.run("sink", "cart", "--until-end")
    shop.put({}, {"username": "cyd"})

    assert shop.run("sink", "cart", "--until-end").split() == [
        "events",
        "2",
        "rows",
        "1",
        "repeated",
        "1",
        "rejected",
        "0",
    ]
    assert [row["username"] for row in shop.rows()] == ["ada", "bob", "cyd"]


def test_the_table_is_there_and_empty_before_the_first_row(shop: Shop) -> None:
    assert shop.rows() == []
    assert not (shop.directory / "warehouse" / "tables.db").exists()


def test_times_of_rows_can_be_calculated_with(shop: Shop) -> None:
    shop.run("sink", "cart", "--until-end")
    sql = "SELECT username, creation_timestamp + INTERVAL 1 DAY AS later FROM clickstream_data WHERE username = 'ada'"

    assert shop.lines("query", sql, "--json") == [{"username": "ada", "later": "2026-11-23T15:40:00.123456"}]


def test_what_did_not_fit_can_be_corrected_and_brought_in(shop: Shop) -> None:
    shop.put({"username": "dan", "style": "much too long for a style"})
    shop.run("sink", "cart", "--until-end")
    [failed] = shop.lines("failed", "list", "--json")
    assert (failed["reason"], failed["detail"]) == ("field_too_long", "style: 25 characters; 20 fit")

    corrected = json.dumps({**json.loads(failed["raw"]), "style": "long"})
    shop.run("failed", "replay", failed["id"], "--raw", corrected)
    shop.run("sink", "cart", "--until-end")
    shop.run("failed", "replay", failed["id"])
    shop.run("sink", "cart", "--until-end")

    assert [(row["username"], row["style"]) for row in shop.rows()][2:] == [("dan", "long")]
    assert shop.lines("failed", "list", "--json") == []


def test_a_correction_that_is_no_selection_is_refused(shop: Shop) -> None:
    shop.put({"style": "much too long for a style"})
    shop.run("sink", "cart", "--until-end")
    [failed] = shop.lines("failed", "list", "--json")

    out = shop.run("failed", "replay", failed["id"], "--raw", '{"username": ""}', "--json", code=1)
    assert "timestamp: missing" in json.loads(out)["reasons"][0]
    assert len(shop.lines("failed", "list", "--json")) == 1


def test_the_stream_can_be_looked_at_by_username(shop: Shop) -> None:
    shop.put({"username": "bob", "creation_timestamp": at(2)}, {"username": "cyd"})
    options = ("tail", CART, "--from", "earliest", "--limit", "9")

    found = shop.lines(*options, "--key", "bob")
    assert [one["creation_timestamp"][-6:] for one in found] == ["123457", "123458"]
    assert len(shop.lines(*options)) == 4
    assert shop.lines(*options, "--key", "nobody") == []
    [quix] = shop.lines(*options, "--key", "cyd", "--format", "quix")
    assert quix["StringValues"]["creation_timestamp"] == ["2026-11-22T15:40:00.123456"]
    [cart] = [one for one in shop.lines("topics", "--json") if one["stream"] == CART]
    assert cart["events"] == 4


def test_an_unknown_sink_is_answered_with_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["sink", "basket", "--data-dir", str(tmp_path)]) == 2

    assert "There are: cart, clicks, sessions, offers, rabbitmq." in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
runpy.run_module("footfall.apps.cli", run_name="__main__")
"""
"""The command line in a process that may not write files larger than this."""


@contextmanager
def sink_process(data_dir: Path, *, program: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The sink as a service."""
    arguments = command("sink", "cart", "--data-dir", data_dir)
    if program is not None:
        arguments[1:3] = ["-c", program]
    with subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.alone
def test_a_running_sink_has_new_rows_in_the_table_within_half_a_second(tmp_path: Path) -> None:
    waited = []
    put(tmp_path, {})
    with sink_process(tmp_path) as process, wiring.open_log(tmp_path) as log, wiring.open_tables(tmp_path) as tables:
        splitter = Splitter(log.info(CART).settings.partitions, key="username")
        wait_for_rows(tmp_path, 1)
        for number in range(1, TRIES + 1):
            threading.Event().wait(0.05 * (number % 5))  # not in step with what the sink does
            row = {"username": f"user-{number}"}
            log.append(splitter.split(selections([row]), stream=CART))
            begun = time.monotonic()
            while len(stored(tables)) != number + 1:
                assert time.monotonic() - begun < 10
                threading.Event().wait(0.005)
            waited.append(time.monotonic() - begun)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert stored(tables) == table_rows([{}, *({"username": f"user-{n}"} for n in range(1, TRIES + 1))])

    waited.sort()
    most = waited[math.ceil(0.95 * TRIES) - 1]
    print(f"from log to table: median {waited[TRIES // 2]:.3f} s, 95 of 100 {most:.3f} s, at most {waited[-1]:.3f} s")
    assert most < SOON
    assert beat(tmp_path)["state"] == "stopped"
    assert beat(tmp_path)["rows"] == TRIES + 1


def wait_for_rows(data_dir: Path, number: int) -> None:
    """Until the table holds so many rows."""
    begun = time.monotonic()
    with wiring.open_tables(data_dir) as tables:
        while len(stored(tables)) < number:
            assert time.monotonic() - begun < 20
            threading.Event().wait(0.01)


def beat(data_dir: Path) -> dict[str, Any]:
    """What the sink says of itself."""
    said: dict[str, Any] = json.loads((data_dir / "run" / "cart-sink.json").read_bytes())
    return said


def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path) -> None:
    many = [{"username": f"user-{number}", "creation_timestamp": at(number)} for number in range(2_000)]
    put(tmp_path, *many)
    with sink_process(tmp_path, program=LIMITED) as process:
        wait_for_error(tmp_path)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
        wait_for_rows(tmp_path, 2_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0

    with wiring.open_tables(tmp_path) as tables:
        assert stored(tables) == table_rows(many)
    with wiring.open_log(tmp_path) as log:
        assert log.info(FAILED).ends == (0,)
    assert beat(tmp_path)["error"] == ""


def wait_for_error(data_dir: Path) -> None:
    """Until the sink says that the disk is the matter."""
    begun = time.monotonic()
    while True:
        try:
            said = beat(data_dir)
        except (OSError, ValueError):
            said = {"error": ""}
        if "space" in said["error"]:
            assert said["state"] == "healthy"
            return
        assert time.monotonic() - begun < 20, said
        threading.Event().wait(0.05)
