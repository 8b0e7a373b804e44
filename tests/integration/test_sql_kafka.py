"""A query on Kafka: a commit that failed between its rows and its places is done again, and readers see each row once.

The planted bugs at the end show that the tests would find it if it were not so.
"""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from footfall import wiring
from footfall.core.errors import Unavailable
from footfall.engine import queries, query_rows
from footfall.log.base import Append, Commit, DurableLog, Log, Place, Read, StreamSettings
from footfall.log.kafka import KafkaLog
from footfall.sql.standing import Output
from tests.integration.kafkas import opened
from tests.observing import ROOT, command, environment, footfall
from tests.servers.kafka import Kafka
from tests.servers.redis import Redis
from tests.unit.querying import COUNT, TABLES, VIP, clicks, drain, events, left_of, make_streams, put, task_of, users

SEED = 20_261_126
CLICKS = 36
KILLS = 3
WINDOWS = (
    TABLES.replace("INTERVAL '30' SECOND", "INTERVAL '3' SECOND")
    + """
CREATE TABLE Out_ (window_start TIMESTAMP(3), user_id STRING, clicks BIGINT) WITH ('topic' = 'out');
INSERT INTO Out_ SELECT window_start, user_id, COUNT(*) FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time),
  INTERVAL '4' SECOND)) GROUP BY window_start, window_end, user_id;
"""
)


class Lost(Exception):
    """This process has come to its end."""


class Failing:
    """A log that loses its process between the rows of a commit and the places, and reads a few events at a time."""

    def __init__(self, log: DurableLog, *, fails: bool, most: int, rows: float = 1.0) -> None:
        self._log = log
        self._fails = fails
        self._most = most
        self._rows = rows
        """What part of the rows still gets there."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def read(self, stream: str, partition: int, place: Place, *, max_rows: int, before: int | None = None) -> Read:
        return self._log.read(stream, partition, place, max_rows=min(max_rows, self._most), before=before)

    def commit(self, commit: Commit) -> object:
        if not (self._fails and commit.outputs):
            return self._log.commit(commit)
        there = commit.outputs[: max(1, round(self._rows * len(commit.outputs)))]
        self._log.commit(Commit(outputs=there))
        raise Lost


@pytest.fixture
def log(kafka: Kafka, tmp_path: Path) -> Iterator[KafkaLog]:
    with opened(kafka, tmp_path) as log:
        make_streams(log, partitions=2)
        yield log


def through_failures(log: DurableLog, text: str, name: str) -> None:
    """Users and clicks come little by little; commits fail after their rows, and then other sizes are read."""
    rng = random.Random(SEED)
    put(log, "user", users("PLATINUM", "GOLD", *["PLATINUM"] * 6))
    for first in range(0, CLICKS, 6):
        put(log, "click", clicks(range(first, first + 4), of=8))
        put(log, "click", clicks(range(first + 4, first + 6), of=8), partition=1)
        failing: Any = Failing(log, fails=True, most=rng.randint(1, 9), rows=rng.random())
        try:
            drain(task_of(failing, text, name=name))
        except Lost:
            put(log, "click", clicks([first], of=8))  # more has come when it begins anew
    other: Any = Failing(log, fails=False, most=7)
    drain(task_of(other, text, name=name))


def vip_pages(log: DurableLog) -> tuple[Counter[Any], Counter[Any]]:
    """The rows that are read, and those that should be."""
    levels = {one["user_id"]: one["level"] for one in events(log, "user")}
    should = Counter(
        (one["user_id"], one["page"]) for one in events(log, "click") if levels[one["user_id"]] == "PLATINUM"
    )
    return Counter((one["user_id"], one["page"]) for one in events(log, "vip-action")), should


def test_rows_that_were_put_out_before_a_failure_come_once(log: KafkaLog) -> None:
    through_failures(log, VIP, "vip")

    there, should = vip_pages(log)
    assert there == should


def test_changes_that_were_put_out_before_a_failure_come_once(log: KafkaLog) -> None:
    through_failures(log, COUNT, "counts")

    should = Counter(one["action"] for one in events(log, "click"))
    assert {action: row["clicks"] for action, row in left_of(log, "counts", "action").items()} == should


def test_windows_that_were_put_out_before_a_failure_come_once(log: KafkaLog) -> None:
    through_failures(log, WINDOWS, "windows")

    rows = [(one["window_start"], one["user_id"]) for one in events(log, "out")]
    assert len(rows) > 10
    assert len(set(rows)) == len(rows)


def test_what_was_read_is_read_again_to_the_same_event(log: KafkaLog) -> None:
    put(log, "click", clicks(range(20)))
    put(log, "user", users("PLATINUM"))
    failing: Any = Failing(log, fails=True, most=100)
    with pytest.raises(Lost):
        task_of(failing).step()
    put(log, "click", clicks(range(20, 40)))

    small: Any = Failing(log, fails=False, most=3)
    task = task_of(small)
    assert task.step() == 21
    assert task.places()["click", 0].offset == 20


def test_a_query_without_streams_is_not_repeated_either(log: KafkaLog) -> None:
    query = "CREATE TABLE Out_ (a INT) WITH ('topic' = 'out'); INSERT INTO Out_ VALUES (1), (2);"
    failing: Any = Failing(log, fails=True, most=9)
    with pytest.raises(Lost):
        drain(task_of(failing, query, name="values"))
    drain(task_of(log, query, name="values"))

    assert [one["a"] for one in events(log, "out")] == [1, 2]


def test_events_that_are_gone_are_not_passed_over_in_silence(log: KafkaLog) -> None:
    put(log, "click", clicks(range(4)))
    put(log, "user", users("PLATINUM"))
    failing: Any = Failing(log, fails=True, most=100)
    with pytest.raises(Lost):
        task_of(failing).step()

    class Silent(Failing):
        def read(self, stream: str, partition: int, place: Place, **_: Any) -> Read:
            return Read((), place)

    silent: Any = Silent(log, fails=False, most=1)
    with pytest.raises(Unavailable, match="that it gave before"):
        task_of(silent).step()


# -- planted bugs -----------------------------------------------------------------------------------------


def test_a_task_that_does_not_write_down_what_it_reads_is_found(log: KafkaLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries.QueryTask, "_write_down", lambda *_: None)

    through_failures(log, VIP, "vip")

    there, should = vip_pages(log)
    assert there != should


@pytest.mark.parametrize("ids", ["of the rows", "by number"])
def test_rows_may_come_in_another_order_after_a_restart(
    ids: str, log: KafkaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that is a number then names another row: that bug is found."""
    in_order, hashes, turns = query_rows.appends_of, query_rows.value_hashes, iter(range(10_000))

    def either_way(made: Sequence[query_rows.Made], to: Log, *, stem: str) -> list[Append]:
        turned = [Output(one.stream, one.batch.take(pa.array(range(len(one.batch))[::-1])), one.key) for one in made]
        return in_order(turned if next(turns) % 2 else made, to, stem=stem)

    monkeypatch.setattr(queries, "appends_of", either_way)
    if ids == "by number":
        monkeypatch.setattr(query_rows, "value_hashes", lambda column: hashes(column) * np.uint64(0))

    through_failures(log, VIP, "vip")

    there, should = vip_pages(log)
    assert (there == should) == (ids == "of the rows")


