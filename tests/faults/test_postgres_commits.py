"""The answer to a COMMIT gets lost, again and again: each row is there once, and nothing is set aside.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced, Unavailable
from footfall.core.events import FAILED
from footfall.engine.sinking import TableTask
from footfall.log.embedded import EmbeddedLog
from footfall.sinks.postgres import PostgresTables
from footfall.sinks.tables import CLICKSTREAM_DATA
from tests.faults.cutting import Cutter, Loss
from tests.rounds import rounds
from tests.servers.postgres import Postgres
from tests.unit.carts import Sunk, at, put, stored, table_rows
from tests.unit.streams import START, open_log

SEED = 20_260_301
CUTS = rounds(40, thorough=100)
MANY_STEPS = 1_000


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path / "log", partitions=1, clock=ManualClock(START)) as made:
        yield made


def after_cuts(log: EmbeddedLog, url: str, cuts: int, *, which: list[Loss] | None = None) -> list[str]:
    """What is wrong after so many batches whose COMMIT was cut, among others whose was not."""
    rng = random.Random(SEED)
    given: list[dict[str, Any]] = []
    with Cutter(url) as line, PostgresTables(line.url) as tables:
        task = Sunk(log, tables).task()
        while line.lost < cuts:
            some = [next_row(rng, given) for _ in range(rng.randint(1, 8))]
            given += some
            put(log, *some)
            line.next = rng.choice([None, *(which or Loss)])
            to_the_end(task)
        with PostgresTables(url) as looking:
            return differences(given, stored(looking), log)


def next_row(rng: random.Random, given: list[dict[str, Any]]) -> dict[str, Any]:
    if given and rng.random() < 0.1:
        return rng.choice(given)
    number = len(given)
    return {"username": f"user-{number % 50}", "creation_timestamp": at(number), "style": f"style {number}"}


def to_the_end(task: TableTask) -> None:
    """Step by step until nothing is left."""
    for _ in range(MANY_STEPS):
        if task.step() is None:
            return
    pytest.fail(f"it does not come to an end: {task.trouble}")


def differences(given: list[dict[str, Any]], found: list[dict[str, Any]], log: EmbeddedLog) -> list[str]:
    """Lost, doubled or made-up rows, and what was set aside."""
    expected = [tuple(row.values()) for row in table_rows(given)]
    have = [tuple(row.values()) for row in found]
    lost, made_up, doubled = set(expected) - set(have), set(have) - set(expected), len(have) - len(set(have))
    aside = sum(log.info(FAILED).ends)
    counted = {"lost": len(lost), "made up": len(made_up), "doubled": doubled, "set aside": aside}
    return [f"{what}: {number} (seed {SEED})" for what, number in counted.items() if number]


def test_cut_commits_neither_lose_nor_double_a_row(log: EmbeddedLog, url: str) -> None:
    assert after_cuts(log, url, CUTS) == []


def believes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not ask where it stands after an outage."""
    knows = property(lambda task: task._at is not None, lambda _task, _value: None)
    monkeypatch.setattr(TableTask, "_sure", knows, raising=False)


def trusts_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a COMMIT without an answer for done."""
    write = PostgresTables.write

    def trusting(tables: PostgresTables, *arguments: Any) -> int:
        try:
            return write(tables, *arguments)
        except Unavailable:
            tables.close()
            return 0

    monkeypatch.setattr(PostgresTables, "write", trusting)


@pytest.mark.parametrize(
    ("bug", "which", "found"),
    [(believes_itself, [Loss.ANSWER], "fenced"), (trusts_a_cut, [Loss.QUESTION], "fenced, lost")],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_each_planted_bug_is_found(
    log: EmbeddedLog,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch], None],
    which: list[Loss],
    found: str,
) -> None:
    bug(monkeypatch)

    try:
        wrong = after_cuts(log, url, 3, which=which)
    except Fenced:
        wrong = ["fenced"]
    assert any(one.split(":")[0] in found for one in wrong), wrong


def test_the_line_loses_what_it_is_told_to(url: str) -> None:
    """Without this, all of the above might be green because nothing was ever cut."""
    with Cutter(url) as line, PostgresTables(line.url) as tables:
        tables.prepare(CLICKSTREAM_DATA)
        for loss, kept in ((Loss.ANSWER, 1), (Loss.QUESTION, 1)):
            with psycopg.connect(line.url, autocommit=True) as db:
                db.execute("BEGIN")
                db.execute("INSERT INTO clickstream_data VALUES (%s, now())", (loss,))
                line.next = loss
                with pytest.raises(psycopg.OperationalError):
                    db.execute("COMMIT")
            with psycopg.connect(url) as looking:
                assert looking.execute("SELECT count(*) FROM clickstream_data").fetchone() == (kept,)
        assert line.lost == 2
