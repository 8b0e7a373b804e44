"""The collector is killed with SIGKILL at random moments, under load: what it answered 2xx is in the log, to the last.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.collector import CLI, Server, differences, numbers_in, read_ledger, sending, served, stopped
from benchmarks.collector_load import Load, summary_of
from footfall import wiring
from footfall.core.events import CLICKS, ENRICHED, FAILED
from footfall.log.base import RetainingLog
from tests.e2e.serving import free_port
from tests.faults.buggy_collector import BUGS
from tests.faults.harness import Service, position_of
from tests.rounds import rounds

SEED = 20_260_103
KILLS = rounds(8, thorough=20)
BACK_AT_WORK = 3.0
"""Seconds from a start to the first event in the log: the promise."""
TOO_LONG = 30.0
POLL = 0.01


@dataclass(frozen=True)
class Outcome:
    """What is wrong after the kills, and how it went."""

    wrong: list[str]
    report: str
    slowest: float
    """Seconds from a start after a kill to the first event in the log, at most."""


def after_kills(directory: Path, *, kills: int, seed: int, bug: str | None = None) -> Outcome:
    """A server under load, killed so often, and once more at the end."""
    rng, data_dir, port = random.Random(seed), directory / "data", free_port()
    module = ("tests.faults.buggy_collector", bug) if bug else (CLI,)
    load = Load(port=port, batch=20, connections=16, seconds=TOO_LONG * (kills + 1), again=0.5, seed=seed)
    back: list[float] = []
    with wiring.open_log(data_dir) as log, sending(load, directory / "ledger") as client:
        for kill in range(kills + 1):
            before, begun = sum(log.info(CLICKS).ends), time.monotonic()
            with served(data_dir, port=port, module=module) as server:
                wait_for_more(log, before, server)
                back.append(time.monotonic() - begun)
                threading.Event().wait(rng.uniform(0, 0.3))
                if kill == kills:
                    stopped(client)
        ledger = read_ledger(directory / "ledger")
        clicks, aside = numbers_in(log, CLICKS), numbers_in(log, FAILED)
        seen = summary_of(ledger, 1)
        wrong = [*differences(ledger, clicks, aside), *(["wrong answers"] if seen.wrong else [])]
        wrong += [] if bug else after_deduplication(log, data_dir)
    back = sorted(back[1:]) or back
    report = (
        f"seed {seed}: {kills} kills; {seen.sent} events sent, {seen.accepted} accepted, {seen.refused} refused, "
        f"{seen.unanswered} unanswered; {sum(one.tries > 1 for one in ledger)} requests sent again; "
        f"{len(clicks) - len(np.unique(clicks))} clicks twice in the log; "
        f"back at work after {back[len(back) // 2]:.2f} s (median), {back[-1]:.2f} s (at most)"
    )
    return Outcome(wrong, report, back[-1])


def wait_for_more(log: RetainingLog, before: int, server: Server) -> None:
    """Until there are more clicks in the log."""
    pause, deadline = threading.Event(), time.monotonic() + TOO_LONG
    while sum(log.info(CLICKS).ends) == before:
        assert server.process.poll() is None, "the server ended by itself"
        assert time.monotonic() < deadline, "the server takes nothing"
        pause.wait(POLL)


def after_deduplication(log: RetainingLog, data_dir: Path) -> list[str]:
    """What is wrong with the stream that the enrichment makes of these clicks, where each stands once."""
    arguments = ["run", "enrichment", "--data-dir", str(data_dir)]
    enrichment = Service("enrichment", arguments, None, data_dir / "enrichment.err")
    enrichment.start()
    try:
        pause, deadline = threading.Event(), time.monotonic() + TOO_LONG
        while position_of(log, "enrichment") < sum(log.info(CLICKS).ends):
            assert not enrichment.ended, "the enrichment ended by itself"
            assert time.monotonic() < deadline, "the enrichment does not come to the end"
            pause.wait(POLL)
    finally:
        enrichment.end()
    enriched, clicks = np.sort(numbers_in(log, ENRICHED)), np.unique(numbers_in(log, CLICKS))
    return [] if np.array_equal(enriched, clicks) else [f"{len(enriched)} enriched of {len(clicks)} distinct clicks"]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kills_of_the_collector_lose_nothing_that_was_answered_2xx(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = after_kills(tmp_path, kills=KILLS, seed=SEED)

    with capsys.disabled():
        print(f"\n{outcome.report}")
    assert outcome.wrong == [], outcome.report
    assert outcome.slowest <= BACK_AT_WORK, outcome.report


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    _, finding, kills = BUGS[bug]
    outcome = after_kills(tmp_path, kills=kills, seed=SEED, bug=bug)
    assert any(one.startswith(finding) for one in outcome.wrong), (outcome.wrong, outcome.report)
