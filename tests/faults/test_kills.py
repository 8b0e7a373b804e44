"""Services are killed with SIGKILL at random moments, under load, and what they leave is what the reference says.

A failure prints the seed; ``SEED`` sets it.
Each kind of bug that these tests are there to find has a test that plants it and sees it found.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.buggy import BUGS
from tests.faults.harness import (
    APART,
    BACK_AT_WORK,
    REPLAY,
    TOGETHER,
    BrokenDownError,
    Clickstream,
    Stack,
    clickstream,
    running,
)
from tests.rounds import rounds

SEED = 20_260_101
EACH = rounds(6, thorough=20)
"""Kills of each of the five services: a hundred in all."""
ALL_AT_ONCE = rounds(8, thorough=20)
RATE = 400
"""Events a second while services are killed."""


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("clicks"), events=rounds(12_000, thorough=40_000))


@pytest.fixture(scope="module")
def few_clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("few-clicks"), events=rounds(4_000, thorough=8_000))


def report(stack: Stack) -> str:
    """What was done to the services, and how fast they were back: shown when a test fails."""
    half, most, all_of_them = (back_after(stack, share) for share in (0.5, 0.95, 1.0))
    return (
        f"seed {SEED}: {stack.kills} kills; back at work after {half:.2f} s (median), "
        f"{most:.2f} s (95 of 100), {all_of_them:.2f} s (at most)"
    )


def back_after(stack: Stack, share: float) -> float:
    """Seconds after which this share of the services was back at work."""
    back = sorted(stack.back)
    return back[max(0, math.ceil(share * len(back)) - 1)]


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


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kills_of_single_services_change_nothing(clicks: Clickstream) -> None:
    lanes = ((REPLAY, "behaviour"), ("enrichment",), ("aggregation", "sessions"))
    with running(clicks, processors=APART, rate=RATE) as stack:
        kill_each(stack, times=EACH, lanes=lanes)
        found = stack.finish()
        assert found == [], report(stack)
        assert stack.kills == EACH * 5
        assert back_after(stack, 1.0) <= BACK_AT_WORK, report(stack)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(200)
def test_kills_of_everything_at_once_change_nothing(clicks: Clickstream) -> None:
    rng = random.Random(SEED)
    with running(clicks, processors=TOGETHER, rate=RATE) as stack:
        for _ in range(ALL_AT_ONCE):
            stack.kill_all(rng)
        found = stack.finish()
        assert found == [], report(stack)
        assert stack.kills == ALL_AT_ONCE
        assert back_after(stack, 1.0) <= BACK_AT_WORK, report(stack)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(few_clicks: Clickstream, bug: str) -> None:
    assert any(after_kills(few_clicks, bug=bug, seed=SEED + again) for again in range(3))


def after_kills(clicks: Clickstream, *, bug: str, seed: int) -> list[str]:
    """What is wrong after three kills of everything, also when a service cannot go on at all."""
    rng = random.Random(seed)
    try:
        with running(clicks, processors=TOGETHER, rate=RATE, bug=bug) as stack:
            for _ in range(3):
                stack.kill_all(rng)
            return stack.finish()
    except BrokenDownError as broken:
        return [str(broken)]
