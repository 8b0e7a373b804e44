"""Whatever is refreshed when, on whatever days, with whatever deaths in between: the warehouse is the plain list."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.sinks.parquet.merging import WAIT_MS, Patience
from footfall.sinks.parquet.warehouse import Limits
from tests.faults.killed_warehouse import STEPS
from tests.unit.numbered import NAME, Numbers, held, seen_by_others, warehouse

LIMITS = Limits(held=6, patience=Patience(rows=5, many=2), look_back=40)


class Death(BaseException):
    """The process is gone: whatever it still tries does not happen."""


@dataclass
class Fate:
    """After so many changes of files in the directory, nothing happens any more."""

    directory: str = ""
    left: int | None = None

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.left is None or event not in STEPS or event == "os.chmod" or self.directory not in str(arguments[0]):
            return
        if self.left == 0:
            raise Death
        self.left -= 1


FATE = Fate()
sys.addaudithook(FATE.heard)


@contextmanager
def dying_after(steps: int | None, directory: Path) -> Iterator[None]:
    FATE.directory, FATE.left = str(directory), steps
    try:
        yield
    except Death:
        pass
    finally:
        FATE.left = None


@dataclass(frozen=True)
class Refresh:
    """What comes into the log before a refresh, and when that dies."""

    days: Sequence[int | None]
    """Of the numbers that come; None is an offset without an event."""
    again: Sequence[int]
    """Numbers that come once more: so many places back."""
    dies: int | None
    read_meanwhile: bool
    later: bool
    """The time goes on, so that all is published."""


refreshes = st.lists(
    st.builds(
        Refresh,
        st.lists(st.none() | st.integers(-1, 3), max_size=9),
        st.lists(st.integers(0, 9), max_size=2),
        st.none() | st.integers(0, 40),
        st.booleans(),
        st.booleans(),
    ),
    max_size=10,
)


@dataclass
class Grown:
    """The log so far: which number stands at which offset, and on which day it happened."""

    at: list[int | None] = field(default_factory=list)
    days: list[int] = field(default_factory=list)

    def grow(self, by: Refresh) -> None:
        for day in by.days:
            self.at.append(None if day is None else len(self.days))
            self.days += [] if day is None else [day]
        self.at += [len(self.days) - 1 - back for back in by.again if back < len(self.days)]

    def source(self) -> Numbers:
        return Numbers([len(self.at), 0], step=4, day=lambda n: self.days[n], number=lambda o: self.at[o], repeats=True)


@settings(max_examples=60, deadline=None)
@given(refreshes)
def test_any_refreshes_days_and_deaths_give_the_plain_list(steps: list[Refresh]) -> None:
    log, clock = Grown(), ManualClock()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        store = warehouse(directory, limits=LIMITS, clock=clock)
        for step in steps:
            log.grow(step)
            clock.advance(WAIT_MS / 1000 * step.later)
            with dying_after(step.dies, directory):
                if step.read_meanwhile:
                    with store.reading([NAME]):
                        store.refresh(log.source())
                else:
                    store.refresh(log.source())
            ours = held(store, 0)
            assert len(ours) == len(set(ours))
            assert ours == list(range(len(ours)))
            assert Counter(seen_by_others(directory)) <= Counter(ours)
        clock.advance(WAIT_MS / 1000)
        store.refresh(log.source())

        assert held(store, 0) == seen_by_others(directory) == list(range(len(log.days)))
