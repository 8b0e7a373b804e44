"""Turns membership in a consumer group into the partitions that are this worker's, now.

The group only spreads partitions. Positions are kept with the state (see ``KafkaLog.commit``), and nothing is read
through this consumer: its partitions are paused.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from footfall.core.clock import Clock
from footfall.core.errors import Fenced
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.settings import KafkaSettings

_ANSWER: Final = 20.0
_SOON_MS: Final = 1_000
"""A member hears with a heartbeat that partitions are to be shared anew: others wait for that."""
_HEARTBEATS: Final = 4
"""So many in the time after which a silent worker is given up."""
_LOOKS: Final = 20
"""So often, in that time, a worker looks whether it has stood still."""


class Pulse:
    """Notices that the whole process stood still: frozen, swapped out, or on a machine that sleeps.

    A turn of the work that takes long is none: the client goes on telling the group that the worker lives.
    """

    def __init__(self, clock: Clock, every: float) -> None:
        self._clock = clock
        self._every = every
        self._over = threading.Event()
        self._at = clock.monotonic()
        self._longest = 0.0
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def longest(self) -> float:
        """Seconds of the longest standstill so far, also of one that has just ended."""
        return max(self._longest, self._clock.monotonic() - self._at)

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._clock.wait(self._every, self._over):
            now = self._clock.monotonic()
            self._longest = max(self._longest, now - self._at)
            self._at = now


class Membership:
    """One worker's place in a group. For one thread."""

    def __init__(self, settings: KafkaSettings, *, group: str, stream: str, clock: Clock) -> None:
        """Join the group that shares the partitions of this stream."""
        self._settings = settings
        self._session = settings.session.total_seconds()
        self._owned: set[int] = set()
        self._changed = False
        self._limit = self._session * (1 - 1 / _HEARTBEATS)
        """The group may have heard of this worker last so long before it stopped."""
        self._pulse = Pulse(clock, self._session / _LOOKS)
        session = round(self._session * 1000)
        options: dict[str, Any] = {
            **settings.common,
            "group.id": settings.prefix + group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": session,
            "heartbeat.interval.ms": min(session // _HEARTBEATS, _SOON_MS),
            "max.poll.interval.ms": 600_000,
        }
        with our_errors(settings.brokers, f"Join group {group}"):
            self._consumer = Consumer(options)
            self._topic = settings.prefix + stream
            self._consumer.subscribe(
                [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
            )

    def owned(self) -> Sequence[int] | None:
        """The partitions that are this worker's from now on, if that has changed since the last call; else None.

        Raises Fenced when this worker stood still for so long that others may have been given the partitions.
        """
        self.check()
        with our_errors(self._settings.brokers, "Share partitions"):
            message = self._consumer.poll(0.0)
        if message is not None and (error := message.error()) is not None and error.fatal():
            raise failure(error, self._settings.brokers, "Share partitions")
        if not self._changed:
            return None
        self._changed = False
        return sorted(self._owned)

    def check(self) -> None:
        """Raises Fenced when this worker has stood still for so long that the group may have given it up."""
        still = self._pulse.longest()
        if still > self._limit:
            raise Fenced(
                f"This worker stood still for {still:.1f} s, and others wait for {self._session:g} s at most: "
                "its partitions may be theirs by now.",
                remedy="It starts again. If that happens often, the machine is overloaded, or session_seconds short.",
            )

    def tell(self, places: Mapping[int, int]) -> None:
        """Say at which offset each partition is read next, so that other tools see the group's lag. Only a hint."""
        topic = self._topic
        told = [TopicPartition(topic, number, offset) for number, offset in places.items() if number in self._owned]
        if told:
            with suppress(KafkaException):  # a member that was just replaced, a broker that is away: the next time
                self._consumer.commit(offsets=told, asynchronous=True)

    def told(self, partition: int) -> int:
        """What was told last of a partition, by whomever; 0 if nothing was."""
        with our_errors(self._settings.brokers, "Ask for the group's offsets"):
            [found] = self._consumer.committed([TopicPartition(self._topic, partition)], timeout=_ANSWER)
        return max(int(found.offset), 0)

    def close(self) -> None:
        """Leave the group: others take over at once.

        The client waits a minute for the answer to what was told last, and goes on telling the group that this worker
        lives. So it is waited for as long as the group waits for a silent worker; then the process ends without it.
        """
        self._pulse.close()
        leaving = threading.Thread(target=self._consumer.close, name="leave", daemon=True)
        leaving.start()
        leaving.join(self._session)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        self._owned |= {one.partition for one in partitions}
        self._changed = True

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self._owned -= {one.partition for one in partitions}
        self._changed = True
