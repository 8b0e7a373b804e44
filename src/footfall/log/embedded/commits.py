"""Turns requests of several threads into one write, one sync and one transaction (group commit)."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from footfall.core.clock import Clock
from footfall.core.errors import Failure, Fenced
from footfall.log.base import Append, Committed, Place, Position, StateWrite
from footfall.log.embedded.frames import Frame
from footfall.log.embedded.manifest import Manifest, Value
from footfall.log.embedded.merging import Merging
from footfall.log.embedded.segments import Range
from footfall.log.embedded.state import drop_state
from footfall.log.embedded.writers import Writers, collect_unnamed

STATE: Final = "__state"
"""The folder of state that is too large for the manifest. No stream can have this name."""

_NAME_BATCH: Final = (
    "INSERT INTO batches (stream, partition, sequence, base_offset, rows, segment, position, length, crc, "
    "appended_ms, watermark) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MOVE_END: Final = (
    "UPDATE partitions SET end_offset = ?, end_sequence = ?, bytes = bytes + ? WHERE stream = ? AND partition = ?"
)
_NEXT_STATE: Final = (
    'SELECT coalesce(max(number) + 1, 0) FROM state WHERE "group" = ? AND partition = ? AND "table" = ?'
)
_NAME_STATE: Final = (
    'INSERT INTO state ("group", partition, "table", number, rows, crc, bytes, segment, position, length) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DROP_MERGED: Final = 'DELETE FROM state WHERE "group" = ? AND partition = ? AND "table" = ? AND number BETWEEN ? AND ?'


@dataclass(slots=True, eq=False)
class Request:
    """What one thread wants to be committed, and what became of it."""

    outputs: Sequence[tuple[int, Append, Frame]]
    """With the number of each one's stream."""
    positions: Sequence[tuple[int, Position]]
    state: Sequence[tuple[StateWrite, Frame]]
    committed: Committed = field(default_factory=lambda: Committed((), {}))
    error: BaseException | None = None
    done: bool = False


@dataclass(slots=True)
class _End:
    """Where a partition ends, while a transaction runs."""

    offset: int
    sequence: int
    bytes: int = 0


class Committer:
    """Commits what threads ask for. The thread whose turn it is does the work of all that wait."""

    def __init__(
        self,
        manifest: Manifest,
        root: Path,
        writers: Writers,
        merging: Merging,
        *,
        clock: Clock,
        inline_bytes: int,
        committed: Callable[[], None],
    ) -> None:
        self._manifest = manifest
        self._root = root
        self._writers = writers
        self._merging = merging
        self._clock = clock
        self._inline_bytes = inline_bytes
        self._committed = committed
        self._changed = threading.Condition()
        self._waiting: list[Request] = []
        self._leading = False

    def submit(self, request: Request) -> Committed:
        """Commit a request, perhaps together with others; what it wrote, once all is on disk."""
        with self._changed:
            self._waiting.append(request)
            try:
                self._changed.wait_for(lambda: request.done or not self._leading)
            except BaseException:  # an interrupted thread takes its request back
                if request in self._waiting:
                    self._waiting.remove(request)
                raise
            group: list[Request] = []
            if not request.done:
                group, self._waiting = self._waiting, []
                self._leading = True
        if group:
            self._lead(group)
        if request.error is not None:
            raise request.error
        return request.committed

    def close(self) -> None:
        """Let go of the segments, after the commits that run."""
        with self._changed:
            self._changed.wait_for(lambda: not self._leading)
            self._writers.close()

    def _lead(self, group: list[Request]) -> None:
        try:
            dropped = self._commit(group)
        except BaseException as error:  # noqa: BLE001 (each thread raises it as its own)
            for request in group:
                request.error = request.error or error
        else:
            self._committed()
            with contextlib.suppress(Failure):  # what is left over goes at the next open
                if dropped:
                    collect_unnamed(self._manifest, self._root)
        finally:
            with self._changed:
                for request in group:
                    request.done = True
                self._leading = False
                self._changed.notify_all()

    def _commit(self, group: Sequence[Request]) -> bool:
        """Write, sync, name. Whether earlier state was dropped."""
        ranges = _Ranges(group, self._writers, self._inline_bytes)
        names = _Naming(self._manifest, self._writers, self._merging, ranges, self._clock.now_ms())
        with self._manifest.transaction():
            for request in group:
                request.error = names.fence(request.positions)
                if request.error is None:
                    request.committed = names.outputs(request.outputs)
                    names.move(request.positions, request.committed)
                    names.state(request.state)
            names.finish()
        names.remember()
        return names.dropped


class _Ranges:
    """Where the frames of a group were written."""

    def __init__(self, group: Sequence[Request], writers: Writers, inline_bytes: int) -> None:
        self._inline_bytes = inline_bytes
        self._writers = writers
        frames: defaultdict[str, list[Frame]] = defaultdict(list)
        for request in group:
            for _, append, frame in request.outputs:
                frames[append.stream].append(frame)
            for _, frame in request.state:
                if self._is_large(frame):
                    frames[STATE].append(frame)
        written = writers.write(frames)
        self._of = {
            id(frame): where
            for stream, parts in frames.items()
            for frame, where in zip(parts, written[stream], strict=True)
        }
        self.streams = set(frames)

    def of(self, frame: Frame) -> Range | None:
        """Its range, or None if it goes into the manifest itself."""
        return self._of.get(id(frame))

    def of_merged(self, frame: Frame) -> Range | None:
        """The same for state that was merged in the transaction: written only now."""
        if not self._is_large(frame):
            return None
        if STATE in self.streams:
            return self._writers.add(STATE, frame)
        self.streams.add(STATE)
        return self._writers.write({STATE: [frame]})[STATE][0]

    def _is_large(self, frame: Frame) -> bool:
        return bool(frame.data.size >= self._inline_bytes)


