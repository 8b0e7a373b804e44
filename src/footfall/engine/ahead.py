"""Turns what processors have seen too early into what they are not given again.

On a log that keeps no positions, a commit that fails half way leaves enriched clicks which do not count: they come
again when the clicks are enriched again. A processor that ran apart may have read them all the same. When it joins the
chain that enriches, it must not see them twice.
"""

from __future__ import annotations

import pyarrow as pa

from footfall.core.events import ENRICHED
from footfall.log.base import Log, Place
from footfall.processors.base import Frame


class Ahead:
    """Which processors have seen which enriched clicks already."""

    def __init__(self, log: Log, partition: int, at: dict[str, Place], end: Place | None) -> None:
        """``end`` is up to where enriched clicks count; None: nobody puts them out here, and nobody is ahead.

        Sets the place of those that are ahead back to the end.
        """
        self._seen: dict[str, set[bytes]] = {}
        for name, place in at.items():
            if end is not None and place.offset > end.offset:
                self._seen[name] = _ids(log, partition, end, before=place.offset)
                at[name] = end

    def without(self, name: str, frame: Frame) -> Frame:
        """The frame less the events that this processor has seen."""
        seen = self._seen.get(name)
        if not seen:
            return frame
        ids = frame.batch.column("event_id").to_pylist()
        fresh = [row for row, event_id in enumerate(ids) if event_id not in seen]
        seen.difference_update(ids)
        batch = frame.batch.take(pa.array(fresh, pa.int64()))
        return Frame(batch, book=frame.book, before=frame.before, watermark=frame.watermark, high=frame.high)


def _ids(log: Log, partition: int, place: Place, *, before: int) -> set[bytes]:
    found: set[bytes] = set()
    while (read := log.read(ENRICHED, partition, place, before=before)).chunks:
        found.update(event_id for chunk in read.chunks for event_id in chunk.batch.column("event_id").to_pylist())
        place = read.place
    return found
