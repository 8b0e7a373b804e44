"""Turns a few numbers into the rows of all live views, as a worker puts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from footfall import wiring
from footfall.stores.composing import DAY, HALF_HOUR, MINUTE, iso
from footfall.stores.views import VIEWS

NOON: Final = 1_795_435_200_000
"""2026-11-23 12:00 UTC, in ms."""
Rows = list[dict[str, Any]]


def views(*, as_of: int = NOON, many: int = 3, text: str = "lamp") -> dict[str, Rows]:
    """All views: ``many`` is what is counted everywhere, ``text`` is in every field that comes from outside."""
    minute, half, day = as_of // MINUTE * MINUTE, as_of // HALF_HOUR * HALF_HOUR, as_of // DAY * DAY
    click = dict.fromkeys(VIEWS["raw_data"].rows.names, text) | {
        "timestamp": iso(as_of),
        "age": 30,
        "late": False,
        "is_bot": False,
        "is_refresh": False,
        "birthdate": None,
        "original_timestamp": as_of // 1000,
    }
    made: dict[str, Rows] = {
        "last_15_minutes": [
            {"minute": iso(minute - back * MINUTE), "visits": many + back, "visitors": many}
            for back in range(14, -1, -1)
        ],
        "sessions": [
            {"start": iso(half - back * HALF_HOUR), "sessions": many + 1, "bots": 1} for back in range(15, -1, -1)
        ],
        "device_type_popularity": [
            {"deviceType": "Mobile", "visitors": many},
            {"deviceType": "Desktop", "visitors": 2},
            {"deviceType": "total", "visitors": many + 2},
        ],
        "products_last_hour": [{"productId": text, "category": text, "title": text, "count": many}],
        "latest_visitors": [{"ago": "now", "timestamp": iso(as_of), "userId": text, "ip": text, "country": text}],
        "category_popularity": [{"category": text, "count": many}, {"category": f"{text} 2", "count": 1}],
        "raw_data": [click] * 20,
        "state_logs": [
            {"timestamp": iso(as_of), "line": f"[User {text} triggered offer offer{many}]"},
            {"timestamp": iso(as_of - 5000), "line": f"[User ada entered state {text}]"},
        ],
        "visits_by_day": [
            {"day": iso(day - back * DAY)[:10], "sessions": 4, "bots": 1, "bounces": 1, "views": 10, "carted": many}
            for back in range(6, -1, -1)
        ],
    }
    assert {name: list(rows[0]) for name, rows in made.items()} == {name: v.rows.names for name, v in VIEWS.items()}
    return made


def put(data_dir: Path, rows: dict[str, Rows] | None = None, *, as_of: int = NOON, publication: int = 1) -> None:
    """Put these views, or three of everything."""
    with wiring.open_store(data_dir) as store:
        store.put_views(views(as_of=as_of) if rows is None else rows, as_of=as_of, publication=publication)


def nobody(as_of: int = NOON) -> dict[str, Rows]:
    """All views of a time in which nothing happened."""
    empty: dict[str, Rows] = {name: [] for name in VIEWS}
    zero = views(as_of=as_of)
    return empty | {
        name: [dict.fromkeys(row, 0) | {first: row[first]} for row in zero[name]]
        for name, first in (("last_15_minutes", "minute"), ("sessions", "start"), ("visits_by_day", "day"))
    }
