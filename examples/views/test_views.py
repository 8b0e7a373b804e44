"""Each view as a query has the rows that Footfall's own view has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from examples.running import footfall
from examples.sql import Row, at, enriched, needs_sql, rows_of, with_known_clicks
from footfall.sql.planning import plan_script

HERE: Final = Path(__file__).parent
MINUTE: Final = timedelta(minutes=1)
Rows = list[Row]


def newest_window(rows: Rows, now: datetime) -> Rows:
    """The rows of the window that ends with the minute in which the newest click was."""
    end = now.replace(second=0, microsecond=0) + MINUTE
    return [
        {name: value for name, value in row.items() if name != "window_end"}
        for row in rows
        if at(row["window_end"]) == end
    ]


def last_15_minutes(rows: Rows, now: datetime) -> Rows:
    found = {at(row["minute"]): row for row in rows}
    this = now.replace(second=0, microsecond=0)
    minutes = [this - n * MINUTE for n in reversed(range(15))]
    return [
        {"minute": m, **{name: found[m][name] if m in found else 0 for name in ("visits", "visitors")}} for m in minutes
    ]


def category_popularity(rows: Rows, now: datetime) -> Rows:
    return sorted(newest_window(rows, now), key=lambda row: (-row["count"], row["category"]))


def device_type_popularity(rows: Rows, now: datetime) -> Rows:
    found = newest_window(rows, now)
    return sorted(found, key=lambda row: (row["deviceType"] == "total", -row["visitors"], row["deviceType"]))


def products_last_hour(rows: Rows, now: datetime) -> Rows:
    return sorted(newest_window(rows, now), key=lambda row: (-row["count"], row["productId"]))


def latest_visitors(rows: Rows, _now: datetime) -> Rows:
    newest = sorted(rows, key=lambda row: (-at(row["clicked_at"]).timestamp(), row["userId"]))
    return [{"timestamp": at(row.pop("clicked_at")), **row} for row in newest]


def raw_data(rows: Rows, _now: datetime) -> Rows:
    newest = sorted(rows, key=lambda row: (at(row["clicked_at"]), row["event_id"]), reverse=True)
    return [{"timestamp": at(row.pop("clicked_at")), **row} for row in newest]


def sessions(rows: Rows, now: datetime) -> Rows:
    found = {at(row["start"]): row for row in rows}
    this = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    starts = [this - n * 30 * MINUTE for n in reversed(range(16))]
    return [
        {"start": s, **{name: found[s][name] if s in found else 0 for name in ("sessions", "bots")}} for s in starts
    ]


def visits_by_day(rows: Rows, now: datetime) -> Rows:
    counts = ("sessions", "bots", "bounces", "views", "carted")
    found = {row["day"]: row for row in rows}
    days = [(now - timedelta(days=n)).date().isoformat() for n in reversed(range(7))]
    return [{"day": day, **{name: found[day][name] if day in found else 0 for name in counts}} for day in days]


VIEWS: Final[Mapping[str, Callable[[Rows, datetime], Rows]]] = {
    one.__name__: one
    for one in (
        last_15_minutes,
        category_popularity,
        device_type_popularity,
        products_last_hour,
        latest_visitors,
        raw_data,
        sessions,
        visits_by_day,
    )
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_known_clicks(tmp_path_factory.mktemp("views"), events=3_000)


def own(view: str, data_dir: Path, like: Row) -> Rows:
    """Footfall's own view, with the columns that the query has."""
    table = "sessions_last_8_hours" if view == "sessions" else view  # the stream has the name
    query = f"SELECT * FROM {table}"  # noqa: S608 - one of VIEWS
    rows = [json.loads(line) for line in footfall("query", query, "--json", data_dir=data_dir).splitlines()]
    return [
        {name: at(row[name]) if isinstance(value, datetime) else row[name] for name, value in like.items()}
        for row in rows
    ]


@pytest.mark.parametrize("view", sorted(one.stem for one in HERE.glob("*.sql")))
def test_a_view_can_be_planned_and_is_compared(view: str) -> None:
    assert view in VIEWS
    assert plan_script((HERE / f"{view}.sql").read_text(), streams={}).inserts


@needs_sql
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_as_a_query_has_the_rows_of_the_view(view: str, data_dir: Path, tmp_path: Path) -> None:
    file = enriched(tmp_path, data_dir=data_dir)
    newest = max(json.loads(line)["timestamp"] for line in file.read_text().splitlines())

    rows = rows_of(HERE / f"{view}.sql", data_dir=data_dir, Enriched=file)

    found = VIEWS[view](rows, datetime.fromtimestamp(newest / 1000, UTC))
    assert found
    assert found == own(view, data_dir, found[0])
