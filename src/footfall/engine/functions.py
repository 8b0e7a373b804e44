"""Turns a user's functions into processors: ``@on_event`` for one event at a time, ``@on_batch`` for many.

    @footfall.on_event("enriched-click-data", to="loyal-visitors", key="userId")
    def loyal(event, state):
        state["clicks"] = state.get("clicks", 0) + 1
        if state["clicks"] == 10:
            return {"userId": event["userId"], "clicks": 10}

What a function returns, its state and its position are committed together: each event counts exactly once.
An event that makes it raise goes to ``failed-events``; its state stays as it was before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from footfall.core.errors import Failure, Reason, UsageError
from footfall.core.events import EVENT_ID, FAILED, TIME, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.engine.failed import failed_batch
from footfall.engine.registry import REGISTERED, FunctionSettings
from footfall.log.base import Append, Chunk, Commit, DurableLog, Place, Position, StateWrite, StreamSettings
from footfall.log.codecs import json as flat

_ROWS: Final = 10_000
"""The most events that one commit covers."""
_STATE: Final = pa.schema([pa.field("key", pa.string()), pa.field("state", pa.binary())])
_Function = TypeVar("_Function", bound=Callable[..., Any])


def on_event(
    stream: str, *, to: str | None = None, key: str = "userId", name: str | None = None
) -> Callable[[_Function], _Function]:
    """Call the function with each event of ``stream`` (a dict), in the order of its key.

    If it takes a second argument, that is the key's state: a dict to read and change, of what JSON can hold.
    What it returns (a dict, several in a list, or None) goes to the stream ``to``, keyed by ``key``.
    """
    return _decorator(stream, to=to, key=key, name=name, form="event")


def on_batch(
    stream: str, *, to: str | None = None, key: str = "userId", name: str | None = None
) -> Callable[[_Function], _Function]:
    """Call the function with batches of ``stream`` (pyarrow.RecordBatch), cut as they happen to come.

    If it takes a second argument, that is the partition's state. It returns a RecordBatch for ``to``, or None.
    """
    return _decorator(stream, to=to, key=key, name=name, form="batch")


def _decorator(
    stream: str, *, to: str | None, key: str, name: str | None, form: Literal["event", "batch"]
) -> Callable[[_Function], _Function]:
    def register(function: _Function) -> _Function:
        parameters = len(inspect.signature(function).parameters)
        if parameters not in (1, 2):
            raise UsageError(
                f"{function.__name__} takes {parameters} arguments.",
                remedy=f"A function for on_{form} takes the {form}, and perhaps the state.",
            )
        REGISTERED.append(
            FunctionSettings(
                name=name or function.__name__,
                stream=stream,
                to=to,
                key=key,
                form=form,
                function=function,
                with_state=parameters == 2,
            )
        )
        return function

    return register


@dataclass(frozen=True, slots=True)
class _Raised:
    """An event at which the function raised."""

    line: int
    reason: Reason
    detail: str
    raw: bytes


@dataclass(slots=True)
class _Results:
    """What the function made of some events."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    raised: list[_Raised] = field(default_factory=list)


