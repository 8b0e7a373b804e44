"""Nothing that a query says reads a file, writes one, reaches the network, or outlives its deadline."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.apps.query import Limits, Table, run, run_query
from footfall.apps.sandbox import jail
from footfall.core.errors import Failure, FootfallError, UsageError
from tests.integration.attacks import Attack, attacks

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.timeout(300)]

TREASURE: Final = "hush-hush-4711"
LIMITS: Final = Limits(deadline=timedelta(seconds=1.2), memory_mb=96, rows=10_000, megabytes=8)
LATE: Final = 0.5
"""Seconds after its deadline by which a query must be gone."""
SIDE_BY_SIDE: Final = 2
FORKED: Final = Path(__file__).with_name("forked_sandbox.py")
PYTHON: Final = (sys.executable, "-I", "-S", str(FORKED))
PLACES: Final = (str(Path(run.__file__).parents[3]), *filter(None, sys.path))
PLACED: Final = re.compile(r"Line \d+, column \d+: |The query has [\d,]+ characters")
ALL: Final = list(attacks())
QUICK: Final = {"refused", "harmless"}
PROBES: Final = (
    "SELECT * FROM read_text('@SECRET@')",
    "SELECT * FROM read_csv('@SECRET@')",
    "SELECT * FROM '@SECRET@'",
    "SELECT * FROM glob('@FOLDER@/*')",
    "COPY (SELECT 1) TO '@FOLDER@/out.csv'",
    "ATTACH '@FOLDER@/out.db'",
    "EXPORT DATABASE '@FOLDER@/out'",
    "INSTALL spatial FROM 'http://127.0.0.1:@PORT@'",
)


@dataclass
class Listener:
    """A port of this machine that counts who comes."""

    socket: socket.socket
    came: int = 0

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.came += 1
            connection.close()


@dataclass(frozen=True)
class Outcome:
    """How an attack ended."""

    said: str
    error: FootfallError | None
    rows: int
    seconds: float


@dataclass
class Target:
    """What is to be attacked, and what must not change."""

    tables: Mapping[str, Table]
    secret: Path
    listener: Listener

    def attacked(self, sql: str, limits: Limits = LIMITS) -> Outcome:
        began = time.monotonic()
        try:
            result = run_query(sql, self.tables, limits=limits)
        except FootfallError as error:
            return Outcome(f"{error!r} {error}", error, 0, time.monotonic() - began)
        took = time.monotonic() - began
        rows = list(result.json_lines())
        said = b"\n".join(rows)[:1_000_000].decode() + repr(result.notices) + repr(result.columns)
        return Outcome(said, None, len(rows), took)

    def all_attacked(self, those: Sequence[Attack], limits: Limits = LIMITS) -> Sequence[Outcome]:
        texts = [attack.aimed(secret=self.secret, port=self.listener.port) for attack in those]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as side_by_side:
            return list(side_by_side.map(lambda sql: self.attacked(sql, limits), texts))

    def seen(self) -> Mapping[str, tuple[int, int]]:
        """Every file that an attack might make or change."""
        folder = self.secret.parent
        watched = [*folder.rglob("*"), *Path.cwd().glob("*"), *Path("/").glob("*"), *Path.home().glob(".duckdb/**/*")]
        watched += Path(tempfile.gettempdir()).glob("footfall-query-*")
        files = [path for path in watched if path.is_file() or folder in path.parents or ".duckdb" in path.parts]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def table(name: str, folder: Path, **columns: Sequence[Any]) -> Table:
    rows = pa.table(columns)
    path = folder / f"{name}.parquet"
    pq.write_table(rows, path)
    return Table(name=name, schema=rows.schema, files=lambda _: [path])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data, private = tmp_path_factory.mktemp("tables"), tmp_path_factory.mktemp("private")
    secret = private / "secret.csv"
    secret.write_text(f"code\n{TREASURE}\n")
    (private / f"{TREASURE}.txt").write_text("its name is the secret")
    listener = Listener(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=listener.listen)
    thread.start()
    tables = [table("products", data, id=["a", "b"], price=[1.0, 2.0]), table("visitors", data, userId=["u"])]
    yield Target({one.name: one for one in tables}, secret, listener)
    listener.socket.shutdown(socket.SHUT_RDWR)
    listener.socket.close()
    thread.join()


@dataclass(frozen=True)
class Battle:
    """All attacks, and what was found when they were over."""

    outcomes: Mapping[Attack, Outcome]
    before: Mapping[str, tuple[int, int]]
    after: Mapping[str, tuple[int, int]]
    left: Sequence[psutil.Process]


@pytest.fixture(scope="module")
def started(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a process waits that has imported everything: starting one anew for each attack takes half a second."""
    path = str(tmp_path_factory.mktemp("door") / "door")
    command = [*PYTHON, "serve", path, *PLACES]
    environment = run._ENVIRONMENT | {"HOME": str(target.secret.parent)}  # without one nothing is ever installed
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield path
        process.kill()


