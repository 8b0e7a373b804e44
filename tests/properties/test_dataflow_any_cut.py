"""A planned query gives the same result however rows are cut and tables interleaved, and wherever it restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.relational_rows import Plain
from tests.properties.sql_flows import Flow, Lane, at_once, cut, planned, run

START: Final = datetime(2026, 3, 1, 10, tzinfo=UTC)
CLICKS: Final = """
CREATE TABLE Clicks (
  user_id STRING, page INT, event_time TIMESTAMP_LTZ(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '{late}' SECOND(4)
);
"""
USERS: Final = "CREATE TABLE Users (user_id STRING, name STRING, level STRING);"
VERSIONS: Final = """
CREATE TABLE Versions (
  user_id STRING, level STRING, changed TIMESTAMP_LTZ(3), PRIMARY KEY (user_id) NOT ENFORCED,
  WATERMARK FOR changed AS changed - INTERVAL '3600' SECOND(4)
);
"""
COUNT: Final = """
SELECT window_start, user_id, COUNT(*) AS clicks, COUNT(DISTINCT page) AS pages, SUM(page) AS total
FROM TABLE(TUMBLE(TABLE Clicks, DESCRIPTOR(event_time), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, user_id
"""
VIP: Final = """
SELECT Users.user_id, Users.name, Clicks.page, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id WHERE Users.level = 'PLATINUM'
"""
GROUPS: Final = "SELECT user_id, COUNT(*) AS n, MAX(page) AS most, AVG(page) AS mean FROM Clicks GROUP BY user_id"
HAVING: Final = f"SELECT n, COUNT(*) AS users FROM ({GROUPS}) WHERE most > 2 GROUP BY n"
TOP: Final = """
SELECT user_id, page, event_time FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY page DESC, event_time) AS place FROM Clicks
) WHERE place <= 2
"""
TEMPORAL: Final = """
SELECT c.user_id, c.page, c.event_time, v.level
FROM Clicks AS c LEFT JOIN Versions FOR SYSTEM_TIME AS OF c.event_time AS v ON c.user_id = v.user_id
"""
MATCH: Final = """
SELECT * FROM Clicks MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY event_time
  MEASURES FIRST(A.page) AS low, LAST(B.page) AS high, COUNT(B.page) AS steps
  ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B+ C) WITHIN INTERVAL '20' SECOND
  DEFINE B AS B.page > A.page, C AS C.page <= A.page
)
"""
UNION: Final = """
SELECT user_id, 'click' AS what FROM Clicks UNION ALL SELECT user_id, level FROM Users UNION ALL VALUES ('x', 'given')
"""


@dataclass(frozen=True)
class Case:
    """A query over streams whose rows are never late, or late in one partition alone."""

    query: str
    lateness: int = 3_600
    partitions: int = 1


CASES: Final = {
    "vip-join": Case(USERS + VIP),
    "windows": Case(COUNT),
    "windows-of-two-partitions": Case(COUNT, partitions=2),
    "group-by": Case(GROUPS),
    "group-by-of-a-group-by": Case(HAVING),
    "top-n": Case(TOP),
    "temporal-join": Case(VERSIONS + TEMPORAL),
    "match": Case(MATCH),
    "union-all": Case(USERS + UNION),
}
KEYS: Final = st.sampled_from(["ada", "bob", None])
TIMES: Final = st.integers(0, 60).map(lambda seconds: START + timedelta(seconds=seconds))
CLICK: Final = st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 4)), TIMES)
USER: Final = st.tuples(KEYS, st.sampled_from(["Ada", "Bob"]), st.sampled_from(["PLATINUM", "GOLD", None]))
VERSION: Final = st.tuples(st.sampled_from(["ada", "bob"]), st.sampled_from(["GOLD", "SILVER"]), TIMES)


def text(case: Case) -> str:
    return CLICKS.format(late=case.lateness) + case.query


@st.composite
def lanes_of(draw: Any, case: Case) -> Mapping[Lane, Sequence[Plain]]:
    found: dict[Lane, Sequence[Plain]] = {}
    for partition in range(case.partitions):
        found["Clicks", partition] = distinct_in_time(draw(st.lists(CLICK, max_size=12)))
    if "CREATE TABLE Users" in case.query:
        found["Users", 0] = draw(st.lists(USER, max_size=6))
    if "CREATE TABLE Versions" in case.query:
        found["Versions", 0] = draw(st.lists(VERSION, max_size=6))
    return found


def distinct_in_time(clicks: Sequence[Plain]) -> list[Plain]:
    """The clicks, each a little later: which of two at the same time comes first, is not a matter of this test."""
    return [(user, page, time + timedelta(milliseconds=number)) for number, (user, page, time) in enumerate(clicks)]


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_cut_and_any_restart_give_the_same_result(name: str, data: Any) -> None:
    insert, case = planned(text(CASES[name])), CASES[name]
    lanes = data.draw(lanes_of(case))
    partitions = {"Clicks": case.partitions}

    whole = run(Flow(insert, partitions), at_once(lanes))

    assert run(Flow(insert, partitions), data.draw(cut(lanes))) == whole


@given(clicks=st.lists(CLICK, max_size=15).map(distinct_in_time), data=st.data())
@settings(max_examples=80, deadline=None)
def test_what_is_late_does_not_depend_on_the_cut_nor_on_restarts(clicks: list[Plain], data: Any) -> None:
    insert, lanes = planned(CLICKS.format(late=5) + COUNT), {("Clicks", 0): clicks}

    whole = run(Flow(insert), at_once(lanes))

    assert run(Flow(insert), data.draw(cut(lanes))) == whole
    assert whole == counted(on_time(clicks, late=5))


@given(fast=st.lists(CLICK, max_size=12), slow=st.lists(CLICK, min_size=1, max_size=12), data=st.data())
@settings(max_examples=50, deadline=None)
def test_time_is_that_of_the_slowest_partition(fast: list[Plain], slow: list[Plain], data: Any) -> None:
    insert = planned(CLICKS.format(late=0) + COUNT)
    behind = [(user, page, START - timedelta(hours=1)) for user, page, _ in slow]
    lanes = {("Clicks", 0): distinct_in_time(fast), ("Clicks", 1): behind}

    flow = Flow(insert, {"Clicks": 2})
    made = run(flow, data.draw(cut(lanes)), ended=False)

    assert not made, "a window was closed although a partition is an hour behind"
    flow.settle(ended=True)
    assert flow.table() == counted([*lanes["Clicks", 0], *behind])


@given(clicks=st.lists(CLICK, max_size=12).map(distinct_in_time), data=st.data())
@settings(max_examples=50, deadline=None)
def test_nobody_waits_for_an_idle_partition_also_after_restarts(clicks: list[Plain], data: Any) -> None:
    insert, lanes = planned(CLICKS.format(late=5) + COUNT), {("Clicks", 0): clicks}

    alone = run(Flow(insert), data.draw(cut(lanes)), ended=False)
    beside = run(Flow(insert, {"Clicks": 2}, {"Clicks": frozenset({1})}), data.draw(cut(lanes)), ended=False)

    assert beside == alone


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_an_idle_partition_says_when_time_has_passed_is_late_also_after_a_restart(data: Any) -> None:
    insert = planned(CLICKS.format(late=0) + COUNT)
    flow = Flow(insert, {"Clicks": 2}, {"Clicks": frozenset({1})})
    flow.push(("Clicks", 0), [("ada", 1, START + timedelta(seconds=30))])
    flow.settle()
    if data.draw(st.booleans()):
        flow.restart()

    flow.push(("Clicks", 1), [("bob", 1, START)])
    flow.settle(ended=True)

    assert {row[1] for row in flow.table()} == {"ada"}


def on_time(clicks: Sequence[Plain], *, late: int) -> list[Plain]:
    """The clicks whose window was not over when they came."""
    found, high = [], START - timedelta(days=1)
    for click in clicks:
        end = window(click) + timedelta(seconds=10)
        if high - timedelta(seconds=late) < end - timedelta(milliseconds=1):
            found.append(click)
        high = max(high, click[2])
    return found


def window(click: Plain) -> datetime:
    seconds = int((click[2] - START).total_seconds() // 10) * 10
    return START + timedelta(seconds=seconds)


def counted(clicks: Sequence[Plain]) -> dict[Plain, int]:
    """A row a window and user, by a fold in plain Python."""
    groups: dict[tuple[datetime, str | None], list[int | None]] = {}
    for click in clicks:
        groups.setdefault((window(click), click[0]), []).append(click[1])
    return {
        (start.replace(tzinfo=None), user, len(pages), *figures(pages)): 1 for (start, user), pages in groups.items()
    }


def figures(pages: Sequence[int | None]) -> tuple[int, int | None]:
    known = [page for page in pages if page is not None]
    return len(set(known)), sum(known) if known else None
