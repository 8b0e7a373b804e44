"""A log on Kafka goes through restarts and time-outs of the broker: each call works again afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from footfall.core.errors import Failure, Unavailable
from footfall.log.base import Append, Place, StreamSettings
from footfall.log.kafka import KafkaLog
from tests.contracts.test_kafka_log import open_log
from tests.servers.kafka import Kafka
from tests.servers.process import until

STREAM = "numbers"
SESSION = 2.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


@pytest.fixture
def log(broker: Kafka, tmp_path: Path) -> Iterator[KafkaLog]:
    address = f"kafka://{broker.address}?prefix={tmp_path.name}.&session_seconds={SESSION}"
    with open_log(address, tmp_path) as opened:
        opened.create(STREAM, StreamSettings(partitions=1))
        yield opened


def append(log: KafkaLog, *numbers: int) -> None:
    log.append([Append(STREAM, 0, pa.RecordBatch.from_pydict({"event_id": [b"%d" % n for n in numbers]}))])


def numbers(log: KafkaLog, place: Place) -> list[int]:
    read = log.read(STREAM, 0, place)
    return [int(text) for chunk in read.chunks for text in chunk.batch.column("event_id").to_pylist()]


def again(call: Callable[[], Any]) -> None:
    """As a service does: until it works."""

    def works() -> bool:
        try:
            call()
        except Unavailable:
            return False
        return True

    until(works, what="it works again", seconds=30)


@pytest.mark.slow
def test_after_a_restart_of_the_broker_all_is_known_at_once_that_was_known_before(broker: Kafka, log: KafkaLog) -> None:
    append(log, 1, 2)
    assert numbers(log, Place()) == [1, 2]
    before = log.info(STREAM)
    broker.kill()
    broker.start()
    assert log.info(STREAM) == before
    again(lambda: append(log, 3))
    assert numbers(log, Place(2)) == [3]


@pytest.mark.slow
def test_a_log_whose_writes_timed_out_writes_again_when_the_broker_is_back(broker: Kafka, log: KafkaLog) -> None:
    append(log, 1)
    broker.freeze()
    with pytest.raises(Unavailable):
        append(log, *range(2, 500))
    broker.thaw()
    again(lambda: append(log, *range(2, 500)))
    end = log.place(STREAM, 0, at="latest")
    place, seen = Place(), list[int]()
    while place != end:
        read = log.read(STREAM, 0, place)
        seen += [int(text) for chunk in read.chunks for text in chunk.batch.column("event_id").to_pylist()]
        place = read.place
    assert seen == list(range(1, 500)), "what came twice is read once"


def test_a_batch_of_which_only_the_first_message_is_refused_is_refused(broker: Kafka, log: KafkaLog) -> None:
    large = pa.RecordBatch.from_pydict({"event_id": [b"1", b"2"], "text": ["x" * (9 << 20), "y"]})
    log.create("texts", StreamSettings(partitions=1))
    with pytest.raises(Failure, match="larger than Kafka"):
        log.append([Append("texts", 0, large)])
    log.append([Append("texts", 0, large.slice(1))])
