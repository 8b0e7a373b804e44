"""Turns streams into rows of tables: reads what is new, writes rows and place together, and tries again for ever.

The place is kept by the target, in the transaction that inserts the rows. So each event is in its table once,
whatever ends this process and whenever. What the target refuses for good goes to ``failed-events`` before the place
moves past it; what it cannot take just now waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import OffsetOutOfRange, Reason, Unavailable
from footfall.core.events import CART, ENRICHED, OFFERS, SESSIONS, Batch
from footfall.engine.failed import FailedEvents, failed_batch
from footfall.engine.log_identity import identity_of
from footfall.engine.logs import logger
from footfall.engine.pause import Pause
from footfall.engine.worker import Progress, Worker
from footfall.log.base import Chunk, DurableLog, Log, Place
from footfall.log.codecs.json import encode
from footfall.sinks import tables
from footfall.sinks.tables import Bookmark, Move, RowsRefused, Table, TableSink

_ROWS: Final = 10_000
"""The most events that one transaction covers."""
_GAP_IS_NEWS: Final = 3_600.0
"""Seconds for which a gap is told with every sign of life. Longer, and it would hide that all is well by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A stream, and the table that it goes to."""

    name: str
    stream: str
    table: Table

    @property
    def group(self) -> str:
        """Under this name the target keeps the sink's place."""
        return f"sink:{self.name}"


SINKS: Final[Mapping[str, Sink]] = {
    sink.name: sink
    for sink in (
        Sink(name="cart", stream=CART, table=tables.CLICKSTREAM_DATA),
        Sink(name="clicks", stream=ENRICHED, table=tables.ENRICHED_CLICKS),
        Sink(name="sessions", stream=SESSIONS, table=tables.SESSIONS),
        Sink(name="offers", stream=OFFERS, table=tables.OFFERS),
    )
}
"""The sinks that there are, by name."""


@dataclass(slots=True)
class Written:
    """What became of the events since the start; without those of a write whose answer got lost."""

    events: int = 0
    """Read from the log."""
    rows: int = 0
    """New in the table."""
    repeated: int = 0
    """Left out, because the table had a row with their key."""
    rejected: int = 0
    """Set aside as failed events."""


@dataclass(frozen=True, slots=True)
class _Misfit:
    """An event that the table does not take."""

    line: int
    reason: Reason
    detail: str
    raw: bytes


