"""Turns what many requests bring at once into few commits: one write and one sync for all that wait.

An event is answered for only when it is on disk. While one commit is being synced, those that come meanwhile gather;
they go into the next one. So the number of syncs follows the disk, not the number of requests.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import FootfallError, Unavailable
from footfall.core.events import CLICK_SCHEMA, CLICKS, CUSTOM, FAILED, SCHEMAS, Batch, key_of
from footfall.engine.announcing import NEVER, Announcing
from footfall.engine.ingest import Splitter
from footfall.engine.seen_custom import SeenCustom
from footfall.log.base import Append, Commit, DurableLog, StateWrite
from footfall.sources.collect_batches import Row, click_batch

GROUP: Final = "intake"
"""Under this name a log keeps when the last click came."""
_LAST: Final = "last"
_AGAIN_SECONDS: Final = 1.0
"""After a failed commit it is tried this often whether the next one would go through."""
_STOP_SECONDS: Final = 10.0
_NO_CLICKS: Final = pa.RecordBatch.from_pylist([], schema=CLICK_SCHEMA)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request brings. All of it becomes durable together."""

    clicks: Batch | None = None
    """CLICK_SCHEMA. Whether they are late is decided here; what the column ``late`` holds does not matter."""
    others: Sequence[tuple[str, Batch]] = ()
    """Events of other streams, each batch with its stream and of its schema."""
    failed: Batch | None = None
    """FAILED_SCHEMA: what was in the request and cannot be used."""
    rows: Sequence[Row] = ()
    """Further clicks, not yet in a batch: one is made for all arrivals that wait."""
    size: int = 0
    """About how many bytes these rows take."""

    @property
    def batches(self) -> list[tuple[str, Batch]]:
        """Every batch with its stream."""
        own = [(CLICKS, self.clicks), (FAILED, self.failed)]
        return [*((stream, batch) for stream, batch in own if batch is not None), *self.others]


class Overloaded(Unavailable):
    """So much is waiting to be written that no more is taken just now. Nothing of this arrival was kept."""


