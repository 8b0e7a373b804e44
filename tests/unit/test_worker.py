"""A worker lets every task have its turn, ticks once a second, and ends when it is told to or all is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.events import CLICKS
from footfall.engine.worker import Progress, Worker
from footfall.log.base import Append, Place
from footfall.log.embedded import EmbeddedLog
from tests.unit.streams import START, clicks, events, open_log, stage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, clock=clock) as log:
        yield log


@dataclass
class Steps:
    """A task with so many events in each of its steps; None is a step with nothing to do."""

    steps: list[int | None]
    taken: list[int | None] = field(default_factory=list)
    put_out: dict[str, int] = field(default_factory=lambda: {"offers": 2})
    on_step: Callable[[], None] = lambda: None

    def step(self) -> int | None:
        self.on_step()
        self.taken.append(self.steps.pop(0) if self.steps else None)
        return self.taken[-1]

    def places(self) -> Mapping[tuple[str, int], Place]:
        return {(CLICKS, 0): Place()}

    def lag(self) -> int:
        return len(self.steps)


def worker(
    log: EmbeddedLog, clock: ManualClock, *tasks: Steps, stop: threading.Event | None = None
) -> tuple[Worker, list[Progress]]:
    told: list[Progress] = []
    made = Worker(tasks, log=log, clock=clock, stop=stop or threading.Event(), every_second=told.append)
    return made, told


def test_it_ends_when_no_task_has_anything_left(log: EmbeddedLog, clock: ManualClock) -> None:
    one, two = Steps([1, 5, None, 3]), Steps([None, None, 4])
    made, told = worker(log, clock, one, two)
    made.run(drained=lambda: True)
    assert (made.events, one.steps, two.steps) == (13, [], [])
    assert (told[-1].events, told[-1].lag, told[-1].put_out) == (13, 0, {"offers": 4})


def test_a_step_without_events_is_work_too(log: EmbeddedLog, clock: ManualClock) -> None:
    one = Steps([0, 0, 7])
    made, _ = worker(log, clock, one)
    made.run(drained=lambda: True)
    assert made.events == 7


def test_what_came_before_the_word_that_nothing_more_will_come_is_still_processed(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    one = Steps([])

    def drained() -> bool:
        if len(one.taken) == 3:
            one.steps.append(9)
            return True
        return len(one.taken) > 3

    made, _ = worker(log, clock, one)
    made.run(drained=drained)
    assert made.events == 9


def test_a_stop_ends_it_after_the_step_that_runs(log: EmbeddedLog, clock: ManualClock) -> None:
    stop = threading.Event()
    one, two = Steps([1] * 9, on_step=stop.set), Steps([1] * 9)
    made, told = worker(log, clock, one, two, stop=stop)
    made.run()
    assert (len(one.taken), len(two.taken), made.events) == (1, 1, 2)
    assert told[-1].events == 2


def test_it_ticks_once_a_second_busy_or_not(log: EmbeddedLog, clock: ManualClock) -> None:
    stop = threading.Event()
    one = Steps([1_000_000] * 100 + [None] * 10_000, on_step=lambda: clock.advance(0.1))
    made, _ = worker(log, clock, one, stop=stop)
    ticks: list[float] = []

    def tick(_progress: Progress) -> None:
        ticks.append(clock.monotonic() - START / 1000)
        if len(ticks) == 20:
            stop.set()

    made = Worker([one], log=log, clock=clock, stop=stop, every_second=tick)
    made.run()
    apart = [b - a for a, b in pairwise(ticks[:-1])]
    assert all(1 <= gap <= 1.4 for gap in apart)
    assert len(apart) >= 18


def test_it_runs_stages_to_the_end_of_the_log(log: EmbeddedLog, clock: ManualClock) -> None:
    log.append([Append(CLICKS, 0, clicks([{"id": n} for n in range(5)]))])
    one = stage(log, max_rows=2)
    made = Worker([one], log=log, clock=clock, stop=threading.Event())
    made.run(drained=lambda: True)
    assert (made.events, len(events(log, "enriched-click-data"))) == (5, 5)


def test_a_task_that_was_taken_away_in_a_turn_takes_no_further_step(log: EmbeddedLog, clock: ManualClock) -> None:
    first, lost = Steps([5, 5]), Steps([7])
    changes: list[list[Steps] | None] = [[first, lost], [first]]
    made = Worker(
        (),
        log=log,
        clock=clock,
        stop=threading.Event(),
        changed=lambda: changes.pop(0) if changes else None,
    )

    made.run(drained=lambda: True)

    assert (first.taken, lost.taken) == ([5, 5, None], [])
    assert made.events == 10
