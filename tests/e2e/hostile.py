"""Turns the payloads into what a data directory and its streams may hold of them, in every field that a page shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from footfall import wiring
from footfall.core.events import OFFER_SCHEMA, OFFERS, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.log.base import Append
from footfall.sources.lookups import ProductRow
from tests.e2e.payloads import PAYLOADS, Payload

PER_PATTERN: Final = 12
"""The shop explains five patterns, and names four categories and four products of each of their steps."""


def products() -> list[ProductRow]:
    """A product for each payload; all of its texts are that payload."""
    return [
        ProductRow(
            id=one.line, category=one.line, title=one.text, price=one.number, description=one.text, image=one.text
        )
        for one in PAYLOADS
    ]


def pattern_file(path: Path) -> Path:
    """Five patterns of three steps whose categories and products are the payloads."""
    patterns = [_pattern(f"p{start}", PAYLOADS[start : start + PER_PATTERN]) for start in range(0, 60, PER_PATTERN)]
    path.write_text(yaml.safe_dump({"patterns": patterns}, allow_unicode=False), encoding="utf-8")
    return path


def offer_all(data_dir: Path, visitor: str, payloads: Sequence[Payload], *, now_ms: int) -> None:
    """Make offers to a visitor: what is offered, by what pattern, after a click on what, are all a payload."""
    rows = [
        {
            "timestamp": now_ms,
            "event_id": id_from_text(f"{visitor} {one.number}"),
            "userId": visitor,
            "offer": one.text,
            "pattern": one.text,
            "matched": [
                {"timestamp": now_ms, "productId": one.text, "category": one.text},
                {"timestamp": now_ms, "productId": f"unknown {one.text}", "category": one.text},
            ],
        }
        for one in payloads
    ]
    batch = Batch.from_pylist(rows, schema=OFFER_SCHEMA)
    with wiring.open_log(data_dir) as log:
        partitions = log.info(OFFERS).settings.partitions
        log.append([Append(OFFERS, partition_of(visitor, partitions), batch)])


def together(count: int) -> Iterator[Sequence[Payload]]:
    """The payloads, so many at a time."""
    for start in range(0, len(PAYLOADS), count):
        yield PAYLOADS[start : start + count]


def views(payloads: Sequence[Payload], *, minute: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of all live views, with payloads where texts from outside stand, and their numbers as counts."""
    texts = [(one.text, 1000 - one.number) for one in payloads]
    return {
        "last_15_minutes": [{"minute": minute, "visits": 9, "visitors": 3}],
        "sessions": [{"start": minute, "sessions": 5, "bots": 1}],
        "visits_by_day": [{"day": minute[:10], "sessions": 5, "bots": 1, "bounces": 1, "views": 9, "carted": 1}],
        "device_type_popularity": [{"deviceType": name, "visitors": 1} for name in ("Desktop", texts[0][0], "total")],
        "products_last_hour": [{"productId": t, "category": t, "title": t, "count": n} for t, n in texts],
        "latest_visitors": [{"ago": t, "timestamp": minute, "userId": t, "ip": t, "country": t} for t, _ in texts],
        "category_popularity": [{"category": t, "count": n} for t, n in texts],
        "raw_data": [_click(text, minute=minute) for text, _ in texts],
        "state_logs": [
            {"timestamp": minute, "line": f"[User {t} entered state {t}][Event: clicked {t}]"} for t, _ in texts
        ],
    }


def _click(text: str, *, minute: str) -> dict[str, Any]:
    names = "userId productId ip userAgent gender sessionId page referrer category title country deviceType event_type"
    whole = {"event_id": "0" * 32, "original_timestamp": 1, "age": 1, "late": False, "birthdate": None}
    flags = {"is_bot": False, "is_refresh": False}
    return {"timestamp": minute, **dict.fromkeys(names.split(), text), **whole, **flags}


def _pattern(name: str, payloads: Sequence[Payload]) -> dict[str, Any]:
    third = PER_PATTERN // 3
    steps = [[one.text for one in payloads[start : start + third]] for start in range(0, PER_PATTERN, third)]
    on = [{"category": step, "productId": step} for step in steps]
    return {
        "name": name,
        "within": "30 minutes",
        "audience": [{"gender": "any", "age": [18, 65], "offer": name}],
        "states": {
            "init": [{"on": on[0], "to": "one"}],
            "one": [{"on": on[1], "to": "two"}],
            "two": [{"on": on[2], "to": "offer"}],
        },
    }
