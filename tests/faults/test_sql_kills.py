"""The example's query is killed with SIGKILL at random moments, while users and clicks come: no row is lost or doubled.

The generator is killed as well. A failure prints the seed. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from footfall import wiring
from footfall.log.base import Log, Place
from tests.faults.buggy_sql import BUGS
from tests.observing import ROOT, command, environment, footfall
from tests.rounds import rounds

SEED = 20_261_126
KILLS = rounds(8, thorough=20)
KILLS_WITH_A_BUG = 5
QUERY = ROOT / "src/footfall/examples/vip/vip.sql"
SOURCE = ("generate", "--example", "vip", "--live", "--clicks-per-second", "400", "--burst-every", "150")
TOO_LONG = 60.0
Row = tuple[object, ...]


@dataclass
class Scene:
    """Generator and query, as processes that may be killed."""

    data_dir: Path
    bug: str | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        arguments = SOURCE if name == "source" else ("sql", str(QUERY))
        module = "tests.faults.buggy_sql" if self.bug and name == "query" else "footfall.apps.cli"
        line = command(*([self.bug] if module.endswith("buggy_sql") and self.bug else []), *arguments, module=module)
        with (self.data_dir.parent / f"{name}.err").open("ab") as errors:
            self.processes[name] = subprocess.Popen(
                [*line, "--data-dir", str(self.data_dir)], env=environment(), stdout=subprocess.DEVNULL, stderr=errors
            )

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        assert process.poll() is None, self.said(name)
        process.kill()
        process.wait()

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    def said(self, name: str) -> str:
        return (self.data_dir.parent / f"{name}.err").read_text()[-2_000:]


@contextmanager
def scene(directory: Path, bug: str | None = None) -> Iterator[Scene]:
    running = Scene(directory / "data", bug)
    try:
        yield running
    finally:
        running.end()


def rows_of(log: Log, stream: str, columns: tuple[str, ...]) -> list[Row]:
    """All rows of a stream, partition by partition."""
    found: list[Row] = []
    for partition in range(log.partitions(stream)):
        place = Place()
        while (read := log.read(stream, partition, place)).chunks:
            for chunk in read.chunks:
                found += zip(*(chunk.batch.column(name).to_pylist() for name in columns), strict=True)
            place = read.place
    return found


def expected(log: Log) -> Counter[Row]:
    """What a fold in plain Python makes of the users and the clicks: each pair of a click and a platinum user."""
    users: dict[object, list[object]] = {}
    for user, name, level in rows_of(log, "user", ("user_id", "name", "level")):
        if level == "PLATINUM":
            users.setdefault(user, []).append(name)
    clicks = rows_of(log, "click", ("user_id", "page", "action", "timestamp"))
    return Counter((user, name, page, action, at) for user, page, action, at in clicks for name in users.get(user, ()))


def until(done: Callable[[], bool], what: Callable[[], str]) -> None:
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < TOO_LONG, what()
        threading.Event().wait(0.02)


def after_kills(directory: Path, *, kills: int, bug: str | None = None) -> tuple[Counter[Row], Counter[Row]]:
    """What is there and what should be, after so many kills of the query, and some of the generator."""
    rng = random.Random(SEED)
    with scene(directory, bug) as running:
        running.start("source")
        with wiring.open_log(running.data_dir) as log:
            until(lambda: {"user", "click"} <= set(log.names()), lambda: f"no streams: {running.said('source')}")
            running.start("query")
            seen = -1

            def moved() -> bool:
                return "vip-action" in log.names() and sum(log.info("vip-action").ends) > seen

            for number in range(kills):
                until(moved, lambda: f"seed {SEED}: no rows come: {running.said('query')}")
                threading.Event().wait(rng.uniform(0.0, 0.4))
                running.kill("query")
                seen = sum(log.info("vip-action").ends)
                running.start("query")
                if number % 5 == 4:
                    running.kill("source")
                    running.start("source")
            until(moved, lambda: f"seed {SEED}: no rows come at the end: {running.said('query')}")
            running.kill("source")
            running.kill("query")
        footfall("sql", QUERY, "--until-end", "--data-dir", running.data_dir)
        with wiring.open_log(running.data_dir) as log:
            there = rows_of(log, "vip-action", ("user_id", "name", "page", "action", "event_time"))
            return Counter(there), expected(log)


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_query_that_is_killed_neither_loses_nor_doubles_a_row(tmp_path: Path) -> None:
    there, should = after_kills(tmp_path, kills=KILLS)
    print(f"{KILLS} kills, {sum(should.values())} rows")
    assert sum(should.values()) > 100
    assert there == should


@pytest.mark.alone
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    there, should = after_kills(tmp_path, kills=KILLS_WITH_A_BUG, bug=bug)
    found = {"lost": should - there, "doubled": there - should}
    assert found[BUGS[bug][1]], f"lost {found['lost']}, doubled {found['doubled']}"
