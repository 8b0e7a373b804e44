"""Turns rows that come and go into the aggregates of frame after frame, for many keys at a time.

Counts and sums are cumulated as arrays, in the order in which the rows come and go. What does not add up goes frame by
frame: first the first one of each key, then the second ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes
from footfall.core.events import Batch
from footfall.processors.base import Change, Flags, State
from footfall.processors.relational.accumulating import ADDING, Accumulators
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.integers import Ints
from footfall.processors.relational.journal import Journal
from footfall.processors.relational.over_frames import Steps

_SUMS: Final = "sums"
_OTHERS: Final = "others"


class RunningAggregates:
    """The aggregates of the last frame of each key."""

    def __init__(self, schema: pa.Schema, calls: Sequence[AggregateCall], state: State, *, updating: bool) -> None:
        """``updating`` says whether rows can go."""
        self._schema = schema
        self._adds = [call.function in ADDING and not call.distinct for call in calls]
        self._calls = [call for call, adds in zip(calls, self._adds, strict=True) if adds]
        others = [call for call, adds in zip(calls, self._adds, strict=True) if not adds]
        self._sums = Accumulators(schema, self._calls, {}, updating=updating)
        self._others = Accumulators(schema, others, state, updating=updating)
        self._journals = (Journal(_SUMS), Journal(_OTHERS))
        for journal, known in zip(self._journals, (self._sums, self._others), strict=True):
            codes, saved = journal.restore(state)
            if saved is not None:
                known.grow(int(codes.max(initial=-1)) + 1)
                known.restore(codes, saved)

    def grow(self, length: int) -> None:
        """Make room for keys below this."""
        self._sums.grow(length)
        self._others.grow(length)

    def results(self, steps: Steps, batch: Batch) -> list[pa.Array]:
        """A column an aggregate, a value a frame."""
        for journal in self._journals:
            journal.touch(steps.codes)
        batch = batch.take(pa.array(steps.rows))
        sums, others = iter(self._cumulated(steps, batch)), iter(self._by_rounds(steps, batch))
        return [next(sums) if adds else next(others) for adds in self._adds]

    def _cumulated(self, steps: Steps, batch: Batch) -> list[pa.Array]:
        if not self._calls:
            return []
        codes = steps.codes[steps.frames]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        ends = np.append(starts[1:], len(codes)) - 1
        single = Accumulators(self._schema, self._calls, {}, updating=False)
        single.grow(len(codes))
        single.add(np.arange(len(codes)), steps.signs, batch)
        for held, each in zip(self._sums.adding, single.adding, strict=True):
            for name in held.names:
                numbers = each.state[name][: len(codes)]
                numbers[:] = _cumulated(numbers, starts, held.state[name][codes[starts]])
            each.settle(np.arange(len(codes)))
            for name in held.names:
                held.state[name][codes[ends]] = each.state[name][ends]
        return single.results(steps.ends)

    def _by_rounds(self, steps: Steps, batch: Batch) -> list[pa.Array]:
        if all(self._adds):
            return []
        frames = np.arange(len(steps.codes))
        firsts = np.flatnonzero(np.diff(steps.codes, prepend=-1))
        nth = frames - np.repeat(firsts, np.diff(firsts, append=len(frames)))
        by_round = np.argsort(nth, kind="stable")
        ends = steps.ends + 1
        starts = np.concatenate([[0], ends[:-1]])
        found = []
        for some in np.split(by_round, np.flatnonzero(np.diff(nth[by_round])) + 1):
            rows = np.concatenate([np.arange(starts[one], ends[one]) for one in some.tolist()])
            signs = None if steps.signs is None else steps.signs[rows]
            self._others.add(steps.codes[steps.frames[rows]], signs, batch.take(pa.array(rows)))
            found.append(self._others.results(steps.codes[some]))
        back = pa.array(np.argsort(by_round))
        return [pa.concat_arrays(parts).take(back) for parts in zip(*found, strict=True)]

    def clear(self, codes: Codes) -> None:
        """Forget these keys."""
        for journal, known in zip(self._journals, (self._sums, self._others), strict=True):
            journal.touch(codes)
            known.clear(codes)

    def changes(self, is_live: Flags) -> list[Change]:
        """What changed since the last call; ``is_live`` says which keys are known."""
        sums, others = self._journals
        return [
            *sums.changes(is_live, self._sums.columns),
            *others.changes(is_live, self._others.columns),
            *self._others.changes(),
        ]


def _cumulated(numbers: npt.NDArray[Any], starts: Ints, held: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Running totals from each start on; fractions in the same order as if they were added one by one."""
    numbers[starts] += held
    if numbers.dtype == np.int64:
        totals = np.cumsum(numbers)
        before = totals[starts] - numbers[starts]
        totals -= np.repeat(before, np.diff(starts, append=len(numbers)))
        return totals
    for start, end in zip(starts.tolist(), np.append(starts[1:], len(numbers)).tolist(), strict=True):
        np.cumsum(numbers[start:end], out=numbers[start:end])
    return numbers
