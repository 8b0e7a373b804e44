"""Views composed from partials equal what a plain loop over the same clicks counts."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from footfall.core.errors import UsageError
from footfall.core.events import CODED, ENRICHED_SCHEMA
from footfall.stores.composing import ago, iso
from footfall.stores.embedded import EmbeddedStore
from footfall.stores.views import VIEWS, compose, refresh

NOW = 1_700_000_017_123
MINUTE = NOW // 60_000
HALF = NOW // 1_800_000


def batch(view: str, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=VIEWS[view].partial)


def clicks(seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [
        {
            "user": draw.randrange(30),
            "minute": MINUTE - draw.randrange(75),
            "product": f"P{draw.randrange(14)}",
            "device": draw.choice(["Mobile", "Desktop", "Bot"]),
        }
        for _ in range(600)
    ]


def split(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """By visitor, as partitions are."""
    return [[row for row in rows if row["user"] % 3 == p] for p in range(3)]


@pytest.mark.parametrize("seed", range(5))
def test_last_15_minutes_adds_up_over_partitions_and_fills_gaps(seed: int) -> None:
    rows = [row for row in clicks(seed) if row["minute"] % 4]
    partials = []
    for own in split(rows):
        minutes = sorted({row["minute"] for row in own})
        partials.append(
            batch(
                "last_15_minutes",
                [
                    {
                        "minute": m,
                        "visits": sum(r["minute"] == m for r in own),
                        "visitors": len({r["user"] for r in own if r["minute"] == m}),
                    }
                    for m in minutes
                ],
            )
        )

    assert compose("last_15_minutes", partials, NOW) == [
        {
            "minute": iso(m * 60_000),
            "visits": sum(r["minute"] == m for r in rows),
            "visitors": len({r["user"] for r in rows if r["minute"] == m}),
        }
        for m in range(MINUTE - 14, MINUTE + 1)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_devices_count_visitors_of_the_last_ten_minutes_and_the_total_counts_each_once(seed: int) -> None:
    rows = clicks(seed)
    partials = []
    for own in split(rows):
        last: dict[tuple[int, str], int] = {}
        for row in own:
            for device in (row["device"], ""):
                key = (row["user"], device)
                last[key] = max(last.get(key, 0), row["minute"])
        seen = Counter((device, minute) for (_, device), minute in last.items())
        partials.append(
            batch("device_type_popularity", [{"device": d, "minute": m, "visitors": n} for (d, m), n in seen.items()])
        )
    recent = [row for row in rows if row["minute"] >= MINUTE - 9]
    naive = Counter(device for device, _ in {(row["device"], row["user"]) for row in recent})

    assert compose("device_type_popularity", partials, NOW) == [
        *(
            {"deviceType": device, "visitors": count}
            for device, count in sorted(naive.items(), key=lambda item: (-item[1], item[0]))
        ),
        {"deviceType": "total", "visitors": len({row["user"] for row in recent})},
    ]


@pytest.mark.parametrize("seed", range(5))
def test_products_and_categories_of_the_last_hour_equal_a_plain_count(seed: int) -> None:
    rows = clicks(seed)
    products, categories = [], []
    for own in split(rows):
        by_product = Counter((r["minute"], r["product"]) for r in own)
        products.append(
            batch(
                "products_last_hour",
                [
                    {"minute": m, "productId": p, "category": f"c{p[-1]}", "title": f"The {p}", "count": n}
                    for (m, p), n in by_product.items()
                ],
            )
        )
        by_category = Counter((r["minute"], f"c{r['product'][-1]}") for r in own)
        categories.append(
            batch(
                "category_popularity", [{"minute": m, "category": c, "count": n} for (m, c), n in by_category.items()]
            )
        )
    hour = Counter(r["product"] for r in rows if r["minute"] >= MINUTE - 59)
    by_count = sorted(hour.items(), key=lambda item: (-item[1], item[0]))

    assert compose("products_last_hour", products, NOW) == [
        {"productId": p, "category": f"c{p[-1]}", "title": f"The {p}", "count": n} for p, n in by_count[:10]
    ]
    per_category: Counter[str] = Counter()
    for product, count in hour.items():
        per_category[f"c{product[-1]}"] += count
    assert compose("category_popularity", categories, NOW) == [
        {"category": c, "count": n} for c, n in sorted(per_category.items(), key=lambda item: (-item[1], item[0]))
    ]


def test_a_renamed_product_is_one_product_under_its_newest_name() -> None:
    rows = [
        {"minute": MINUTE - 1, "productId": "A", "category": "old", "title": "Old", "count": 2},
        {"minute": MINUTE, "productId": "A", "category": "new", "title": "New", "count": 3},
    ]

    assert compose("products_last_hour", [batch("products_last_hour", rows)], NOW) == [
        {"productId": "A", "category": "new", "title": "New", "count": 5}
    ]


def test_sessions_are_shown_for_sixteen_half_hours_with_zeros() -> None:
    rows = [{"bucket": HALF - back, "sessions": 2, "bots": 1} for back in (0, 15, 16)]
    view = compose("sessions", [batch("sessions", rows), batch("sessions", rows[:1])], NOW)

    assert len(view) == 16
    assert view[0] == {"start": iso((HALF - 15) * 1_800_000), "sessions": 2, "bots": 1}
    assert view[-1] == {"start": iso(HALF * 1_800_000), "sessions": 4, "bots": 2}
    assert sum(int(row["sessions"]) for row in view) == 6


def test_latest_visitors_are_ten_distinct_ones_newest_first_and_by_id_at_the_same_time() -> None:
    rows = [
        {"timestamp": NOW - n // 2 * 1_000, "userId": f"u{n:02}", "ip": None, "country": "Chile"} for n in range(14)
    ]
    again = [{"timestamp": NOW - 60_000, "userId": "u00", "ip": "1.2.3.4", "country": "Peru"}]
    view = compose(
        "latest_visitors", [batch("latest_visitors", rows[7:] + again), batch("latest_visitors", rows[:7])], NOW
    )

    assert [row["userId"] for row in view] == [f"u{n:02}" for n in range(10)]
    assert view[3] == {
        "ago": "1 second ago",
        "timestamp": iso(NOW - 1_000),
        "userId": "u03",
        "ip": None,
        "country": "Chile",
    }


def enriched(times: list[int]) -> pa.RecordBatch:
    columns = []
    for field in ENRICHED_SCHEMA:
        if field.name == "timestamp":
            columns.append(pa.array(times, type=field.type))
        elif field.name == "event_id":
            columns.append(pa.array([bytes([t % 251]) * 16 for t in times], type=field.type))
        elif field.type == CODED:
            columns.append(pa.array([field.name] * len(times)).dictionary_encode().cast(CODED))
        elif field.type == pa.bool_():
            columns.append(pa.array([False] * len(times)))
        else:
            columns.append(pa.nulls(len(times), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=ENRICHED_SCHEMA)


def test_raw_data_is_the_latest_hundred_of_all_partitions() -> None:
    first, second = [NOW - n * 7 for n in range(90)], [NOW - n * 5 for n in range(90)]
    view = compose("raw_data", [enriched(first), enriched(second)], NOW)

    newest = sorted(((t, bytes([t % 251] * 16).hex()) for t in first + second), reverse=True)[:100]
    assert [(row["timestamp"], row["event_id"]) for row in view] == [(iso(t), identity) for t, identity in newest]
    assert view[0]["category"] == "category"
    assert list(view[0]) == ENRICHED_SCHEMA.names


def test_state_logs_are_newest_first_and_a_later_line_goes_before_an_earlier_one_of_the_same_time() -> None:
    lines = [{"timestamp": NOW, "line": f"line {n}"} for n in range(120)]
    view = compose("state_logs", [batch("state_logs", lines)], NOW)

    assert [row["line"] for row in view] == [f"line {n}" for n in range(119, 19, -1)]


def test_without_partials_views_are_empty_or_zero() -> None:
    shapes = {name: len(compose(name, [], NOW)) for name in VIEWS}

    assert shapes == {
        "last_15_minutes": 15,
        "sessions": 16,
        "visits_by_day": 7,
        "device_type_popularity": 1,
        "products_last_hour": 0,
        "latest_visitors": 0,
        "category_popularity": 0,
        "raw_data": 0,
        "state_logs": 0,
    }


def test_a_partial_without_rows_and_columns_counts_for_nothing() -> None:
    assert compose("raw_data", [pa.RecordBatch.from_pylist([]), enriched([NOW])], NOW) == compose(
        "raw_data", [enriched([NOW])], NOW
    )


def test_rows_have_the_columns_that_the_view_declares() -> None:
    filled = {"raw_data": enriched([NOW])}
    for name, view in VIEWS.items():
        row = {f.name: NOW if f.name == "timestamp" else MINUTE if f.name == "minute" else None for f in view.partial}
        row |= {f.name: "x" for f in view.partial if f.type == pa.string()}
        row |= {f.name: 1 for f in view.partial if f.type == pa.int64() and row[f.name] is None}
        partial = filled.get(name)
        rows = compose(name, [partial if partial is not None else batch(name, [row])], NOW)
        assert rows
        assert all(list(found) == view.rows.names for found in rows), name


def test_refresh_puts_all_views_as_of_the_newest_event_of_all_partitions(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path) as store:
        assert refresh(store) is None
        rows = [{"minute": MINUTE, "category": "shoes", "count": 2}]
        store.publish("p0", {"category_popularity": batch("category_popularity", rows)}, as_of=NOW - 60_000)
        store.publish("p1", {"category_popularity": batch("category_popularity", rows)}, as_of=NOW)

        assert refresh(store) == NOW
        assert store.view("category_popularity") == [{"category": "shoes", "count": 4}]
        assert store.views() == sorted(VIEWS)


def test_a_partial_of_another_shape_is_refused_with_its_view() -> None:
    with pytest.raises(ValueError, match="a partial of sessions must have the columns bucket, sessions, bots"):
        compose("sessions", [pa.RecordBatch.from_pydict({"bucket": [1]})], NOW)


def test_an_unknown_view_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no view named nope.*category_popularity"):
        compose("nope", [], NOW)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "now"), (999, "now"), (1_000, "1 second ago"), (119_999, "1 minute ago"), (7_200_000, "2 hours ago")],
)
def test_durations_are_said_as_people_do(ms: int, text: str) -> None:
    assert ago(ms) == text
