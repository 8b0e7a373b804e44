"""Turns clicks on a topic into enriched clicks on another one, with Quix Streams: what `benchmarks.kafka` measures.

Runs in an environment of its own, with quixstreams: ``python kafka_quix.py BROKER PREFIX LOOKUPS NUMBER``.
It has the easier life: what is looked up is in dicts, and each user agent is looked at once.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found,unused-ignore]


def main(broker: str, prefix: str, lookups: Path) -> None:
    """Enrich until told to stop."""
    products = {row["id"]: row for row in json.loads((lookups / "products.json").read_text())}
    users = {row["userId"]: row for row in _lines(lookups / "users.json")}

    def enrich(click: dict[str, Any]) -> dict[str, Any]:
        product = products.get(click["productId"], {})
        user = users.get(click["userId"], {})
        birthday = user.get("birthDate")
        click["category"] = product.get("category", "Unknown")
        click["title"] = product.get("title", "Unknown")
        click["gender"] = user.get("gender") or "U"
        click["birthdate"] = birthday
        click["age"] = _age(birthday, click["timestamp"] // 86_400_000) if birthday else None
        click["deviceType"] = _device(click.get("userAgent") or "")
        return click

    app = Application(
        broker_address=broker,
        consumer_group=f"{prefix}-quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=tempfile.mkdtemp(),
        loglevel="WARNING",
        producer_extra_config={"compression.type": "lz4", "linger.ms": 5},
    )
    clicks = app.topic(f"{prefix}.click-data", value_deserializer="json")
    enriched = app.topic(f"{prefix}.enriched-click-data", value_serializer="json")
    app.dataframe(clicks).apply(enrich).to_topic(enriched)
    app.run()


def _lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text()
    rows: list[dict[str, Any]] = (
        json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    )
    return rows


@lru_cache(maxsize=100_000)
def _age(birthday: str, day: int) -> int:
    born = datetime.fromisoformat(birthday[:10])
    now = datetime.fromtimestamp(day * 86_400, tz=UTC)
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


@lru_cache(maxsize=10_000)
def _device(agent: str) -> str:
    text = agent.lower()
    if "bot" in text or "spider" in text:
        return "Bot"
    if "ipad" in text or "tablet" in text:
        return "Tablet"
    return "Mobile" if "mobi" in text or "iphone" in text else "Desktop"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
