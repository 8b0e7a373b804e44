"""Turns watermarks and marks into how far time has come for windows, and counts the rows that came too late."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from footfall.processors.base import NO_TIME, Change, Flags, State, Times
from footfall.processors.relational.changelog import shaped
from footfall.processors.relational.rows import END_OF_TIME, Rows
from footfall.processors.relational.slices import time_array


class WindowClock:
    """How far time has come, and how many rows were left out."""

    def __init__(self, state: State, *, arrival: bool) -> None:
        """``arrival`` means time is that of arrival."""
        self._arrival = arrival
        self.watermark = NO_TIME
        self.late = 0
        self.timeless = 0
        for batch in state.get("clock", ()):
            self.watermark, self.late, self.timeless = (
                batch.column(name)[0].as_py() for name in ("watermark", "late", "timeless")
            )

    def marks(self, rows: Rows) -> Times:
        """How far time had come before each row: what is over stays over, whatever a mark says."""
        if self._arrival:
            return np.full(len(rows), self.watermark, dtype=np.int64)
        return np.maximum(rows.marks, self.watermark)

    def timely(self, timely: Flags, missing: Flags | None) -> Flags | None:
        """Which rows count; None if all do. The others are counted as late, or as without a time."""
        kept = timely if missing is None else timely & ~missing
        if kept.all():
            return None
        nameless = 0 if missing is None else int(np.count_nonzero(missing))
        self.timeless += nameless
        self.late += len(kept) - int(np.count_nonzero(kept)) - nameless
        return kept

    def advance(self, watermark: int, now: int) -> tuple[int, int]:
        """Move on; the watermark before, and now. By arrival, what lies before ``now`` is over."""
        before = self.watermark
        reached = now - 1 if self._arrival and watermark < END_OF_TIME else watermark
        self.watermark = max(before, reached)
        return before, self.watermark

    def changes(self) -> list[Change]:
        """All of it."""
        row = {"watermark": [self.watermark], "late": [self.late], "timeless": [self.timeless]}
        return [Change("clock", pa.RecordBatch.from_pydict(row), reset=True)]


def closed_windows(
    schema: pa.Schema, keys: list[pa.Array], results: list[pa.Array], starts: Times, ends: Times
) -> Rows:
    """Windows that are over, as rows; their marks are below their own time."""
    kinds = [field.type for field in list(schema)[-3:]]
    times = [time_array(time, kind) for time, kind in zip((starts, ends, ends - 1), kinds, strict=True)]
    return Rows(shaped([*keys, *results, *times], schema), ends - 2)