class _Naming:
    """The statements of one transaction; partitions and segments are updated once, at its end."""

    def __init__(self, manifest: Manifest, writers: Writers, merging: Merging, ranges: _Ranges, now_ms: int) -> None:
        self._manifest = manifest
        self._writers = writers
        self._merging = merging
        self._ranges = ranges
        self._now_ms = now_ms
        self._segments = {writer.path: writer for writer in map(writers.segment, ranges.streams)}
        self._ids: dict[str, int] = {}
        self._named: defaultdict[int, int] = defaultdict(int)
        self._ends: dict[tuple[int, int], _End] = {}
        self._batches: list[tuple[Value, ...]] = []
        self.dropped = False

    def fence(self, positions: Sequence[tuple[int, Position]]) -> Fenced | None:
        """Why a position cannot be moved: it is not where it was expected."""
        for stream, position in positions:
            found = position_of(self._manifest, position.group, stream, position.partition)
            if found != position.expected:
                return Fenced(
                    f"Group {position.group} stands at {_text(found)} in {position.stream}-{position.partition}, "
                    f"not at {_text(position.expected)}: another worker has taken over.",
                    remedy="Nothing was written. This worker must stop.",
                )
        return None

    def outputs(self, outputs: Sequence[tuple[int, Append, Frame]]) -> Committed:
        """Name the batches of a request."""
        offsets = [self.batch(stream, append, frame) for stream, append, frame in outputs]
        ends = {}
        for stream, append, _ in outputs:
            end = self._end(stream, append.partition)
            ends[append.stream, append.partition] = Place(end.offset, end.sequence)
        return Committed(offsets, ends)

    def move(self, positions: Sequence[tuple[int, Position]], committed: Committed) -> None:
        """Move positions, those that want it to after the outputs."""
        for stream, position in positions:
            place = committed.place_of(position)
            self._manifest.rows(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
                (position.group, stream, position.partition, place.offset, place.sequence),
            )

    def batch(self, stream: int, append: Append, frame: Frame) -> int:
        """Name one batch; its first offset."""
        end = self._end(stream, append.partition)
        base = end.offset
        where = self._ranges.of(frame)
        if where is None:
            raise RuntimeError(f"a batch of {append.stream} was not written")
        segment = self._segment(where)
        placed = (segment, where.position, where.length, where.crc)
        self._batches.append(
            (stream, append.partition, end.sequence, base, frame.rows, *placed, self._now_ms, append.watermark)
        )
        end.offset += frame.rows
        end.sequence += 1
        end.bytes += where.length
        return base

    def state(self, writes: Sequence[tuple[StateWrite, Frame]]) -> None:
        """Name rows of state tables, after dropping what a reset drops."""
        for write, frame in writes:
            key = (write.group, write.partition, write.table)
            if write.reset:
                self.dropped |= drop_state(self._manifest, *key)
            row = self._manifest.one(_NEXT_STATE, key)
            number = int(row[0]) if row else 0
            self._name_state(key, number, frame, self._ranges.of(frame))
            for merge in self._merging.after(*key, number):
                self._manifest.rows(_DROP_MERGED, (*key, merge.first, merge.last))
                for segment in merge.segments:
                    self._named[segment] -= 1
                self.dropped |= bool(merge.segments)
                self._name_state(key, merge.last, merge.frame, self._ranges.of_merged(merge.frame))

    def finish(self) -> None:
        """Write what was gathered."""
        self._manifest.many(_NAME_BATCH, self._batches)
        self._manifest.many(
            _MOVE_END,
            [(end.offset, end.sequence, end.bytes, *key) for key, end in self._ends.items()],
        )
        self._manifest.many(
            "UPDATE segments SET named = named + ? WHERE id = ?", [(n, segment) for segment, n in self._named.items()]
        )

    def remember(self) -> None:
        """After the transaction: segments know their number."""
        for path, number in self._ids.items():
            self._segments[path].id = number

    def _name_state(self, key: tuple[str, int, str], number: int, frame: Frame, where: Range | None) -> None:
        placed: tuple[Value, ...] = (memoryview(frame.data), None, None, None)
        if where is not None:
            placed = (None, self._segment(where), where.position, where.length)
        self._manifest.rows(_NAME_STATE, (*key, number, frame.rows, frame.crc, *placed))

    def _end(self, stream: int, partition: int) -> _End:
        key = (stream, partition)
        if key not in self._ends:
            row = self._manifest.one(
                "SELECT end_offset, end_sequence FROM partitions WHERE stream = ? AND partition = ?", key
            )
            if row is None:
                raise RuntimeError(f"partition {partition} of stream {stream} is not in the manifest")
            self._ends[key] = _End(*row)
        return self._ends[key]

    def _segment(self, where: Range) -> int:
        if where.path not in self._segments:  # made for merged state
            self._segments[where.path] = self._writers.segment(STATE)
        number = self._ids.get(where.path) or self._segments[where.path].id
        if number is None:
            self._manifest.rows("INSERT OR IGNORE INTO segments (path) VALUES (?)", (where.path,))
            row = self._manifest.one("SELECT id FROM segments WHERE path = ?", (where.path,))
            number = int(row[0]) if row else 0
            self._ids[where.path] = number
        self._named[number] += 1
        return number


def position_of(manifest: Manifest, group: str, stream: int, partition: int) -> Place:
    """Where a group stands; the beginning if it never committed."""
    row = manifest.one(
        'SELECT "offset", sequence FROM positions WHERE "group" = ? AND stream = ? AND partition = ?',
        (group, stream, partition),
    )
    return Place(*row) if row else Place()


def _text(place: Place) -> str:
    return f"offset {place.offset} (batch {place.sequence})"
