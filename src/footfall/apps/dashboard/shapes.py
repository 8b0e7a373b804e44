"""Turns the rows of each view into what its panel draws: Arrow tables and texts, cut to what a screen can show.

Texts come from outside. They are shown as they are, with control characters made visible, and never as Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from footfall.apps.plain import plain
from footfall.stores.base import Row

LONGEST: Final = 300
"""Characters of a text in a table; a browser need not carry a megabyte that nobody reads."""
LONGEST_LABEL: Final = 60
"""Characters of a text on an axis."""
CATEGORIES: Final = 10
"""Bars of categories that are told apart at a glance."""
DEVICES: Final = ("Desktop", "Mobile", "Tablet", "Bot", "Other")
"""All device types, always in this order, so that each keeps its colour."""
TOTAL: Final = "total"

RAW_COLUMNS: Final[Mapping[str, str]] = {
    "timestamp": "Time (UTC)",
    "userId": "Visitor",
    "event_type": "Event",
    "productId": "Product",
    "title": "Title",
    "category": "Category",
    "country": "Country",
    "deviceType": "Device",
    "gender": "Gender",
    "age": "Age",
    "ip": "Address",
    "userAgent": "User agent",
    "page": "Page",
    "referrer": "Referrer",
    "is_bot": "Bot",
    "is_refresh": "Refresh",
    "late": "Late",
    "original_timestamp": "Original time",
    "birthdate": "Birthdate",
    "sessionId": "Tracker's session",
    "event_id": "Event id",
}
"""The columns of the raw data that are shown, in this order, and their headings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one panel draws."""

    table: pa.Table
    total: int = 0
    """Visitors in all, or how many rows there are where the table has only the first."""
    lines: Sequence[str] = ()
    empty: bool = False
    """Whether there is nothing to see in it."""


def shown(value: object, *, limit: int = LONGEST) -> str:
    """A value from outside as a text of at most so many characters, of which each can be seen."""
    text = plain("" if value is None else str(value)[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def clock_time(moment: object) -> str:
    """``15:04`` of an ISO 8601 text."""
    return str(moment)[11:16]


def date_and_time(moment: object) -> str:
    """``2026-11-22 15:04:05`` of an ISO 8601 text."""
    return str(moment)[:19].replace("T", " ")


def visits(rows: Sequence[Row]) -> Content:
    """Visits and visitors by minute."""
    table = _table(
        {
            "Minute": [clock_time(row["minute"]) for row in rows],
            "Visits": _numbers(rows, "visits"),
            "Visitors": _numbers(rows, "visitors"),
        }
    )
    return Content(table=table, empty=not any(row["visits"] for row in rows))


def sessions(rows: Sequence[Row]) -> Content:
    """Sessions by half hour, those of bots apart."""
    table = _table(
        {
            "From": [clock_time(row["start"]) for row in rows],
            "People": [_number(row["sessions"]) - _number(row["bots"]) for row in rows],
            "Bots": _numbers(rows, "bots"),
        }
    )
    return Content(table=table, empty=not any(row["sessions"] for row in rows))


def devices(rows: Sequence[Row]) -> Content:
    """Visitors by device, and in all."""
    counts = {str(row["deviceType"]): _number(row["visitors"]) for row in rows}
    total = counts.pop(TOTAL, 0)
    there = [name for name in DEVICES if counts.get(name)]
    table = _table({"Device": there, "Visitors": [counts[name] for name in there]})
    return Content(table=table, total=total, empty=not there)


def products(rows: Sequence[Row]) -> Content:
    """The most viewed products."""
    table = _table(
        {
            "Views": _numbers(rows, "count"),
            "Title": _texts(rows, "title"),
            "Category": _texts(rows, "category"),
            "Product": _texts(rows, "productId"),
        }
    )
    return Content(table=table, empty=not rows)


def visitors(rows: Sequence[Row]) -> Content:
    """The latest visitors."""
    table = _table(
        {
            "Last seen": _texts(rows, "ago"),
            "Time (UTC)": [date_and_time(row["timestamp"]) for row in rows],
            "Visitor": _texts(rows, "userId"),
            "Address": _texts(rows, "ip"),
            "Country": _texts(rows, "country"),
        }
    )
    return Content(table=table, empty=not rows)


def categories(rows: Sequence[Row]) -> Content:
    """The most popular categories."""
    first = rows[:CATEGORIES]
    table = _table(
        {
            "Category": [shown(row["category"], limit=LONGEST_LABEL) for row in first],
            "Views": _numbers(first, "count"),
        }
    )
    return Content(table=table, total=len(rows), empty=not rows)


def state_log(rows: Sequence[Row]) -> Content:
    """The detector's lines, newest first."""
    lines = [f"{str(row['timestamp'])[11:19]}  {shown(row['line'])}" for row in rows]
    return Content(table=_table({}), lines=lines, empty=not lines)


def raw(rows: Sequence[Row]) -> Content:
    """The newest clicks."""
    there = [name for name in RAW_COLUMNS if not rows or name in rows[0]]
    columns: dict[str, Any] = {RAW_COLUMNS[name]: _texts(rows, name) for name in there}
    columns[RAW_COLUMNS["timestamp"]] = [date_and_time(row["timestamp"]) for row in rows]
    return Content(table=_table(columns), empty=not rows)


def days(rows: Sequence[Row]) -> Content:
    """People's sessions by day: those that went on, and those that ended after one page."""
    table = _table(
        {
            "Day": [str(row["day"])[:10] for row in rows],
            "Stayed": [_number(row["sessions"]) - _number(row["bounces"]) for row in rows],
            "Bounced": _numbers(rows, "bounces"),
        }
    )
    return Content(table=table, empty=not any(row["sessions"] for row in rows))


SHAPES: Final[Mapping[str, Callable[[Sequence[Row]], Content]]] = {
    "last_15_minutes": visits,
    "sessions": sessions,
    "device_type_popularity": devices,
    "products_last_hour": products,
    "latest_visitors": visitors,
    "category_popularity": categories,
    "state_logs": state_log,
    "raw_data": raw,
    "visits_by_day": days,
}
"""A view's name to what makes its content."""


def nothing(view: str) -> Content:
    """The content of a view that was never put."""
    return SHAPES[view](())


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _numbers(rows: Sequence[Row], name: str) -> list[int]:
    return [_number(row[name]) for row in rows]


def _texts(rows: Sequence[Row], name: str) -> list[str]:
    return [shown(row[name]) for row in rows]


def _table(columns: Mapping[str, Sequence[object]]) -> pa.Table:
    """Columns of texts and whole numbers, typed also when they are empty."""
    numbers = {"Visits", "Visitors", "People", "Bots", "Views", "Stayed", "Bounced"}
    return pa.table(
        {
            name: pa.array(values, type=pa.int64() if name in numbers else pa.string())
            for name, values in columns.items()
        }
    )
