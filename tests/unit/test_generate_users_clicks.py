"""Laws of the streaming-SQL sample: users in bursts, and clicks that name those who are there."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import threading
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.clock import ManualClock
from footfall.core.errors import Fenced, UsageError
from footfall.core.events import SHOP_CLICKS, SHOP_USERS, Batch
from footfall.engine.generating import Generating, Pace
from footfall.log.base import RetainingLog
from footfall.log.embedded import EmbeddedLog
from footfall.sources.generate_shoppers import ACTIONS, DEVICES, LEVELS
from footfall.sources.generate_users_clicks import CLICK_SCHEMA, USER_SCHEMA, Sample, SampleSettings
from footfall.sources.writers import write_events

SETTINGS = SampleSettings(seed=3, burst=10, clicks=25, changes=0.3)
Rows = list[dict[str, Any]]


def rows(sample: Sample, first: int, end: int) -> dict[str, Rows]:
    return {stream: batch.to_pylist() for stream, batch in sample.batches(first, end, at_ms=0).items()}


def in_log(log: RetainingLog, stream: str) -> Rows:
    """A stream's rows without their times, by id."""
    found: Rows = []
    for partition in range(log.partitions(stream)):
        for chunk in log.read(stream, partition, log.place(stream, partition)).chunks:
            found += chunk.batch.drop_columns(["timestamp"]).to_pylist()
    return sorted(found, key=lambda row: row["event_id"])


def expected(settings: SampleSettings, clicks: int) -> dict[str, Rows]:
    """What must be in the log once there are so many clicks."""
    batches = Sample(settings).batches(0, settings.rows(clicks), at_ms=0)
    plain = {stream: batch.drop_columns(["timestamp"]).to_pylist() for stream, batch in batches.items()}
    return {stream: sorted(found, key=lambda row: row["event_id"]) for stream, found in plain.items()}


def run(log: RetainingLog, *, clicks: int, stop: threading.Event | None = None) -> dict[str, int]:
    pace = Pace(interval=timedelta(milliseconds=500), clicks=clicks)
    generating = Generating(log, Sample(SETTINGS), pace=pace, clock=ManualClock(1_000_000_000_000))
    return generating.run(stop or threading.Event())


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_how_the_rows_are_cut_changes_none_of_them(cuts: list[int]) -> None:
    whole = rows(Sample(SETTINGS), 0, 200)
    places = [0, *sorted(cuts), 200]
    parts = [rows(Sample(SETTINGS), a, b) for a, b in pairwise(places)]

    assert {stream: [row for part in parts for row in part[stream]] for stream in whole} == whole


@settings(deadline=None)
@given(clicks=st.integers(0, 5_000))
def test_a_number_of_clicks_and_a_number_of_rows_say_the_same(clicks: int) -> None:
    assert SETTINGS.clicks_in(SETTINGS.rows(clicks)) == clicks
    assert SETTINGS.clicks_in(SETTINGS.rows(clicks) - 1) <= clicks


def test_a_click_names_a_user_who_came_before_it() -> None:
    sample = Sample(SETTINGS)
    there: set[str] = set()
    for number in range(2_000):
        [(stream, row)] = [(s, r) for s, found in rows(sample, number, number + 1).items() for r in found]
        if stream == SHOP_USERS:
            there.add(row["user_id"])
        else:
            assert row["user_id"] in there


def test_without_changes_each_user_comes_once_and_with_them_some_come_again_at_another_level() -> None:
    def levels(changes: float) -> dict[str, set[str]]:
        sample = Sample(SampleSettings(changes=changes, clicks=1))
        found: dict[str, set[str]] = {}
        users = sample.users(60, start_ms=0, interval_ms=1)
        for row in (row for batch in users for row in batch.to_pylist()):
            found.setdefault(row["user_id"], set()).add(row["level"])
        return found

    assert len(levels(0.0)) == 6_000
    assert len(levels(0.2)) < 5_200
    assert sum(len(found) > 1 for found in levels(0.2).values()) > 300


def test_users_and_clicks_look_as_the_sample_says() -> None:
    made = [batch.to_pylist() for batch in Sample(SampleSettings()).batches(0, 30_000, at_ms=5).values()]
    users, clicks = made

    assert all(re.fullmatch(r"[1-9]\d\d-\d\d-\d{4}", one["user_id"]) for one in users)
    assert {one["level"] for one in users} == set(LEVELS)
    assert {one["action"] for one in clicks} == set(ACTIONS)
    assert {one["device"] for one in clicks} == set(DEVICES)
    assert {1 <= one["page"] <= 100_000 for one in clicks} == {True}
    assert len({one["event_id"] for one in [*users, *clicks]}) == 30_000
    assert all(one["agent"].startswith("Mozilla/5.0") for one in clicks)