@pytest.fixture(scope="module")
def battle(target: Target, started: str) -> Battle:
    """What is a matter of the statement alone goes to forks; the rest is run as users run it."""
    children = set(psutil.Process().children(recursive=True))
    before = target.seen()
    quick = [attack for attack in ALL if attack.ends in QUICK]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(run, "_COMMAND", (*PYTHON, "ask", started, "line"))
        outcomes = dict(zip(quick, target.all_attacked(quick, Limits()), strict=True))
    others = [attack for attack in ALL if attack.ends not in QUICK]
    outcomes |= dict(zip(others, target.all_attacked(others), strict=True))
    left = [one for one in psutil.Process().children(recursive=True) if one not in children]
    return Battle(outcomes, before, target.seen(), left)


def test_there_are_enough_attacks_of_every_kind() -> None:
    kinds = {attack.kind for attack in ALL}

    assert len({attack.sql for attack in ALL}) >= 150
    assert len(kinds) >= 10


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_an_attack_is_refused_or_limited_or_harmless(battle: Battle, attack: Attack) -> None:
    outcome = battle.outcomes[attack]

    match attack.ends:
        case "refused":
            assert isinstance(outcome.error, UsageError), outcome.said
            assert PLACED.match(outcome.error.message), outcome.said
            assert outcome.error.remedy, outcome.said
        case "limited":
            assert isinstance(outcome.error, Failure), outcome.said
            assert outcome.error.remedy, outcome.said
        case "harmless":
            assert outcome.error is None, outcome.said
        case _:
            assert outcome.error is None or outcome.error.remedy, outcome.said
    assert "Traceback" not in outcome.said


def test_no_attack_learns_the_secret(battle: Battle) -> None:
    assert [attack.name for attack, outcome in battle.outcomes.items() if TREASURE in outcome.said] == []


def test_no_attack_writes_a_file(battle: Battle) -> None:
    assert battle.after == battle.before


def test_no_attack_reaches_the_network(battle: Battle, target: Target) -> None:
    assert len(battle.outcomes) == len(ALL)
    assert target.listener.came == 0


def test_no_attack_outlives_its_deadline(battle: Battle) -> None:
    most = LIMITS.deadline.total_seconds() + LATE
    took = {attack: outcome.seconds for attack, outcome in battle.outcomes.items() if attack.ends not in QUICK}

    assert {attack.name: seconds for attack, seconds in took.items() if seconds > most} == {}


def test_no_process_is_left(battle: Battle) -> None:
    assert battle.left == []


def test_no_answer_is_larger_than_allowed(battle: Battle) -> None:
    assert max(outcome.rows for outcome in battle.outcomes.values()) <= LIMITS.rows


# ---------------------------------------------------------------- layers


def breaches(target: Target) -> set[str]:
    """What the probes got."""
    limits = Limits(deadline=timedelta(seconds=10), memory_mb=256)
    before, came = target.seen(), target.listener.came
    outcomes = target.all_attacked([Attack("probe", "ended", sql, 0) for sql in PROBES], limits)
    written = set(target.seen()) - set(before)
    for path in sorted(written, reverse=True):
        Path(path).rmdir() if Path(path).is_dir() else Path(path).unlink()
    found = {
        "read": any(TREASURE in outcome.said for outcome in outcomes),
        "written": bool(written),
        "network": target.listener.came > came,
    }
    target.listener.came = came
    return {name for name, breached in found.items() if breached}


@pytest.mark.parametrize("layers", ["list", "engine", "kernel", "list,engine", "list,kernel", "engine,kernel"])
def test_each_layer_holds_without_the_others(
    target: Target, started: str, monkeypatch: pytest.MonkeyPatch, layers: str
) -> None:
    monkeypatch.setattr(run, "_COMMAND", (*PYTHON, "ask", started, f"line,{layers}"))

    assert breaches(target) == set()


def test_without_any_layer_these_tests_would_turn_red(
    target: Target, started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_COMMAND", (*PYTHON, "ask", started, "line,list,engine,kernel"))

    assert breaches(target) == {"read", "written", "network"}


ENDLESS: Final = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"


def test_a_query_ends_itself_when_nobody_ends_it(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ended_by_us", lambda *_: threading.Timer(0, lambda: None))
    outcome = target.attacked(ENDLESS)

    assert "stopped after" in outcome.said
    assert outcome.seconds < LIMITS.deadline.total_seconds() + LATE


def test_a_query_that_neither_side_ends_is_late(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ended_by_us", lambda *_: threading.Timer(0, lambda: None))
    monkeypatch.setattr(run, "_COMMAND", (*PYTHON, "run", "alarm", *PLACES))
    outcome = target.attacked(ENDLESS)

    assert outcome.seconds > LIMITS.deadline.total_seconds() + LATE, "what bounds the processor's time came first"


def test_a_query_that_stands_behind_all_others_and_is_stopped_ends_at_its_deadline(target: Target) -> None:
    limits = Limits(deadline=timedelta(seconds=5))
    before = set(psutil.Process().children())
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(target.attacked, ENDLESS, limits)
        while not (children := set(psutil.Process().children()) - before):
            threading.Event().wait(0.01)
        [child] = children
        behind = psutil.Process(child.pid)
        while behind.nice() != jail.NICE:
            assert not waiting.done()
            threading.Event().wait(0.01)
        os.kill(child.pid, signal.SIGSTOP)
        outcome = waiting.result()

    assert "stopped after" in outcome.said
    assert outcome.seconds < limits.deadline.total_seconds() + LATE
    assert not psutil.pid_exists(child.pid)
