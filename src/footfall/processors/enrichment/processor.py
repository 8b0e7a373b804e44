"""Turns what stands in ``click-data`` into enriched clicks: each event once, late or not, all fields filled in.

The order is: drop what was seen before, decide what is late, move the watermark, run the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import Batch
from footfall.core.watermarks import BEGINNING, Watermark, WatermarkSettings
from footfall.processors.base import Change, Codebook, Flags, Frame, State, Times, flags, milliseconds
from footfall.processors.dedupe import SeenIds, SeenKeys
from footfall.processors.enrichment.step import Context, Lookups, Step
from footfall.processors.enrichment.steps import STEPS, Enricher, start

_LATE: Final = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrichment:
    """What enriched clicks are made with."""

    watermark: WatermarkSettings = field(default_factory=WatermarkSettings)
    steps: Sequence[Step] = STEPS
    remembered: int = 3_400_000
    """Events of a partition, at least, for which a duplicate is still recognised: at most 100 MB of memory."""

    @property
    def name(self) -> str:
        return "enrichment"

    def start(self, *, book: Codebook, lookups: Lookups, state: State) -> RunningEnrichment:
        """The running operator, from its saved state."""
        return RunningEnrichment(self, book=book, lookups=lookups, state=state)


@dataclass(slots=True)
class Tally:
    """What came of the events so far, in this partition."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    bots: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """Clicks as they were appended: together, at one time, perhaps with a watermark (ms)."""

    clicks: Batch
    appended_ms: int
    watermark: int | None


@dataclass(frozen=True, slots=True)
class Enriched:
    """The frame for all that follows, and the clicks whose id was taken by another content."""

    frame: Frame
    conflicts: Batch | None
    conflict_rows: npt.NDArray[np.int64]
    """Their row numbers in the input."""


class RunningEnrichment:
    """Enrichment of one partition."""

    def __init__(self, settings: Enrichment, *, book: Codebook, lookups: Lookups, state: State) -> None:
        self._book = book
        self._ids = SeenIds(capacity=settings.remembered)
        self._ids.restore(state.get("ids", ()))
        self._visitors = SeenKeys()
        self._visitors.restore(state.get("visitors", ()))
        self.tally = Tally()
        self.watermark = Watermark(settings.watermark)
        for batch in state.get("counts", ()):
            row = batch.to_pylist()[0]
            self.watermark.high = row.pop("high")
            row.pop("visitors")
            self.tally = Tally(**row)
        self._steps: Enricher = start(Context(lookups=lookups, book=book, state=state), steps=settings.steps)
        self._changed = False
        self.seconds: dict[str, float] = {}
        """Time spent, by part of the work."""

    @property
    def visitors(self) -> int:
        """Distinct visitors so far."""
        return len(self._visitors)

    def process(self, arrivals: Sequence[Arrival]) -> Enriched:
        """Take clicks in log order: appended batches whose dictionaries are shared or single."""
        begun = perf_counter()
        clicks = together([arrival.clicks for arrival in arrivals])
        appended_ms, floor = self._conditions(arrivals)
        sifted = self._ids.sift(clicks)
        conflicts = clicks.take(pa.array(sifted.conflicts)) if len(sifted.conflicts) else None
        if len(sifted.fresh) < clicks.num_rows:
            clicks = clicks.take(pa.array(sifted.fresh))
            if floor is not None:
                appended_ms, floor = np.asarray(appended_ms)[sifted.fresh], floor[sifted.fresh]
        self.tally.duplicates += len(sifted.duplicates)
        self.tally.conflicts += len(sifted.conflicts)
        self._changed |= len(sifted.fresh) < sum(arrival.clicks.num_rows for arrival in arrivals)
        self._spend("dedupe", begun)
        frame = self._frame(clicks, appended_ms, floor, arrivals)
        begun = perf_counter()
        frame.batch = self._steps.enrich(frame)
        self._visitors.add(self._book.visitors.take_new_hashes())
        self._count(frame)
        self._spend("enrich", begun)
        return Enriched(frame, conflicts, sifted.conflicts)

    def _conditions(self, arrivals: Sequence[Arrival]) -> tuple[Times | int, Times | None]:
        """When each row was appended, and the newest event time announced before it (None: by none of these)."""
        if len(arrivals) == 1:
            return arrivals[0].appended_ms, None
        sizes = [arrival.clicks.num_rows for arrival in arrivals]
        floors = [BEGINNING, *(self._announced(arrival) for arrival in arrivals[:-1])]
        appended = np.array([arrival.appended_ms for arrival in arrivals], dtype=np.int64)
        return np.repeat(appended, sizes), np.repeat(np.maximum.accumulate(floors), sizes)

    def _announced(self, arrival: Arrival) -> int:
        if arrival.watermark is None:
            return BEGINNING
        return self.watermark.bounded(arrival.watermark, appended_ms=arrival.appended_ms)

    def _frame(
        self, clicks: Batch, appended_ms: Times | int, floor: Times | None, arrivals: Sequence[Arrival]
    ) -> Frame:
        before = self.watermark.value
        high = self.watermark.high
        said: Flags = flags(clicks.column(_LATE))
        times = milliseconds(clicks.column("timestamp"))
        late = self.watermark.observe(times, late=said, appended_ms=appended_ms, floor=floor)
        self.watermark.advance(max(self._announced(arrival) for arrival in arrivals))
        self._changed |= self.watermark.high != high
        if late is not said:
            position = clicks.schema.get_field_index(_LATE)
            clicks = clicks.set_column(position, clicks.schema.field(position), pa.array(late))
        value, high = self.watermark.value, self.watermark.high
        return Frame(clicks, book=self._book, before=before, watermark=value, high=high)

    def _count(self, frame: Frame) -> None:
        if not len(frame):
            return
        self._changed = True
        self.tally.accepted += len(frame)
        self.tally.late += int(frame.late.sum())
        self.tally.bots += int(frame.flag("is_bot").sum())

    def _spend(self, what: str, begun: float) -> None:
        self.seconds[what] = self.seconds.get(what, 0.0) + perf_counter() - begun

    def refresh(self) -> bool:
        """Use look-up data that was loaded since. Called at most once a second."""
        return self._steps.refresh()

    def changes(self) -> Sequence[Change]:
        """New ids and visitors, the steps' state, the watermark and the totals."""
        changes = list(self._steps.changes())
        for table, seen in (("ids", self._ids), ("visitors", self._visitors)):
            new = seen.changes()
            if new:
                changes.append(Change(table, new[0], new[1]))
        if self._changed or changes:
            self._changed = False
            changes.append(Change("counts", pa.RecordBatch.from_pylist([self.totals()]), reset=True))
        return changes

    def totals(self) -> Mapping[str, int]:
        """What ``counts`` holds: the tally, the distinct visitors, and the newest event time (ms)."""
        tally = self.tally
        return {
            "accepted": tally.accepted,
            "duplicates": tally.duplicates,
            "conflicts": tally.conflicts,
            "late": tally.late,
            "bots": tally.bots,
            "visitors": self.visitors,
            "high": self.watermark.high,
        }

    def live(self) -> Flags:
        """For each visitor code, whether a step holds state for it."""
        return self._steps.live()


def together(batches: Sequence[Batch]) -> Batch:
    """All rows in one batch, with dictionaries of their own."""
    held = [batch for batch in batches if batch.num_rows] or batches[:1]
    if len(held) == 1:
        return held[0]
    return pa.Table.from_batches(held).unify_dictionaries().combine_chunks().to_batches()[0]
