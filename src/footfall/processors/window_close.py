"""Turns cells into windows, each once, when time has passed its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from footfall.core.codes import Dictionary
from footfall.processors.base import NO_TIME, Change, Flags, State, Times
from footfall.processors.window_cells import Cells, Elements, Ints, Journal, joined, no_cells, renamed
from footfall.processors.window_model import Plan


class Closing(Protocol):
    """Windows that are not over yet."""

    @property
    def groups(self) -> Dictionary:
        """The groups' texts, by code."""
        ...

    def add(self, cells: Cells, texts: Sequence[str]) -> None:
        """Take in cells that begin at or after the last horizon; their groups are places in ``texts``."""
        ...

    def close(self, horizon: int) -> Cells:
        """The windows that no event at or after the horizon (ms) can belong to: reduced cells."""
        ...

    def changes(self) -> list[Change]:
        """What changed since the last call."""
        ...


def closing(plan: Plan, state: State) -> Closing:
    """The windows of this plan, from saved state."""
    return Stretches(plan, state) if plan.size else Sessions(plan, state)


class Stretches:
    """Tumbling and hopping windows: each is made of one or several panes."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._plan = plan
        self._journal = Journal("windows", plan)
        self._horizon = _restored_horizon(state)
        self._parts = [self._journal.restore(state).where(self._waits)]
        self.groups = self._journal.groups

    def add(self, cells: Cells, texts: Sequence[str]) -> None:
        """See ``Closing``."""
        added = renamed(cells, texts, self.groups)
        self._journal.note(added)
        self._parts.append(added)

    def close(self, horizon: int) -> Cells:
        """See ``Closing``."""
        plan, before = self._plan, self._horizon
        self._horizon = max(before, horizon)
        if self._horizon == before:
            return no_cells(plan)
        held = joined(self._parts, plan)
        due = held.where(lambda starts: starts + plan.pane <= horizon).reduced(plan.kinds)
        self._parts = [held.where(self._waits)]
        if plan.size == plan.pane:
            return due
        return _hopped(due, plan, after=before, until=horizon).reduced(plan.kinds)

    def _waits(self, starts: Times) -> Flags:
        waits: Flags = starts + self._plan.size > self._horizon
        return waits

    def changes(self) -> list[Change]:
        """See ``Closing``."""
        return [*self._journal.changes(self._parts, kept=self._waits), _horizon_change(self._horizon)]


def _hopped(panes: Cells, plan: Plan, *, after: int, until: int) -> Cells:
    """Each pane once for each window that it belongs to and whose end is after the one and until the other."""
    steps = np.arange(plan.size // plan.pane) * plan.pane

    def spread(times: Times) -> tuple[Ints, Times]:
        starts = (times[:, None] - steps).reshape(-1)
        ends = starts + plan.size
        chosen = np.flatnonzero((ends > after) & (ends <= until))
        return chosen // len(steps), starts[chosen]

    row, starts = spread(panes.start)
    member, times = spread(panes.elements.time)
    part = panes.elements.rows(member)
    elements = Elements(part.group, times, part.which, part.value)
    return Cells(panes.group[row], starts, starts, panes.values[:, row], elements)


class Sessions:
    """Session windows: what is before the horizon is put together, the rest waits."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._plan = plan
        self._journal = Journal("windows", plan)
        self.groups = self._journal.groups
        self._horizon = NO_TIME
        self._waiting = [self._journal.restore(state)]
        self._open = no_cells(plan)
        self.close(_restored_horizon(state))  # what is due was put out before it was saved

    def add(self, cells: Cells, texts: Sequence[str]) -> None:
        """See ``Closing``."""
        added = renamed(cells, texts, self.groups)
        self._journal.note(added)
        self._waiting.append(added)

    def close(self, horizon: int) -> Cells:
        """See ``Closing``."""
        plan = self._plan
        if horizon <= self._horizon:
            return no_cells(plan)
        self._horizon = horizon
        waiting = joined(self._waiting, plan)
        fresh = waiting.where(lambda starts: starts < horizon)
        self._waiting = [waiting.where(lambda starts: starts >= horizon)]
        if len(fresh):
            touched = np.zeros(len(self.groups), dtype=np.bool_)
            touched[fresh.group] = True
            merged = sessions_of(joined([self._open.of(touched), fresh], plan), plan)
            self._open = joined([self._open.of(~touched), merged], plan)
        if not (self._open.end + plan.gap < horizon).any():
            return no_cells(plan)
        held = self._open.sorted()
        due = held.end + plan.gap < horizon
        of_due = due[held.located()]
        self._open = held.rows(np.flatnonzero(~due), np.flatnonzero(~of_due))
        return held.rows(np.flatnonzero(due), np.flatnonzero(of_due))

    def changes(self) -> list[Change]:
        """See ``Closing``."""
        changes = self._journal.changes(
            [self._open, *self._waiting], kept=lambda starts: np.ones(len(starts), dtype=np.bool_)
        )
        return [*changes, _horizon_change(self._horizon)]


def _every(starts: Times) -> Flags:
    return np.ones(len(starts), dtype=np.bool_)


def sessions_of(cells: Cells, plan: Plan) -> Cells:
    """Cells put together to sessions, as a plain loop over each group's cells by time would: reduced cells."""
    held = cells.sorted()
    if not len(held):
        return held
    sessions = held.gathered(np.flatnonzero(_begins(held, plan)), plan.kinds)
    elements = sessions.elements
    starts = sessions.start[sessions.located()]
    sessions.elements = Elements(elements.group, starts, elements.which, elements.value).unique()
    return sessions


def _begins(held: Cells, plan: Plan) -> Flags:
    """Where a session begins: at a new group, after a gap, and where it would last too long."""
    new = np.concatenate([[True], np.diff(held.group) != 0])
    earliest = int(held.end.min())
    bits = max((int(held.end.max()) - earliest).bit_length(), 1)
    ranked = (np.cumsum(new) << bits) | (held.end - earliest)
    latest_end = (np.maximum.accumulate(ranked) & ((1 << bits) - 1)) + earliest
    begins: Flags = new
    begins[1:] |= held.start[1:] - latest_end[:-1] > plan.gap
    while plan.longest is not None:
        first = np.maximum.accumulate(np.where(begins, np.arange(len(held)), 0))
        over = held.start - held.start[first] > plan.longest
        cut = over & ~np.concatenate([[False], over[:-1]])
        if not over.any():
            break
        begins |= cut
    return begins


def _horizon_change(horizon: int) -> Change:
    return Change("windows_clock", pa.RecordBatch.from_pydict({"horizon": [horizon]}), reset=True)


def _restored_horizon(state: State) -> int:
    horizon = NO_TIME
    for batch in state.get("windows_clock", ()):
        horizon = batch.column("horizon")[0].as_py()
    return horizon
