"""What is written to Kafka is acknowledged, all of it, and stands there as other programs expect it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from footfall.core.errors import Failure
from footfall.core.events import CLICKS
from footfall.log.base import Append, Commit, Place, Position, StreamSettings
from footfall.log.kafka.marks import mark_of
from tests.integration.kafkas import chunks, column, consume, make_topic, numbers, opened
from tests.servers.kafka import Kafka
from tests.unit.streams import START, clicks

ONE: Final = StreamSettings(partitions=1)
LARGE: Final = random.Random(1).randbytes(4_000).hex()
"""More than 2,000 bytes, compressed too."""


def test_a_messages_key_is_the_visitor_and_its_time_the_events(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, clicks([{"userId": "ada"}, {"userId": "böb", "timestamp": START + 1}]))])

    messages = consume(kafka, f"{tmp_path.name}.{CLICKS}", 2)

    assert [message.key() for message in messages] == [b"ada", "böb".encode()]
    assert [message.timestamp()[1] for message in messages] == [START, START + 1]
    assert [json.loads(message.value() or b"")["userId"] for message in messages] == ["ada", "böb"]


def test_a_watermark_is_a_message_without_key_and_value(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        log.append([Append("s", 0, numbers(0, 1), 77)])

    _, mark = consume(kafka, f"{tmp_path.name}.s", 2)

    assert (mark.key(), mark.value()) == (None, None)
    found = mark_of(mark)
    assert found is not None
    assert found.watermark == 77


def test_several_batches_for_one_partition_are_all_acknowledged_in_their_order(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        sizes = [3, 1, 0, 2, 1]
        appends, first = [], 0
        for size in sizes:
            appends.append(Append("s", 0, numbers(first, size), 9 if size != 2 else None))
            first += size
        committed = log.commit(Commit(outputs=appends, positions=[Position("g", "s", 0, Place(), Place(-1, -1))]))

        assert list(committed.offsets) == [0, 4, 6, 7, 9]
        assert committed.ends == {("s", 0): Place(11)}
        assert log.place("s", 0, at="latest") == log.position("g", "s", 0) == Place(11)
        assert column(chunks(log, "s"), "n") == list(range(7))


@pytest.mark.parametrize("large", [0, 1, 2])
@pytest.mark.parametrize("watermark", [None, 5])
def test_a_message_that_the_broker_refuses_fails_the_write_wherever_it_stands(
    large: int, watermark: int | None, kafka: Kafka, tmp_path: Path
) -> None:
    make_topic(kafka, f"{tmp_path.name}.s", config={"max.message.bytes": "2000"})
    texts = [LARGE if number == large else "x" for number in range(3)]
    batches = [pa.RecordBatch.from_pydict({"t": [text]}) for text in texts]
    with opened(kafka, tmp_path) as log:
        for batch in batches[:large]:  # one by one, since a batch is refused as a whole
            log.append([Append("s", 0, batch, watermark)])
        with pytest.raises(Failure, match=r"Write to s-0.*larger.*max\.message\.bytes"):
            log.append([Append("s", 0, batches[large], watermark)])


def test_a_refused_first_message_of_a_batch_is_an_error_too(kafka: Kafka, tmp_path: Path) -> None:
    make_topic(kafka, f"{tmp_path.name}.s", config={"max.message.bytes": "2000"})
    rows = pa.RecordBatch.from_pydict({"t": [LARGE, LARGE]})
    with opened(kafka, tmp_path) as log, pytest.raises(Failure, match="larger"):
        log.append([Append("s", 0, rows, 5)])
