"""Turns a query that never stops into a task: reads its streams, and commits what comes out, its state and its places.

One task reads all partitions: rows of any two of them may have to meet. Places, state and output are one commit, so
each row is put out once, whatever ends this process and whenever. On a log that may repeat what it was given, it is
first written down up to where the streams are read; after a crash the same rows then give the same output again,
under the same ids.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import Reason, UsageError
from footfall.core.events import Batch
from footfall.core.progress import unheard
from footfall.engine.failed import FailedEvents, failed_batch, set_aside
from footfall.engine.query_reading import BEGUN, HEARD, Reading, Taken
from footfall.engine.query_rows import Made, appends_of
from footfall.engine.worker import Progress, Worker
from footfall.log.base import Append, Chunk, Commit, DurableLog, Place, Position, StateWrite, first_place
from footfall.processors.base import Change, State

_COUNTS: Final = "counts"
_PLAN: Final = "plan"
_CLOCK: Final = SystemClock()
_IDLE_AFTER_MS: Final = 10_000


class Unfit(Protocol):
    """Rows of a stream that the query cannot work on, as JSON, and why."""

    @property
    def stream(self) -> str:
        """Empty where the rows are of no one stream."""
        ...

    @property
    def rows(self) -> Sequence[bytes]: ...

    @property
    def why(self) -> str: ...


class Standing(Protocol):
    """A query, ready to run."""

    @property
    def name(self) -> str:
        """Under which places and state are kept."""
        ...

    @property
    def fingerprint(self) -> str:
        """Differs for any other query, whose state means something else."""
        ...

    @property
    def streams(self) -> Sequence[str]:
        """What it reads."""
        ...

    @property
    def targets(self) -> Sequence[str]:
        """What it writes."""
        ...

    def start(self, state: State, partitions: Mapping[str, int]) -> RunningQuery:
        """Begin from the saved state; the streams have so many partitions."""
        ...


class RunningQuery(Protocol):
    """A query at work."""

    def take(self, chunk: Chunk) -> Sequence[Made]:
        """What these events of a stream cause at once."""
        ...

    def settle(self, *, now: int, idle: Mapping[str, set[int]]) -> Sequence[Made]:
        """What comes out because time has come further. ``idle``: partitions that nobody waits for."""
        ...

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        ...

    def unfit(self) -> Sequence[Unfit]:
        """What could not be worked on since the last call."""
        ...


@dataclass(frozen=True, slots=True)
class _Bad:
    """A row that could not be worked on."""

    line: int
    detail: str
    raw: bytes
    reason: Reason = Reason.PROCESSOR_ERROR


@dataclass(slots=True)
class _Counts:
    """What has come of the query since it was first begun."""

    made: int = 0
    """Rows put out."""
    commits: int = 0
    aside: int = 0
    """Rows that could not be worked on."""


class QueryTask:
    """A query at work on all partitions of its streams."""

    def __init__(
        self,
        query: Standing,
        *,
        log: DurableLog,
        durable: bool = True,
        idle_after_ms: int = _IDLE_AFTER_MS,
        clock: Clock = _CLOCK,
        show: Callable[[Batch], None] = unheard,
    ) -> None:
        """``durable``: go on where it stopped; else begin with the first event, and keep nothing.

        ``idle_after_ms``: a partition without events for so long, while others have some, holds nobody up.
        """
        self._query = query
        self._log = log
        self._show = show
        self._durable = durable
        self._clock = clock
        self._group = f"sql:{query.name}"
        # Positions before state: whoever saves in between has moved a position, and our first commit is refused.
        self._expected = {
            (stream, partition): log.position(self._group, stream, partition) if durable else Place()
            for stream in query.streams
            for partition in range(log.partitions(stream))
        }
        state: State = log.state(self._group, 0) if durable else {}
        self._run = self._begin_or_go_on(state)
        """Tells the rows of this query from those of others that had its name before."""
        self._counts = _counts(state)
        self._reading = Reading(
            log,
            {key: first_place(log, stands, *key) for key, stands in self._expected.items()},
            state,
            idle_after_ms=idle_after_ms,
            anew=self._counts.commits == 0,
        )
        own = {name: kept for name, kept in state.items() if "/" in name}
        self._running = query.start(own, {stream: log.partitions(stream) for stream in query.streams})
        self._set_aside: FailedEvents | None = None
        self.put_out: dict[str, int] = {}

    def _begin_or_go_on(self, state: State) -> bytes:
        kept = state.get(_PLAN)
        self._new = not kept
        if not kept:
            return os.urandom(8)
        [row] = kept[-1].to_pylist()
        if row["plan"] != self._query.fingerprint:
            raise UsageError(
                f"The query {self._query.name!r} is not the one whose state is kept under this name.",
                remedy="Give it another name, or begin anew with --from-the-start.",
            )
        run: bytes = row["run"]
        return run

    @property
    def made(self) -> int:
        """Rows put out since the query was first begun."""
        return self._counts.made

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return self._reading.at

    def lag(self) -> int:
        """Events that it has not seen yet."""
        ends = {key: self._log.place(*key, at="latest").offset for key in self._reading.at}
        return sum(max(ends[key] - place.offset, 0) for key, place in self._reading.at.items())

    def step(self) -> int | None:
        """Take what is new, and commit what comes of it."""
        taken = self._reading.next(self._clock.now_ms)
        if taken is None:
            return None
        if self._durable and self._log.repeats and not taken.again:
            self._write_down(taken)
        made = [one for chunk in taken.chunks for one in self._running.take(chunk)]
        made += self._running.settle(now=taken.stretch.now, idle=taken.idle)
        self._commit(made, taken)
        return taken.rows

    # -- into the log -------------------------------------------------------------------------------------

    def _write_down(self, taken: Taken) -> None:
        """Say what is read now, before anything of it is put out."""
        positions = [Position(self._group, *key, stands, stands) for key, stands in self._expected.items()]
        begun = StateWrite(self._group, 0, BEGUN, taken.stretch.batch(), reset=True)
        self._log.commit(Commit(positions=positions, state=[begun, *self._plan()]))

    def _commit(self, made: Sequence[Made], taken: Taken) -> None:
        outputs: list[Append] = []
        if self._durable:
            outputs = appends_of(made, self._log, stem=f"{self._group} {self._run.hex()} {self._counts.commits}")
            self._counts.made += sum(append.batch.num_rows for append in outputs)
            outputs += self._failures(taken)
            positions = [
                Position(self._group, *key, stands, taken.places.get(key, stands))
                for key, stands in self._expected.items()
            ]
            self._counts.commits += 1
            self._log.commit(Commit(outputs=outputs, positions=positions, state=self._state()))
        self._reading.moved(taken)
        self._expected |= taken.places
        for append in outputs:
            self.put_out[append.stream] = self.put_out.get(append.stream, 0) + append.batch.num_rows
        for one in made:
            if one.stream is None:
                self._show(one.batch)

    def _state(self) -> list[StateWrite]:
        writes = [StateWrite(self._group, 0, c.table, c.batch, c.reset) for c in self._running.changes()]
        counts = {"made": [self._counts.made], "commits": [self._counts.commits], "aside": [self._counts.aside]}
        writes.append(StateWrite(self._group, 0, _COUNTS, pa.RecordBatch.from_pydict(counts), reset=True))
        writes.append(StateWrite(self._group, 0, HEARD, self._reading.heard(), reset=True))
        return [*writes, *self._plan()]

    def _plan(self) -> list[StateWrite]:
        """Which query this is, the first time."""
        if not self._new:
            return []
        self._new = False
        batch = pa.RecordBatch.from_pydict({"plan": [self._query.fingerprint], "run": [self._run]})
        return [StateWrite(self._group, 0, _PLAN, batch, reset=True)]

    # -- what could not be used ---------------------------------------------------------------------------

    def _failures(self, taken: Taken) -> Sequence[Append]:
        failed = [*self._unfit(taken.stretch.now), *(append.batch for append in set_aside(taken.unreadable))]
        if not failed:
            return []
        if self._set_aside is None:
            self._set_aside = FailedEvents(self._log)
        return [append for batch in failed for append in self._set_aside.appends_for(batch)]

    def _unfit(self, now: int) -> Iterator[Batch]:
        for unfit in self._running.unfit():
            bad = [_Bad(self._counts.aside + at, unfit.why, raw) for at, raw in enumerate(unfit.rows)]
            self._counts.aside += len(bad)
            source = f"{self._group} ({unfit.stream})" if unfit.stream else self._group
            yield failed_batch(bad, source=source, layout="json", now_ms=now)


def _counts(state: State) -> _Counts:
    kept = state.get(_COUNTS)
    return _Counts(**kept[-1].to_pylist()[-1]) if kept else _Counts()


@dataclass(slots=True)
class Querying:
    """A query as a service."""

    task: QueryTask
    log: DurableLog
    clock: Clock
    beat: Callable[..., None]
    _events: int = 0
    _at: float = 0.0

    def run(self, stop: threading.Event, *, until_end: bool) -> dict[str, int]:
        """Work until stopped, or until nothing is left if ``until_end``; what was done, in figures."""
        self._at = self.clock.monotonic()
        worker = Worker([self.task], log=self.log, clock=self.clock, stop=stop, every_second=self._every_second)
        ends = until_end or not self.task.places()  # of a query without streams nothing more will come
        worker.run(drained=lambda: ends)
        return {"events": worker.events, "rows": self.task.made}

    def _every_second(self, progress: Progress) -> None:
        now = self.clock.monotonic()
        rate = (progress.events - self._events) / max(now - self._at, 1e-6)
        self._events, self._at = progress.events, now
        self.beat(events=progress.events, rate=round(rate, 1), lag=progress.lag, rows=self.task.made)