@dataclass(slots=True)
class Taken:
    """What has become durable since the start."""

    events: int = 0
    failed: int = 0
    commits: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    batches: list[tuple[str, Batch]]
    clicks: Sequence[Row]
    rows: int
    size: int
    done: Future[None]

    def resolve(self, error: FootfallError | None) -> None:
        """Tell whoever waits that it is on disk, or why it is not."""
        if not self.done.set_running_or_notify_cancel():
            return  # nobody waits any more
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Intake:
    """Makes arrivals of any thread durable, in one thread of its own. Open one a process.

    The clicks' watermark is the clock's time less the lateness, and clicks before it are late. It is announced in
    every partition once a second while clicks come, and every five seconds for ``announce_for`` after the last one.
    """

    def __init__(
        self,
        log: DurableLog,
        *,
        clock: Clock,
        lateness: timedelta,
        max_events: int = 50_000,
        max_bytes: int = 64 << 20,
        announce_for: timedelta = timedelta(minutes=60),
    ) -> None:
        self._log = log
        self._clock = clock
        self._lateness = lateness // timedelta(milliseconds=1)
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._splitters: dict[str, Splitter] = {}
        self._partitions = log.partitions(CLICKS)
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._bytes = 0
        self._open = True
        self._thread: threading.Thread | None = None
        self._now = NEVER
        """The greatest time (ms) so far: a clock that is set back takes nothing back that was announced."""
        last = _last_of(log)
        self._announcing = Announcing(announce_for // timedelta(milliseconds=1), last, last)
        self._kept_last = last
        self._seen = SeenCustom(log)
        self.tally = Taken()
        self.trouble: str | None = None
        """Why the last commit failed; None if it did not."""

    @property
    def healthy(self) -> bool:
        """Whether arrivals are taken and the last commit went through."""
        return self._thread is not None and self._thread.is_alive() and self.trouble is None

    # -- for those who bring something -----------------------------------------------------------------------

    def put(self, arrival: Arrival) -> Future[None]:
        """Hand in an arrival; the future is done when it is on disk, or holds Unavailable if it could not be.

        Raises Overloaded at once when too much is waiting, and Unavailable when no more is taken at all.
        """
        batches = arrival.batches
        for stream, batch in batches:
            if not batch.schema.equals(SCHEMAS[stream]):
                raise ValueError(f"an arrival for {stream} does not have its schema")
        rows = len(arrival.rows) + sum(batch.num_rows for _, batch in batches)
        size = arrival.size + sum(batch.get_total_buffer_size() for _, batch in batches)
        done: Future[None] = Future()
        if not rows:
            done.set_result(None)
            return done
        with self._changed:
            if not self._open:
                raise Unavailable("No more events are taken: the server is stopping.", remedy="Send them again.")
            if self._rows and (self._rows + rows > self._max_events or self._bytes + size > self._max_bytes):
                raise Overloaded(f"{self._rows:,} events wait to be written.", remedy="Send them again in a second.")
            self._waiting.append(_Waiting(batches, arrival.rows, rows, size, done))
            self._rows += rows
            self._bytes += size
            self._changed.notify()
        return done

    def start(self) -> None:
        """Begin to write what is handed in."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more; what is waiting is still committed."""
        with self._changed:
            self._open = False
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        with self._changed:
            left = [*self._waiting]
            self._waiting.clear()
        for one in left:
            one.resolve(Unavailable("The events were not written: the server has stopped.", remedy="Send them again."))

    # -- the thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._open, timeout=self._idle_seconds())
                if not self._waiting and not self._open:
                    return
            self.turn()

    def _idle_seconds(self) -> float | None:
        """How long there is nothing to do when nothing comes; None: for ever."""
        if self.trouble is not None:
            return _AGAIN_SECONDS
        due = self._announcing.due()
        return None if due is None else max(0.0, (due - self._clock.now_ms()) / 1000)

    def turn(self) -> None:
        """Commit all that waits, and announce how far time has come where that is due.

        The thread does this again and again. A failure goes to those who wait, and into ``trouble``.
        """
        with self._changed:
            taken = [*self._waiting]
            self._waiting.clear()
        error: FootfallError | None = None
        try:
            self._commit(taken)
        except Unavailable as failure:
            error = failure
        except FootfallError as failure:  # damage, a fence: for who sends something no more than that it is not kept
            error = Unavailable(failure.message, remedy=failure.remedy)
        except Exception as failure:  # noqa: BLE001 (whoever waits must hear of it, and the thread must live on)
            error = Unavailable(f"The events could not be written: {type(failure).__name__}: {failure}.")
        self.trouble = None if error is None else str(error)
        with self._changed:
            self._rows -= sum(one.rows for one in taken)
            self._bytes -= sum(one.size for one in taken)
        for one in taken:
            one.resolve(error)

    def _commit(self, taken: Sequence[_Waiting]) -> None:
        now = max(self._now, self._clock.now_ms())
        streams: dict[str, list[Batch]] = {}
        for one in taken:
            for stream, batch in one.batches:
                streams.setdefault(stream, []).append(batch)
        if any(one.clicks for one in taken):
            rows = [row for one in taken for row in one.clicks]
            streams.setdefault(CLICKS, []).append(click_batch(rows))
        if CUSTOM in streams:
            streams[CUSTOM] = [self._seen.fresh(joined(streams[CUSTOM]))]
        announcing = self._announcing.clicked(now) if CLICKS in streams else self._announcing
        due = announcing.due()
        watermark = None
        if due is not None and due <= now:
            announcing = announcing.until(now)
            watermark = announcing.announced - self._lateness
        outputs = self._appends(streams, limit=now - self._lateness, watermark=watermark)
        keep = watermark is not None and announcing.last != self._kept_last
        # In trouble, a row of state shows whether writing works again, also when nobody sends anything.
        state = [_last_write(announcing.last)] if keep or self.trouble is not None else []
        if not outputs and not state:
            return
        self._log.commit(Commit(outputs=outputs, state=state))
        for batch in streams.get(CUSTOM, ()):
            self._seen.add(batch)
        self._now, self._announcing = now, announcing
        if state:
            self._kept_last = announcing.last
        failed = sum(batch.num_rows for batch in streams.get(FAILED, ()))
        self.tally.events += sum(batch.num_rows for batches in streams.values() for batch in batches) - failed
        self.tally.failed += failed
        self.tally.commits += 1

    def _appends(self, streams: Mapping[str, Sequence[Batch]], *, limit: int, watermark: int | None) -> list[Append]:
        outputs: list[Append] = []
        for stream, batches in streams.items():
            batch = joined(batches)
            if stream == FAILED:
                outputs.append(Append(FAILED, 0, batch))
            elif stream == CLICKS:
                outputs += self._splitter(CLICKS).split(_marked_late(batch, limit=limit), watermark=watermark)
            else:
                outputs += self._splitter(stream).split(batch, stream=stream)
        if watermark is not None:
            reached = {output.partition for output in outputs if output.stream == CLICKS}
            quiet = [p for p in range(self._partitions) if p not in reached]
            outputs += [Append(CLICKS, partition, _NO_CLICKS, watermark) for partition in quiet]
        return outputs

    def _splitter(self, stream: str) -> Splitter:
        if stream not in self._splitters:
            partitions = self._log.partitions(stream)
            self._splitters[stream] = Splitter(partitions, key=key_of(stream))
        return self._splitters[stream]


def joined(batches: Sequence[Batch]) -> Batch:
    """One batch of several of a schema, in their order, with dictionaries of the texts of all."""
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


def _marked_late(clicks: Batch, *, limit: int) -> Batch:
    """The same clicks; those before this time (ms) are late."""
    late = clicks.column("timestamp").view(pa.int64()).to_numpy() < limit
    place = clicks.schema.get_field_index("late")
    return clicks.set_column(place, clicks.schema.field(place), pa.array(late))


def _last_write(last: int) -> StateWrite:
    return StateWrite(GROUP, 0, _LAST, pa.RecordBatch.from_pydict({_LAST: [last]}), reset=True)


def _last_of(log: DurableLog) -> int:
    saved = log.state(GROUP, 0).get(_LAST, ())
    return max((value for batch in saved for value in batch.column(_LAST).to_pylist()), default=NEVER)
