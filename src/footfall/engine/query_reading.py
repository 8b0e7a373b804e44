"""Turns the places of a query's streams into what one commit covers: read once, or read again exactly as before.

After a crash on a log that may repeat its outputs, the same rows must come out again. So all that they depend on
beside the events is written down before: up to where each partition is read, when that was appended, and which ones
are not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.errors import Unavailable
from footfall.core.events import Batch
from footfall.log.base import Chunk, Log, Place, Read
from footfall.processors.base import State

Key = tuple[str, int]
"""Stream and partition."""

ROWS: Final = 50_000
"""The most events of a partition that one commit covers."""
BEGUN: Final = "begun"
HEARD: Final = "heard"
_BEGUN: Final = pa.schema(
    [
        ("stream", pa.string()),
        ("partition", pa.int32()),
        ("before", pa.int64()),
        ("appended", pa.int64()),
        ("idle", pa.bool_()),
    ]
)
_HEARD: Final = pa.schema([("stream", pa.string()), ("partition", pa.int32()), ("appended", pa.int64())])


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one commit covers, without the events."""

    now: int
    """The newest append (ms)."""
    before: Mapping[Key, int] = field(default_factory=dict)
    """The offset up to which a partition is read, where something is."""
    appended: Mapping[Key, int] = field(default_factory=dict)
    """When the last of it was appended (ms)."""
    idle: frozenset[Key] = frozenset()

    def batch(self) -> Batch:
        """As state."""
        rows: list[tuple[object, ...]] = [(None, None, None, self.now, False)]
        rows += [(*key, before, self.appended[key], False) for key, before in self.before.items()]
        rows += [(*key, None, None, True) for key in sorted(self.idle)]
        return _rows(rows, _BEGUN)


def stretch_of(state: State) -> Stretch | None:
    """What the commit covered that was begun last; None if none ever was."""
    kept = state.get(BEGUN)
    if not kept:
        return None
    first, *rows = kept[-1].to_pylist()
    read = {(row["stream"], row["partition"]): row for row in rows if not row["idle"]}
    return Stretch(
        first["appended"],
        {key: row["before"] for key, row in read.items()},
        {key: row["appended"] for key, row in read.items()},
        frozenset((row["stream"], row["partition"]) for row in rows if row["idle"]),
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step has read."""

    chunks: Sequence[Chunk]
    """As few as there are partitions: what comes of them is not to depend on the fetch."""
    unreadable: Sequence[Chunk]
    places: Mapping[Key, Place]
    stretch: Stretch
    again: bool = False
    """Whether it was read before, by a commit that failed."""

    @property
    def rows(self) -> int:
        """How many events they are."""
        return sum(chunk.batch.num_rows for chunk in self.chunks)

    @property
    def idle(self) -> dict[str, set[int]]:
        """Partitions that nobody waits for, by stream."""
        found: dict[str, set[int]] = {}
        for stream, partition in self.stretch.idle:
            found.setdefault(stream, set()).add(partition)
        return found


class Reading:
    """Reads all partitions of some streams, side by side."""

    def __init__(self, log: Log, at: Mapping[Key, Place], state: State, *, idle_after_ms: int, anew: bool) -> None:
        """Go on from the saved state. ``anew``: nothing was ever committed, so the first step is one in any case."""
        self._log = log
        self.at = dict(at)
        self._idle_after = idle_after_ms
        self._anew = anew
        self._heard = dict.fromkeys(self.at, 0) | _heard(state)
        """When (ms, by its last append) each partition had events last."""
        begun = stretch_of(state)
        moved = begun is not None and (anew or any(to > self.at[key].offset for key, to in begun.before.items()))
        self._again = begun if moved else None

    def next(self, now: Callable[[], int]) -> Taken | None:
        """What is new, if anything is. ``now`` is asked for the time where nothing else tells it."""
        again, self._again = self._again, None
        reads = self._reads(again)
        found = {key: read for key, read in reads.items() if read.chunks}
        if not found and not self._anew:
            return None
        self._anew = False
        stretch = again or self._stretch(found, now)
        chunks = [chunk for key, read in found.items() for chunk in _joined(read.chunks, stretch.appended[key])]
        aside = [chunk for read in found.values() for chunk in read.chunks if chunk.unreadable]
        self._heard |= {key: stretch.appended[key] for key, read in found.items() if read.rows}
        return Taken(chunks, aside, {key: read.place for key, read in found.items()}, stretch, again is not None)

    def moved(self, taken: Taken) -> None:
        """What was taken is committed."""
        self.at |= taken.places

    def heard(self) -> Batch:
        """When each partition had events last, as state."""
        return _rows(((*key, heard) for key, heard in self._heard.items()), _HEARD)

    def _reads(self, again: Stretch | None) -> dict[Key, Read]:
        if again is None:
            return {key: self._log.read(*key, at, max_rows=ROWS) for key, at in self.at.items()}
        return {key: self._whole(key, before) for key, before in again.before.items()}

    def _whole(self, key: Key, before: int) -> Read:
        """All events up to there, however many come at a time."""
        chunks: list[Chunk] = []
        place = self.at[key]
        while place.offset < before:
            read = self._log.read(*key, place, max_rows=ROWS, before=before)
            if read.place == place:
                raise Unavailable(
                    f"{key[0]}-{key[1]} does not give the events {place.offset} to {before - 1} that it gave before.",
                    remedy="It is tried again.",
                )
            chunks += read.chunks
            place = read.place
        return Read(chunks, place)

    def _stretch(self, found: Mapping[Key, Read], now: Callable[[], int]) -> Stretch:
        appended = {key: max(chunk.appended_ms for chunk in read.chunks) for key, read in found.items()}
        time = max(appended.values()) if appended else now()
        before = {key: read.place.offset for key, read in found.items()}
        return Stretch(time, before, appended, frozenset(self._idle(found, time)))

    def _idle(self, found: Mapping[Key, Read], now: int) -> Iterator[Key]:
        """Partitions at whose end we are, and at which nothing has come for a while.

        A partition of which there is more to be read is waited for, however old that is.
        """
        for key, heard in self._heard.items():
            if heard + self._idle_after < now and not (key in found and found[key].rows):
                yield key


def _rows(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> Batch:
    return pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def _heard(state: State) -> dict[Key, int]:
    rows = [row for batch in state.get(HEARD, ())[-1:] for row in batch.to_pylist()]
    return {(row["stream"], row["partition"]): row["appended"] for row in rows}


def _joined(chunks: Sequence[Chunk], appended: int) -> list[Chunk]:
    """The events of a partition as one chunk, or as many as there are shapes of batches."""
    runs: list[list[Chunk]] = []
    for chunk in chunks:
        if not chunk.batch.num_rows:
            continue
        if runs and runs[-1][0].batch.schema.equals(chunk.batch.schema):
            runs[-1].append(chunk)
        else:
            runs.append([chunk])
    return [replace(_one(run), appended_ms=appended, unreadable=()) for run in runs]


def _one(run: Sequence[Chunk]) -> Chunk:
    if len(run) == 1:
        return run[0]
    batch = pa.concat_batches([chunk.batch for chunk in run])
    return replace(run[0], batch=batch, row_offsets=np.concatenate([chunk.offsets for chunk in run]))
