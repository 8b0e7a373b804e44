"""Turns a place in a topic into the messages from there on: one consumer for all partitions that are read.

Reading goes on where it stopped, most of the time: then messages have been fetched before they are asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from footfall.core.clock import Clock
from footfall.core.errors import FootfallError, OffsetOutOfRange, Unavailable
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.marks import offset_of
from footfall.log.kafka.settings import KafkaSettings

Key = tuple[str, int]
"""Topic and partition."""

_HELD: Final = 200_000
"""A partition with more messages in memory than this is not fetched from for the moment."""
_AT_A_TIME: Final = 20_000
_ANSWER: Final = 20.0
"""Seconds after which a broker that sends nothing, although it has something, is said to be away."""
_IDLE: Final = 60.0
"""Seconds after which a partition that nobody reads is let go."""


@dataclass(slots=True)
class _Cursor:
    """A partition that is being read."""

    next: int
    """The offset of the first message that nobody took yet."""
    used: float
    held: deque[Message] = field(default_factory=deque)
    paused: bool = False
    eof: int = -1
    """Up to here there was nothing more, when the client last came to the end: marks of transactions take offsets."""


class Fetcher:
    """Fetches messages. Threads take turns."""

    def __init__(self, settings: KafkaSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._cursors: dict[Key, _Cursor] = {}
        options: dict[str, Any] = {
            **settings.common,
            "group.id": f"{settings.prefix}footfall-reader",  # the client wants one; nothing is committed under it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 250,
            "fetch.min.bytes": 1,
            "max.partition.fetch.bytes": 4 << 20,
            "fetch.max.bytes": 32 << 20,
            "fetch.message.max.bytes": 4 << 20,
            "queued.max.messages.kbytes": 32 << 10,
            "fetch.queue.backoff.ms": 10,
        }
        self._consumer = Consumer(options)
        # A broker answers a connection's requests one after the other: a question would wait for the messages that
        # the consumer has asked for, and that do not come.
        self._asking = Consumer({**settings.common, "group.id": options["group.id"], "enable.auto.commit": False})

    def bounds(self, key: Key) -> tuple[int, int]:
        """The first offset that is kept, and the one that the next message will get, as the broker says now."""
        with self._errors(key):
            low, high = self._asking.get_watermark_offsets(TopicPartition(*key), timeout=_ANSWER)
        return int(low), int(high)

    def take(self, key: Key, offset: int, most: int, *, before: int | None = None) -> list[Message]:
        """The next messages, in order, at most so many; none if there are none yet.

        Raises OffsetOutOfRange when the topic does not hold the offset, nor will give it next.
        """
        with self._lock:
            cursor = self._at(key, offset)
            if not cursor.held:
                self._pull(0.0)
            if not cursor.held:
                self._wait_for(cursor, key, self._end(key, offset))
            if len(cursor.held) < most:
                self._pull(0.0)
            return self._taken(key, cursor, most, before)

    def take_held(self, key: Key, offset: int, most: int, *, before: int | None = None) -> list[Message]:
        """The same, but only of what has been fetched already."""
        with self._lock:
            cursor = self._cursors.get(key)
            if cursor is None or cursor.next != offset:
                return []
            if not cursor.held:
                self._pull(0.0)
            return self._taken(key, cursor, most, before)

    def wait(self, places: Mapping[Key, int], *, timeout: float) -> bool:
        """Block until one of these places has something; False after ``timeout`` seconds."""
        deadline = self._clock.monotonic() + timeout
        with self._lock:
            cursors = [self._at(key, offset) for key, offset in places.items()]
            for cursor, (key, offset) in zip(cursors, places.items(), strict=True):
                if not cursor.held and cursor.eof < offset < self.bounds(key)[1]:
                    return True  # on its way
            while not any(cursor.held for cursor in cursors):
                left = deadline - self._clock.monotonic()
                self._pull(max(left, 0.0))
                if left <= 0:
                    return any(cursor.held for cursor in cursors)
            return True

    def put_back(self, key: Key, messages: list[Message]) -> None:
        """Give messages back that were taken last and are not wanted yet."""
        with self._lock:
            cursor = self._cursors.get(key)
            if cursor is not None and messages:
                cursor.held.extendleft(reversed(messages))
                cursor.next = offset_of(messages[0])

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            self._consumer.close()
            self._asking.close()

    # -- partitions ---------------------------------------------------------------------------------------

    def _at(self, key: Key, offset: int) -> _Cursor:
        """The partition's cursor, moved to the offset if it stands elsewhere."""
        now = self._clock.monotonic()
        cursor = self._cursors.get(key)
        if cursor is None or cursor.next != offset:
            self._cursors.pop(key, None)  # if this fails, the next reader begins anew
            with self._errors(key):
                if cursor is not None:
                    self._consumer.incremental_unassign([TopicPartition(*key)])
                self._consumer.incremental_assign([TopicPartition(*key, offset)])
            cursor = self._cursors[key] = _Cursor(offset, now)
        cursor.used = now
        self._let_go(now)
        return cursor

    def _let_go(self, now: float) -> None:
        idle = [key for key, cursor in self._cursors.items() if now - cursor.used > _IDLE]
        for key in idle:
            with self._errors(key):
                self._consumer.incremental_unassign([TopicPartition(*key)])
            del self._cursors[key]

    def _taken(self, key: Key, cursor: _Cursor, most: int, before: int | None) -> list[Message]:
        held = cursor.held
        if len(held) <= most and (before is None or not held or offset_of(held[-1]) < before):
            taken = list(held)
            held.clear()
        else:
            taken = []
            while held and len(taken) < most and (before is None or offset_of(held[0]) < before):
                taken.append(held.popleft())
        if taken:
            cursor.next = offset_of(taken[-1]) + 1
        if cursor.paused and len(held) < _HELD // 2:
            self._consumer.resume([TopicPartition(*key)])
            cursor.paused = False
        return taken

    # -- messages -----------------------------------------------------------------------------------------

    def _pull(self, timeout: float) -> None:
        """Take what the client has fetched, waiting for the first of it."""
        with our_errors(self._settings.brokers, "Read"):
            if timeout:
                first = self._consumer.poll(timeout)
                if first is None:
                    return
                self._keep([first])
            self._keep(self._consumer.consume(_AT_A_TIME, 0.0))

    def _keep(self, messages: list[Message]) -> None:
        # Mapped methods of the client run without Python code for a message.
        wrong = (
            [message for message in messages if message.error() is not None]
            if any(map(Message.error, messages))
            else []
        )
        if wrong:
            messages = [message for message in messages if message.error() is None]
        places: list[Any] = list(zip(map(Message.topic, messages), map(Message.partition, messages), strict=True))
        for key in set(places):
            cursor = self._cursors.get(key)
            own = messages if places.count(key) == len(places) else list(compress(messages, map(key.__eq__, places)))
            if cursor is not None:
                expected = offset_of(cursor.held[-1]) + 1 if cursor.held else cursor.next
                if offset_of(own[0]) < expected:  # fetched before the place was changed
                    own = [message for message in own if offset_of(message) >= expected]
                cursor.held.extend(own)
        for key, cursor in self._cursors.items():
            if len(cursor.held) > _HELD and not cursor.paused:
                self._consumer.pause([TopicPartition(*key)])
                cursor.paused = True
        for message in wrong:  # when all that is good is kept
            self._complain(message, self._cursors.get((str(message.topic()), int(message.partition() or 0))))

    def _complain(self, message: Message, cursor: _Cursor | None) -> None:
        error = message.error()
        if error is None or cursor is None or error.retriable():
            return
        if error.code() == KafkaError._PARTITION_EOF:
            cursor.eof = message.offset() or -1
            return []
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            cursor.next = -1  # the next reader sees for itself what is wrong with its place
            return []
        if error.code() in {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE}:
            return []  # the client goes on trying; who waits in vain says so
        return [failure(error, self._settings.brokers, f"Read {message.topic()}-{message.partition()}")]

    def _end(self, key: Key, offset: int) -> int:
        """The offset that the next message will get, if this one is within bounds."""
        low, high = self.bounds(key)
        where = f"{key[0]}-{key[1]}"
        if offset < low:
            raise OffsetOutOfRange(
                f"Offset {offset} of {where} is gone: retention removed it.",
                remedy=f"The first offset there is: {low}.",
            )
        if offset > high:
            raise OffsetOutOfRange(
                f"Offset {offset} of {where} does not exist: the next event will have offset {high}.",
                remedy="Has the topic been deleted and made again? See `footfall rebuild`.",
            )
        return high

    def _wait_for(self, cursor: _Cursor, key: Key, end: int) -> None:
        """Wait until there is something, or nothing before the end."""
        deadline = self._clock.monotonic() + _ANSWER
        while not cursor.held and max(cursor.next, cursor.eof) < end:
            self._pull(0.1)
            if cursor.next == -1:
                del self._cursors[key]
                raise Unavailable(f"{key[0]}-{key[1]} was changed while it was read.", remedy="Try again.")
            if self._clock.monotonic() > deadline:
                raise Unavailable(
                    f"Kafka at {self._settings.brokers} has more of {key[0]}-{key[1]}, but does not send it.",
                    remedy="It is tried again.",
                )

    def _errors(self, key: Key) -> Any:
        return our_errors(self._settings.brokers, f"Read {key[0]}-{key[1]}")
