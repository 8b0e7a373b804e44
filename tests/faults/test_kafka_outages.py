"""A log on Kafka goes through restarts and time-outs of the broker: each call works again afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from footfall.core.clock import SystemClock
from footfall.core.errors import Failure, Unavailable
from footfall.core.events import CART, CLICKS, FAILED
from footfall.engine.sinking import SINKS, Sinking
from footfall.log.base import Append, Place, StreamSettings
from footfall.log.kafka import KafkaLog
from footfall.sinks.sqlite import SqliteTables
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
    again(lambda: append(log, 1))  # a new topic's first write, on a loaded machine, may itself take too long
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


@pytest.mark.slow
def test_a_sink_waits_for_a_broker_that_was_killed_and_goes_on(broker: Kafka, tmp_path: Path) -> None:
    """It tries again by itself: what it had to do once a second ended it."""
    stop, beats = threading.Event(), list[dict[str, Any]]()
    address = f"kafka://{broker.address}?prefix={tmp_path.name}.&session_seconds={SESSION}"
    with (
        open_log(address, tmp_path) as log,
        SqliteTables(tmp_path / "tables.db") as tables,
        ThreadPoolExecutor(1) as pool,
    ):
        for stream in (CLICKS, CART, FAILED):
            log.create(stream, StreamSettings(partitions=2))
        service = Sinking(
            sink=SINKS["cart"],
            log=log,
            target=tables,
            clock=SystemClock(),
            random=Random(3).randbytes,
            beat=lambda **figures: beats.append(figures),
        )
        done = pool.submit(service.run, stop, until_end=False)
        try:
            until(lambda: beats or done.done(), what="it is at work")
            broker.kill()
            until(lambda: beats[-1]["error"] or done.done(), what="it says what is wrong")
            broker.start()
            until(lambda: not beats[-1]["error"] or done.done(), what="it goes on")
            assert not done.done(), done.exception()
        finally:
            stop.set()
        assert done.result()["events"] == 0
