"""The sink is killed with SIGKILL at random moments, under load: each selection is in the table, once, and unharmed.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from footfall import wiring
from footfall.core.events import CART, FAILED
from footfall.engine.ingest import Splitter
from footfall.log.base import RetainingLog
from footfall.sinks.tables import TableSink
from tests.faults.buggy_sink import BUGS
from tests.observing import command, environment
from tests.rounds import rounds
from tests.unit.carts import at, selections, stored, table_rows

SEED = 20_260_102
KILLS = rounds(8, thorough=20)
BACK_AT_WORK = 3.0
"""Seconds from a start to the first progress: the promise."""
TOO_LONG = 30.0


@dataclass
class Load:
    """Selections that keep coming, some of them twice."""

    log: RetainingLog
    rng: random.Random
    given: list[dict[str, Any]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Append a few selections every few milliseconds until told to stop."""
        splitter = Splitter(self.log.info(CART).settings.partitions, key="username")
        while not self.stop.wait(0.01):
            rows = [self._next() for _ in range(self.rng.randint(1, 8))]
            self.log.append(splitter.split(selections(rows), stream=CART))

    def _next(self) -> dict[str, Any]:
        if self.given and self.rng.random() < 0.1:
            return self.rng.choice(self.given)
        number = len(self.given)
        row = {"username": f"user-{number % 50}", "creation_timestamp": at(number), "style": f"style {number}"}
        self.given.append(row)
        return row


@dataclass
class Killed:
    """A sink that is killed again and again, and what is in its table."""

    data_dir: Path
    log: RetainingLog
    tables: TableSink
    bug: str | None
    process: subprocess.Popen[bytes] | None = None
    back: list[float] = field(default_factory=list)
    """Seconds from each start to the first progress."""

    def start_and_watch(self) -> None:
        """Start it, and see it move on."""
        before, begun = self.places(), time.monotonic()
        self.start()
        self._until(lambda: self.places() != before)
        self.back.append(time.monotonic() - begun)

    def start(self) -> None:
        """Start it. It writes its errors to a file, for when the test fails."""
        arguments = ["sink", "cart", "--data-dir", str(self.data_dir)]
        module = "tests.faults.buggy_sink" if self.bug else "footfall.apps.cli"
        with (self.data_dir / "sink.err").open("ab") as errors:
            line = command(*([self.bug] if self.bug else []), *arguments, module=module)
            self.process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=errors)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def places(self) -> Mapping[int, int]:
        """How far it is in each partition."""
        found = {number: self.tables.place("sink:cart", CART, number) for number in range(self.partitions)}
        return {number: place.offset for number, place in found.items() if place is not None}

    @property
    def partitions(self) -> int:
        return self.log.info(CART).settings.partitions

    def finish(self) -> None:
        """Let it come to the end of the log; and end it in peace."""
        ends = dict(enumerate(self.log.info(CART).ends))
        self._until(lambda: self.places() == ends)
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(timeout=10) == 0

    def _until(self, done: Callable[[], bool]) -> None:
        begun = time.monotonic()
        while not done():
            said = (self.data_dir / "sink.err").read_text()[-2_000:]
            assert self.process is not None
            assert self.process.poll() is None, f"it ended by itself: {said}"
            assert time.monotonic() - begun < TOO_LONG, f"it does not move on: {said}"
            threading.Event().wait(0.01)


@dataclass(frozen=True)
class Outcome:
    """What is wrong after the kills, and how it went."""

    wrong: list[str]
    report: str
    slowest: float
    """Seconds from a start to the first progress, at most."""


def after_kills(data_dir: Path, *, kills: int, seed: int, bug: str | None = None) -> Outcome:
    """A sink under load, killed so often."""
    rng = random.Random(seed)
    with wiring.open_log(data_dir) as log, wiring.open_tables(data_dir) as tables:
        load = Load(log, random.Random(seed))
        killed = Killed(data_dir, log, tables, bug)
        try:
            with under(load):
                killed.start_and_watch()
                for _ in range(kills):
                    threading.Event().wait(rng.uniform(0, 0.4))
                    killed.kill()
                    killed.start_and_watch()
            killed.finish()
        finally:
            killed.kill()
        back = sorted(killed.back)
        report = (
            f"seed {seed}: {kills} kills, {sum(log.info(CART).ends)} messages, {len(load.given)} selections; "
            f"back at work after {back[len(back) // 2]:.2f} s (median), {back[-1]:.2f} s (at most)"
        )
        return Outcome(differences(load, log, tables), report, back[-1])


@contextlib.contextmanager
def under(load: Load) -> Iterator[None]:
    """While selections keep coming."""
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        yield
    finally:
        load.stop.set()
        thread.join()


def differences(load: Load, log: RetainingLog, tables: TableSink) -> list[str]:
    """Lost, doubled or changed rows, and selections that were set aside."""
    expected = {key(row): row for row in table_rows(load.given)}
    found = stored(tables)
    by_key = {key(row): row for row in found}
    return [
        *(f"lost: {row}" for row in expected.keys() - by_key.keys()),
        *(f"made up: {row}" for row in by_key.keys() - expected.keys()),
        *(f"changed: {row}" for row in expected.keys() & by_key.keys() if expected[row] != by_key[row]),
        *([f"doubled: {len(found) - len(by_key)}"] if len(found) != len(by_key) else []),
        *([f"set aside: {sum(log.info(FAILED).ends)}"] if sum(log.info(FAILED).ends) else []),
    ]


def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["username"], row["creation_timestamp"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(200)
def test_kills_of_the_sink_neither_lose_nor_double_a_row(tmp_path: Path) -> None:
    outcome = after_kills(tmp_path, kills=KILLS, seed=SEED)

    print(outcome.report)
    assert outcome.wrong == [], outcome.report
    assert outcome.slowest <= BACK_AT_WORK, outcome.report


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    assert any(one.startswith(BUGS[bug][1]) for again in range(3) for one in after_bug(tmp_path, bug, again))


def after_bug(directory: Path, bug: str, again: int) -> list[str]:
    """What is wrong after three kills of a sink with this bug."""
    data_dir = directory / str(again)
    data_dir.mkdir()
    return after_kills(data_dir, kills=3, seed=SEED + again, bug=bug).wrong
