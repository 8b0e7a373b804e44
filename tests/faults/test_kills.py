"""Services are killed with SIGKILL at random moments, under load, and what they leave is what the reference says.

A failure prints its seed: run it again with FOOTFALL_SEED set to it in the test below (``SEED``).
Each kind of bug that these tests are there to find has a test that plants it and sees it found.
"""

from __future__ import annotations

import random
import statistics
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.harness import APART, BACK_AT_WORK, REPLAY, TOGETHER, Clickstream, Stack, clickstream, running

SEED = 20_260_101
EACH = 20
"""Kills of each of the five services: a hundred in all."""
ALL_AT_ONCE = 20
RATE = 400
"""Events a second while services are killed."""
BUGGY = "tests.faults.buggy"


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("clicks"), events=40_000)


def report(stack: Stack) -> str:
    """What was done to the services, and how fast they were back: printed, and shown when a test fails."""
    back = sorted(stack.back)
    return (
        f"seed {SEED}: {stack.kills} kills; back at work after {statistics.median(back):.2f} s (median), "
        f"{back[-1]:.2f} s (at most)"
    )


def kill_each(stack: Stack, *, times: int, lanes: Sequence[Sequence[str]]) -> None:
    """Kill each service so many times; the services of a lane one after the other, the lanes at the same time."""

    def lane(names: Sequence[str]) -> None:
        rng = random.Random(f"{SEED} {' '.join(names)}")
        turns = [name for name in names for _ in range(times)]
        rng.shuffle(turns)
        for name in turns:
            stack.kill_one(name, rng)

    with ThreadPoolExecutor(len(lanes)) as pool:
        for done in [pool.submit(lane, names) for names in lanes]:
            done.result()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_kills_of_single_services_change_nothing(clicks: Clickstream) -> None:
    lanes = ((REPLAY, "behaviour"), ("enrichment", "aggregation", "sessions"))
    with running(clicks, processors=APART, rate=RATE) as stack:
        kill_each(stack, times=EACH, lanes=lanes)
        found = stack.finish()
        print(report(stack))
        assert found == [], report(stack)
        assert stack.kills == EACH * 5
        assert max(stack.back) <= BACK_AT_WORK, report(stack)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_twenty_kills_of_everything_at_once_change_nothing(clicks: Clickstream) -> None:
    rng = random.Random(SEED)
    with running(clicks, processors=TOGETHER, rate=RATE) as stack:
        for _ in range(ALL_AT_ONCE):
            stack.kill_all(rng)
        found = stack.finish()
        print(report(stack))
        assert found == [], report(stack)
        assert stack.kills == ALL_AT_ONCE
        assert max(stack.back) <= BACK_AT_WORK, report(stack)
