"""Turns clicks into enriched clicks: the list of steps, and what runs them.

To add a step, write its file and put its name in ``STEPS``. The schema says what there must be in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.events import ENRICHED_SCHEMA, Batch
from footfall.processors.base import Change, Flags, Frame
from footfall.processors.enrichment.country import Locate
from footfall.processors.enrichment.device import NameDevice
from footfall.processors.enrichment.product import AttachProduct
from footfall.processors.enrichment.refresh import FlagRefresh
from footfall.processors.enrichment.step import Context, Lookups, Remembers, RunningStep, Stateful, Step
from footfall.processors.enrichment.visitor import AttachVisitor

STEPS: Final[tuple[Step, ...]] = (
    AttachProduct(),
    AttachVisitor(),
    Locate(),
    NameDevice(),
    FlagRefresh(),
)


def start(context: Context, *, steps: Sequence[Step] = STEPS) -> Enricher:
    """The running steps of one partition."""
    return Enricher([step.start(context) for step in steps], lookups=context.lookups)


def enrich(clicks: Frame, *, steps: Sequence[RunningStep]) -> Batch:
    """Fill in what the clicks do not say themselves.

    ``clicks`` is a frame over CLICK_SCHEMA, without duplicates; the result has ENRICHED_SCHEMA and the same rows.
    Columns that no step replaces are passed on without a copy.
    """
    columns = {field.name: clicks.batch.column(position) for position, field in enumerate(clicks.batch.schema)}
    for step in steps:
        columns.update(step.columns(clicks))
    return pa.RecordBatch.from_arrays([columns[name] for name in ENRICHED_SCHEMA.names], schema=ENRICHED_SCHEMA)


class Enricher:
    """The running steps of one partition, seen as one."""

    def __init__(self, steps: Sequence[RunningStep], *, lookups: Lookups) -> None:
        self._steps = steps
        self._lookups = lookups
        self._version = lookups.version()

    def enrich(self, clicks: Frame) -> Batch:
        """Clicks in log order, each once; see ``enrich``."""
        return enrich(clicks, steps=self._steps)

    def refresh(self) -> bool:
        """Look everything up again if look-up data was loaded since. Called at most once a second."""
        version = self._lookups.version()
        if version == self._version:
            return False
        self._version = version
        for step in self._steps:
            if isinstance(step, Remembers):
                step.forget()
        return True

    def changes(self) -> Sequence[Change]:
        """What changed in the steps' state since the last call."""
        return [change for step in self._steps if isinstance(step, Stateful) for change in step.changes()]

    def live(self) -> Flags:
        """For each visitor code, whether a step holds state for it. May be shorter than the codes."""
        flags = [step.live() for step in self._steps if isinstance(step, Stateful)]
        live: Flags = np.zeros(max(map(len, flags), default=0), dtype=np.bool_)
        for each in flags:
            live[: len(each)] |= each
        return live
