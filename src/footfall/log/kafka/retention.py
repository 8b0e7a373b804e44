"""Turns how long streams are kept into events that go: the oldest first, by when they were appended.

Kafka itself would go by the events' own times, and throw away a file of last year as soon as it is loaded. So now and
then the ends of all partitions are noted with the time, and what stood before a note that is old enough is deleted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import Failure
from footfall.log.base import CheckpointStore, StateWrite
from footfall.log.kafka.shapes import Shapes
from footfall.log.kafka.topics import Topics

GROUP: Final = "retention"
_NOTES: Final = 100
"""How finely a stream's age is known: in so many parts of the time that it is kept."""
_SOONEST: Final = timedelta(minutes=1)


def enforce(topics: Topics, shapes: Shapes, checkpoints: CheckpointStore, *, clock: Clock) -> int:
    """Note the ends, and delete what is too old; how many partitions lost something."""
    now, gone = clock.now_ms(), 0
    saved = checkpoints.state(GROUP, 0)
    for stream, keep_for in shapes.kept().items():
        if keep_for is None:
            continue
        notes = [row for batch in saved.get(stream, ()) for row in batch.to_pylist()]
        every = max(keep_for / _NOTES, _SOONEST) // timedelta(milliseconds=1)
        if notes and now - notes[-1]["ms"] < every:
            continue
        try:
            ends = topics.offsets(stream, latest=True)
        except Failure:
            continue  # the next time, perhaps
        notes.append({"ms": now, "ends": list(ends)})
        limit = now - keep_for // timedelta(milliseconds=1)
        old = [note for note in notes if note["ms"] <= limit]
        if old:
            before = dict(enumerate(old[-1]["ends"]))
            starts = topics.offsets(stream, latest=False)
            gone += sum(starts[number] < offset for number, offset in before.items())
            topics.forget(stream, before)
        batch = pa.RecordBatch.from_pylist([*old[-1:], *notes[len(old) :]])
        checkpoints.save((), [StateWrite(GROUP, 0, stream, batch, reset=True)])
    return gone
