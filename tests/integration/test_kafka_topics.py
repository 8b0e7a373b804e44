"""Topics: made as the pipeline needs them, kept as long as it says, and not mistaken for others of the same name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from footfall import wiring
from footfall.core.clock import ManualClock
from footfall.core.errors import Failure, FootfallError, OffsetOutOfRange, Unavailable
from footfall.core.events import CLICKS
from footfall.log.base import Append, Place, StreamSettings
from footfall.log.checkpoints.embedded import EmbeddedCheckpoints
from footfall.log.codecs.json import JsonCodec
from footfall.log.kafka import KafkaLog, KafkaSettings
from tests.e2e.serving import free_port
from tests.integration.kafkas import TIMEOUT, admin, chunks, column, delete_topic, make_topic, numbers, opened
from tests.observing import footfall
from tests.servers.kafka import Kafka
from tests.unit.streams import START, clicks

HOUR = 3_600_000
ONE = StreamSettings(partitions=1)


def test_a_topic_has_the_streams_partitions_and_limits(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", StreamSettings(partitions=3, keep_for=timedelta(days=2), keep_bytes=3_000_000))
        info = log.info("s").settings
    client, resource = admin(kafka), ConfigResource(ResourceType.TOPIC, f"{tmp_path.name}.s")
    config = client.describe_configs([resource])[resource].result(TIMEOUT)

    assert info == StreamSettings(partitions=3, keep_for=timedelta(days=2), keep_bytes=3_000_000)
    assert {name: config[name].value for name in ("retention.ms", "retention.bytes", "message.timestamp.type")} == {
        "retention.ms": "-1",
        "retention.bytes": "1000000",
        "message.timestamp.type": "CreateTime",
    }
    assert int(config["max.message.bytes"].value) >= 8 << 20


def test_a_topic_of_others_keeps_its_partitions_and_gets_the_limit(kafka: Kafka, tmp_path: Path) -> None:
    make_topic(kafka, f"{tmp_path.name}.s", partitions=5)
    with opened(kafka, tmp_path) as log:
        log.create("s", StreamSettings(partitions=2, keep_bytes=5_000_000))

        assert log.info("s").settings.partitions == 5
        assert log.info("s").settings.keep_bytes == 5_000_000


def test_events_go_by_when_they_were_appended_and_not_by_their_own_time(kafka: Kafka, tmp_path: Path) -> None:
    clock = ManualClock(START + 400 * 24 * HOUR)
    with opened(kafka, tmp_path, clock=clock) as log:
        log.create(CLICKS, StreamSettings(partitions=1, keep_for=timedelta(hours=10)))
        log.append([Append(CLICKS, 0, clicks([{"id": "old", "timestamp": START}]))])
        assert log.enforce_retention() == 0
        clock.advance(timedelta(hours=6).total_seconds())
        log.append([Append(CLICKS, 0, clicks([{"id": "new", "timestamp": START - HOUR}]))])
        assert log.enforce_retention() == 0
        assert len(column(chunks(log), "userId")) == 2, "clicks of last year stay"

        clock.advance(timedelta(hours=5).total_seconds())
        assert log.enforce_retention() == 1
        assert [time.timestamp() * 1000 for time in column(chunks(log), "timestamp")] == [START - HOUR]
        with pytest.raises(OffsetOutOfRange, match=r"retention removed it.*first offset there is: 1"):
            log.read(CLICKS, 0, Place(0))

        clock.advance(timedelta(hours=6).total_seconds())
        log.enforce_retention()
        assert chunks(log) == []


def test_a_shorter_topic_of_the_same_name_is_noticed_when_it_is_read(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        log.append([Append("s", 0, numbers(0, 9))])
        delete_topic(kafka, f"{tmp_path.name}.s")
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)

        with pytest.raises(OffsetOutOfRange, match=r"deleted and made again.*footfall rebuild"):
            log.read("s", 0, Place(9))


def test_a_longer_topic_of_the_same_name_is_noticed_when_the_log_is_opened(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix={tmp_path.name}.")
    wiring.open_log(tmp_path).close()
    wiring.open_log(tmp_path).close()
    delete_topic(kafka, f"{tmp_path.name}.{CLICKS}")
    make_topic(kafka, f"{tmp_path.name}.{CLICKS}", partitions=2)

    with pytest.raises(Failure, match=r"click-data was deleted and made again.*footfall rebuild"):
        wiring.open_log(tmp_path)
    footfall("rebuild", "--data-dir", tmp_path)
    wiring.open_log(tmp_path).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "nosuch.invalid"])
def test_a_broker_that_is_not_there_is_said_within_half_a_minute(host: str, tmp_path: Path) -> None:
    address = f"{host}:{free_port()}"
    checkpoints = EmbeddedCheckpoints(tmp_path)
    begun = monotonic()
    with (
        KafkaLog(KafkaSettings.parse(f"kafka://{address}"), codec=JsonCodec(), checkpoints=checkpoints) as log,
        pytest.raises(Unavailable, match=rf"List topics: Kafka at {address} .*Is it running, and is the address right"),
    ):
        log.names()

    assert monotonic() - begun < 30


def test_a_name_that_no_topic_can_have_is_refused(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log, pytest.raises(FootfallError, match="cannot be a stream's name"):
        log.create("a b", ONE)
