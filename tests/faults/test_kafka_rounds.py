"""Workers come and go, and they and their servers are killed and frozen, under load: nothing is lost, nothing doubled.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from tests.faults.harness import Clickstream, clickstream
from tests.faults.kafka_stack import Servers, Stack, running, servers

SEED = 20_260_401
ROUNDS = 20
"""How often workers are scaled 1 -> 3 -> 1, with one fault each time."""
RATE = 200
"""Events a second meanwhile."""
FAULTS = tuple(
    f"{how} {whom}" for whom, how in itertools.product(("worker", "kafka", "redis", "postgres"), ("kill", "freeze"))
)


@pytest.fixture(scope="module")
def on() -> Iterator[Servers]:
    with servers() as started:
        yield started


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("clicks"), events=40_000)


def rounds(stack: Stack, times: int) -> None:
    """Scale up, let something happen, scale down; see everything move on each time."""
    rng = random.Random(SEED)
    for number in range(times):
        stack.scale(3)
        stack.fault(FAULTS[number % len(FAULTS)], rng)
        stack.scale(1, rng)
        stack.move_on()


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rounds_of_scaling_with_faults_of_everything_change_nothing(clicks: Clickstream, on: Servers) -> None:
    with running(clicks, on, rate=RATE) as stack:
        rounds(stack, ROUNDS)
        found = stack.finish()
        report = f"seed {SEED}: {ROUNDS} rounds of 1 -> 3 -> 1 workers; {stack.report()}"
    print(report)
    assert found == [], report
