"""Turns one table of partials, and a point in event time, into the rows of a view: one function a view."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

Rows = list[dict[str, Any]]

MINUTE: Final = 60_000  # ms
HALF_HOUR: Final = 30 * MINUTE
DAY: Final = 24 * 60 * MINUTE
VISITS: Final = ("sessions", "bots", "bounces", "views", "carted")
"""What is counted of a day's sessions."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(ms: int) -> str:
    """A time as ISO 8601 in UTC; milliseconds are shown where there are any."""
    text = (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds" if ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")


def ago(ms: int) -> str:
    """A duration as people say it: ``now``, ``5 seconds ago``, ``1 hour ago``."""
    for unit, size in (("day", 86_400_000), ("hour", 3_600_000), ("minute", MINUTE), ("second", 1_000)):
        count = ms // size
        if count >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "now"


def last_15_minutes(partials: pa.Table, as_of: int) -> Rows:
    """Visits and visitors of each of 15 minutes."""
    now = as_of // MINUTE
    sums = _sums(partials, ["minute"], ["visits", "visitors"], first=now - 14, last=now)
    found = {row["minute"]: row for row in sums}
    return [
        {"minute": iso(minute * MINUTE), **_counts(found.get(minute), "visits", "visitors")}
        for minute in range(now - 14, now + 1)
    ]


def sessions(partials: pa.Table, as_of: int) -> Rows:
    """Sessions that began in each of 16 half hours."""
    now = as_of // HALF_HOUR
    sums = _sums(partials, ["bucket"], ["sessions", "bots"], first=now - 15, last=now)
    found = {row["bucket"]: row for row in sums}
    return [
        {"start": iso(bucket * HALF_HOUR), **_counts(found.get(bucket), "sessions", "bots")}
        for bucket in range(now - 15, now + 1)
    ]


def visits_by_day(partials: pa.Table, as_of: int) -> Rows:
    """Sessions of people and of bots, bounces, pages seen, and sessions in which something was put into the cart."""
    today = as_of // DAY
    found = {row["day"]: row for row in _sums(partials, ["day"], list(VISITS), first=today - 6, last=today)}
    return [{"day": iso(day * DAY)[:10], **_counts(found.get(day), *VISITS)} for day in range(today - 6, today + 1)]


def device_type_popularity(partials: pa.Table, as_of: int) -> Rows:
    """Visitors by device, most first, then the total. The total is a device without a name in the partials."""
    now = as_of // MINUTE
    window = _window(partials, "minute", first=now - 9, last=now)
    sums = {row["device"]: row["visitors"] for row in _grouped(window, ["device"], ["visitors"])}
    total = sums.pop("", 0)
    devices = sorted(((device, n) for device, n in sums.items() if n), key=lambda pair: (-pair[1], pair[0]))
    return [{"deviceType": device, "visitors": n} for device, n in [*devices, ("total", total)]]


def products_last_hour(partials: pa.Table, as_of: int) -> Rows:
    """The ten products with most clicks. A product that was renamed goes under its newest name."""
    now = as_of // MINUTE
    window = _window(partials, "minute", first=now - 59, last=now)
    counts = _grouped(window, ["productId"], ["count"])
    top = sorted(counts, key=lambda row: (-row["count"], row["productId"]))[:10]
    chosen = pa.array([row["productId"] for row in top], type=pa.string())
    named = window.filter(pc.is_in(window.column("productId"), value_set=chosen))
    names = {
        row["productId"]: row
        for row in named.sort_by([(c, "ascending") for c in ("minute", "category", "title")]).to_pylist()
    }
    return [
        {
            "productId": row["productId"],
            "category": names[row["productId"]]["category"],
            "title": names[row["productId"]]["title"],
            "count": row["count"],
        }
        for row in top
    ]


def category_popularity(partials: pa.Table, as_of: int) -> Rows:
    """Clicks by category, most first."""
    now = as_of // MINUTE
    sums = _sums(partials, ["category"], ["count"], window="minute", first=now - 59, last=now)
    ordered = sorted(sums, key=lambda row: (-row["count"], row["category"]))
    return [{"category": row["category"], "count": row["count"]} for row in ordered]


def latest_visitors(partials: pa.Table, as_of: int) -> Rows:
    """Ten visitors by their latest click, newest first."""
    ordered = partials.sort_by([("timestamp", "descending"), ("userId", "ascending")]).to_pylist()
    latest: dict[str, dict[str, Any]] = {}
    for row in ordered:
        latest.setdefault(row["userId"], row)
    return [
        {
            "ago": ago(as_of - row["timestamp"]),
            "timestamp": iso(row["timestamp"]),
            **{name: row[name] for name in ("userId", "ip", "country")},
        }
        for row in list(latest.values())[:10]
    ]


def raw_data(partials: pa.Table, _as_of: int) -> Rows:
    """The latest 100 clicks by (time, event id), newest first."""
    keyed = partials.append_column("_id", partials.column("event_id").cast(pa.binary()))
    order = pc.sort_indices(keyed, sort_keys=[("timestamp", "descending"), ("_id", "descending")])
    newest = partials.take(order[:100])
    times = newest.column("timestamp").cast(pa.int64())
    return [
        {
            **row,
            "timestamp": iso(time.as_py()),
            "event_id": row["event_id"].hex(),
            "birthdate": row["birthdate"].isoformat() if row["birthdate"] else None,
        }
        for row, time in zip(newest.to_pylist(), times, strict=True)
    ]


def state_logs(partials: pa.Table, _as_of: int) -> Rows:
    """The latest 100 lines, newest first; among lines of one time, the later one of a partition first."""
    order = pa.array(range(partials.num_rows), type=pa.int64())
    newest = partials.append_column("_order", order).sort_by([("timestamp", "descending"), ("_order", "descending")])
    return [{"timestamp": iso(row["timestamp"]), "line": row["line"]} for row in newest.slice(0, 100).to_pylist()]


def _window(table: pa.Table, column: str, *, first: int, last: int) -> pa.Table:
    values = table.column(column)
    return table.filter(pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last)))


def _grouped(table: pa.Table, keys: list[str], counts: list[str]) -> Rows:
    sums = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in counts])
    rows: Rows = sums.rename_columns({f"{name}_sum": name for name in counts}).to_pylist()
    return rows


def _sums(
    table: pa.Table, keys: list[str], counts: list[str], *, first: int, last: int, window: str | None = None
) -> Rows:
    """Counts added up by key, over the rows whose window column (the first key, if none is named) is in range."""
    return _grouped(_window(table, window or keys[0], first=first, last=last), keys, counts)


def _counts(row: dict[str, Any] | None, *names: str) -> dict[str, int]:
    return {name: row[name] if row else 0 for name in names}
