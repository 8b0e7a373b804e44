"""Turns a stream into messages elsewhere: reads what is new, sends it, and keeps the place once all is confirmed.

So each event arrives at least once, and those of a partition in their order, whatever ends this process and whenever.
What was sent and not confirmed is sent again: a message's id says that it is the same one. What the target cannot take
just now waits; nothing goes to ``failed-events``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from footfall.core.clock import Clock
from footfall.core.errors import OffsetOutOfRange, Unavailable
from footfall.engine.logs import logger
from footfall.engine.pause import Pause
from footfall.engine.worker import Progress, Worker
from footfall.log.base import Chunk, Commit, DurableLog, Place, Position, first_place
from footfall.log.codecs.json import encode
from footfall.sinks.messages import Message, MessageSink

_ROWS: Final = 1_000
"""The most events that are sent before the place is kept: so many are repeated after a crash, at the most."""


@dataclass(slots=True)
class Sent:
    """What became of the events since the start."""

    events: int = 0
    """Confirmed by the target."""


class MessageTask:
    """A stream's way into messages, at work on one partition. The log keeps its place under the name ``group``."""

    def __init__(
        self,
        group: str,
        *,
        stream: str,
        partition: int,
        log: DurableLog,
        target: MessageSink,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._group = group
        self._stream = stream
        self._partition = partition
        self._log = log
        self._target = target
        self._pause = Pause(clock, stop)
        self._stands = log.position(group, stream, partition)
        """The place that the log keeps."""
        self._at = first_place(log, self._stands, stream, partition)
        self.sent = Sent()
        self.trouble = ""
        """Why it does not go on just now."""
        self.gap = ""
        """What was never sent, because the log did not keep it long enough."""

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Where it will read next."""
        return {(self._stream, self._partition): self._at}

    def lag(self) -> int:
        """Events that are not confirmed yet."""
        end = self._log.place(self._stream, self._partition, at="latest")
        return max(end.offset - self._at.offset, 0)

    def step(self) -> int | None:
        """Send what is new; how many events, or None if there are none. 0 also when the target cannot be used."""
        if not self._pause.over():
            return 0
        try:
            done = self._step()
        except Unavailable as error:
            seconds = self._pause.lengthen()
            if self.trouble != str(error):
                logger().warning("sink_waits", sink=self._group, error=str(error), seconds=seconds)
            self.trouble = str(error)
            return 0
        if self.trouble:
            logger().info("sink_goes_on", sink=self._group)
            self.trouble = ""
        self._pause.end()
        return done

    def _step(self) -> int | None:
        try:
            read = self._log.read(self._stream, self._partition, self._at, max_rows=_ROWS)
        except OffsetOutOfRange:
            self._pass_gap()
            return 0
        if not read.chunks:
            return None
        messages = [message for chunk in read.chunks for message in _messages(chunk)]
        if messages:
            self._target.send(messages)
        self._keep(read.place)
        self.sent.events += len(messages)
        return len(messages)

    def _keep(self, place: Place) -> None:
        """Keep the place. Raises Fenced if another process has moved it: two would mix up the order."""
        position = Position(self._group, self._stream, self._partition, self._stands, place)
        self._log.commit(Commit(positions=[position]))
        self._at = self._stands = place

    def _pass_gap(self) -> None:
        """Go on at the first event that is kept, and say what is missing. Within its bounds, a log is damaged."""
        info, at = self._log.info(self._stream), self._at.offset
        start, end = info.starts[self._partition], info.ends[self._partition]
        if start <= at <= end:
            self._log.read(self._stream, self._partition, self._at, max_rows=_ROWS)  # raises again
        where = f"{self._stream}-{self._partition}"
        self.gap = (
            f"{where}: offsets {at} to {start - 1} had left the log before they were sent"
            if at < start
            else f"{where} ends at offset {end}, but {at} was read before: an older copy, sent from the start"
        )
        logger().error("sink_gap", sink=self._group, error=self.gap)
        self._at = self._log.place(self._stream, self._partition)


def _messages(chunk: Chunk) -> Sequence[Message]:
    batch = chunk.batch
    rows, names = range(batch.num_rows), batch.schema.names
    times = batch.column("timestamp").cast("int64").to_pylist() if "timestamp" in names else [None] * len(rows)
    ids = batch.column("event_id").to_pylist() if "event_id" in names else [None] * len(rows)
    return [
        Message(
            id=event_id.hex() if event_id else f"{chunk.stream}-{chunk.partition}-{chunk.offset + row}",
            body=body,
            stream=chunk.stream,
            partition=chunk.partition,
            offset=chunk.offset + row,
            time_ms=time,
        )
        for row, event_id, time, body in zip(rows, ids, times, encode(batch), strict=True)
    ]


@dataclass(slots=True)
class Messaging:
    """A stream's way into messages as a service: all its partitions, one target."""

    group: str
    stream: str
    log: DurableLog
    target: MessageSink
    clock: Clock
    beat: Callable[..., None]
    _tasks: Sequence[MessageTask] = ()
    _events: int = 0
    _at: float = field(default=0.0)

    def run(self, stop: threading.Event, *, until_end: bool) -> dict[str, int]:
        """Send until stopped, or until nothing is left if ``until_end``; what was done, in figures."""
        self._tasks = [
            MessageTask(
                self.group,
                stream=self.stream,
                partition=partition,
                log=self.log,
                target=self.target,
                clock=self.clock,
                stop=stop,
            )
            for partition in range(self.log.partitions(self.stream))
        ]
        self._at = self.clock.monotonic()
        worker = Worker(self._tasks, log=self.log, clock=self.clock, stop=stop, every_second=self._every_second)
        worker.run(drained=lambda: until_end)
        return self._figures()

    def _figures(self) -> dict[str, int]:
        return {"events": sum(task.sent.events for task in self._tasks)}

    def _every_second(self, progress: Progress) -> None:
        now = self.clock.monotonic()
        rate = (progress.events - self._events) / max(now - self._at, 1e-6)
        self._events, self._at = progress.events, now
        says = [task.trouble or task.gap for task in self._tasks]
        figures: dict[str, Any] = {**self._figures(), "rate": round(rate, 1), "lag": progress.lag}
        self.beat(**figures, error="; ".join(dict.fromkeys(filter(None, says))))
