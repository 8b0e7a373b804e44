"""Turns enriched clicks into counts by time window and key, each window once: when the watermark has passed it.

    Windowed(
        name="visits by category", to="category-visits", window=Tumbling(timedelta(minutes=1)), keys=("category",),
        aggregates={"visits": Count(), "visitors": Distinct("userId")}, top=Top(3, by="visits"),
    )

Events are put together in panes (``window_rows``); panes that are over become windows (``window_close``). Where a
group's events lie in several partitions, the panes travel in between: see ``PartialWindows`` and ``MergedWindows``,
which ``engine.windows`` connects by a stream. Time is that of the slowest partition then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.events import PARTIALS, SCHEMAS, Batch, is_internal
from footfall.core.hashing import partition_of
from footfall.processors.base import NO_TIME, Change, Codebook, Frame, Output, Partial, State
from footfall.processors.window_cells import Cells, named
from footfall.processors.window_close import closing, sessions_of
from footfall.processors.window_model import (
    Aggregate,
    Count,
    Distinct,
    Hopping,
    Max,
    Min,
    Plan,
    Session,
    Sum,
    Top,
    Tumbling,
    Window,
    plan_of,
)
from footfall.processors.window_output import cells_of_partial, partial_batch, windows_batch
from footfall.processors.window_rows import Panes

__all__ = ["Count", "Distinct", "Hopping", "Max", "Min", "Session", "Sum", "Top", "Tumbling", "Windowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """What to count, by which keys, in which windows of event time. Windows without events are not put out."""

    name: str
    to: str
    """The stream that the windows go to, one event a window and group."""
    window: Window
    aggregates: Mapping[str, Aggregate]
    """By the name of the output's column."""
    keys: tuple[str, ...] = ()
    """Columns of the enriched clicks; without any, all events are one group."""
    top: Top | None = None
    grace: timedelta = timedelta(0)
    """How long a window waits beyond the watermark for late events; those that come later still are left out."""

    def __post_init__(self) -> None:
        """Check everything. Raises UsageError."""
        if self.to in SCHEMAS or is_internal(self.to):
            raise UsageError(
                f"The windows {self.name!r} cannot go to the stream {self.to!r}, which is Footfall's own.",
                remedy="Choose another name for `to`.",
            )
        self.plan()

    def plan(self) -> Plan:
        """The settings as the operators need them."""
        return plan_of(
            self.name,
            window=self.window,
            keys=self.keys,
            aggregates=self.aggregates,
            grace=self.grace,
            top=self.top,
        )

    @property
    def merged(self) -> bool:
        """Whether a window's events may lie in several partitions."""
        return self.top is not None or self.keys[:1] != ("userId",)

    @property
    def partials(self) -> str:
        """The stream in which partitions tell one another what they have counted."""
        return f"{self.to}{PARTIALS}"

    def start(self, *, book: Codebook, state: State) -> RunningWindowed:  # noqa: ARG002 - it keeps codes of its own
        """The running operator over a partition that holds all events of its groups."""
        return RunningWindowed(self, state)


class RunningWindowed:
    """Windows of one partition."""

    def __init__(self, settings: Windowed, state: State) -> None:
        self._to = settings.to
        self._plan = settings.plan()
        self._shape = Shape(settings, self._plan, state)
        self._panes = Panes(self._plan, state)
        self._windows = closing(self._plan, state)

    @property
    def late(self) -> int:
        """Events left out because they came too late."""
        return self._panes.late

    def process(self, frame: Frame) -> Sequence[Output]:
        """Count the frame's events and return the windows that its watermark has passed."""
        self._panes.process(frame)
        shipped = self._panes.ship()
        if shipped is None:
            return []
        if len(shipped):
            self._windows.add(*named(shipped, self._panes.groups))
        batch = windows_batch(self._plan, self._windows.close(self._panes.horizon), self._windows)
        return [] if batch is None else [Output(self._to, batch)]

    def changes(self) -> Sequence[Change]:
        """What was counted and closed since the last call."""
        return [*self._panes.changes(), *self._windows.changes(), *self._shape.changes()]

    def partials(self) -> Sequence[Partial]:
        """No views."""
        return []

    def live(self) -> None:
        """No codes of the shared dictionaries."""