# -- a real end -------------------------------------------------------------------------------------------


def test_a_query_on_kafka_that_is_killed_neither_loses_nor_doubles_a_row(
    kafka: Kafka, redis_server: Redis, tmp_path: Path
) -> None:
    settings = tmp_path / "footfall.yaml"
    settings.write_text(f"log: kafka://{kafka.address}?prefix={tmp_path.name}.\nstore: {redis_server.url}\n")
    where = ("--settings", settings, "--data-dir", tmp_path / "data")
    query = ROOT / "src/footfall/examples/vip/vip.sql"
    rng, done = random.Random(SEED), threading.Event()
    with wiring.open_log(tmp_path / "data", settings=settings) as log:
        for stream in ("user", "click", "vip-action"):
            log.create(stream, StreamSettings(partitions=2))
        put(log, "user", users("PLATINUM", "GOLD", "PLATINUM", "PLATINUM"))

        def click() -> None:
            for first in range(0, 100_000, 5):
                put(log, "click", clicks(range(first, first + 5)), partition=first % 2)
                if done.wait(0.02):
                    return

        thread = threading.Thread(target=click)
        thread.start()
        for _ in range(KILLS):
            seen = len(events(log, "vip-action"))
            process = subprocess.Popen(command("sql", query, *where), env=environment(), stdout=subprocess.DEVNULL)
            try:
                until(lambda: len(events(log, "vip-action")) > seen)  # noqa: B023 - called before it changes
                done.wait(rng.uniform(0.0, 0.2))
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        done.set()
        thread.join()
        footfall("sql", query, "--until-end", *where)

        there, should = vip_pages(log)
    assert there == should


def until(done: Callable[[], bool]) -> None:
    """Wait for it, but not for ever."""
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < 30, f"seed {SEED}: nothing comes"
        threading.Event().wait(0.05)
