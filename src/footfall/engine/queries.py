"""Turns a query that never stops into a task: reads its streams, and commits what comes out, its state and its places.

One task reads all partitions: rows of any two of them may have to meet. Places, state and output are one commit, so
each row is put out once, whatever ends this process and whenever. On a log that may repeat what it was given, it is
first written down up to where the streams are read; after a crash the same rows then give the same output again,
under the same ids.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from footfall.core.clock import Clock
from footfall.core.errors import Reason, UsageError
from footfall.core.events import EVENT_ID, Batch
from footfall.core.hashing import partition_of, text_hash
from footfall.core.progress import unheard
from footfall.engine.failed import FailedEvents, failed_batch
from footfall.engine.worker import Progress, Worker
from footfall.log.base import (
    Append,
    Chunk,
    Commit,
    DurableLog,
    Place,
    Position,
    StateWrite,
    first_place,
)
from footfall.processors.base import Change, State

_ROWS: Final = 50_000
"""The most events of a partition that one commit covers."""
_COUNTS: Final = "counts"
_PLAN: Final = "plan"
_UNTIL: Final = "until"
_UNTIL_SCHEMA: Final = pa.schema([("stream", pa.string()), ("partition", pa.int32()), ("offset", pa.int64())])


class Made(Protocol):
    """Rows for a stream, or to be shown (``stream`` None)."""

    @property
    def stream(self) -> str | None: ...

    @property
    def batch(self) -> Batch:
        """With ``timestamp``, without an id."""
        ...

    @property
    def key(self) -> str | None:
        """The column that decides on the partition."""
        ...


class Unfit(Protocol):
    """Rows of a stream that the query cannot work on, as JSON, and why."""

    @property
    def stream(self) -> str: ...

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
class _Taken:
    """What one step has read."""

    chunks: list[Chunk] = field(default_factory=list)
    places: dict[tuple[str, int], Place] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(chunk.batch.num_rows for chunk in self.chunks)


class QueryTask:
    """A query at work on all partitions of its streams."""

    def __init__(
        self,
        query: Standing,
        *,
        log: DurableLog,
        durable: bool = True,
        idle_after_ms: int = 10_000,
        show: Callable[[Batch], None] = unheard,
    ) -> None:
        """``durable``: go on where it stopped; else begin with the first event, and keep nothing.

        ``idle_after_ms``: a partition without events for so long, while others have some, holds nobody up.
        """
        self._query = query
        self._log = log
        self._show = show
        self._durable = durable
        self._idle_after = idle_after_ms
        self._group = f"sql:{query.name}"
        self._expected = {
            (stream, partition): log.position(self._group, stream, partition) if durable else Place()
            for stream in query.streams
            for partition in range(log.partitions(stream))
        }
        self._at = {key: first_place(log, stands, *key) for key, stands in self._expected.items()}
        self._heard = dict.fromkeys(self._at, 0)
        """When (ms, by its last append) each partition had events last."""
        state: State = log.state(self._group, 0) if durable else {}
        self._refuse_another(state)
        self._made = _last(state, _COUNTS)
        """Rows put out since the beginning: their ids follow from it."""
        self._until = {key: offset for key, offset in _until(state).items() if offset > self._at[key].offset}
        """Up to where a commit that was begun before has read."""
        own = {name: kept for name, kept in state.items() if "/" in name}
        self._running = query.start(own, {stream: log.partitions(stream) for stream in query.streams})
        self._set_aside: FailedEvents | None = None
        self._stem = text_hash(self._group)
        self.put_out: dict[str, int] = {}

    def _refuse_another(self, state: State) -> None:
        kept = state.get(_PLAN)
        if kept and kept[-1].column(0)[0].as_py() != self._query.fingerprint:
            raise UsageError(
                f"The query {self._query.name!r} is not the one whose state is kept under this name.",
                remedy="Give it another name, or begin anew with --from-the-start.",
            )
        self._new = not kept

    @property
    def made(self) -> int:
        """Rows put out since the query was first begun."""
        return self._made

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return self._at

    def lag(self) -> int:
        """Events that it has not seen yet."""
        ends = (self._log.place(*key, at="latest").offset - place.offset for key, place in self._at.items())
        return sum(map(lambda left: max(left, 0), ends))  # noqa: C417

    def step(self) -> int | None:
        """Take what is new, and commit what comes of it."""
        taken = self._read()
        if not taken.chunks:
            return None
        if self._durable and self._log.repeats and not self._until:
            self._write_down(taken)
        self._until = {}
        made = [one for chunk in _joined(taken.chunks) for one in self._running.take(chunk)]
        now = max(chunk.appended_ms for chunk in taken.chunks)
        made += self._running.settle(now=now, idle=self._idle(now))
        self._commit(made, taken, now)
        return taken.rows

    def _read(self) -> _Taken:
        taken = _Taken()
        for (stream, partition), at in self._at.items():
            before = self._until.get((stream, partition)) if self._until else None
            if self._until and before is None:
                continue
            read = self._log.read(stream, partition, at, max_rows=_ROWS, before=before)
            while before is not None and read.place.offset < before:
                more = self._log.read(stream, partition, read.place, max_rows=_ROWS, before=before)
                if not more.chunks:
                    break
                read = type(read)([*read.chunks, *more.chunks], more.place)
            if read.chunks:
                taken.chunks += read.chunks
                taken.places[stream, partition] = read.place
                self._heard[stream, partition] = max(chunk.appended_ms for chunk in read.chunks)
        return taken

    def _idle(self, now: int) -> dict[str, set[int]]:
        idle: dict[str, set[int]] = {stream: set() for stream in self._query.streams}
        for (stream, partition), heard in self._heard.items():
            if heard + self._idle_after < now:
                idle[stream].add(partition)
        return idle

    # -- into the log -------------------------------------------------------------------------------------

    def _write_down(self, taken: _Taken) -> None:
        """Say up to where is read now, before anything of it is put out."""
        keys, places = list(taken.places), list(taken.places.values())
        columns = [[stream for stream, _ in keys], [partition for _, partition in keys], [p.offset for p in places]]
        arrays = [pa.array(column, of.type) for column, of in zip(columns, _UNTIL_SCHEMA, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=_UNTIL_SCHEMA)
        positions = [Position(self._group, *key, self._expected[key], self._expected[key]) for key in self._at]
        self._log.commit(Commit(positions=positions, state=[StateWrite(self._group, 0, _UNTIL, batch, reset=True)]))

    def _commit(self, made: Sequence[Made], taken: _Taken, now: int) -> None:
        outputs = [append for one in made if one.stream is not None for append in self._appends(one)]
        outputs += self._failures(now)
        shown = [one.batch for one in made if one.stream is None]
        positions = [
            Position(self._group, *key, self._expected[key], taken.places.get(key, self._expected[key]))
            for key in self._at
        ]
        if self._durable:
            self._log.commit(Commit(outputs=outputs, positions=positions, state=self._state()))
        self._at |= taken.places
        self._expected |= taken.places
        for append in outputs:
            self.put_out[append.stream] = self.put_out.get(append.stream, 0) + append.batch.num_rows
        for batch in shown:
            self._show(batch)

    def _state(self) -> list[StateWrite]:
        writes = [StateWrite(self._group, 0, c.table, c.batch, c.reset) for c in self._running.changes()]
        writes.append(_one(self._group, _COUNTS, self._made))
        if self._new:
            writes.append(_one(self._group, _PLAN, self._query.fingerprint))
            self._new = False
        return writes

    def _appends(self, made: Made) -> Sequence[Append]:
        assert made.stream is not None  # noqa: S101 - for the type checker
        rows = made.batch.num_rows
        lanes = np.empty((rows, 2), dtype=">u8")
        lanes[:, 0] = self._stem
        lanes[:, 1] = np.arange(self._made, self._made + rows)
        self._made += rows
        ids = pa.FixedSizeBinaryArray.from_buffers(EVENT_ID, rows, [None, pa.py_buffer(lanes.tobytes())])
        batch = made.batch.append_column(pa.field("event_id", EVENT_ID, nullable=False), ids)
        partitions = self._log.partitions(made.stream)
        if made.key is None or partitions == 1:
            return [Append(made.stream, 0, batch)]
        keys = batch.column(made.key).cast(pa.string()).dictionary_encode()
        numbers = np.array([partition_of(str(text), partitions) for text in keys.dictionary.to_pylist()] or [0])
        of_row = numbers[keys.indices.fill_null(0).to_numpy(zero_copy_only=False)]
        return [
            Append(made.stream, number, batch.take(pa.array(np.flatnonzero(of_row == number))))
            for number in np.unique(of_row).tolist()
        ]

    def _failures(self, now: int) -> Sequence[Append]:
        appends: list[Append] = []
        for unfit in self._running.unfit():
            if self._set_aside is None:
                self._set_aside = FailedEvents(self._log)
            bad = [_Bad(self._made + number, unfit.why, raw) for number, raw in enumerate(unfit.rows)]
            self._made += len(bad)
            source = f"{self._group} ({unfit.stream})"
            appends += self._set_aside.appends_for(failed_batch(bad, source=source, layout="json", now_ms=now))
        return appends


def _joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same events in as few chunks as there are partitions: what comes of them is not to depend on the fetch."""
    found: dict[tuple[str, int], list[Chunk]] = {}
    for chunk in chunks:
        if chunk.batch.num_rows:
            found.setdefault((chunk.stream, chunk.partition), []).append(chunk)
    return [joined for of in found.values() for joined in _in_one(of)]