class PartialWindows:
    """One partition's panes, on their way to where each group is put together."""

    def __init__(self, settings: Windowed, state: State, *, source: int, partitions: int) -> None:
        self._plan = settings.plan()
        self._shape = Shape(settings, self._plan, state)
        self._panes = Panes(self._plan, state)
        self._source = source
        self._partitions = partitions
        self._alone = partition_of(settings.name, partitions) if settings.top or not settings.keys else None
        """Where everything goes, if all groups are needed in one place."""

    @property
    def late(self) -> int:
        """Events left out because they came too late."""
        return self._panes.late

    def process(self, frame: Frame) -> Mapping[int, Batch]:
        """Count the frame's events; what there is to tell, by partition."""
        self._panes.process(frame)
        shipped = self._panes.ship()
        if shipped is None:
            return {}
        if not self._plan.size and self._plan.longest is None:
            shipped = sessions_of(shipped, self._plan)
        cells, texts = named(shipped, self._panes.groups)
        if self._alone is not None:
            return {self._alone: self._batch(cells, texts)}
        target = np.array([partition_of(text, self._partitions) for text in texts], dtype=np.int64)
        return {number: self._batch(cells.of(target == number), texts) for number in range(self._partitions)}

    def _batch(self, cells: Cells, texts: Sequence[str]) -> Batch:
        return partial_batch(self._plan, cells, texts, source=self._source, horizon=self._panes.horizon)

    def changes(self) -> Sequence[Change]:
        """What was counted since the last call."""
        return [*self._panes.changes(), *self._shape.changes()]


class MergedWindows:
    """Puts together what all partitions have counted of some groups."""

    def __init__(self, settings: Windowed, state: State, *, sources: int) -> None:
        self._plan = settings.plan()
        self._shape = Shape(settings, self._plan, state)
        self._windows = closing(self._plan, state)
        self._horizons = dict.fromkeys(range(sources), NO_TIME)
        for batch in state.get("horizons", ()):
            self._horizons.update(zip(batch["source"].to_pylist(), batch["horizon"].to_pylist(), strict=True))

    def process(self, batch: Batch) -> Batch | None:
        """Take what partitions tell; the windows that all of them have passed."""
        cells, texts, horizons = cells_of_partial(self._plan, batch)
        if len(cells):
            self._windows.add(cells, texts)
        self._horizons.update(horizons)
        return windows_batch(self._plan, self._windows.close(min(self._horizons.values())), self._windows)

    def changes(self) -> Sequence[Change]:
        """What was told and closed since the last call."""
        told = {"source": list(self._horizons), "horizon": list(self._horizons.values())}
        horizons = Change("horizons", pa.RecordBatch.from_pydict(told), reset=True)
        return [*self._windows.changes(), horizons, *self._shape.changes()]


class Shape:
    """What saved state depends on: saved once, and compared when the operator starts again."""

    def __init__(self, settings: Windowed, plan: Plan, state: State) -> None:
        """Raises UsageError if the state was saved with other settings."""
        saved = [batch.column("shape")[0].as_py() for batch in state.get("shape", ())]
        if saved not in ([], [plan.shape]):
            raise UsageError(
                f"The windows {settings.name!r} were counted with other settings before.",
                remedy="Give the changed ones another `name` and `to`; they then count from the beginning.",
            )
        self._unsaved = [] if saved else [plan.shape]

    def changes(self) -> list[Change]:
        """What to save: nothing after the first time."""
        shapes, self._unsaved = self._unsaved, []
        return [Change("shape", pa.RecordBatch.from_pydict({"shape": [one]}), reset=True) for one in shapes]
