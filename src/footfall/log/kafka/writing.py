"""Turns batches into messages that the brokers have acknowledged, one a row, with a mark after a batch that has one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from confluent_kafka import Message, Producer

from footfall.core.clock import Clock
from footfall.core.errors import FootfallError, Unavailable
from footfall.core.events import SCHEMAS, Batch, key_of
from footfall.log.base import Append, Committed, Place
from footfall.log.codecs.base import Codec
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.marks import Mark, offset_of
from footfall.log.kafka.settings import KafkaSettings
from footfall.log.kafka.topics import LARGEST, Topics

_POLL: Final = 0.02
PATIENCE: Final = 0.75
"""Of the delivery time-out, after which a write is given up as a whole.

The client gives up message by message: the first of a write may be too old just when the brokers are back, and those
behind it be written without it. When it is tried again, it stands behind them, and a visitor's clicks are out of order.
"""


@dataclass(slots=True)
class _Sending:
    """The messages of one write to one partition, and what became of them."""

    reports: dict[Any, Message] = field(default_factory=dict)
    """The latest message by its error; None for those that were acknowledged."""
    firsts: list[dict[Any, Message]] = field(default_factory=list)
    """The same for the first message of each batch alone, which tells its offset."""
    lasts: list[dict[Any, Message]] = field(default_factory=list)
    """The same for the last one of each batch: reports of a partition come in order, so all others are in by then."""

    @property
    def waits(self) -> bool:
        """Whether some message has neither been acknowledged nor given up."""
        return not all(self.lasts)

    @property
    def error(self) -> Any:
        """What went wrong first; None if nothing has yet."""
        failed = (error for one in (self.reports, *self.firsts, *self.lasts) for error in one if error is not None)
        return next(failed, None)


class Writer:
    """Appends to topics. Threads share it."""

    def __init__(self, settings: KafkaSettings, topics: Topics, codec: Codec, *, clock: Clock) -> None:
        self._settings = settings
        self._topics = topics
        self._codec = codec
        self._clock = clock
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def write(self, appends: Sequence[Append]) -> Committed:
        """Send batches, and wait until all of it is acknowledged by all replicas in sync.

        Raises Unavailable if one message is not: those before it, of the same partition, may be there all the same.
        """
        if not appends:
            return Committed((), {})
        messages = [self._codec.encode(append.stream, append.batch) for append in appends]
        sending: dict[tuple[str, int], _Sending] = {}
        producer = None
        try:
            with our_errors(self._settings.brokers, "Write"):
                with self._lock:  # so that the messages of a batch stand together
                    producer = self._producer = self._producer or Producer(self._options())
                    until = self._clock.monotonic() + PATIENCE * self._settings.delivery.total_seconds()
                    firsts = [
                        self._send(producer, a, m, sending, until) for a, m in zip(appends, messages, strict=True)
                    ]
                self._wait(producer, sending, until)
        except FootfallError:
            self._give_up(producer)
            raise
        ends = {key: Place(offset_of(one.lasts[-1][None]) + 1) for key, one in sending.items()}
        return Committed([offset_of(first[None]) for first in firsts], ends)

    def _give_up(self, producer: Producer | None) -> None:
        """Take back what was not sent, before something of it is sent without what was to stand before it.

        A producer may never be usable again after an error, and does not say so with a message's report. Other threads
        keep it until they have their answers.
        """
        if producer is not None:
            producer.purge(blocking=False)  # what is sent until its threads have heard of it, is sent in its order
            if self._producer is producer:
                self._producer = None

    def close(self) -> None:
        """Let go of the connections. Nothing waits to be sent."""
        self._producer = None

    def _options(self) -> dict[str, Any]:
        return {
            **self._settings.common,
            "enable.idempotence": True,  # which means acks=all, and no message twice by the client's own doing
            "delivery.timeout.ms": round(self._settings.delivery.total_seconds() * 1000),
            "linger.ms": 2,
            "batch.num.messages": 10_000,
            "batch.size": 1 << 20,
            "message.max.bytes": LARGEST,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 256 << 10,
            "compression.type": "lz4",
        }

    def _send(
        self,
        producer: Producer,
        append: Append,
        messages: Sequence[bytes],
        sending: dict[tuple[str, int], _Sending],
        until: float,
    ) -> dict[Any, Message]:
        """Queue the messages of a batch; what becomes of its first one will be in the dict."""
        topic, partition = self._topics.topic(append.stream), append.partition
        this = sending.setdefault((append.stream, partition), _Sending())
        first: dict[Any, Message] = {}
        last: dict[Any, Message] = {}
        this.firsts.append(first)
        this.lasts.append(last)
        marked = append.watermark is not None or not messages
        # A dict's own method as callback: no Python code runs for a message.
        callbacks: list[Any] = [first.setdefault, *[this.reports.__setitem__] * (len(messages) - 1)] if messages else []
        if not marked:
            callbacks[-1] = last.__setitem__
        rows = zip(messages, _keys(append), self._times(append.batch), callbacks, strict=True)
        for message, key, time, callback in rows:
            while True:
                try:
                    producer.produce(topic, message, key, partition, on_delivery=callback, timestamp=time)
                    break
                except BufferError:
                    self._poll(producer, until)
        if marked:
            mark = Mark(append.watermark, self._clock.now_ms())
            producer.produce(
                topic,
                partition=partition,
                on_delivery=last.__setitem__,
                timestamp=mark.appended_ms,
                headers=mark.header(),
            )
        if not messages or (len(messages) == 1 and not marked):
            return last
        return first

    def _times(self, batch: Batch) -> list[int]:
        if "timestamp" in batch.schema.names and pa.types.is_timestamp(batch.schema.field("timestamp").type):
            times: list[int] = batch.column("timestamp").cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_pylist()
            return times
        return [self._clock.now_ms()] * batch.num_rows

    def _wait(self, producer: Producer, sending: dict[tuple[str, int], _Sending], until: float) -> None:
        while any(one.waits for one in sending.values()):
            self._check(sending)
            self._poll(producer, until)
        self._check(sending)

    def _check(self, sending: dict[tuple[str, int], _Sending]) -> None:
        for (stream, partition), one in sending.items():
            if one.error is not None:
                raise failure(one.error, self._settings.brokers, f"Write to {stream}-{partition}")

    def _poll(self, producer: Producer, until: float) -> None:
        """Take in reports for a moment. Raises Unavailable when it is too late for more."""
        producer.poll(_POLL)
        if self._clock.monotonic() > until:
            raise Unavailable(f"Kafka at {self._settings.brokers} has not answered.", remedy="It is tried again.")


def _keys(append: Append) -> list[bytes | None]:
    """The messages' keys: what decides on an event's partition."""
    name = key_of(append.stream)
    batch = append.batch
    if name not in batch.schema.names or (append.stream not in SCHEMAS and not _is_text(batch.schema.field(name).type)):
        return [None] * batch.num_rows
    column = batch.column(name)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    texts: list[bytes | None] = [None if text is None else text.encode() for text in column.dictionary.to_pylist()]
    return [texts[code] if code is not None else None for code in column.indices.to_pylist()]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)))
