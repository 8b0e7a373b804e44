"""Turns a directory into a log: the class that the rest of Footfall sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.log.base import Append, Commit, Committed, Place, Read, StreamInfo, StreamSettings, Verified
from footfall.log.embedded import catalogue
from footfall.log.embedded.alarm import Alarm
from footfall.log.embedded.commits import Committer, Request, position_of
from footfall.log.embedded.frames import frame_of
from footfall.log.embedded.manifest import Manifest
from footfall.log.embedded.merging import Merging
from footfall.log.embedded.reading import Reader, Source, bounds
from footfall.log.embedded.retention import enforce
from footfall.log.embedded.segments import DIRECTORY, SegmentReader
from footfall.log.embedded.settings import EmbeddedSettings
from footfall.log.embedded.state import drop_state, state_of
from footfall.log.embedded.verify import verify
from footfall.log.embedded.writers import Writers, collect, collect_unnamed

_CLOCK: Final = SystemClock()
_SETTINGS: Final = EmbeddedSettings()
_STREAM: Final = StreamSettings()


class EmbeddedLog:
    """A ``DurableLog`` in a directory. Open one a process, after a fork; threads may share it."""

    def __init__(
        self, directory: Path, writing: Manifest, reading: Manifest, *, clock: Clock, settings: EmbeddedSettings
    ) -> None:
        """Use ``open``."""
        self._root = directory / DIRECTORY
        self._writing = writing
        self._reading = reading
        self._clock = clock
        self._settings = settings
        self._streams = catalogue.Streams(reading)
        self._segments = SegmentReader(self._root)
        self._reader = Reader(reading, self._segments, settings)
        self._alarm = Alarm()
        self._committer = Committer(
            writing,
            self._root,
            Writers(self._root, roll_at=settings.segment_bytes),
            Merging(writing, self._segments, settings),
            clock=clock,
            inline_bytes=settings.inline_bytes,
            committed=self._alarm.ring,
        )

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = _CLOCK, settings: EmbeddedSettings = _SETTINGS) -> Self:
        """Open the log in this directory, made if it is not there; remove what dead writers left unnamed.

        Raises UsageError if the directory cannot be used, or was written in another format.
        """
        try:
            (directory / DIRECTORY).mkdir(parents=True, exist_ok=True)
            writing = Manifest.open(directory, settings)
            reading = Manifest.open(directory, settings)
        except OSError as error:
            raise UsageError(
                f"The log's directory {directory} cannot be used ({error.strerror}).",
                remedy="Choose a directory that you may write to.",
            ) from error
        collect(writing, directory / DIRECTORY)
        return cls(directory, writing, reading, clock=clock, settings=settings)

    @property
    def repeats(self) -> bool:
        """Never: a commit is all there or not at all."""
        return False

    def create(self, stream: str, settings: StreamSettings = _STREAM) -> None:
        """See ``Log.create``. Raises UsageError on a name that cannot be a folder."""
        catalogue.create(self._writing, stream, settings)

    def streams(self) -> Sequence[StreamInfo]:
        """All streams, by name."""
        return catalogue.describe(self._reading)

    def names(self) -> Sequence[str]:
        """The names of all streams, sorted."""
        return [name for (name,) in self._reading.rows("SELECT name FROM streams ORDER BY name")]

    def partitions(self, stream: str) -> int:
        """See ``Log.partitions``."""
        return self._streams.find(stream)[1]

    def info(self, stream: str) -> StreamInfo:
        """One stream. Raises UsageError, naming those there are, when there is none of this name."""
        number, _ = self._streams.find(stream)
        return catalogue.describe(self._reading, number)[0]

    def append(self, appends: Sequence[Append]) -> Sequence[int]:
        """See ``Log.append``."""
        return self.commit(Commit(outputs=appends)).offsets

    def commit(self, commit: Commit) -> Committed:
        """See ``Checkpoints.commit``."""
        compression = self._settings.compression
        request = Request(
            outputs=[
                (self._streams.number(a.stream, a.partition), a, frame_of(a.batch, compression)) for a in commit.outputs
            ],
            positions=[(self._streams.number(p.stream, p.partition), p) for p in commit.positions],
            state=[(write, frame_of(write.batch, compression)) for write in commit.state],
        )
        return self._committer.submit(request)

    def read(
        self, stream: str, partition: int, place: Place, *, max_rows: int = 100_000, before: int | None = None
    ) -> Read:
        """See ``Log.read``. A batch's watermark comes with the chunk that holds its last row."""
        number = self._streams.number(stream, partition)
        if before is not None:
            if place.offset >= before:
                return Read((), place)
            max_rows = min(max_rows, before - place.offset)
        return self._reader.read(Source(stream, number, partition), place, max(1, max_rows))

    def place(self, stream: str, partition: int, *, at: str = "earliest") -> Place:
        """See ``Log.place``."""
        earliest, latest = bounds(self._reading, self._streams.number(stream, partition), partition)
        match at:
            case "earliest":
                return earliest
            case "latest":
                return latest
            case _:
                raise UsageError(f"{at!r} is not a place in a stream.", remedy="Say 'earliest' or 'latest'.")

    def wait(self, places: Mapping[tuple[str, int], Place], *, timeout: float) -> bool:
        """See ``Log.wait``. Appends of this process wake at once, those of others after ``settings.poll``."""
        wanted = [(self._streams.number(*key), key[1], place) for key, place in places.items()]
        deadline = self._clock.monotonic() + timeout
        seen: int | None = None
        with self._alarm.listening() as rung:
            while True:
                rung.clear()
                version = self._reading.version()
                if version != seen and any(self._reader.anything(*each) for each in wanted):
                    return True
                seen = version
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return False
                self._clock.wait(min(left, self._settings.poll.total_seconds()), rung)

    def position(self, group: str, stream: str, partition: int) -> Place:
        """See ``Checkpoints.position``."""
        return position_of(self._reading, group, self._streams.number(stream, partition), partition)

    def state(self, group: str, partition: int) -> Mapping[str, Sequence[Batch]]:
        """See ``Checkpoints.state``. Raises DamagedBatch if some of it does not read back as written."""
        return state_of(self._reading, self._segments, group, partition)

    def groups(self) -> Sequence[str]:
        """All groups that have a position or state."""
        return [g for (g,) in self._reading.rows('SELECT "group" FROM positions UNION SELECT "group" FROM state')]

    def delete_group(self, group: str) -> None:
        """Forget a group's positions and state, so that it starts from the beginning."""
        with self._writing.transaction():
            self._writing.rows('DELETE FROM positions WHERE "group" = ?', (group,))
            drop_state(self._writing, group)
        self._collect()

    def enforce_retention(self) -> int:
        """Remove the oldest batches as the streams' settings say; how many batches went."""
        removed = enforce(self._writing, self._clock.now_ms())
        if removed:
            self._collect()
        return removed

    def verify(self) -> Verified:
        """Read and check everything; all damage there is."""
        return verify(self._reading, self._segments)

    def close(self) -> None:
        """See ``Log.close``."""
        self._committer.close()
        self._segments.close()
        self._reading.close()
        self._writing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _collect(self) -> None:
        collect_unnamed(self._writing, self._root)
