"""Turns ``offers-shown`` into which offers were shown, and how many a day."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import pyarrow as pa

from footfall.core.events import SHOWN, Batch
from footfall.core.progress import unheard
from footfall.engine.offers_tail import Tail
from footfall.log.base import Log, Place

_DAY: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_DAYS: Final = 8
"""Of which the number is known: the latest."""
_IDS: Final = 200_000
"""Offers whose showing is remembered: the latest. An offer can only be shown twice within a short time."""


class ShownOffers:
    """What ``offers-shown`` says since a moment. Offers count once, on the day (UTC) on which they were first shown."""

    def __init__(self, log: Log, *, since_ms: int) -> None:
        """Nothing is read before ``catch_up``. ``since_ms`` is a time of appending, by the wall clock."""
        self._tail = Tail(log, SHOWN, since_ms=since_ms)
        self._lock = threading.Lock()
        self._ids: OrderedDict[bytes, str] = OrderedDict()
        """Each with who showed it."""
        self._days: dict[int, int] = {}

    def __contains__(self, offer: str) -> bool:
        """Whether the offer of this id (32 hex digits) was shown, as far as is remembered."""
        with self._lock:
            return bytes.fromhex(offer) in self._ids

    def claimant(self, offer: str) -> str:
        """Who showed the offer of this id first, as it named itself; empty if that is not known."""
        with self._lock:
            return self._ids.get(bytes.fromhex(offer), "")

    @property
    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it reads next."""
        return self._tail.places

    @property
    def by_day(self) -> Mapping[str, int]:
        """How many offers were shown, by UTC day ``YYYY-MM-DD``, the oldest first; days without any are left out."""
        with self._lock:
            return {_text(day): self._days[day] for day in sorted(self._days)}

    def catch_up(self, *, tell: Callable[[str, str], object] = unheard) -> None:
        """Read what has come. ``tell`` hears visitor and id (hex) of each offer not yet known to be shown."""
        for chunk in self._tail.take():
            for visitor, offer in self._add(chunk.batch):
                tell(visitor, offer)

    def _add(self, batch: Batch) -> list[tuple[str, str]]:
        visitors = batch.column("userId").to_pylist()
        ids = batch.column("event_id").to_pylist()
        times = batch.column("timestamp").view(pa.int64()).to_pylist()
        claimants = _claimants(batch)
        fresh: list[tuple[str, str]] = []
        with self._lock:
            for visitor, event_id, time, claimant in zip(visitors, ids, times, claimants, strict=True):
                if event_id in self._ids:
                    continue
                self._ids[event_id] = claimant or ""
                self._days[time // _DAY] = self._days.get(time // _DAY, 0) + 1
                fresh.append((visitor, event_id.hex()))
            while len(self._ids) > _IDS:
                self._ids.popitem(last=False)
            for day in sorted(self._days)[:-_DAYS]:
                del self._days[day]
        return fresh


def _claimants(batch: Batch) -> list[str | None]:
    """The column, which the first batches ever written do not have."""
    place = batch.schema.get_field_index("claimant")
    return batch.column(place).to_pylist() if place >= 0 else [None] * batch.num_rows


def _text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