def test_a_visit_begins_at_the_window_and_only_a_full_cart_is_paid_for() -> None:
    [batch] = Sample(SampleSettings(clicks=1_000_000)).clicks(5_000, start_ms=0, interval_ms=500)
    before: dict[int, str] = {}
    pairs: Counter[tuple[str, str]] = Counter()
    for number, action in enumerate(batch.column("action").to_pylist()):
        pairs[before.get(number % 8, ""), action] += 1
        before[number % 8] = action

    assert sum(n for (_, then), n in pairs.items() if then == "checkout") > 200
    assert {first for first, then in pairs if then == "checkout"} <= {"cart", "vitrine_nav"}  # visits of two clicks
    assert {then for first, then in pairs if first in {"", "checkout"}} == {"vitrine_nav"}


def test_another_seed_makes_others() -> None:
    made = [rows(Sample(SampleSettings(seed=seed)), 0, 100)[SHOP_USERS] for seed in (1, 2)]

    assert not {one["user_id"] for one in made[0]} & {one["user_id"] for one in made[1]}


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        SampleSettings(burst=0)


def read(file: Path) -> Rows:
    """A file's rows; all values are texts where the file has only texts."""
    if file.suffix == ".parquet":
        return list(pq.read_table(file).to_pylist())
    if file.suffix == ".ndjson":
        return [json.loads(line) for line in file.read_text().splitlines()]
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()
    return list(csv.DictReader(io.StringIO(text), delimiter="\t" if ".tsv" in file.name else ","))


# -- files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["click.ndjson", "click.csv", "click.tsv.gz", "click.parquet"])
def test_a_file_holds_every_click_with_its_time(tmp_path: Path, name: str) -> None:
    def batches() -> list[Batch]:
        return list(Sample(SETTINGS).clicks(120, start_ms=7_000, interval_ms=500, rows=50))

    assert write_events(tmp_path / name, batches(), schema=CLICK_SCHEMA) == 120
    made = [
        {**row, "timestamp": 7_500 + 500 * number, "event_id": row["event_id"].hex()}
        for number, row in enumerate(row for batch in batches() for row in batch.to_pylist())
    ]
    texts = [{field: str(value) for field, value in row.items()} for row in made]
    assert read(tmp_path / name) == (made if name.endswith(("parquet", "ndjson")) else texts)


def test_in_a_file_users_come_before_the_clicks_of_their_burst() -> None:
    users = pa.Table.from_batches(Sample(SETTINGS).users(60, start_ms=0, interval_ms=500), USER_SCHEMA)
    times = Counter(users.column("timestamp").cast(pa.int64()).to_pylist())

    assert times == {0: 10, 25 * 500: 10, 50 * 500: 10}


# -- live -----------------------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path: Path) -> Any:
    with EmbeddedLog.open(tmp_path / "log", clock=ManualClock(1_000_000_000_000)) as opened:
        yield opened


def test_the_log_holds_each_row_once_however_often_the_generator_starts_again(log: RetainingLog) -> None:
    for clicks in (0, 1, 24, 25, 26, 26, 90):
        run(log, clicks=clicks)

        made = expected(SETTINGS, clicks)
        assert {stream: in_log(log, stream) for stream in made} == made


def test_a_click_comes_when_its_interval_is_over(log: RetainingLog) -> None:
    clock = ManualClock(1_000_000_000_000)
    pace = Pace(interval=timedelta(milliseconds=500), clicks=40)
    done = Generating(log, Sample(SETTINGS), pace=pace, clock=clock).run(threading.Event())

    assert done == {"events": 40 + 20, "rows": 60, "clicks": 40}
    assert 19_990 <= clock.now_ms() - 1_000_000_000_000 <= 20_100


def test_of_two_generators_of_the_same_rows_one_is_fenced(log: RetainingLog) -> None:
    clock = ManualClock(1_000_000_000_000)
    first, second = (
        Generating(log, Sample(SETTINGS), pace=Pace(clicks=5), clock=clock),
        Generating(log, Sample(SETTINGS), pace=Pace(clicks=9), clock=clock),
    )
    first.run(threading.Event())

    with pytest.raises(Fenced):
        second.run(threading.Event())
    assert in_log(log, SHOP_CLICKS) == expected(SETTINGS, 5)[SHOP_CLICKS]


def test_time_goes_on_in_every_partition(log: RetainingLog) -> None:
    run(log, clicks=40)

    for stream in (SHOP_USERS, SHOP_CLICKS):
        for partition in range(log.partitions(stream)):
            marks = [c.watermark for c in log.read(stream, partition, log.place(stream, partition)).chunks]
            assert any(mark is not None for mark in marks)
