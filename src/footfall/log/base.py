"""Turns batches into an ordered, durable record: what every log promises, whatever stands behind it.

A *stream* is split into partitions; each partition numbers its events 0, 1, 2, … (offsets).
An appended batch keeps its order and gets consecutive offsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from footfall.core.errors import Reason
from footfall.core.events import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """How a stream is cut and how long it is kept."""

    partitions: int = 2
    keep_for: timedelta | None = timedelta(days=7)
    """Batches whose newest append is older than this may be removed; None keeps them for ever."""
    keep_bytes: int | None = None
    """The oldest batches beyond this many bytes a stream may be removed; None sets no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """What ``footfall topics`` shows of a stream."""

    name: str
    settings: StreamSettings
    starts: tuple[int, ...]
    """The first offset still kept, a partition."""
    ends: tuple[int, ...]
    """The offset that the next event will get, a partition."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Append:
    """A batch to be added to one partition.

    ``watermark`` (event time, ms) says that the source expects nothing older from now on, or None.
    A batch without rows and with a watermark moves time on in an idle partition.
    """

    stream: str
    partition: int
    batch: Batch
    watermark: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of a stream that is no event. Whoever reads the stream first sets it aside."""

    line: int
    """Its offset."""
    reason: Reason
    detail: str
    """For people: the field, its value, the rule."""
    raw: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Events of one partition in their order, as read. May have no rows (a watermark alone)."""

    stream: str
    partition: int
    offset: int
    """Of the first row."""
    batch: Batch
    watermark: int | None
    appended_ms: int
    """Wall-clock time of the append."""
    row_offsets: npt.NDArray[np.int64] | None = None
    """Of each row, where they are not consecutive."""
    unreadable: Sequence[Unreadable] = ()
    """Messages among these events that are none; only a log whose messages others write has any."""
    format: str = "json"
    """How ``unreadable`` messages were meant to be read: the name of a codec."""

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """The offset of each row."""
        if self.row_offsets is not None:
            return self.row_offsets
        return np.arange(self.offset, self.offset + self.batch.num_rows)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place to read from: the next offset, and the number of the next batch in its partition."""

    offset: int = 0
    sequence: int = 0


AFTER_OUTPUTS: Final = Place(-1, -1)
"""Stands for the place after the commit's last output in a partition; the expected one where it has none there."""


@dataclass(frozen=True, slots=True)
class Position:
    """Moves a group's place in a partition from ``expected`` to ``place``, or fails with Fenced.

    A place counts *batches' events*, and ``sequence`` counts the batches read, so that a batch without
    rows is also passed only once. A group that never committed stands at offset 0, sequence 0.
    """

    group: str
    stream: str
    partition: int
    expected: Place
    place: Place


@dataclass(frozen=True, slots=True)
class StateWrite:
    """Adds a batch to a named state table of (group, partition); ``reset`` drops what was there before."""

    group: str
    partition: int
    table: str
    batch: Batch
    reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything that must become durable together, or not at all."""

    outputs: Sequence[Append] = ()
    positions: Sequence[Position] = ()
    state: Sequence[StateWrite] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit wrote."""

    offsets: Sequence[int]
    """Of the first row of each output, in their order."""
    ends: Mapping[tuple[str, int], Place]
    """For each partition with outputs, the place after the last of them."""

    def place_of(self, position: Position) -> Place:
        """Where the position has been moved to."""
        if position.place != AFTER_OUTPUTS:
            return position.place
        return self.ends.get((position.stream, position.partition), position.expected)


@dataclass(frozen=True, slots=True)
class Read:
    """What a read brought: chunks in order, and the place after them."""

    chunks: Sequence[Chunk]
    place: Place

    @property
    def rows(self) -> int:
        """How many events the chunks hold."""
        return sum(chunk.batch.num_rows for chunk in self.chunks)