class FunctionTask:
    """A function at work on one partition."""

    def __init__(self, settings: FunctionSettings, *, partition: int, log: DurableLog) -> None:
        self._settings = settings
        self._partition = partition
        self._log = log
        self._group = f"function:{settings.name}"
        self._at = log.position(self._group, settings.stream, partition)
        self._states: dict[str, bytes] = {}
        self._touched: set[str] = set()
        self._saved_rows = 0
        for batch in log.state(self._group, partition).get("states", ()):
            for row in batch.to_pylist():
                self._states[row["key"]] = row["state"]
            self._saved_rows += batch.num_rows
        self._states = {key: state for key, state in self._states.items() if state}
        self.put_out: dict[str, int] = {}
        if settings.to is not None:
            log.create(settings.to, StreamSettings(partitions=log.info(settings.stream).settings.partitions))

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {(self._settings.stream, self._partition): self._at}

    def lag(self) -> int:
        """Events that it has not seen yet."""
        end = self._log.place(self._settings.stream, self._partition, at="latest")
        return end.offset - self._at.offset

    def step(self) -> int | None:
        """Hand the next events to the function, and commit what comes of it."""
        read = self._log.read(self._settings.stream, self._partition, self._at, max_rows=_ROWS)
        if not read.chunks:
            return None
        results = _Results()
        for chunk in read.chunks:
            if chunk.batch.num_rows:
                (self._each if self._settings.form == "event" else self._batch)(chunk, results)
        outputs = self._outputs(results, appended_ms=read.chunks[-1].appended_ms)
        position = Position(self._group, self._settings.stream, self._partition, self._at, read.place)
        self._log.commit(Commit(outputs=outputs, positions=[position], state=self._state_writes()))
        self._at = read.place
        for append in outputs:
            self.put_out[append.stream] = self.put_out.get(append.stream, 0) + append.batch.num_rows
        return read.rows

    def _each(self, chunk: Chunk, results: _Results) -> None:
        ids = chunk.batch.column("event_id").to_pylist() if "event_id" in chunk.batch.schema.names else None
        for row, event in enumerate(flat.rows(chunk.batch)):
            source = ids[row] if ids else f"{chunk.offset + row}".encode()
            key = str(event.get(self._settings.key, ""))
            try:
                results.rows += self._call(dict(event), key, finish=partial(self._finished, event=event, source=source))
            except Exception as error:  # noqa: BLE001 - the user's code: whatever it raises sets the event aside
                results.raised.append(self._raised(chunk.offset + row, error, msgspec.json.encode(event)))

    def _batch(self, chunk: Chunk, results: _Results) -> None:
        try:
            results.batches += self._call(chunk.batch, "", finish=partial(self._finished_batch, chunk=chunk))
        except Exception as error:  # noqa: BLE001 - as above; every event of the batch is set aside
            for row, event in enumerate(flat.rows(chunk.batch)):
                results.raised.append(self._raised(chunk.offset + row, error, msgspec.json.encode(event)))

    def _call(self, argument: Any, key: str, *, finish: Callable[[Any], list[Any]]) -> list[Any]:
        """What the function returns, finished. The state changes only if all of it went well."""
        settings = self._settings
        if not settings.with_state:
            return finish(settings.function(argument))
        held = self._states.get(key)
        state: dict[str, Any] = msgspec.json.decode(held) if held else {}
        made = finish(settings.function(argument, state))
        now = msgspec.json.encode(state) if state else b""
        if now != (held or b""):
            self._states[key] = now
            self._touched.add(key)
        return made

    def _raised(self, offset: int, error: Exception, raw: bytes) -> _Raised:
        detail = f"{self._settings.name}: {type(error).__name__}: {error}"
        return _Raised(offset, Reason.PROCESSOR_ERROR, detail, raw)

    def _finished(self, returned: Any, event: Mapping[str, Any], source: bytes) -> list[dict[str, Any]]:
        """Events of the function's, with what it did not say itself: time, key, and an id that never varies."""
        key = self._settings.key
        made = [returned] if isinstance(returned, Mapping) else list(returned or ())
        finished = []
        for index, out in enumerate(made):
            if not isinstance(out, Mapping):
                raise TypeError(f"returned {out!r:.80}; an event is a dict")
            given = {"timestamp": event.get("timestamp"), key: event.get(key)} | dict(out)
            identity = id_from_text(f"{self._settings.name} {source.hex()} {index}")
            finished.append({"timestamp": given.pop("timestamp"), "event_id": identity, **given})
        return finished

    def _finished_batch(self, batch: Any, chunk: Chunk) -> list[Batch]:
        if batch is None:
            return []
        if not isinstance(batch, pa.RecordBatch):
            raise TypeError(f"returned {type(batch).__name__}; it must be a pyarrow.RecordBatch, or None")
        names = batch.schema.names
        if "timestamp" not in names:
            last = chunk.batch.column("timestamp")[-1]
            batch = batch.append_column("timestamp", pa.array([last] * batch.num_rows, type=TIME))
        if "event_id" not in names:
            stem = f"{self._settings.name} {self._partition} {chunk.offset}"
            ids = [id_from_text(f"{stem} {row}") for row in range(batch.num_rows)]
            batch = batch.append_column("event_id", pa.array(ids, type=EVENT_ID))
        return [batch] if batch.num_rows else []

    def _outputs(self, results: _Results, *, appended_ms: int) -> list[Append]:
        settings, outputs = self._settings, []
        if results.raised:
            source = f"{settings.stream}-{self._partition}"
            failed = failed_batch(results.raised, source=source, layout="json", now_ms=appended_ms)
            outputs.append(Append(FAILED, 0, failed))
        if settings.to is not None:
            batches = [*results.batches, *([_to_batch(results.rows, settings.name)] if results.rows else [])]
            partitions = self._log.info(settings.to).settings.partitions
            for batch in batches:
                outputs += list(_split(batch, settings.to, settings.key, partitions))
        return outputs

    def _state_writes(self) -> list[StateWrite]:
        if not self._touched:
            return []
        self._saved_rows += len(self._touched)
        reset = self._saved_rows > 2 * len(self._states) + 10_000
        if reset:
            self._states = {key: state for key, state in self._states.items() if state}
            self._saved_rows = len(self._states)
        keys = list(self._states) if reset else sorted(self._touched)
        self._touched.clear()
        batch = pa.RecordBatch.from_arrays(
            [pa.array(keys, pa.string()), pa.array([self._states[key] for key in keys], pa.binary())], schema=_STATE
        )
        return [StateWrite(self._group, self._partition, "states", batch, reset)]


def _to_batch(rows: Sequence[Mapping[str, Any]], name: str) -> Batch:
    """Events as a batch; columns are those of all of them, types as their values suggest."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    arrays = []
    for column in columns:
        kind = {"timestamp": TIME, "event_id": EVENT_ID}.get(column)
        try:
            arrays.append(pa.array([row.get(column) for row in rows], type=kind))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            raise Failure(
                f"What the function {name!r} returned as {column!r} cannot be one column: {error}.",
                remedy="Return values of one type; nothing was put out, so mend the function and start again.",
            ) from error
    return pa.RecordBatch.from_arrays(arrays, names=columns)


def _split(batch: Batch, stream: str, key: str, partitions: int) -> Iterable[Append]:
    """The batch over the partitions of its stream, by key."""
    if key not in batch.schema.names:
        yield Append(stream, 0, batch)
        return
    numbers = np.array([partition_of(str(value), partitions) for value in batch.column(key).to_pylist()])
    for partition in np.unique(numbers).tolist():
        yield Append(stream, partition, batch.take(pa.array(np.flatnonzero(numbers == partition))))
