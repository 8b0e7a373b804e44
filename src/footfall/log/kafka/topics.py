"""Turns stream names into topics: makes them, and says what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from footfall.core.errors import Unavailable, UsageError
from footfall.core.events import is_internal
from footfall.log.base import StreamSettings
from footfall.log.kafka.errors import failure, our_errors
from footfall.log.kafka.settings import KafkaSettings

LARGEST: Final = 8 << 20
"""Bytes of a message: a failed event of 1 MiB, as JSON, and some more."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SECONDS: Final = 20.0
_PAUSE: Final = 0.05
_TRIES: Final = 400
_STALE: Final = (
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)
"""A broker was started again, and the client goes by what it knew of it before, until it asks for a topic anew."""
_FOR_EVER: Final = str((1 << 63) - 1)


class Topics:
    """The topics of one cluster under one prefix."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._denied: list[KafkaError] = []
        options: dict[str, Any] = {**settings.common, "error_cb": self._note}
        self._admin = AdminClient(options)
        self._partitions: dict[str, int] = {}

    def topic(self, stream: str) -> str:
        """The topic of a stream."""
        return self._settings.prefix + stream

    def partitions(self, stream: str) -> int:
        """How many a stream has. Raises UsageError, naming those there are, when there is no such stream."""
        if stream not in self._partitions:
            there = self.all()
            if stream not in there:
                names = [name for name in there if not is_internal(name)]
                raise UsageError(
                    f"There is no stream {stream!r}.",
                    remedy=f"There are: {', '.join(names)}." if names else "There are no streams yet.",
                )
            self._partitions.update(there)
        return self._partitions[stream]

    def check(self, stream: str, partition: int) -> None:
        """Raises UsageError if the stream does not have this partition."""
        count = self.partitions(stream)
        if not 0 <= partition < count:
            raise UsageError(f"Stream {stream!r} has no partition {partition}.", remedy=f"It has 0 to {count - 1}.")

    def all(self) -> dict[str, int]:
        """All streams by name, each with its number of partitions."""
        with self._errors("List topics"):
            found = self._admin.list_topics(timeout=_SECONDS).topics
        prefix = self._settings.prefix
        names = {
            name.removeprefix(prefix): len(topic.partitions)
            for name, topic in found.items()
            if name.startswith(prefix) and not name.startswith("__") and topic.error is None
        }
        return dict(sorted(names.items()))

    def create(self, stream: str, settings: StreamSettings) -> None:
        """Make a topic; one that is there keeps its partitions, and gets the settings' limits."""
        topic = self.topic(stream)
        if not _NAME.fullmatch(topic):
            raise UsageError(
                f"{stream!r} cannot be a stream's name.", remedy="Use letters, digits, dots, dashes and underscores."
            )
        if settings.partitions < 1:
            raise UsageError(f"Stream {stream!r} cannot have {settings.partitions} partitions.", remedy="1 or more.")
        config = self._config(settings, settings.partitions)
        new = NewTopic(topic, settings.partitions, self._settings.replication, config=config)
        try:
            with self._errors(f"Make topic {topic}"):
                self._admin.create_topics([new], operation_timeout=_SECONDS)[topic].result(_SECONDS)
        except Exception as error:
            cause = error.__cause__
            if not isinstance(cause, KafkaException) or cause.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            self._wait_for(topic, None)
            self._limit(stream, settings)
        else:
            self._wait_for(topic, settings.partitions)

    def _wait_for(self, topic: str, partitions: int | None) -> None:
        """Brokers hear of a new topic one after the other, and each of its partitions needs a leader."""
        for _ in range(_TRIES):
            with self._errors(f"Make topic {topic}"):
                found = self._admin.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
            if found and len(found) == (partitions or len(found)) and all(one.leader >= 0 for one in found.values()):
                return
            self._admin.poll(_PAUSE)
        raise Unavailable(
            f"Topic {topic} was made, but Kafka at {self._settings.brokers} does not have it ready.",
            remedy="It is tried again.",
        )

    def limits(self, stream: str) -> StreamSettings:
        """How a stream is cut, and how many bytes are kept."""
        partitions = self.partitions(stream)
        resource = ConfigResource(ResourceType.TOPIC, self.topic(stream))
        with self._errors(f"Describe topic {self.topic(stream)}"):
            found = self._admin.describe_configs([resource])[resource].result(_SECONDS)
        kept = int(found["retention.bytes"].value)
        return StreamSettings(partitions=partitions, keep_for=None, keep_bytes=None if kept < 0 else kept * partitions)

    def offsets(self, stream: str, *, latest: bool) -> tuple[int, ...]:
        """The first offset that is kept, or the next one that will be given, of each partition."""
        spec = OffsetSpec.latest() if latest else OffsetSpec.earliest()
        topic = self.topic(stream)
        asked = {TopicPartition(topic, number): spec for number in range(self.partitions(stream))}
        with self._errors(f"Ask for offsets of {topic}"):
            try:
                ends = self._offsets(asked)
            except KafkaException as error:
                if error.args[0].code() not in _STALE:
                    raise
                self._admin.list_topics(topic, timeout=_SECONDS)
                ends = self._offsets(asked)
        return tuple(ends[number] for number in sorted(ends))

    def _offsets(self, asked: dict[TopicPartition, OffsetSpec]) -> dict[int, int]:
        found = self._admin.list_offsets(asked, request_timeout=_SECONDS)
        return {one.partition: result.result(_SECONDS).offset for one, result in found.items()}

    def ids(self, streams: Sequence[str]) -> dict[str, str]:
        """What tells a topic from one of the same name that is made after it was deleted."""
        topics = [self.topic(stream) for stream in streams]
        with self._errors("Describe topics"):
            found = self._admin.describe_topics(TopicCollection(topics), request_timeout=_SECONDS)
            return {
                name.removeprefix(self._settings.prefix): str(result.result(_SECONDS).topic_id)
                for name, result in found.items()
            }

    def forget(self, stream: str, before: Mapping[int, int]) -> None:
        """Delete the events of these partitions before these offsets."""
        topic = self.topic(stream)
        asked = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        with self._errors(f"Delete old events of {topic}"):
            for result in self._admin.delete_records(asked, request_timeout=_SECONDS).values():
                result.result(_SECONDS)

    def _limit(self, stream: str, settings: StreamSettings) -> None:
        resource: Any = ConfigResource(
            ResourceType.TOPIC,
            self.topic(stream),
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in self._config(settings, self.partitions(stream)).items()
                if name == "retention.bytes"
            ],
        )
        with self._errors(f"Change topic {self.topic(stream)}"):
            self._admin.incremental_alter_configs([resource])[resource].result(_SECONDS)

    @staticmethod
    def _config(settings: StreamSettings, partitions: int) -> dict[str, str]:
        keep = -1 if settings.keep_bytes is None else max(settings.keep_bytes // partitions, 1)
        return {
            "cleanup.policy": "delete",
            # Kafka would count an event's age from its own time: a file of last year would go as soon as it came.
            # How long events are kept is Footfall's to see to (log.kafka.retention).
            "retention.ms": "-1",
            "retention.bytes": str(keep),
            "message.timestamp.type": "CreateTime",
            "message.timestamp.before.max.ms": _FOR_EVER,
            "message.timestamp.after.max.ms": _FOR_EVER,
            "max.message.bytes": str(LARGEST),
        }

    def _note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:
            self._denied.append(error)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """The client's errors as ours. It takes a wrong password for a broker that is away, and says it elsewhere."""
        try:
            with our_errors(self._settings.brokers, what):
                yield
        except Unavailable as error:
            self._denied.clear()
            self._admin.poll(0)
            if not self._denied:
                raise
            raise failure(self._denied[0], self._settings.brokers, what) from error