class Log(Protocol):
    """An ordered, durable record of events. Safe to use from several threads; open one a process.

    Offsets grow by one with each event of a partition; a log may leave some out.
    """

    @property
    def repeats(self) -> bool:
        """Whether an event may be appended twice when a commit fails half way.

        ``read`` then leaves out those that it has brought lately.
        """
        ...

    def create(self, stream: str, settings: StreamSettings = StreamSettings()) -> None:
        """Make a stream. If it is there, its partitions stay as they are, and how long it is kept is changed."""
        ...

    def streams(self) -> Sequence[StreamInfo]:
        """All streams, by name."""
        ...

    def names(self) -> Sequence[str]:
        """The names of all streams, sorted."""
        ...

    def partitions(self, stream: str) -> int:
        """How many partitions a stream has: they never change. Raises UsageError as ``info`` does."""
        ...

    def info(self, stream: str) -> StreamInfo:
        """One stream. Raises UsageError, naming those there are, when there is none of this name."""
        ...

    def append(self, appends: Sequence[Append]) -> Sequence[int]:
        """Add batches and return the offset of each one's first row, once they are on disk.

        All of them become visible together. Appends of several threads share one fsync.
        Raises Unavailable when they could not be made durable (then none of them is visible).
        """
        ...

    def read(
        self, stream: str, partition: int, place: Place, *, max_rows: int = 100_000, before: int | None = None
    ) -> Read:
        """The next events, at most ``max_rows``, and none at the offset ``before`` or after it.

        Every batch's checksum is verified. Reading ends at ``max_rows`` also in the middle of an appended
        batch: then ``place.sequence`` still names that batch, and ``place.offset`` points into it.
        Raises DamagedBatch, or OffsetOutOfRange when retention removed the place (the message names the
        first offset there is). An empty list of chunks means: nothing new.
        """
        ...

    def place(self, stream: str, partition: int, *, at: str = "earliest") -> Place:
        """The first place (``earliest``) or the one after the last event (``latest``)."""
        ...

    def wait(self, places: Mapping[tuple[str, int], Place], *, timeout: float) -> bool:
        """Block until one of these places has something to read; False after ``timeout`` seconds."""
        ...

    def close(self) -> None:
        """Release files and connections. What was appended stays."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Checkpoints(Protocol):
    """Where groups keep their places and state, together with what they put out."""

    def position(self, group: str, stream: str, partition: int) -> Place:
        """Where the group stands; the beginning if it never committed."""
        ...

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """The group's state tables: each the batches written since its last reset, in order."""
        ...

    def groups(self) -> Sequence[str]:
        """All groups that have a position or state."""
        ...

    def delete_group(self, group: str) -> None:
        """Forget a group's positions and state, so that it starts from the beginning."""
        ...

    def commit(self, commit: Commit) -> Committed:
        """Make outputs, positions and state durable.

        On a log that keeps the positions itself this is one transaction. On another one, positions and state are
        written together, once the outputs are acknowledged: after a failure in between, outputs may be there
        without them, and come again with the same event ids (see ``Log.repeats``).
        Raises Fenced when a position is not where it was expected: then neither positions nor state were written.
        Raises Unavailable when it could not be made durable: then these were not written either.
        """
        ...


class CheckpointStore(Protocol):
    """Positions and state of groups for a log that keeps none itself. Safe to use from several threads."""

    def position(self, group: str, stream: str, partition: int) -> Place:
        """Where the group stands; the beginning if it never saved."""
        ...

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """The group's state tables: each the batches written since its last reset, in order."""
        ...

    def groups(self) -> Sequence[str]:
        """All groups that have a position or state, sorted."""
        ...

    def save(self, positions: Sequence[Position], state: Sequence[StateWrite]) -> None:
        """Move positions and write state in one transaction.

        Raises Fenced when a position is not where it was expected, Emptied when the store has lost what it held, and
        Unavailable when it cannot be reached. After Fenced and Emptied nothing was written; after Unavailable it is
        either all or nothing, and ``position`` tells which.
        """
        ...

    def delete_group(self, group: str) -> None:
        """Forget a group's positions and state."""
        ...

    def close(self) -> None:
        """Release files and connections. What was saved stays."""
        ...


def first_place(log: DurableLog, stands: Place, stream: str, partition: int) -> Place:
    """Where a group begins to read: where it stands, or, if it never committed, at the first event that is kept."""
    return stands if stands != Place() else log.place(stream, partition)


class DurableLog(Log, Checkpoints, Protocol):
    """A log that also keeps the checkpoints: the embedded one."""


class RetainingLog(DurableLog, Protocol):
    """A durable log that forgets, when told, what it need not keep any more."""

    def enforce_retention(self) -> int:
        """Remove what is too old or too much; how many batches that were."""
        ...


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that ``footfall verify`` found."""

    stream: str
    partition: int
    offset: int
    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What ``footfall verify`` looked at, and what it found."""

    batches: int = 0
    bytes: int = 0
    damage: Sequence[Damage] = field(default_factory=tuple)