class TableTask:
    """A sink at work on one partition."""

    def __init__(
        self,
        sink: Sink,
        *,
        partition: int,
        log: DurableLog,
        target: TableSink,
        clock: Clock,
        identity: Callable[[], str],
        stop: threading.Event,
    ) -> None:
        self._sink = sink
        self._partition = partition
        self._log = log
        self._target = target
        self._clock = clock
        self._ask_identity = identity
        self._identity = ""
        """The log's own, once it was asked for."""
        self._pause = Pause(clock, stop)
        self._stored: Bookmark | None = None
        """What the target keeps as the place."""
        self._at: Place | None = None
        """Where to read on; None before the target was asked."""
        self._sure = False
        """Whether the target has nothing but what it said itself: not after a write whose answer got lost."""
        self._set_aside: FailedEvents | None = None
        self.written = Written()
        self.trouble = ""
        """Why it does not go on just now."""
        self._lag = 0
        self._gap = ""
        self._gap_at = 0.0

    @property
    def gap(self) -> str:
        """What is missing in the table, or may be, if that was found in the last hour."""
        return self._gap if self._clock.monotonic() - self._gap_at < _GAP_IS_NEWS else ""

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {} if self._at is None else {(self._sink.stream, self._partition): self._at}

    def lag(self) -> int:
        """Events that are not in the table yet; as of before, while the log is away."""
        with suppress(Unavailable):  # the next step says so
            end = self._log.place(self._sink.stream, self._partition, at="latest")
            at = self._at or self._log.place(self._sink.stream, self._partition)
            self._lag = max(end.offset - at.offset, 0)
        return self._lag

    def step(self) -> int | None:
        """Write what is new; how many events, or None if there are none. 0 also when the target cannot be used."""
        if not self._pause.over():
            return 0
        try:
            done = self._step()
        except Unavailable as error:
            self._sure = False
            seconds = self._pause.lengthen()
            if not self.trouble:
                logger().warning("sink_waits", sink=self._sink.name, error=str(error), seconds=seconds)
            self.trouble = str(error)
            return 0
        if self.trouble:
            logger().info("sink_goes_on", sink=self._sink.name)
            self.trouble = ""
            self._pause.end()
        return done

    def _step(self) -> int | None:
        at = self._at = self._at if self._at is not None and self._sure else self._begin()
        try:
            read = self._log.read(self._sink.stream, self._partition, at, max_rows=_ROWS)
        except OffsetOutOfRange as error:
            self._at = self._after_gap(at, error)
            return 0
        if not read.chunks:
            return None
        if read.rows:
            self._write(read.chunks, Bookmark(read.place.offset, read.place.sequence, self._identity))
        self._at = read.place
        return read.rows

    def _begin(self) -> Place:
        """Where the target says that it stands, or at the first event that is kept."""
        self._target.prepare(self._sink.table)
        self._identity = self._ask_identity()
        self._stored = self._target.place(self._sink.group, self._sink.stream, self._partition)
        self._sure = True
        first = self._log.place(self._sink.stream, self._partition)
        if self._stored is None:
            return first
        if self._stored.log != self._identity:
            self._say(
                f"{self._where} is another log than the one that was read before: read from offset {first.offset}"
            )
            return first
        return Place(self._stored.offset, self._stored.sequence)

    def _after_gap(self, at: Place, error: OffsetOutOfRange) -> Place:
        """The first event that is kept, when the log does not hold this place. Says what is missing.

        To read events again does no harm: their rows are there. Within its bounds, a log that lacks a place is damaged.
        """
        info = self._log.info(self._sink.stream)
        start, end = info.starts[self._partition], info.ends[self._partition]
        where = self._where
        if at.offset < start:
            self._say(f"{where}: offsets {at.offset} to {start - 1} had left the log before they were in the table")
        elif at.offset > end:
            self._say(
                f"{where} ends at offset {end}, but {at.offset} was read before: an older copy, read from the start"
            )
        else:
            raise error
        return self._log.place(self._sink.stream, self._partition)

    def _say(self, gap: str) -> None:
        self._gap, self._gap_at = gap, self._clock.monotonic()
        logger().error("sink_gap", sink=self._sink.name, error=gap)

    @property
    def _where(self) -> str:
        return f"{self._sink.stream}-{self._partition}"

    # -- into the table -----------------------------------------------------------------------------------

    def _write(self, chunks: Sequence[Chunk], to: Bookmark) -> None:
        sink = self._sink
        rows: Batch = pa.concat_batches([sink.table.rows(chunk.batch) for chunk in chunks])
        move = Move(group=sink.group, stream=sink.stream, partition=self._partition, expected=self._stored, to=to)
        left = list(range(rows.num_rows))
        new = None
        while new is None:
            given = rows if len(left) == rows.num_rows else rows.take(pa.array(left, pa.int64()))
            try:
                new = self._target.write(sink.table, given, move)
            except RowsRefused as error:
                refused = {left[index]: words for index, words in error.refused.items()}
                self._reject(chunks, rows, refused)
                left = [row for row in left if row not in refused]
        self._stored = to
        counts = self.written
        counts.events += rows.num_rows
        counts.rows += new
        counts.repeated += len(left) - new
        counts.rejected += rows.num_rows - len(left)

    def _reject(self, chunks: Sequence[Chunk], rows: Batch, refused: Mapping[int, str]) -> None:
        """Set events aside. Done twice, it is the same as once."""
        if self._set_aside is None:
            self._set_aside = FailedEvents(self._log)
        misfits = []
        for row, words in refused.items():
            offset, event = _event(chunks, row)
            (values,) = rows.slice(row, 1).to_pylist()
            reason, detail = self._sink.table.fault(values, words)
            misfits.append(_Misfit(offset, reason, detail, encode(event)[0]))
        batch = failed_batch(misfits, source=self._where, layout="json", now_ms=chunks[-1].appended_ms)
        self._log.append(self._set_aside.appends_for(batch))


def _event(chunks: Sequence[Chunk], row: int) -> tuple[int, Batch]:
    """The event of this row, counted over all chunks, with its offset."""
    for chunk in chunks:
        if row < chunk.batch.num_rows:
            return chunk.offset + row, chunk.batch.slice(row, 1)
        row -= chunk.batch.num_rows
    raise IndexError(row)


@dataclass(slots=True)
class Sinking:
    """A sink as a service: all partitions of its stream."""

    sink: Sink
    log: DurableLog
    target: TableSink
    clock: Clock
    random: Callable[[int], bytes]
    """So many random bytes."""
    beat: Callable[..., None]
    _tasks: Sequence[TableTask] = ()
    _events: int = 0
    _at: float = field(default=0.0)

    def run(self, stop: threading.Event, *, until_end: bool) -> dict[str, int]:
        """Write until stopped, or until nothing is left if ``until_end``; what was done, in figures."""
        self._tasks = [
            TableTask(
                self.sink,
                partition=partition,
                log=self.log,
                target=self.target,
                clock=self.clock,
                identity=partial(identity_of, self.log, random=self.random),
                stop=stop,
            )
            for partition in range(_partitions(self.log, self.sink.stream))
        ]
        self._at = self.clock.monotonic()
        worker = Worker(self._tasks, log=self.log, clock=self.clock, stop=stop, every_second=self._every_second)
        worker.run(drained=lambda: until_end)
        return self._figures()

    def _figures(self) -> dict[str, int]:
        done = [task.written for task in self._tasks]
        return {name: sum(getattr(one, name) for one in done) for name in Written.__dataclass_fields__}

    def _every_second(self, progress: Progress) -> None:
        now = self.clock.monotonic()
        rate = (progress.events - self._events) / max(now - self._at, 1e-6)
        self._events, self._at = progress.events, now
        says = [task.trouble or task.gap for task in self._tasks]
        figures: dict[str, Any] = {**self._figures(), "rate": round(rate, 1), "lag": progress.lag}
        self.beat(**figures, error="; ".join(dict.fromkeys(filter(None, says))))


def _partitions(log: Log, stream: str) -> int:
    return log.partitions(stream)
