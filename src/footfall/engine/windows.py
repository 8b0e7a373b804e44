"""Turns a user's windows into tasks over the log: ``footfall.windowed(…)`` in a Python file registers them.

    footfall.windowed(
        name="visits by category", to="category-visits", window=footfall.Tumbling(timedelta(minutes=1)),
        keys=("category",), aggregates={"visits": footfall.Count(), "visitors": footfall.Distinct("userId")},
    )

Each partition of ``enriched-click-data`` is counted by a ``WindowTask``. Where a visitor's partition is all that a
window needs, it puts out the windows; otherwise it tells its counts through a stream (``<to>.partials``) to the
``MergeTask`` that has the group. Outputs, state and positions are committed together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from footfall.core.errors import UsageError
from footfall.core.events import ENRICHED
from footfall.engine.registry import REGISTERED
from footfall.engine.stage import portions
from footfall.engine.worker import Task
from footfall.log.base import Append, Chunk, Commit, DurableLog, Place, Position, StateWrite, first_place
from footfall.processors.base import NO_TIME, Change, Codebook, Frame
from footfall.processors.enrichment.processor import together
from footfall.processors.window_model import Aggregate, Top, Window
from footfall.processors.windows import MergedWindows, PartialWindows, Windowed

_ROWS: Final = 100_000
"""The most events that one commit covers."""


def windowed(
    *,
    name: str,
    to: str,
    window: Window,
    aggregates: Mapping[str, Aggregate],
    keys: Sequence[str] = (),
    top: Top | None = None,
    grace: timedelta = timedelta(0),
) -> None:
    """Count enriched clicks by time window and keys, and put each window out once, when its time is over.

    See ``footfall.processors.windows.Windowed`` for the settings. Raises UsageError when they are wrong.
    """
    REGISTERED.append(
        Windowed(name=name, to=to, window=window, keys=tuple(keys), aggregates=dict(aggregates), top=top, grace=grace)
    )


def window_tasks(settings: Windowed, *, log: DurableLog, partition: int, lateness: timedelta) -> list[Task]:
    """The tasks of a partition: the one that counts, then the one that puts counts together.

    Raises UsageError for totals over several partitions on a log on which events may repeat: parts that are counted
    again after a crash are cut in other places than before, and cannot be told from new ones.
    """
    stream = log.info(ENRICHED).settings
    log.create(settings.to, stream)
    merged = settings.merged and stream.partitions > 1
    if merged:
        if log.repeats:
            raise UsageError(
                f"The windows {settings.name!r} add up what several partitions count; on this log that is not exact.",
                remedy="Put userId among their keys, use the embedded log, or a stream with one partition.",
            )
        log.create(settings.partials, stream)
    tasks: list[Task] = [WindowTask(settings, partition=partition, log=log, lateness=lateness, merged=merged)]
    return [*tasks, *([MergeTask(settings, partition=partition, log=log)] if merged else [])]


class WindowTask:
    """Counts one partition of ``enriched-click-data``."""

    def __init__(
        self, settings: Windowed, *, partition: int, log: DurableLog, lateness: timedelta, merged: bool
    ) -> None:
        self._settings = settings
        self._partition = partition
        self._log = log
        self._lateness = lateness // timedelta(milliseconds=1)
        self._group = f"windows:{settings.name}"
        self._stands = log.position(self._group, ENRICHED, partition)
        self._at = first_place(log, self._stands, ENRICHED, partition)
        self._watermark = NO_TIME
        self._book = Codebook()
        self.put_out: dict[str, int] = {}
        """Windows put out since the start."""
        state = log.state(self._group, partition)
        partitions = log.partitions(ENRICHED)
        self._running = (
            PartialWindows(settings, state, source=partition, partitions=partitions)
            if merged
            else settings.start(book=self._book, state=state)
        )

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {(ENRICHED, self._partition): self._at}

    def lag(self) -> int:
        """Events that it has not counted yet."""
        return self._log.place(ENRICHED, self._partition, at="latest").offset - self._at.offset

    @property
    def late(self) -> int:
        """Events left out so far because they came too late for their windows."""
        return self._running.late

    def step(self) -> int | None:
        """Count the next events, and commit what comes of it."""
        read = self._log.read(ENRICHED, self._partition, self._at, max_rows=_ROWS)
        if not read.chunks:
            return None
        outputs = [append for chunks in portions(read.chunks) for append in self._count(self._frame(chunks))]
        position = Position(self._group, ENRICHED, self._partition, self._stands, read.place)
        state = writes(self._group, self._partition, self._running.changes())
        self._log.commit(Commit(outputs=outputs, positions=[position], state=state))
        self._at = self._stands = read.place
        note(self.put_out, outputs, self._settings.to)
        return read.rows

    def _frame(self, chunks: Sequence[Chunk]) -> Frame:
        said = [chunk.watermark for chunk in chunks if chunk.watermark is not None]
        before, self._watermark = self._watermark, max([self._watermark, *said])
        batch = together([chunk.batch for chunk in chunks])
        high = self._watermark + self._lateness
        return Frame(batch, book=self._book, before=before, watermark=self._watermark, high=high)

    def _count(self, frame: Frame) -> list[Append]:
        running = self._running
        if isinstance(running, PartialWindows):
            told = running.process(frame)
            return [Append(self._settings.partials, to, batch) for to, batch in told.items()]
        return [Append(one.stream, self._partition, one.batch, frame.watermark) for one in running.process(frame)]


class MergeTask:
    """Puts together what all partitions have counted of the groups of one partition."""

    def __init__(self, settings: Windowed, *, partition: int, log: DurableLog) -> None:
        self._settings = settings
        self._partition = partition
        self._log = log
        self._group = f"windows:{settings.name}:merge"
        self._stands = log.position(self._group, settings.partials, partition)
        self._at = first_place(log, self._stands, settings.partials, partition)
        sources = log.partitions(ENRICHED)
        self._running = MergedWindows(settings, log.state(self._group, partition), sources=sources)
        self.put_out: dict[str, int] = {}
        """Windows put out since the start."""

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {(self._settings.partials, self._partition): self._at}

    def lag(self) -> int:
        """Counts of partitions that it has not put together yet."""
        return self._log.place(self._settings.partials, self._partition, at="latest").offset - self._at.offset

    def step(self) -> int | None:
        """Put together the next counts, and commit what comes of it. Says 0: the events were counted before."""
        read = self._log.read(self._settings.partials, self._partition, self._at, max_rows=_ROWS)
        if not read.chunks:
            return None
        made = [self._running.process(chunk.batch) for chunk in read.chunks]
        outputs = [Append(self._settings.to, self._partition, batch) for batch in made if batch is not None]
        position = Position(self._group, self._settings.partials, self._partition, self._stands, read.place)
        state = writes(self._group, self._partition, self._running.changes())
        self._log.commit(Commit(outputs=outputs, positions=[position], state=state))
        self._at = self._stands = read.place
        note(self.put_out, outputs, self._settings.to)
        return 0


def writes(group: str, partition: int, changes: Sequence[Change]) -> list[StateWrite]:
    """Changes of an operator's state as the log takes them."""
    return [StateWrite(group, partition, one.table, one.batch, one.reset) for one in changes]


def note(put_out: dict[str, int], outputs: Sequence[Append], stream: str) -> None:
    """Add to what was put out on a stream."""
    rows = sum(append.batch.num_rows for append in outputs if append.stream == stream)
    put_out[stream] = put_out.get(stream, 0) + rows
