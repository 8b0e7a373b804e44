"""What is read from Kafka: each event once, in order, from any place, also after a restart."""

from __future__ import annotations

import zlib
from datetime import timedelta
from pathlib import Path

import pytest

import footfall
from footfall.core.errors import UsageError
from footfall.core.events import CLICKS, ENRICHED
from footfall.engine.windows import window_tasks
from footfall.log.base import Append, Place, StreamSettings
from footfall.log.kafka.reading import remembers
from footfall.processors.windows import Windowed
from tests.integration.kafkas import chunks, column, consume, make_topic, numbers, opened
from tests.integration.test_kafka_clients import kcat
from tests.servers.kafka import Kafka

ONE = StreamSettings(partitions=1)


@pytest.mark.parametrize("max_rows", [2, 7, 100])
def test_events_that_were_written_twice_are_read_once(max_rows: int, kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        for first, rows in ((0, 10), (4, 6), (10, 5), (0, 15), (15, 1)):
            log.append([Append("s", 0, numbers(first, rows), first)])

        assert column(chunks(log, "s", max_rows=max_rows), "n") == list(range(16))


@pytest.mark.parametrize("place", [3, 10, 12, 17])
def test_a_reader_that_starts_in_the_middle_knows_what_came_before(place: int, kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        for first, rows in ((0, 10), (4, 6), (10, 5)):  # offsets 0 to 9, 10 to 15, 16 to 20
            log.append([Append("s", 0, numbers(first, rows))])
    with opened(kafka, tmp_path) as again:
        found = column(chunks(again, "s", place=Place(place)), "n")

    whole = [*range(10), *range(4, 10), *range(10, 15)]
    seen = set(whole[:place])
    assert found == [n for n in dict.fromkeys(whole[place:]) if n not in seen]


def test_a_read_ends_before_an_offset_and_goes_on_there(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create("s", ONE)
        log.append([Append("s", 0, numbers(0, 10), 5)])
        log.append([Append("s", 0, numbers(10, 10), 6)])
        first = log.read("s", 0, Place(), before=13)
        rest = log.read("s", 0, first.place)

    assert column(first.chunks, "n") == [*range(10), 10, 11]
    assert column(rest.chunks, "n") == list(range(12, 20))


def test_streams_whose_ids_come_again_on_purpose_are_not_thinned_out() -> None:
    assert [remembers(name) for name in (CLICKS, "failed-events", "offers-shown", "f.retry")] == [False] * 4
    assert [remembers(name) for name in (ENRICHED, "sessions", "special-offers", "of-a-user")] == [True] * 4


def test_librdkafkas_own_choice_of_a_partition_is_ours(kafka: Kafka, tmp_path: Path) -> None:
    topic = f"{tmp_path.name}.s"
    make_topic(kafka, topic, partitions=3)
    users = [f"üser-{number}" for number in range(30)]
    kcat(kafka, "-P", "-t", topic, "-K", "\t", given="".join(f"{user}\t{{}}\n" for user in users))

    found = {(message.key() or b"").decode(): message.partition() for message in consume(kafka, topic, 30)}
    assert found == {user: zlib.crc32(user.encode()) % 3 for user in users}


def test_windows_over_several_partitions_are_refused_and_those_of_a_visitor_are_not(
    kafka: Kafka, tmp_path: Path
) -> None:
    def windows(*keys: str) -> Windowed:
        minute = footfall.Tumbling(timedelta(minutes=1))
        return Windowed(name="w", to="counts", window=minute, keys=keys, aggregates={"visits": footfall.Count()})

    with opened(kafka, tmp_path) as log:
        log.create(ENRICHED, StreamSettings(partitions=2))
        with pytest.raises(UsageError, match=r"not exact.*userId among their keys"):
            window_tasks(windows("category"), log=log, partition=0, lateness=timedelta())
        assert len(window_tasks(windows("userId"), log=log, partition=0, lateness=timedelta())) == 1
