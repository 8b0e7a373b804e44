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

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from footfall.core.clock import Clock
from footfall.core.errors import FootfallError, OffsetOutOfRange, Unavailable
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.marks import offset_of
from footfall.log.kafka.settings import KafkaSettings

Key = tuple[str, int]
"""Topic and partition."""

_HELD: Final = 200_000
"""A partition with more messages in memory than this is not fetched from for the moment."""
_HELD_BYTES: Final = 64 << 20
"""Nor one whose messages take more than this."""
_NOT_KNOWN_YET: Final = (
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)
_AT_A_TIME: Final = 20_000
_ANSWER: Final = 20.0
"""Seconds after which a broker that sends nothing, although it has something, is said to be away."""
_ANSWER_WHILE_AWAY: Final = 1.0
"""The same for a question that follows one without an answer: who asks has others to serve."""
_IDLE: Final = 60.0
"""Seconds after which a partition that nobody reads is let go."""
_SLICE: Final = 0.02
"""Seconds for which one who waits keeps others from reading."""


@dataclass(slots=True)
class _Cursor:
    """A partition that is being read."""

    next: int
    """The offset of the first message that nobody took yet."""
    used: float
    held: deque[Message] = field(default_factory=deque)
    size: int = 0
    """Bytes of what is held."""
    paused: bool = False
    eof: int = -1
    """Up to here there was nothing more, when the client last came to the end: marks of transactions take offsets."""

    def full(self, share: float = 1.0) -> bool:
        """Whether so much of what may be held is held."""
        return len(self.held) > share * _HELD or self.size > share * _HELD_BYTES


class _Turns:
    """A lock whose holder, when it lets go and comes again, stands behind all who wait already."""

    def __init__(self) -> None:
        self._next = threading.Lock()
        self._now = threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._now.acquire()

    def __exit__(self, *_: object) -> None:
        self._now.release()


class Fetcher:
    """Fetches messages. Threads take turns."""

    def __init__(self, settings: KafkaSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = _Turns()
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
        # A broker answers in turn, and a fetch at the end of a topic only when something comes or the time is over:
        # questions go by a connection of their own.
        self._asking = Consumer({**settings.common, "group.id": options["group.id"], "enable.auto.commit": False})
        self._patience = _ANSWER

    def bounds(self, key: Key) -> tuple[int, int]:
        """The first offset that is kept, and the one that the next message will get, as the broker says now."""
        with self._errors(key):
            try:
                low, high = self._ask_bounds(key)
            except KafkaException:
                self._patience = _ANSWER_WHILE_AWAY
                raise
        self._patience = _ANSWER
        return low, high

    def _ask_bounds(self, key: Key) -> tuple[int, int]:
        place, until = TopicPartition(*key), self._clock.monotonic() + self._patience
        try:
            low, high = self._asking.get_watermark_offsets(place, timeout=self._patience)
        except KafkaException as error:  # a topic that is new to this client: it learns of it, and asks again
            left = until - self._clock.monotonic()
            if error.args[0].code() not in _NOT_KNOWN_YET or left <= 0:
                raise
            self._asking.list_topics(key[0], timeout=left)
            low, high = self._asking.get_watermark_offsets(place, timeout=self._patience)
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
        asked: dict[Key, _Cursor] = {}
        while True:
            left = deadline - self._clock.monotonic()
            with self._lock:  # in slices: other threads want to read meanwhile
                cursors = {key: self._at(key, offset) for key, offset in places.items()}
                new = {key: cursor for key, cursor in cursors.items() if asked.get(key) is not cursor}
                if any(self._on_its_way(key, cursor) for key, cursor in new.items()):
                    return True
                asked |= new
                if not self._any_held(cursors):
                    self._pull(min(max(left, 0.0), _SLICE))
                if self._any_held(cursors) or left <= 0:
                    return self._any_held(cursors)

    def _on_its_way(self, key: Key, cursor: _Cursor) -> bool:
        """Whether there is something that has not been fetched yet."""
        return not cursor.held and cursor.eof < cursor.next < self.bounds(key)[1]

    @staticmethod
    def _any_held(cursors: Mapping[Key, _Cursor]) -> bool:
        return any(cursor.held for cursor in cursors.values())

    def put_back(self, key: Key, messages: list[Message]) -> None:
        """Give messages back that were taken last and are not wanted yet."""
        with self._lock:
            cursor = self._cursors.get(key)
            # Another thread may read elsewhere by now: then they are fetched again.
            if cursor is not None and messages and cursor.next == offset_of(messages[-1]) + 1:
                cursor.held.extendleft(reversed(messages))
                cursor.size += sum(map(len, messages))
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
            cursor.size = cursor.size - sum(map(len, taken)) if held else 0
        if cursor.paused and not cursor.full(0.5):
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
        wrong: list[Message] = []
        if any(map(Message.error, messages)):
            wrong = [message for message in messages if message.error() is not None]
            messages = [message for message in messages if message.error() is None]
        places: list[Any] = list(zip(map(Message.topic, messages), map(Message.partition, messages), strict=True))
        for key in set(places):
            own = messages if places.count(key) == len(places) else list(compress(messages, map(key.__eq__, places)))
            self._hold(key, own)
        for key, cursor in self._cursors.items():
            if cursor.full() and not cursor.paused:
                self._consumer.pause([TopicPartition(*key)])
                cursor.paused = True
        complaints = [one for message in wrong for one in self._complaint(message)]
        if complaints:  # once all that is good is kept: the client gives nothing twice
            raise complaints[0]

    def _hold(self, key: Key, messages: list[Message]) -> None:
        cursor = self._cursors.get(key)
        if cursor is None:
            return
        expected = offset_of(cursor.held[-1]) + 1 if cursor.held else cursor.next
        if offset_of(messages[0]) < expected:  # fetched before the place was changed
            messages = [message for message in messages if offset_of(message) >= expected]
        cursor.held.extend(messages)
        cursor.size += sum(map(len, messages))

    def _complaint(self, message: Message) -> list[FootfallError]:
        """What is wrong, if the reader must know."""
        error, cursor = message.error(), self._cursors.get((str(message.topic()), int(message.partition() or 0)))
        if error is None or cursor is None or error.retriable():
            return []
        if error.code() == KafkaError._PARTITION_EOF:
            end = message.offset()
            cursor.eof = -1 if end is None else end
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
