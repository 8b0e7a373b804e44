"""Turns all enriched clicks and sessions into the live views, as of the newest event."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.reference.ids import id_of
from tests.reference.model import DAY, HALF_HOUR, MINUTE, Click, Session

Rows = list[dict[str, Any]]


def views_of(clicks: list[Click], sessions: list[Session], as_of: int) -> dict[str, Rows]:
    """Every view by its name. ``clicks`` are in the order of the log."""
    now = as_of // MINUTE
    newest = max(c.timestamp for c in clicks)
    recent = [c for c in clicks if not c.late and now - c.timestamp // MINUTE < 60]
    seen = [c for c in recent if c.event_type in {"view", "page"}]
    in_time = [c for c in clicks if not c.late]
    edge = newest // MINUTE - 60
    return {
        "last_15_minutes": _last_15_minutes([c for c in recent if now - c.timestamp // MINUTE < 15], now),
        "device_type_popularity": _devices([c for c in recent if now - c.timestamp // MINUTE < 10]),
        "products_last_hour": _products(seen),
        "category_popularity": _categories(seen),
        "sessions": _sessions(sessions, as_of),
        "visits_by_day": _visits_by_day(sessions, as_of),
        "latest_visitors": _latest_visitors(in_time, as_of),
        "raw_data": _raw_data(clicks, edge),
    }


def moment(time: int) -> str:
    """A time as ISO text, with milliseconds where there are any."""
    text = datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{time % 1000:03}Z" if time % 1000 else f"{text}Z"


def _last_15_minutes(clicks: list[Click], now: int) -> Rows:
    rows = []
    for minute in range(now - 14, now + 1):
        visitors = [c.user_id for c in clicks if c.timestamp // MINUTE == minute]
        rows.append({"minute": moment(minute * MINUTE), "visits": len(visitors), "visitors": len(set(visitors))})
    return rows


def _devices(clicks: list[Click]) -> Rows:
    devices: dict[str, set[str]] = {}
    for click in clicks:
        devices.setdefault(click.device_type, set()).add(click.user_id)
    ordered = sorted(devices.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    rows = [{"deviceType": device, "visitors": len(users)} for device, users in ordered]
    return [*rows, {"deviceType": "total", "visitors": len({c.user_id for c in clicks})}]


def _products(clicks: list[Click]) -> Rows:
    counts = Counter((c.product_id, c.category, c.title) for c in clicks)
    top = sorted(counts, key=lambda key: (-counts[key], key[0]))[:10]
    return [{"productId": p, "category": c, "title": t, "count": counts[p, c, t]} for p, c, t in top]


def _categories(clicks: list[Click]) -> Rows:
    counts = Counter(c.category for c in clicks)
    return [{"category": c, "count": counts[c]} for c in sorted(counts, key=lambda c: (-counts[c], c))]


def _sessions(sessions: list[Session], as_of: int) -> Rows:
    now = as_of // HALF_HOUR
    rows = []
    for bucket in range(now - 15, now + 1):
        started = [s for s in sessions if s.start // HALF_HOUR == bucket]
        rows.append(
            {
                "start": moment(bucket * HALF_HOUR),
                "sessions": len(started),
                "bots": sum(s.is_bot for s in started),
            }
        )
    return rows


def _visits_by_day(sessions: list[Session], as_of: int) -> Rows:
    rows = []
    for day in range(as_of // DAY - 6, as_of // DAY + 1):
        begun = [s for s in sessions if s.start // DAY == day]
        people = [s for s in begun if not s.is_bot]
        rows.append(
            {
                "day": moment(day * DAY)[:10],
                "sessions": len(people),
                "bots": len(begun) - len(people),
                "bounces": sum(s.views <= 1 and s.carts == 0 for s in people),
                "views": sum(s.views for s in people),
                "carted": sum(s.carts > 0 for s in people),
            }
        )
    return rows


def _latest_visitors(clicks: list[Click], as_of: int) -> Rows:
    latest: dict[str, Click] = {}
    for click in clicks:
        if click.user_id not in latest or latest[click.user_id].timestamp <= click.timestamp:
            latest[click.user_id] = click
    top = sorted(latest.values(), key=lambda c: (-c.timestamp, c.user_id))[:10]
    return [
        {
            "ago": ago(as_of - c.timestamp),
            "timestamp": moment(c.timestamp),
            "userId": c.user_id,
            "ip": c.ip,
            "country": c.country,
        }
        for c in top
    ]


def ago(passed: int) -> str:
    """A duration in ms as people say it."""
    seconds = passed // 1000
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit} ago" if count == 1 else f"{count} {unit}s ago"
    return "now"


def _raw_data(clicks: list[Click], edge: int) -> Rows:
    """The newest hundred. ``edge`` is a minute: when enough clicks are newer, older ones need no id."""
    newer = [c for c in clicks if c.timestamp // MINUTE > edge]
    candidates = newer if len(newer) >= 100 else clicks
    rows = [(c.timestamp, event_id(c), c) for c in candidates]
    rows.sort(key=lambda row: row[:2], reverse=True)
    return [{**enriched_row(c), "timestamp": moment(c.timestamp)} for _, _, c in rows[:100]]


def event_id(click: Click) -> str:
    """The id that the click came with, or the one that its content gives it."""
    if click.event_id is not None:
        return click.event_id
    return id_of(click.timestamp, click.user_id, click.product_id, click.event_type, click.ip, click.user_agent)


def enriched_row(click: Click) -> dict[str, Any]:
    """A click as a message of enriched-click-data; what is missing is None."""
    return {
        "timestamp": click.timestamp,
        "event_id": event_id(click),
        "userId": click.user_id,
        "productId": click.product_id,
        "event_type": click.event_type,
        "original_timestamp": click.original_timestamp,
        "ip": click.ip,
        "userAgent": click.user_agent,
        "age": click.age,
        "gender": click.gender,
        "late": click.late,
        "category": click.category,
        "title": click.title,
        "birthdate": click.birthdate.isoformat() if click.birthdate else None,
        "country": click.country,
        "deviceType": click.device_type,
        "is_bot": click.is_bot,
        "is_refresh": click.is_refresh,
    }
