"""A conversion is killed with SIGKILL before each of its steps: each event is there once, for us and for others."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.sinks.parquet.merging import WAIT_MS
from tests.faults.killed_warehouse import BUGS, FORKS, refresh_killed_at
from tests.unit.numbered import Numbers, held, seen_by_others, warehouse

ENDS = [9, 70]
"""Of the refresh that is killed: it puts small files together, publishes them, and converts three days."""


@dataclass
class Outcome:
    """What was wrong after kills before each step, and how many kills that were."""

    kills: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, expected: object) -> None:
        """Note what is not as it should be."""
        if found != expected:
            self.wrong.append(f"{what}: {found} instead of {expected}")


def before(directory: Path) -> None:
    """A warehouse in which small files were put together before, and others wait for it."""
    store = warehouse(directory)
    for end in range(1, 7):
        store.refresh(Numbers([end, 0]))


def after_kills(directory: Path, bug: str | None = None) -> Outcome:
    """A refresh killed before its first step, its second, and so on until it comes to its end."""
    outcome = Outcome()
    before(directory / "before")
    for step in range(1, 300):
        now = directory / str(step)
        shutil.copytree(directory / "before", now)
        process = FORKS.Process(target=refresh_killed_at, args=(now, step, ENDS, bug, WAIT_MS))
        process.start()
        process.join()
        check(now, outcome, f"step {step}")
        shutil.rmtree(now)
        if bug and outcome.wrong:
            return outcome
        if process.exitcode != -signal.SIGKILL:
            outcome.expect("exit", process.exitcode, 0)
            return outcome
        outcome.kills += 1
    raise AssertionError("it never comes to its end")


def check(directory: Path, outcome: Outcome, when: str) -> None:
    """What is there just after the kill, and after the next refresh."""
    store = warehouse(directory, clock=ManualClock(2 * WAIT_MS))
    try:
        for partition in range(len(ENDS)):
            whole = held(store, partition)
            outcome.expect(f"{when}, {partition}, at once", whole, list(range(len(whole))))
        # A tool that knows nothing of us finds no half file, and nothing that is not committed.
        ours = Counter(held(store, 0) + held(store, 1))
        outcome.expect(f"{when}, not committed", Counter(seen_by_others(directory)) - ours, Counter())
        store.refresh(Numbers(ENDS))
        for partition, end in enumerate(ENDS):
            outcome.expect(f"{when}, {partition}, after", held(store, partition), list(range(end)))
        everything = sorted(n for end in ENDS for n in range(end))
        outcome.expect(f"{when}, others", seen_by_others(directory), everything)
        left = [path.name for path in directory.rglob("*") if path.suffix in {".tmp", ".ready"}]
        outcome.expect(f"{when}, left over", left, [])
    except Exception as error:  # noqa: BLE001 - a planted bug may break anything
        outcome.wrong.append(f"{when}: {error!r}")


@pytest.mark.slow
def test_a_kill_before_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    outcome = after_kills(tmp_path)

    print(f"{outcome.kills} kills")
    assert outcome.wrong == []
    assert outcome.kills > 40


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    assert after_kills(tmp_path, bug).wrong
