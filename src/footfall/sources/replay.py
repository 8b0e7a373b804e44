"""Turns a file of clicks into clicks that happen now: each published when its turn has come.

Publishing stamps the event time. Ids are made of the file, the round and the row, so that a row published again
after a crash is the same event. With ``original_time`` the file's own times and ids are kept, and only the pace
is the replay's.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import UsageError
from footfall.core.events import CLICK_SCHEMA, TIME, Batch
from footfall.core.hashing import ids_of, text_hash
from footfall.sources.base import BadRow, Block, Reader

_TICK: Final = 0.02
"""Seconds between two looks at what is due: clicks due within a tick are published together."""
_AHEAD: Final = 2
"""Blocks read in the background ahead of those being published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait between one row and the next."""

    keep_timing: bool = False
    """Wait as long as the rows' own times are apart, but never back in time and at most ``longest_gap``."""
    longest_gap: timedelta = timedelta(seconds=10)
    interval: timedelta = timedelta(milliseconds=200)
    """Wait this long between rows, unless the timing is kept."""
    speed: float = 1.0
    """Kept timing is this many times faster."""

    def gaps(self, times: npt.NDArray[np.int64], before: int | None) -> npt.NDArray[np.float64]:
        """Seconds to wait before each row, given the rows' times (ms) and that of the row before them."""
        if not self.keep_timing:
            return np.full(len(times), self.interval.total_seconds())
        first = times[0] if before is None else before
        apart = np.diff(times, prepend=first) / 1000
        return np.clip(apart, 0.0, self.longest_gap.total_seconds()) / self.speed


@dataclass(frozen=True, slots=True, order=True)
class ReplayPlace:
    """How far a replay has come: the round through the file, and how many of its good rows are published."""

    round: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """Clicks to append now (perhaps none, as a sign of life), and where they bring the replay."""

    clicks: Batch
    place: ReplayPlace
    bad: Sequence[BadRow] = field(default_factory=tuple)
    last_of_file: bool = False


class Replay:
    """A file being replayed. ``published`` yields for ever if it loops, else until the file's end.

    A loop of original times ends each round as a file ends: what is held back comes through.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        source: str,
        pace: Pace,
        clock: Clock,
        stop: threading.Event,
        loop: bool = False,
        original_time: bool = False,
        start: ReplayPlace = ReplayPlace(),
    ) -> None:
        self._reader = reader
        self._source = np.uint64(text_hash(source))
        self._pace = pace
        self._clock = clock
        self._stop = stop
        self._loop = loop
        self._original_time = original_time
        self._place = start
        self._due = 0.0
        self._before: int | None = None

    def published(self) -> Iterator[Published]:
        """What to append, when its time has come. Ends when ``stop`` is set or the file has ended."""
        self._due = self._clock.monotonic()
        while not self._stop.is_set():
            yield from self._one_round()
            if self._stop.is_set():
                return
            if self._original_time or not self._loop:
                yield Published(_nothing(), self._place, last_of_file=True)
            if not self._loop:
                return
            if not self._place.rows:
                raise UsageError("The file has no row that can be used.", remedy="Without --loop, it ends at once.")
            self._place = ReplayPlace(self._place.round + 1, 0)
            self._before = None

    def _one_round(self) -> Iterator[Published]:
        behind = self._place.rows
        for block in ahead(self._reader.blocks(), self._stop):
            clicks = block.clicks
            skip = min(behind, clicks.num_rows)
            behind -= skip
            if block.bad:
                yield Published(_nothing(), self._place, bad=block.bad)
            if skip < clicks.num_rows:
                yield from self._block(clicks.slice(skip))
            if self._stop.is_set():
                return

    def _block(self, clicks: Batch) -> Iterator[Published]:
        times = clicks.column("timestamp").cast(pa.int64()).to_numpy()
        due = self._due + np.cumsum(self._pace.gaps(times, self._before))
        self._due, self._before = float(due[-1]), int(times[-1])
        sent = 0
        while sent < len(times):
            now = self._clock.monotonic()
            ready = int(np.searchsorted(due, now, side="right"))
            if ready > sent:
                yield self._stamped(clicks.slice(sent, ready - sent))
                sent = ready
            else:
                if due[sent] - now > 1:
                    yield Published(_nothing(), self._place)
                if self._clock.wait(min(max(due[sent] - now, _TICK), 1.0), self._stop):
                    return

    def _stamped(self, clicks: Batch) -> Published:
        rows = clicks.num_rows
        first = self._place.rows
        self._place = ReplayPlace(self._place.round, first + rows)
        if self._original_time:
            return Published(clicks, self._place)
        numbers = np.arange(first, first + rows, dtype=np.uint64)
        ids = ids_of([np.full(rows, self._source), np.full(rows, self._place.round, dtype=np.uint64), numbers])
        now = pa.array(np.full(rows, self._clock.now_ms())).cast(TIME)
        columns = [now, ids, *clicks.columns[2:]]
        return Published(pa.RecordBatch.from_arrays(columns, schema=CLICK_SCHEMA), self._place)


def _nothing() -> Batch:
    return pa.RecordBatch.from_pylist([], schema=CLICK_SCHEMA)


def ahead(blocks: Iterator[Block], stop: threading.Event) -> Iterator[Block]:
    """The same blocks, read by a thread that is a little ahead. What it raises is raised here."""
    waiting: queue.Queue[Block | BaseException | None] = queue.Queue(maxsize=_AHEAD)
    ended = threading.Event()

    def put(item: Block | BaseException | None) -> bool:
        while not (ended.is_set() or stop.is_set()):
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for block in blocks:
                if not put(block):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked for the blocks
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=read, name="read-ahead", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            try:
                item = waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        ended.set()
        thread.join()