def _in_one(chunks: Sequence[Chunk]) -> list[Chunk]:
    """One chunk, or as many as there are shapes of batches."""
    runs: list[list[Chunk]] = []
    for chunk in chunks:
        if runs and runs[-1][0].batch.schema.equals(chunk.batch.schema):
            runs[-1].append(chunk)
        else:
            runs.append([chunk])
    return [
        run[0]
        if len(run) == 1
        else Chunk(
            run[0].stream,
            run[0].partition,
            run[0].offset,
            pa.concat_batches([chunk.batch for chunk in run]),
            run[-1].watermark,
            max(chunk.appended_ms for chunk in run),
            np.concatenate([chunk.offsets for chunk in run]),
        )
        for run in runs
    ]


def _one(group: str, table: str, value: object) -> StateWrite:
    batch = pa.RecordBatch.from_pydict({"value": [value]})
    return StateWrite(group, 0, table, batch, reset=True)


def _last(state: State, table: str) -> int:
    kept = state.get(table)
    return int(kept[-1].column(0)[-1].as_py()) if kept else 0


def _until(state: State) -> dict[tuple[str, int], int]:
    rows = [row for batch in state.get(_UNTIL, ()) for row in batch.to_pylist()]
    return {(row["stream"], row["partition"]): row["offset"] for row in rows}


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
        worker.run(drained=lambda: until_end)
        return {"events": worker.events, "rows": self.task.made}

    def _every_second(self, progress: Progress) -> None:
        now = self.clock.monotonic()
        rate = (progress.events - self._events) / max(now - self._at, 1e-6)
        self._events, self._at = progress.events, now
        self.beat(events=progress.events, rate=round(rate, 1), lag=progress.lag, rows=self.task.made)
