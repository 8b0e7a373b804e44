"""Workers come and go, and they and their servers are killed and frozen, under load: nothing is lost, nothing doubled.

A failure prints the seed; ``SEED`` sets it. Each planted bug has a test that sees it found.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

import pytest

from tests.faults.harness import BrokenDownError, Clickstream, clickstream
from tests.faults.kafka_stack import Arguments, Servers, Stack, running, servers
from tests.rounds import rounds

SEED = 20_260_401
ROUNDS = rounds(8, thorough=20)
"""How often workers are scaled 1 -> 3 -> 1, with one fault each time: each of the eight once. 20 take five minutes."""
TOGETHER: Sequence[Arguments] = [("run", "enrichment", "aggregation", "sessions", "behaviour")]
APART: Sequence[Arguments] = [("run", "enrichment"), ("run", "aggregation", "sessions", "behaviour")]
KILLS = 4
"""Of the worker that enriches, where workers are slow to save and nothing else happens."""
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


def scale(stack: Stack, times: int) -> None:
    """Scale up, let something happen, scale down; see everything move on each time."""
    rng = random.Random(SEED)
    for number in range(times):
        stack.scale(3)
        stack.fault(FAULTS[number % len(FAULTS)], rng)
        stack.scale(1, rng)
        stack.move_on()


@pytest.mark.waits
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rounds_of_scaling_with_faults_of_everything_change_nothing(clicks: Clickstream, on: Servers) -> None:
    with running(clicks, on, rate=RATE) as stack:
        scale(stack, ROUNDS)
        found = stack.finish()
        report = f"seed {SEED}: {ROUNDS} rounds of 1 -> 3 -> 1 workers; {stack.report()}"
    print(report)
    assert found == [], report


@pytest.fixture(scope="module")
def few_clicks(tmp_path_factory: pytest.TempPathFactory) -> Clickstream:
    return clickstream(tmp_path_factory.mktemp("few-clicks"), events=rounds(4_000, thorough=8_000))


def after_kills(
    clicks: Clickstream, on: Servers, processors: Sequence[Arguments], *, bug: str, seed: int = SEED
) -> tuple[list[str], int]:
    """What is wrong after kills of the worker that enriches, and how many duplicates are on the topics."""
    rng = random.Random(seed)
    try:
        with running(clicks, on, rate=RATE, processors=processors, bug=bug) as stack:
            for _ in range(KILLS):
                stack.fault("kill worker", rng)
            found = stack.finish()
            print(f"seed {seed}, {bug}: {stack.report()}")
            return found, stack.topics.duplicates
    except BrokenDownError as broken:
        return [str(broken)], 0


@pytest.mark.waits
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("processors", [TOGETHER, APART], ids=["together", "apart"])
def test_what_a_killed_worker_had_put_out_counts_once(
    processors: Sequence[Arguments], few_clicks: Clickstream, on: Servers
) -> None:
    found, duplicates = after_kills(few_clicks, on, processors, bug="none")
    assert found == []
    assert duplicates > 0, "no kill came between outputs and save: this test shows nothing"


@pytest.mark.waits
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("bug", "processors"),
    [("positions_before_outputs", TOGETHER), ("believes_the_end_of_the_topic", TOGETHER), ("reads_repeats", APART)],
)
def test_each_planted_bug_is_found(
    bug: str, processors: Sequence[Arguments], few_clicks: Clickstream, on: Servers
) -> None:
    assert any(after_kills(few_clicks, on, processors, bug=bug, seed=SEED + again)[0] for again in range(2))
