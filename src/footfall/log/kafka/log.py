"""Turns a Kafka cluster into a log: topics hold the events, a store of checkpoints holds positions and state.

Outputs are acknowledged first; then positions and state are saved in one conditional write. What fails in between has
put out events that come again, with the same ids: ``read`` and enrichment leave out what they have seen.
Kafka's transactions are not used: see docs/why.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import Failure, Fenced, UsageError
from footfall.core.events import Batch
from footfall.log.base import (
    Append,
    CheckpointStore,
    Commit,
    Committed,
    Place,
    Position,
    Read,
    StreamInfo,
    StreamSettings,
)
from footfall.log.codecs.base import Codec
from footfall.log.kafka.fetching import Fetcher
from footfall.log.kafka.reading import Reader
from footfall.log.kafka.retention import enforce
from footfall.log.kafka.settings import KafkaSettings
from footfall.log.kafka.shapes import Shapes
from footfall.log.kafka.topics import Topics
from footfall.log.kafka.writing import Writer

_CLOCK: Final = SystemClock()
_STREAM: Final = StreamSettings()


class KafkaLog:
    """A ``RetainingLog`` on Kafka. Open one a process, after a fork; threads may share it."""

    def __init__(
        self, settings: KafkaSettings, *, codec: Codec, checkpoints: CheckpointStore, clock: Clock = _CLOCK
    ) -> None:
        self._clock = clock
        self._checkpoints = checkpoints
        self._topics = Topics(settings)
        self._shapes = Shapes(checkpoints)
        self._writer = Writer(settings, self._topics, codec, clock=clock)
        self._fetcher = Fetcher(settings, clock=clock)
        self._reader = Reader(self._fetcher, self._topics, codec, schema=self._shapes.schema)

    @property
    def repeats(self) -> bool:
        """A commit that fails half way leaves outputs, which come again."""
        return True

    # -- streams ------------------------------------------------------------------------------------------

    def create(self, stream: str, settings: StreamSettings = _STREAM) -> None:
        """See ``Log.create``."""
        self._topics.create(stream, settings)
        self._shapes.keep(stream, settings.keep_for)

    def declare(self, stream: str, schema: pa.Schema) -> None:
        """Say what the events of a stream look like that others write. Where that is known already, nothing changes."""
        if self._shapes.schema(stream) is None:
            self._shapes.learn(stream, schema)

    def check_topics(self, streams: Sequence[str], *, accept: bool = False) -> None:
        """Compare these streams' topics with those in which positions were kept, and remember new ones.

        Raises Failure when one was deleted and made again: a position would name another event, or one that is not
        there yet. ``accept`` takes them as they are.
        """
        known, there = self._shapes.ids(), self._topics.ids(streams)
        new = {stream: topic_id for stream, topic_id in there.items() if known.get(stream) != topic_id}
        other = sorted(new.keys() & known.keys())
        if other and not accept:
            raise Failure(
                f"Topic {self._topics.topic(other[0])} was deleted and made again: "
                "positions and state belong to events that are gone.",
                remedy="Run `footfall rebuild`: it begins anew with the events that are there.",
            )
        if new:
            self._shapes.keep_ids(new)

    def streams(self) -> Sequence[StreamInfo]:
        """All streams, by name: every topic that begins with the prefix."""
        return [self.info(stream) for stream in self._topics.all()]

    def names(self) -> Sequence[str]:
        """The names of all streams, sorted."""
        return list(self._topics.all())

    def partitions(self, stream: str) -> int:
        """See ``Log.partitions``."""
        return self._topics.partitions(stream)

    def info(self, stream: str) -> StreamInfo:
        """One stream. Raises UsageError, naming those there are, when there is none of this name."""
        settings = self._topics.limits(stream)
        kept = StreamSettings(
            partitions=settings.partitions, keep_for=self._shapes.kept().get(stream), keep_bytes=settings.keep_bytes
        )
        starts, ends = self._topics.offsets(stream, latest=False), self._topics.offsets(stream, latest=True)
        return StreamInfo(name=stream, settings=kept, starts=starts, ends=ends, bytes=0)

    # -- events -------------------------------------------------------------------------------------------

    def append(self, appends: Sequence[Append]) -> Sequence[int]:
        """See ``Log.append``. When it fails, some of the events may be there all the same."""
        return self.commit(Commit(outputs=appends)).offsets

    def read(
        self, stream: str, partition: int, place: Place, *, max_rows: int = 100_000, before: int | None = None
    ) -> Read:
        """See ``Log.read``. A place is an offset of the topic; its sequence is always 0."""
        self._topics.check(stream, partition)
        return self._reader.read(stream, partition, place, max_rows=max(1, max_rows), before=before)

    def place(self, stream: str, partition: int, *, at: str = "earliest") -> Place:
        """See ``Log.place``."""
        self._topics.check(stream, partition)
        if at not in {"earliest", "latest"}:
            raise UsageError(f"{at!r} is not a place in a stream.", remedy="Say 'earliest' or 'latest'.")
        low, high = self._fetcher.bounds((self._topics.topic(stream), partition))
        return Place(low if at == "earliest" else high)

    def wait(self, places: Mapping[tuple[str, int], Place], *, timeout: float) -> bool:
        """See ``Log.wait``."""
        wanted = {(self._topics.topic(stream), number): place.offset for (stream, number), place in places.items()}
        return self._fetcher.wait(wanted, timeout=timeout)

    # -- checkpoints --------------------------------------------------------------------------------------

    def position(self, group: str, stream: str, partition: int) -> Place:
        """See ``Checkpoints.position``."""
        return self._checkpoints.position(group, stream, partition)

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """See ``Checkpoints.state``."""
        return self._checkpoints.state(group, partition)

    def groups(self) -> Sequence[str]:
        """All groups that have a position or state."""
        return self._checkpoints.groups()

    def delete_group(self, group: str) -> None:
        """Forget a group's positions and state, so that it starts from the beginning."""
        self._checkpoints.delete_group(group)

    def commit(self, commit: Commit) -> Committed:
        """See ``Checkpoints.commit``. Whoever was overtaken writes nothing at all, as far as that is known before."""
        for append in commit.outputs:
            self._topics.check(append.stream, append.partition)
            self._shapes.learn(append.stream, append.batch.schema)
        if commit.outputs:
            for position in commit.positions[:1]:
                self._refuse_if_moved(position)
        committed = self._writer.write(commit.outputs)
        if commit.positions or commit.state:
            moved = [
                Position(one.group, one.stream, one.partition, one.expected, committed.place_of(one))
                for one in commit.positions
            ]
            self._checkpoints.save(moved, commit.state)
        return committed

    def _refuse_if_moved(self, position: Position) -> None:
        found = self._checkpoints.position(position.group, position.stream, position.partition)
        if found != position.expected:
            raise Fenced(
                f"Group {position.group} stands at offset {found.offset} in {position.stream}-{position.partition}, "
                f"not at {position.expected.offset}: another worker has taken over.",
                remedy="Nothing was written. This worker must stop.",
            )

    # -- upkeep -------------------------------------------------------------------------------------------

    def enforce_retention(self) -> int:
        """Remove what is too old; how many partitions lost something. Too many bytes are the brokers' to see to."""
        return enforce(self._topics, self._shapes, self._checkpoints, clock=self._clock)

    def close(self) -> None:
        """Release connections. What was appended stays."""
        self._writer.close()
        self._fetcher.close()
        self._checkpoints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
