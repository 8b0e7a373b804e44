"""Turns membership in a consumer group into the partitions that are this worker's, now.

The group only spreads partitions. Positions are kept with the state (see ``KafkaLog.commit``), and nothing is read
through this consumer: its partitions are paused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from footfall.core.clock import Clock
from footfall.core.errors import Fenced
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.settings import KafkaSettings

_ANSWER: Final = 20.0
_HEARTBEATS: Final = 4
"""So many in the time after which a silent worker is given up."""


class Membership:
    """One worker's place in a group. For one thread."""

    def __init__(self, settings: KafkaSettings, *, group: str, stream: str, clock: Clock) -> None:
        """Join the group that shares the partitions of this stream."""
        self._settings = settings
        self._clock = clock
        self._session = settings.session.total_seconds()
        self._owned: set[int] = set()
        self._changed = False
        self._seen = clock.monotonic()
        session = round(self._session * 1000)
        options: dict[str, Any] = {
            **settings.common,
            "group.id": settings.prefix + group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": session,
            "heartbeat.interval.ms": session // _HEARTBEATS,
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

        Raises Fenced when the last call was so long ago that others may have been given the partitions since.
        """
        self.check()
        with our_errors(self._settings.brokers, "Share partitions"):
            message = self._consumer.poll(0.0)
        if message is not None and (error := message.error()) is not None and error.fatal():
            raise failure(error, self._settings.brokers, "Share partitions")
        self._seen = self._clock.monotonic()
        if not self._changed:
            return None
        self._changed = False
        return sorted(self._owned)

    def check(self) -> None:
        """Raises Fenced when this worker has been silent for longer than the group waits."""
        silent = self._clock.monotonic() - self._seen
        if silent > self._session:
            raise Fenced(
                f"This worker stood still for {silent:.1f} s, and others wait for {self._session:g} s at most: "
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
        """Leave the group: others take over at once."""
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        self._owned |= {one.partition for one in partitions}
        self._changed = True

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self._owned -= {one.partition for one in partitions}
        self._changed = True
