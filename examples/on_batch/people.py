"""Turns clicks into those of people, with the hour of the day: a batch at a time, without a loop."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

import footfall


@footfall.on_batch("enriched-click-data", to="people-clicks", key="userId")
def people(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Leave out bots, keep a few columns, and add one."""
    kept = batch.filter(pc.invert(batch.column("is_bot")))
    kept = kept.select(["timestamp", "event_id", "userId", "category", "deviceType"])
    return kept.append_column("hour", pc.hour(kept.column("timestamp")))
