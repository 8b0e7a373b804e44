"""Turns the times in a table's rows into how far time has come there: in all partitions as far as in the slowest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change, State, Times
from footfall.processors.relational.rows import END_OF_TIME, Compute, Rows
from footfall.sql.nodes import Node, Reject, SetAside

_TIME: Final = pa.schema([("partition", pa.int32()), ("reached", pa.int64()), ("idle", pa.bool_())])
_ALL: Final = -1
"""Stands for all partitions together."""


@dataclass(slots=True)
class Timing:
    """Says how far time has come: in each partition as far as its largest value, in all as far as in the slowest."""

    inputs: Sequence[Node]
    column: str
    compute: Compute
    reject: Reject
    watermark: int = NO_TIME
    resting: bool = False
    partition: int = 0
    """Whose rows come next."""
    partitions: int = 1
    """How many there are."""
    idle: frozenset[int] = frozenset()
    """Partitions that nobody waits for."""
    reached: dict[int, int] = field(default_factory=dict)
    _saved: list[tuple[int, int | None, bool]] = field(default_factory=list)

    def restore(self, state: State) -> None:
        """Go on from what was saved."""
        for batch in state.get("time", ())[-1:]:
            rows = batch.to_pylist()
            times = {row["partition"]: row["reached"] for row in rows if row["reached"] is not None}
            idle = {row["partition"] for row in rows if row["idle"]}
            self.watermark, self.resting = times.pop(_ALL), _ALL in idle
            self.reached, self.idle = times, frozenset(idle - {_ALL})
        self._saved = self._now()

    def process(self, rows: Rows, side: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """The same rows, each with the watermark before it."""
        rows = self._with_time(rows)
        if not len(rows):
            return []
        values = milliseconds(self.compute(rows))
        before = self.reached.get(self.partition, NO_TIME)
        running = np.maximum.accumulate(np.concatenate([np.array([before], dtype=np.int64), values]))
        self.reached[self.partition] = int(running[-1])
        others = min((self.reached.get(one, NO_TIME) for one in self._others()), default=END_OF_TIME)
        marks = np.maximum(np.minimum(running[:-1], others), self.watermark)
        return [Rows(rows.batch, marks, rows.kinds, rows.now)]

    def _with_time(self, rows: Rows) -> Rows:
        times = rows.batch.column(self.column)
        if not times.null_count:
            return rows
        missing = times.is_null().to_numpy(zero_copy_only=False)
        self.reject(SetAside(rows.take(missing).batch, f"{self.column}: an event time must not be NULL"))
        return rows.take(~missing)

    def _others(self) -> set[int]:
        return set(range(self.partitions)) - {self.partition} - self.idle

    def advance(self, watermark: int, now: int) -> Sequence[Rows]:  # noqa: ARG002 - a node's interface
        """Time is what the rows say, until the input ends."""
        if watermark == END_OF_TIME:
            self.watermark = END_OF_TIME
            return []
        counting = set(range(self.partitions)) - self.idle
        self.resting = not counting
        self.watermark = max(self.watermark, min((self.reached.get(one, NO_TIME) for one in counting), default=NO_TIME))
        return []

    def _now(self) -> list[tuple[int, int | None, bool]]:
        partitions = sorted({*self.reached, *self.idle})
        found = [(one, self.reached.get(one), one in self.idle) for one in partitions]
        return [(_ALL, self.watermark, self.resting), *found]

    def changes(self) -> Sequence[Change]:
        """How far each partition is, and all of them together, if that has changed."""
        now = self._now()
        if self._saved == now:
            return []
        self._saved = now
        arrays = [pa.array(column, of.type) for column, of in zip(zip(*now, strict=True), _TIME, strict=True)]
        return [Change("time", pa.RecordBatch.from_arrays(arrays, schema=_TIME), reset=True)]


def milliseconds(column: pa.Array) -> Times:
    """A column of times, of any unit, as int64 milliseconds; NULL counts as no time."""
    in_ms = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
    if in_ms.null_count:
        in_ms = in_ms.fill_null(NO_TIME)
    times: Times = in_ms.to_numpy(zero_copy_only=False)
    return times
