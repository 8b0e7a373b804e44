"""Threads of a process share one reader: who waits for more does not keep the others from reading."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from footfall.log.base import Append, Place, StreamSettings
from footfall.log.kafka import fetching
from tests.integration.kafkas import chunks, column, numbers, opened
from tests.servers.kafka import Kafka


@pytest.mark.alone
def test_others_read_while_one_waits(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        for stream in ("quiet", "busy"):
            log.create(stream, StreamSettings(partitions=1))
        place = Place()
        stop = threading.Event()

        def wait() -> None:
            while not stop.is_set():
                log.wait({("quiet", 0): Place()}, timeout=5.0)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait)
            begun = monotonic()
            for number in range(20):
                log.append([Append("busy", 0, numbers(number, 1))])
                place = log.read("busy", 0, place).place
            took = monotonic() - begun
            stop.set()
            log.append([Append("quiet", 0, numbers(0, 1))])
            waiting.result()

    assert place == Place(20)
    assert took < 5.0, "a read had to stand behind who waited"


def test_two_who_wait_at_different_places_of_a_partition_both_wake(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log, ThreadPoolExecutor(1) as pool:
        log.create("s", StreamSettings(partitions=1))
        log.append([Append("s", 0, numbers(0, 10))])
        late = pool.submit(log.wait, {("s", 0): Place(10)}, timeout=20.0)

        assert log.wait({("s", 0): Place(4)}, timeout=20.0)
        assert column(log.read("s", 0, Place(4)).chunks, "n") == [4, 5, 6, 7, 8, 9]
        log.append([Append("s", 0, numbers(10, 1))])
        assert late.result()


@pytest.mark.parametrize("bound", ["_HELD", "_HELD_BYTES"])
def test_a_partition_that_is_read_slowly_is_not_held_in_memory(
    bound: str, kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, bound, 1_000)
    monkeypatch.setattr(fetching, "_AT_A_TIME", 100)
    with opened(kafka, tmp_path) as log:
        for stream in ("slow", "other"):
            log.create(stream, StreamSettings(partitions=1))
        log.append([Append("slow", 0, numbers(0, 5_000))])
        begun = log.read("slow", 0, Place(), max_rows=10)
        for number in range(50):
            log.append([Append("other", 0, numbers(number, 1))])
            log.read("other", 0, Place(number))
        held = sum(len(cursor.held) for cursor in log._fetcher._cursors.values())

        assert held <= 1_200
        assert column(chunks(log, "slow", place=begun.place, max_rows=70), "n") == list(range(10, 5_000))


def test_a_partition_that_nobody_reads_is_let_go(kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(kafka, tmp_path) as log:
        for stream in ("once", "other"):
            log.create(stream, StreamSettings(partitions=1))
            log.append([Append(stream, 0, numbers(0, 9))])
        place = log.read("once", 0, Place(), max_rows=3).place
        monkeypatch.setattr(fetching, "_IDLE", 0.0)
        log.read("other", 0, Place())
        monkeypatch.undo()

        assert [topic for topic, _ in log._fetcher._cursors] == [f"{tmp_path.name}.other"]
        assert column(chunks(log, "once", place=place), "n") == list(range(3, 9))
