"""A write that is given up leaves nothing of itself behind what it left out: tried again, all stands in its order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Producer

from footfall.core.clock import SystemClock
from footfall.core.errors import Unavailable
from footfall.core.events import Batch
from footfall.log.base import Append, StreamSettings
from footfall.log.codecs.json import JsonCodec
from footfall.log.kafka import KafkaSettings
from footfall.log.kafka.topics import Topics
from footfall.log.kafka.writing import Writer
from tests.integration.kafkas import chunks, column, numbers, opened
from tests.servers.kafka import Kafka

STREAM: Final = "numbers"
SESSION: Final = 1.5
"""Seconds; the client gives a message up after 1.2 of them."""
GROUPS: Final = 30
EACH: Final = 10
GAP: Final = 0.05
"""Seconds from one group of messages to the next: the last are handed over 1.45 seconds after the first."""
BACK: Final = 1.9
"""Seconds after which the broker is back: the first messages are too old for the client by then, the last are not."""


class SlowCodec(JsonCodec):
    """Hands the messages of its first batch over in groups, with time in between."""

    _slow = True

    def encode(self, stream: str, batch: Batch) -> Sequence[bytes]:
        messages = super().encode(stream, batch)
        slow, self._slow = self._slow, False
        return _Slowly(messages) if slow else messages


class _Slowly(list[bytes]):
    def __iter__(self) -> Iterator[bytes]:
        for number, message in enumerate(super().__iter__()):
            if number and number % EACH == 0:
                threading.Event().wait(GAP)
            yield message


class PatientWriter(Writer):
    """Planted bug: waits until the client itself has given up, or sent, each message."""

    def _wait(self, producer: Producer, sending: dict[tuple[str, int], Any], until: float) -> None:
        while any(one.waits for one in sending.values()):
            producer.poll(0.02)
        super()._wait(producer, sending, until)


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


def written_while_it_froze(broker: Kafka, directory: Path, kind: type[Writer] = Writer) -> list[int]:
    """What a topic holds, in its order, after a write while the broker froze that was tried until it went through."""
    settings = KafkaSettings.parse(f"kafka://{broker.address}?prefix={directory.name}.&session_seconds={SESSION}")
    topics = Topics(settings)
    topics.create(STREAM, StreamSettings(partitions=1))
    writer = kind(settings, topics, SlowCodec(), clock=SystemClock())
    broker.freeze()
    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(again, lambda: writer.write([Append(STREAM, 0, numbers(0, GROUPS * EACH))]))
        threading.Event().wait(BACK)
        broker.thaw()
        failures = trying.result(timeout=60)
    writer.close()
    assert failures, "the write went through: this shows nothing"
    with opened(broker, directory) as log:
        log.declare(STREAM, numbers(0, 1).schema)
        return column(chunks(log, STREAM), "n")


def again(call: Callable[[], Any]) -> int:
    """Try until it works; how often it did not."""
    failures = 0
    while True:
        try:
            call()
        except Unavailable:
            failures += 1
        else:
            return failures


@pytest.mark.timeout(120)
def test_what_is_tried_again_stands_in_its_order(broker: Kafka, tmp_path: Path) -> None:
    assert written_while_it_froze(broker, tmp_path) == list(range(GROUPS * EACH))


@pytest.mark.timeout(120)
def test_to_wait_for_the_client_to_give_up_each_message_is_found(broker: Kafka, tmp_path: Path) -> None:
    def orders() -> Iterator[list[int]]:
        for number in range(4):  # it depends on when within a second the client looks at what is too old
            directory = tmp_path / f"{tmp_path.name}-{number}"
            directory.mkdir()
            yield written_while_it_froze(broker, directory, PatientWriter)

    found = next(order for order in orders() if order != sorted(order))
    assert sorted(found) == list(range(GROUPS * EACH))
