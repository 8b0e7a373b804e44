"""Sink or PostgreSQL are killed, frozen or away, under load: each selection is in the table, once, and unharmed.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from footfall import wiring
from footfall.core.errors import Unavailable
from footfall.core.events import CART
from footfall.log.base import RetainingLog
from footfall.sinks.postgres import PostgresTables
from tests.faults.postgres_sink import BUGS
from tests.faults.test_sink_kills import Load, differences, under
from tests.observing import command, environment
from tests.rounds import rounds
from tests.servers.postgres import Postgres

SEED = 20_260_302
SINK_KILLS = rounds(8, thorough=20)
SERVER_KILLS = rounds(3, thorough=5)
AWAY = float(rounds(5, thorough=60))
"""Seconds without a server."""
TIME_OUT = 1_000
"""Milliseconds for a statement here, so that a frozen server is noticed after three seconds."""
RECOVERED = 30.0
"""Seconds from the server's return until the table is complete: the promise."""
TOO_SLOW = 10.0
"""Seconds from a sink's start to the first progress, in the median. test_sink_kills has the promise of 3: here a whole
database server has its share of the machine."""
TOO_LONG = 60.0


@dataclass
class Scene:
    """A log under load, a server, and a sink between them."""

    data_dir: Path
    log: RetainingLog
    server: Postgres
    bug: str = "none"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.server.url}?options={quote(f'-cstatement_timeout={TIME_OUT}')}"

    def start(self) -> None:
        """Start the sink. It writes its errors to a file, for when the test fails."""
        line = command(self.bug, self.url, self.data_dir, module="tests.faults.postgres_sink")
        with (self.data_dir / "sink.err").open("ab") as errors:
            self.process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=errors)

    def start_and_watch(self) -> float:
        """Start the sink, and see it move on; after how many seconds."""
        before, begun = self.places(), time.monotonic()
        self.start()
        self.until(lambda: self.places() != before)
        return time.monotonic() - begun

    def kill(self) -> None:
        """End the sink as the kernel does when memory runs out."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def places(self) -> Mapping[int, int]:
        """How far it is in each partition; nothing where nobody can be asked."""
        with PostgresTables(self.server.url) as looking:
            try:
                found = {n: looking.place("sink:cart", CART, n) for n in range(len(self.log.info(CART).ends))}
            except Unavailable:
                return {}
        return {number: place.offset for number, place in found.items() if place is not None}

    def finish(self) -> float:
        """Let the sink come to the end of the log, and end it in peace; how many seconds the end took to reach."""
        begun = time.monotonic()
        ends = dict(enumerate(self.log.info(CART).ends))
        self.until(lambda: self.places() == ends)
        took = time.monotonic() - begun
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(timeout=10) == 0
        return took

    def until(self, condition: Callable[[], bool]) -> None:
        begun = time.monotonic()
        while not condition():
            said = (self.data_dir / "sink.err").read_text()[-2_000:]
            assert self.process is not None
            assert self.process.poll() is None, f"it ended by itself: {said}"
            assert time.monotonic() - begun < TOO_LONG, f"it does not move on: {said}"
            threading.Event().wait(0.02)


Fault = Callable[[Scene, random.Random], None]


@dataclass(frozen=True)
class Outcome:
    """What is wrong afterwards, and how long it took to recover."""

    wrong: list[str]
    seconds: float
    report: str


def after(fault: Fault, data_dir: Path, *, bug: str = "none", seed: int = SEED) -> Outcome:
    """A sink under load while this happens, and then let come to an end."""
    with Postgres(fsync="on") as server, wiring.open_log(data_dir) as log:
        load, scene = Load(log, random.Random(seed)), Scene(data_dir, log, server, bug)
        try:
            with under(load):
                scene.start_and_watch()
                fault(scene, random.Random(seed))
            took = scene.finish()
        finally:
            scene.kill()
        with PostgresTables(server.url) as tables:
            wrong = differences(load, log, tables)
        messages = sum(log.info(CART).ends)
        report = f"seed {seed}: {messages} messages, {len(load.given)} selections, complete {took:.1f} s after"
        return Outcome(wrong, took, report)


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def sink_kills(times: int = SINK_KILLS) -> Fault:
    """The sink is killed so often."""

    def fault(scene: Scene, rng: random.Random) -> None:
        back = []
        for _ in range(times):
            wait(rng.uniform(0, 0.4))
            scene.kill()
            back.append(scene.start_and_watch())
        usual = sorted(back)[len(back) // 2]
        print(f"back at work after {usual:.2f} s (median), {max(back):.2f} s (at most)")
        assert usual <= TOO_SLOW

    return fault


def server_kills(times: int = SERVER_KILLS) -> Fault:
    """All of PostgreSQL's processes are killed so often, in the middle of writes."""

    def fault(scene: Scene, rng: random.Random) -> None:
        for _ in range(times):
            wait(rng.uniform(0, 0.4))
            scene.server.kill()
            wait(rng.uniform(0, 0.4))
            before = scene.places()
            scene.server.start()
            scene.until(lambda before=before: scene.places() != before)  # type: ignore[misc]

    return fault


def away(seconds: float = AWAY) -> Fault:
    """PostgreSQL is stopped for a while."""

    def fault(scene: Scene, _rng: random.Random) -> None:
        scene.server.stop()
        wait(seconds)
        scene.server.start()

    return fault


def frozen(seconds: float = AWAY) -> Fault:
    """PostgreSQL says nothing for longer than anybody waits, and then goes on."""

    def fault(scene: Scene, _rng: random.Random) -> None:
        scene.server.freeze()
        wait(seconds)
        scene.server.thaw()

    return fault


FAULTS: Mapping[str, Callable[[], Fault]] = {
    "sink killed": sink_kills,
    "server killed": server_kills,
    "server away": away,
    "server frozen": frozen,
}


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", FAULTS)
def test_no_row_is_lost_doubled_or_set_aside(tmp_path: Path, name: str) -> None:
    outcome = after(FAULTS[name](), tmp_path)

    print(f"{name}: {outcome.report}")
    assert outcome.wrong == [], outcome.report
    assert outcome.seconds <= RECOVERED, outcome.report


PLANTED: tuple[tuple[str, Callable[[], Fault]], ...] = (
    ("place_before_rows", lambda: sink_kills(3)),
    ("rows_before_place", lambda: sink_kills(3)),
    ("place_before_rows", lambda: server_kills(3)),
    ("outages_set_aside", lambda: server_kills(1)),
    ("outages_set_aside", lambda: away(1.0)),
    ("outages_set_aside", frozen),
)
"""Bugs, and what finds them."""


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("bug", "fault"), PLANTED, ids=[f"{n}-{bug}" for n, (bug, _) in enumerate(PLANTED)])
def test_each_planted_bug_is_found(tmp_path: Path, bug: str, fault: Callable[[], Fault]) -> None:
    assert any(one.startswith(BUGS[bug][1]) for again in range(3) for one in after_bug(tmp_path, bug, fault(), again))


def after_bug(directory: Path, bug: str, fault: Fault, again: int) -> Iterator[str]:
    """What is wrong after a fault with this bug."""
    data_dir = directory / str(again)
    data_dir.mkdir()
    yield from after(fault, data_dir, bug=bug, seed=SEED + again).wrong
