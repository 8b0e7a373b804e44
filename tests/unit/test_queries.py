"""A query on the log puts out each row once, whatever happens between two commits, and loses none that it can use."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced, UsageError
from footfall.core.events import FAILED, Batch
from footfall.core.hashing import partition_of
from footfall.engine import query_reading
from footfall.engine.failed import FailedEvents
from footfall.engine.queries import Querying
from footfall.log.base import Append, DurableLog
from footfall.log.embedded import EmbeddedLog
from tests.unit.querying import (
    COUNT,
    TABLES,
    VIP,
    clicks,
    column,
    drain,
    events,
    left_of,
    make_streams,
    put,
    task_of,
    users,
)
from tests.unit.streams import START

WINDOWS = (
    TABLES
    + """
CREATE TABLE Out_ (window_start TIMESTAMP(3), clicks BIGINT) WITH ('topic' = 'out');
INSERT INTO Out_ SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time),
  INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
"""
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[DurableLog]:
    """A log with one partition a stream."""
    with EmbeddedLog.open(tmp_path / "log", clock=clock) as log:
        make_streams(log)
        yield log


@pytest.fixture
def wide(tmp_path: Path, clock: ManualClock) -> Iterator[DurableLog]:
    """The same with two partitions a stream."""
    with EmbeddedLog.open(tmp_path / "wide", clock=clock) as log:
        make_streams(log, partitions=2)
        yield log


# -- each row once ----------------------------------------------------------------------------------------


def test_a_query_that_is_begun_anew_after_each_commit_puts_out_each_row_once(log: DurableLog) -> None:
    for number in range(0, 40, 4):
        put(log, "user", users("PLATINUM", "GOLD", first=number % 4))
        put(log, "click", clicks(range(number, number + 4)))
        assert task_of(log).step() is not None

    drain(task_of(log))
    rows = Counter((one["user_id"], one["page"]) for one in events(log, "vip-action"))
    said = Counter(one["user_id"] for one in events(log, "user") if one["level"] == "PLATINUM")
    assert rows == Counter({(f"u{n % 4}", n): said[f"u{n % 4}"] for n in range(40) if said[f"u{n % 4}"]})


def test_ids_of_rows_never_repeat(log: DurableLog) -> None:
    put(log, "user", users("PLATINUM", "PLATINUM"))
    for _ in range(3):
        put(log, "click", clicks([1, 1, 1, 2]))
        drain(task_of(log))

    ids = column(log, "vip-action", "event_id")
    assert len(ids) == 12 - 3
    assert len(set(ids)) == len(ids)


def test_a_query_begun_from_the_start_gives_its_rows_other_ids(log: DurableLog) -> None:
    put(log, "user", users("PLATINUM"))
    put(log, "click", clicks([0, 4]))
    drain(task_of(log))
    log.delete_group("sql:vip")
    drain(task_of(log))

    ids = column(log, "vip-action", "event_id")
    assert column(log, "vip-action", "page") == [0, 4, 0, 4]
    assert len(set(ids)) == 4


def test_windows_and_what_is_late_go_on_after_a_restart(log: DurableLog) -> None:
    put(log, "click", clicks([0, 1, 2, 45]))  # the watermark is at 15 s: the first window is over
    task_of(log, WINDOWS).step()
    put(log, "click", clicks([3, 46, 60]))  # 3 s is late
    drain(task_of(log, WINDOWS))

    assert column(log, "out", "clicks") == [3]


def test_of_two_tasks_at_the_same_query_one_is_stopped(log: DurableLog) -> None:
    first, second = task_of(log), task_of(log)
    put(log, "click", clicks([0]))
    first.step()

    with pytest.raises(Fenced):
        second.step()


# -- which query it is ------------------------------------------------------------------------------------


def test_another_query_under_the_same_name_is_refused_even_before_there_are_events(log: DurableLog) -> None:
    task_of(log).step()

    with pytest.raises(UsageError, match="is not the one whose state is kept") as error:
        task_of(log, COUNT)
    assert "--from-the-start" in error.value.remedy


def test_the_same_query_may_be_written_otherwise(log: DurableLog) -> None:
    task_of(log).step()

    assert task_of(log, f"-- a remark\n{VIP.replace('INNER JOIN', 'inner   join')}").step() is None


# -- what cannot be used ----------------------------------------------------------------------------------


def test_rows_that_cannot_be_worked_on_are_set_aside_and_the_rest_goes_on(log: DurableLog) -> None:
    query = TABLES + "CREATE TABLE Out_ (user_id STRING, n INT) WITH ('topic' = 'out');\n"
    query += "INSERT INTO Out_ SELECT user_id, 100 / (page - 2) FROM Clicks WHERE page > 0;"
    put(log, "click", clicks([0, 1, 2, 3, 4]))
    drain(task_of(log, query, name="divide"))

    assert column(log, "out", "n") == [-100, 100, 50]
    [failed] = FailedEvents(log).list()
    assert failed.source == "sql:divide"
    assert b'"page":2' in failed.raw


def test_an_event_that_is_no_row_of_its_table_is_set_aside_with_its_bytes(log: DurableLog) -> None:
    whole = users("PLATINUM", "GOLD", "PLATINUM")
    broken = whole.set_column(2, "user_id", pa.array(["1", "two", "3"]))
    put(log, "user", broken)
    query = "CREATE TABLE Users (user_id BIGINT, name STRING) WITH ('topic' = 'user');\n"
    query += "CREATE TABLE Out_ (user_id BIGINT) WITH ('topic' = 'out'); INSERT INTO Out_ SELECT user_id FROM Users;"
    task = task_of(log, query, name="numbers")
    drain(task)

    assert column(log, "out", "user_id") == [1, 3]
    [failed] = FailedEvents(log).list()
    assert (failed.source, failed.layout) == ("sql:numbers (user)", "json")
    assert b'"user_id":"two"' in failed.raw
    assert "user_id: is no BIGINT" in failed.detail
    assert task.made == 2, "what is set aside is no row of the result"


def test_equal_rows_that_cannot_be_used_are_all_set_aside(log: DurableLog) -> None:
    query = TABLES + "CREATE TABLE Out_ (n INT) WITH ('topic' = 'out'); INSERT INTO Out_ SELECT 1 / page FROM Clicks;"
    for _ in range(2):
        put(log, "click", clicks([0, 0]))
        drain(task_of(log, query, name="divide"))

    assert len(FailedEvents(log).list()) == 4


# -- what is shown ----------------------------------------------------------------------------------------


def test_a_select_shows_its_rows_and_keeps_nothing(log: DurableLog) -> None:
    shown: list[Batch] = []
    put(log, "click", clicks([0, 1]))
    for _ in range(2):
        drain(task_of(log, f"{TABLES} SELECT page FROM Clicks;", durable=False, show=shown.append))

    assert [batch.column("page").to_pylist() for batch in shown] == [[0, 1], [0, 1]]
    assert log.groups() == []


def test_a_query_without_streams_gives_its_rows_once(log: DurableLog) -> None:
    query = "CREATE TABLE Out_ (a INT) WITH ('topic' = 'out'); INSERT INTO Out_ VALUES (1), (2);"
    for _ in range(3):
        drain(task_of(log, query, name="values"))

    assert column(log, "out", "a") == [1, 2]


def test_a_service_without_streams_ends_by_itself(log: DurableLog, clock: ManualClock) -> None:
    shown: list[Batch] = []
    task = task_of(log, "SELECT 1 AS a;", durable=False, show=shown.append)

    Querying(task, log=log, clock=clock, beat=lambda **_: None).run(threading.Event(), until_end=False)

    assert [batch.column("a").to_pylist() for batch in shown] == [[1]]


# -- lag, keys, changes, statement sets -------------------------------------------------------------------


def test_lag_counts_what_was_not_seen_yet(wide: DurableLog) -> None:
    put(wide, "user", users("GOLD"))
    put(wide, "click", clicks([0, 1, 2]), partition=1)
    task = task_of(wide)

    assert task.lag() == 4
    drain(task)
    assert task.lag() == 0


@pytest.mark.parametrize(
    ("options", "key"),
    [("'key.fields' = 'user_id'", None), ("'stream.kind' = 'x'", "PRIMARY KEY (user_id) NOT ENFORCED")],
)
def test_rows_go_to_the_partition_of_their_key(options: str, key: str | None, wide: DurableLog) -> None:
    columns = ", ".join(["user_id STRING", "page INT", *([key] if key else [])])
    query = f"{TABLES} CREATE TABLE Out_ ({columns}) WITH ('topic' = 'out', {options});"
    put(wide, "click", clicks(range(20), of=20))
    put(wide, "click", clicks(range(20, 24)).set_column(2, "user_id", pa.nulls(4, pa.string())), partition=1)
    where = "" if key is None else "WHERE user_id IS NOT NULL"
    drain(task_of(wide, f"{query} INSERT INTO Out_ SELECT user_id, page FROM Clicks {where};", name="keyed"))

    for partition in range(2):
        read = wide.read("out", partition, wide.place("out", partition))
        found = [user for chunk in read.chunks for user in chunk.batch.column("user_id").to_pylist()]
        assert {0 if user is None else partition_of(user, 2) for user in found} == {partition}


def test_a_changing_result_says_what_each_row_does(log: DurableLog) -> None:
    for number in range(6):
        put(log, "click", clicks([number, number + 6]))
        task_of(log, COUNT, name="counts").step()

    left = left_of(log, "counts", "action")
    assert {action: row["clicks"] for action, row in left.items()} == {"cart": 4, "checkout": 4, "products": 4}
    assert set(column(log, "counts", "_op")) == {"+I", "-U", "+U"}


def test_all_queries_of_a_statement_set_are_one_commit(log: DurableLog) -> None:
    tables, vip = VIP.split("INSERT INTO VipActions")
    count = COUNT[len(TABLES) :]
    table, insert = count.split("INSERT INTO Counts")
    both = f"{tables}{table} EXECUTE STATEMENT SET BEGIN INSERT INTO VipActions{vip} INSERT INTO Counts{insert} END;"
    put(log, "user", users("PLATINUM"))
    for number in range(4):
        put(log, "click", clicks([number]))
        assert task_of(log, both, name="both").step() is not None

    assert column(log, "vip-action", "page") == [0]
    assert sum(row["clicks"] for row in left_of(log, "counts", "action").values()) == 4


def test_an_event_id_among_the_columns_is_replaced(log: DurableLog) -> None:
    query = "CREATE TABLE Users (event_id STRING, name STRING) WITH ('topic' = 'user'); "
    query += "CREATE TABLE Out_ (event_id STRING, name STRING) WITH ('topic' = 'out'); "
    put(log, "user", users("GOLD", "GOLD"))
    drain(task_of(log, f"{query} INSERT INTO Out_ SELECT event_id, name FROM Users;", name="copy"))

    assert column(log, "out", "name") == ["N0", "N1"]
    assert not set(column(log, "out", "event_id")) & set(column(log, "user", "event_id"))


# -- partitions that nobody waits for ---------------------------------------------------------------------


def test_a_partition_that_says_nothing_for_a_while_holds_nobody_up(wide: DurableLog, clock: ManualClock) -> None:
    put(wide, "click", clicks([0]), partition=1)
    put(wide, "click", clicks([0, 60]))
    task = task_of(wide, WINDOWS, name="windows")
    drain(task)
    assert column(wide, "out", "clicks") == []

    clock.advance(11)
    put(wide, "click", clicks([61]))
    drain(task)

    assert column(wide, "out", "clicks") == [2]


def test_a_partition_of_which_there_is_more_to_be_read_is_waited_for(
    wide: DurableLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_reading, "ROWS", 2)
    for number in range(0, 8, 2):
        put(wide, "click", clicks([number, number + 1]))
    clock.advance(60)
    put(wide, "click", clicks([100, 101]), partition=1)
    put(wide, "click", clicks([102, 103]))

    drain(task_of(wide, WINDOWS, name="windows"))

    assert column(wide, "out", "clicks") == [8], "what was read later was taken for late"


def test_marks_of_time_are_no_events_of_a_partition(wide: DurableLog, clock: ManualClock) -> None:
    put(wide, "click", clicks([0]), partition=1)
    put(wide, "click", clicks([0, 60]))
    task = task_of(wide, WINDOWS, name="windows")
    for _ in range(3):
        clock.advance(11)
        wide.append([Append("click", 1, clicks([]), START)])
        put(wide, "click", clicks([61]))
        drain(task)

    assert column(wide, "out", "clicks") == [2]


def test_failed_events_has_nothing_if_all_is_well(log: DurableLog) -> None:
    put(log, "click", clicks(range(10)))
    drain(task_of(log))
    assert events(log, FAILED) == []
