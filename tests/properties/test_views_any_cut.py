"""The aggregation's views equal a plain count over all clicks, in any cut into frames, any save and restore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.processors.aggregate import Aggregation
from footfall.processors.base import NO_TIME, Codebook, Frame
from footfall.stores import views
from tests.unit.frames import enriched
from tests.unit.streams import MINUTE, SECOND, START, Saved

Row = dict[str, Any]
DEVICES = ("Mobile", "Desktop", "Tablet", "Bot", "Other")
CLICK = st.tuples(
    st.sampled_from([0, 1, 30, 59, 60, 240, 1_900]),  # seconds since the click before
    st.integers(0, 14),  # visitor
    st.integers(0, 13),  # product
    st.sampled_from([0, 0, 0, 5, 400, 4_000]),  # seconds behind; more than 600 is late
)
CUTS = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=6)


def rows(clicks: Sequence[tuple[int, int, int, int]]) -> list[Row]:
    """Enriched clicks in log order, those too far behind marked late."""
    found, time, newest = [], START, START
    for number, (seconds, visitor, product, behind) in enumerate(clicks):
        time += seconds * SECOND
        at = time - behind * SECOND
        late = at < newest - 10 * MINUTE
        newest = newest if late else max(newest, at)
        found.append(
            {
                "timestamp": at,
                "userId": f"user-{visitor}",
                "productId": f"P{product}",
                "late": late,
                "category": f"category {product % 3}",
                "title": f"The P{product}",
                "country": f"Land {visitor % 4}",
                "deviceType": DEVICES[(visitor + product) % 5],
                "ip": f"1.2.3.{number}",
                "newest": newest,
                "event_id": number.to_bytes(16, "big"),
            }
        )
    return found


def plain(given: Sequence[Row]) -> dict[str, Any]:
    """Each view, counted one click at a time."""
    as_of = given[-1]["newest"] // MINUTE
    punctual = [(row["timestamp"] // MINUTE, row) for row in given if not row["late"]]
    hour = [row for minute, row in punctual if minute > as_of - 60]
    recent = [row for minute, row in punctual if minute > as_of - 10]
    devices = Counter(device for device, _ in {(row["deviceType"], row["userId"]) for row in recent})
    products = Counter((row["productId"], row["category"], row["title"]) for row in hour)
    latest: dict[str, Row] = {}
    for _, row in punctual:
        if row["userId"] not in latest or row["timestamp"] >= latest[row["userId"]]["timestamp"]:
            latest[row["userId"]] = row
    ranked = sorted(latest.values(), key=lambda row: (-row["timestamp"], row["userId"]))[:10]
    newest = sorted(given, key=lambda row: (row["timestamp"], row["event_id"]), reverse=True)[:100]
    per_minute = []
    for minute in range(as_of - 14, as_of + 1):
        there = [row["userId"] for m, row in punctual if m == minute]
        per_minute.append((len(there), len(set(there))))
    return {
        "last_15_minutes": per_minute,
        "category_popularity": dict(Counter(row["category"] for row in hour)),
        "products_last_hour": [
            (*product, n) for product, n in sorted(products.items(), key=lambda item: (-item[1], item[0][0]))[:10]
        ],
        "device_type_popularity": {**devices, "total": len({row["userId"] for row in recent})},
        "latest_visitors": [(row["userId"], row["ip"], row["country"]) for row in ranked],
        "raw_data": [row["event_id"].hex() for row in newest],
    }


@dataclass
class Run:
    """The operator at work, saved and restored as told."""

    book: Codebook = field(default_factory=Codebook)
    saved: Saved = field(default_factory=Saved)
    as_of: int = NO_TIME

    def __post_init__(self) -> None:
        self.aggregation = Aggregation().start(book=self.book, state=self.saved.tables)

    def restart(self) -> None:
        self.saved.keep(self.aggregation.changes())
        self.book = Codebook()
        self.aggregation = Aggregation().start(book=self.book, state=self.saved.tables)

    def see(self, given: Sequence[Row]) -> None:
        if given:
            self.as_of = given[-1]["newest"]
        watermark = self.as_of - 10 * MINUTE
        frame = Frame(enriched(given), book=self.book, before=NO_TIME, watermark=watermark, high=self.as_of)
        assert self.aggregation.process(frame) == []

    def shown(self) -> dict[str, Any]:
        """What the views say, as ``plain`` says it."""
        parts = {part.view: part.batch for part in self.aggregation.partials()}
        composed = {name: views.compose(name, [batch], self.as_of) for name, batch in parts.items()}
        return {
            "last_15_minutes": [(row["visits"], row["visitors"]) for row in composed["last_15_minutes"]],
            "category_popularity": {row["category"]: row["count"] for row in composed["category_popularity"]},
            "products_last_hour": [tuple(row.values()) for row in composed["products_last_hour"]],
            "device_type_popularity": {
                row["deviceType"]: row["visitors"] for row in composed["device_type_popularity"]
            },
            "latest_visitors": [(row["userId"], row["ip"], row["country"]) for row in composed["latest_visitors"]],
            "raw_data": [row["event_id"] for row in composed["raw_data"]],
        }


@settings(max_examples=100, deadline=None)
@given(st.lists(CLICK, min_size=1, max_size=60), CUTS)
def test_views_equal_a_plain_count_in_any_cut_through_any_restart(
    clicks: list[tuple[int, int, int, int]], cuts: list[tuple[int, bool]]
) -> None:
    given = rows(clicks)
    edges = dict([(0, False), *((cut, again) for cut, again in cuts if cut <= len(given)), (len(given), False)])
    state = Run()
    for start, stop in pairwise(sorted(edges)):
        if edges[start]:
            state.restart()
        state.see(given[start:stop])
    assert state.shown() == plain(given)
    state.restart()
    assert state.shown() == plain(given)
