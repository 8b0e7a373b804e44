"""Turns a user's functions into processors: ``@on_event`` for one event at a time, ``@on_batch`` for many.

    @footfall.on_event("enriched-click-data", to="loyal-visitors", key="userId")
    def loyal(event, state):
        state["clicks"] = state.get("clicks", 0) + 1
        if state["clicks"] == 10:
            return {"userId": event["userId"], "clicks": 10}

What a function returns, its state and its position are committed together: each event counts exactly once.
An event that makes it raise goes to ``failed-events``; its state stays as it was before. `footfall failed replay`
hands the event to it again, once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec
import pyarrow as pa

from footfall.core.errors import Reason, UsageError
from footfall.core.events import FAILED, SCHEMAS, Batch, is_internal
from footfall.engine.failed import OPEN, FailedEvent, events_of, failed_id, function_layout, marks
from footfall.engine.function_output import events_batch, finished_batch, finished_events, split
from footfall.engine.function_retry import batch_of, make_retry_stream, object_of
from footfall.engine.registry import REGISTERED, FunctionSettings
from footfall.log.base import (
    Append,
    Chunk,
    Commit,
    DurableLog,
    Place,
    Position,
    StateWrite,
    StreamSettings,
    first_place,
)
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
        if to is not None and (to == stream or to in SCHEMAS or is_internal(to)):
            why = "it reads itself" if to == stream else "is Footfall's own"
            raise UsageError(
                f"{function.__name__} cannot write to the stream {to!r}, which {why}.",
                remedy="Choose another name for `to`.",
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


@dataclass(slots=True)
class _Results:
    """What the function made of some events."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    raised: list[FailedEvent] = field(default_factory=list)


class FunctionTask:
    """A function at work on one partition: of its stream, and of the stream of what it is to be handed again."""

    def __init__(self, settings: FunctionSettings, *, partition: int, log: DurableLog) -> None:
        self._settings = settings
        self._partition = partition
        self._log = log
        self._group = f"function:{settings.name}"
        self._retry = make_retry_stream(log, settings.name, settings.stream)
        self._stands = {
            stream: log.position(self._group, stream, partition)
            for stream in (settings.stream, self._retry)
            if partition < log.partitions(stream)
        }
        self._at = {stream: first_place(log, stands, stream, partition) for stream, stands in self._stands.items()}
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
            log.create(settings.to, StreamSettings(partitions=log.partitions(settings.stream)))

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {(stream, self._partition): place for stream, place in self._at.items()}

    def lag(self) -> int:
        """Events that it has not seen yet."""
        ends = {stream: self._log.place(stream, self._partition, at="latest") for stream in self._at}
        return sum(ends[stream].offset - place.offset for stream, place in self._at.items())

    def step(self) -> int | None:
        """Hand the next events to the function, and commit what comes of it."""
        reads = {stream: self._log.read(stream, self._partition, at, max_rows=_ROWS) for stream, at in self._at.items()}
        chunks = [chunk for read in reads.values() for chunk in read.chunks]
        if not chunks:
            return None
        results = _Results()
        for chunk in chunks:
            self._hand_over(chunk, results)
        outputs = self._outputs(results, appended_ms=max(chunk.appended_ms for chunk in chunks))
        self._commit(outputs, {stream: read.place for stream, read in reads.items()})
        return sum(read.rows for read in reads.values())

    def _commit(self, outputs: Sequence[Append], places: dict[str, Place]) -> None:
        """Both positions go into every commit: the state is that of both streams, and one worker's alone."""
        positions = [
            Position(self._group, stream, self._partition, self._stands[stream], place)
            for stream, place in places.items()
        ]
        self._log.commit(Commit(outputs=outputs, positions=positions, state=self._state_writes()))
        self._at = self._stands = places
        for append in outputs:
            self.put_out[append.stream] = self.put_out.get(append.stream, 0) + append.batch.num_rows

    # -- the function's turn ------------------------------------------------------------------------------

    def _hand_over(self, chunk: Chunk, results: _Results) -> None:
        if chunk.stream == self._retry:
            for failed in events_of(chunk.batch, self._partition):
                self._again(failed, results)
        elif chunk.batch.num_rows and self._settings.form == "event":
            for row, event in enumerate(flat.rows(chunk.batch)):
                self._one(event, chunk.offset + row, results)
        elif chunk.batch.num_rows:
            self._many(chunk, results)

    def _one(self, event: dict[str, Any], offset: int, results: _Results) -> None:
        try:
            results.rows += self._event(event, offset)
        except Exception as error:  # noqa: BLE001 - the user's code: whatever it raises sets the event aside
            results.raised.append(self._failed(offset, event, error))

    def _many(self, chunk: Chunk, results: _Results) -> None:
        stem = f"{self._settings.name} {self._partition} {chunk.offset}"
        try:
            results.batches += self._call(chunk.batch, "", partial(finished_batch, stem=stem, batch=chunk.batch))
        except Exception as error:  # noqa: BLE001 - as above; every event of the batch is set aside
            events = enumerate(flat.rows(chunk.batch), start=chunk.offset)
            results.raised += [self._failed(offset, event, error) for offset, event in events]

    def _again(self, failed: FailedEvent, results: _Results) -> None:
        """Hand over an event at which the function raised before; if it raises again, the event is open again."""
        try:
            if self._settings.form == "event":
                results.rows += self._event(object_of(failed.raw), failed.line or 0)
            else:
                batch, stem = batch_of(self._log, failed), f"{self._settings.name} {failed.id}"
                results.batches += self._call(batch, "", partial(finished_batch, stem=stem, batch=batch))
        except Exception as error:  # noqa: BLE001 - as above
            results.raised.append(replace(failed, detail=self._detail(error)))

    def _event(self, event: dict[str, Any], offset: int) -> list[dict[str, Any]]:
        key = self._settings.key
        stem = f"{self._settings.name} {event.get('event_id') or str(offset).encode().hex()}"
        return self._call(
            dict(event), str(event.get(key, "")), partial(finished_events, stem=stem, event=event, key=key)
        )

    def _call(self, argument: Any, key: str, finish: Callable[[Any], list[Any]]) -> list[Any]:
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

    # -- what comes of it ---------------------------------------------------------------------------------

    def _failed(self, offset: int, event: Mapping[str, Any], error: Exception) -> FailedEvent:
        name, raw = self._settings.name, msgspec.json.encode(event)
        source = f"{self._settings.stream}-{self._partition}"
        return FailedEvent(
            id=failed_id(f"{source} {name}", offset, raw).hex(),
            status=OPEN,
            reason=Reason.PROCESSOR_ERROR,
            detail=self._detail(error),
            source=source,
            line=offset,
            layout=function_layout(name),
            raw=raw,
            timestamp_ms=0,
            partition=0,
        )

    def _detail(self, error: Exception) -> str:
        return f"{self._settings.name}: {type(error).__name__}: {error}"

    def _outputs(self, results: _Results, *, appended_ms: int) -> list[Append]:
        settings, outputs = self._settings, []
        if results.raised:
            outputs.append(Append(FAILED, 0, marks(results.raised, status=OPEN, now_ms=appended_ms)))
        if settings.to is not None:
            batches = [*results.batches, *([events_batch(results.rows, settings.name)] if results.rows else [])]
            partitions = self._log.partitions(settings.to)
            for batch in batches:
                outputs += split(batch, settings.to, key=settings.key, partitions=partitions)
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
