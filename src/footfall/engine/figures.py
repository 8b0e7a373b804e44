"""Turns the saved state of all partitions into totals: what the data directory holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from footfall.log.base import Checkpoints


@dataclass(slots=True)
class Totals:
    """Counts over all partitions since the first event."""

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    visitors: int = 0
    sessions: int = 0
    """Open ones included."""
    open_sessions: int = 0
    offers: Counter[str] = field(default_factory=Counter)


def totals(checkpoints: Checkpoints, partitions: int) -> Totals:
    """Read the totals as of the last commit of each processor."""
    sums = Totals()
    for partition in range(partitions):
        enriched = _last(checkpoints, "enrichment", partition)
        for name in ("accepted", "duplicates", "conflicts", "late", "visitors"):
            setattr(sums, name, getattr(sums, name) + enriched.get(name, 0))
        sessions = _last(checkpoints, "sessions", partition)
        sums.sessions += sessions.get("opened", 0)
        sums.open_sessions += sessions.get("opened", 0) - sessions.get("closed", 0)
        for batch in checkpoints.state("behaviour", partition).get("counts", ()):
            rows = batch.to_pylist()
            sums.offers.update({row["name"]: row["count"] for row in rows})
    return sums


def _last(checkpoints: Checkpoints, group: str, partition: int) -> Mapping[str, Any]:
    batches = checkpoints.state(group, partition).get("counts", ())
    last: Mapping[str, Any] = batches[-1].to_pylist()[-1] if batches else {}
    return last
