"""Turns rows into the matches of a pattern in their order: MATCH_RECOGNIZE with ONE ROW PER MATCH.

Rows wait until the watermark has passed their times. Those that are ready are looked at as columns first, which says
where a match can be at all; only there the pattern is followed row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import Change, State, Times
from footfall.processors.relational.join_side import JoinSide
from footfall.processors.relational.keys import KeyIndex
from footfall.processors.relational.match_conditions import Conditions
from footfall.processors.relational.match_lookahead import Lookahead
from footfall.processors.relational.match_machine import Machine, Skip
from footfall.processors.relational.match_order import Order, in_order
from footfall.processors.relational.match_pattern import Automaton, PatternItem, automaton
from footfall.processors.relational.match_rows import Found, Ready
from footfall.processors.relational.match_state import MatchState
from footfall.processors.relational.matching import Condition, OfMatch
from footfall.processors.relational.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Matches of a pattern, each a row."""

    input: pa.Schema
    output: pa.Schema
    """The columns of the partition, then the measures."""
    partition: tuple[str, ...] = ()
    time: str
    """The column in whose order rows are taken."""
    order: tuple[Order, ...] = ()
    """Further columns, for rows of the same time; rows that are equal in these, too, are taken as they came."""
    pattern: PatternItem
    define: Mapping[str, Condition] = field(default_factory=dict)
    """Conditions by variable; for those that are not here, any row will do."""
    measures: tuple[tuple[str, OfMatch], ...] = ()
    skip: Skip = "past last row"
    """Where the next match may begin."""
    skip_to: str = ""
    """The variable to skip to."""
    within: int | None = None
    """How far (ms) the last row may be from the first one, less than this."""

    def start(self, state: State) -> RunningMatch:
        """The running operator, from the state that was saved (empty at first). ValueError: not such a pattern."""
        return RunningMatch(self, automaton(self.pattern), state)


class RunningMatch:
    """MATCH_RECOGNIZE at work."""

    def __init__(self, settings: Match, plan: Automaton, state: State) -> None:
        self._settings = settings
        self._conditions = Conditions(plan.variables, settings.define)
        self._lookahead = Lookahead(plan, unsure=self._conditions.unsure, within=settings.within)
        self._machine = Machine(
            plan, self._conditions.looks, skip=settings.skip, skip_to=settings.skip_to, within=settings.within
        )
        types = [settings.input.field(name).type for name in settings.partition]
        self._index = KeyIndex(types, "partitions", state)
        keys, time = settings.partition, settings.time
        self._waiting = JoinSide("waiting", settings.input, keys, time=time, null_is_key=True)
        self._waiting.restore(state, self._index)
        kept = JoinSide("kept", settings.input, keys, time=time, null_is_key=True)
        kept.restore(state, self._index)
        self._state = MatchState(kept, self._machine, state, expires=settings.within is not None)

    def process(self, rows: Rows, side: int = 0) -> Sequence[Rows]:  # noqa: ARG002 - there is one input
        """Take the next rows; those that are late are dropped."""
        late = self._waiting.times_of(rows.batch) <= rows.marks
        if late.any():
            rows = rows.take(~late)
        if len(rows):
            self._waiting.append(rows.batch, self._waiting.key_codes(self._index, rows.batch), now=rows.now)
        return []

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:
        """Time has come so far: the matches that are complete by that, in the order of their last rows."""
        found = []
        ready = self._waiting.until(watermark)
        if len(ready):
            batch = pa.RecordBatch.from_pydict(self._waiting.take(ready))
            found = self._matched(batch, self._waiting.times(ready), self._waiting.codes(ready), now)
            self._waiting.kill(ready)
        found += self._state.time_out(watermark, self._measured)
        return [self._rows(found, now)] if found else []

    def _matched(self, batch: Batch, times: Times, codes: np.ndarray[Any, Any], now: int) -> list[Found]:
        """The matches that rows make, in the order of time."""
        if self._settings.order:
            order = in_order(batch, times, self._settings.order)
            batch, times, codes = batch.take(pa.array(order)), times[order], codes[order]
        masks = self._conditions.masks(Rows(batch, times - 1, None, now))
        ready = Ready(batch, times, codes, masks)
        walk = ready.walk(self._lookahead, self._state.sets(ready.partitions, self._lookahead))
        return self._state.follow(walk, self._measured)

    def _measured(self, code: int, time: int, path: Any, values: Any) -> Found:
        taken = self._machine.taken(path, values)
        return Found(time, code, tuple(measure.compute(taken) for _, measure in self._settings.measures))

    def _rows(self, found: list[Found], now: int) -> Rows:
        found.sort(key=lambda one: one.time)
        codes = np.array([one.code for one in found], dtype=np.int32)
        schema, names = self._settings.output, self._settings.output.names
        columns = self._index.columns(codes)
        for place, field_ in enumerate(list(schema)[len(columns) :]):
            columns.append(pa.array([one.measures[place] for one in found], type=field_.type))
        marks = np.array([one.time for one in found], dtype=np.int64) - 1
        return Rows(pa.RecordBatch.from_arrays(columns, names=names), marks, None, now)

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        self._waiting.tidy()
        saved = [*self._state.changes(), *self._waiting.changes()]
        self._index.release_others(np.union1d(self._waiting.live_codes, self._state.live_codes))
        return [*self._index.changes(), *saved]
