"""What panels draw: every view has its shape, and what comes from outside is cut, made visible, and left as text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.dashboard import charts
from footfall.apps.dashboard.shapes import CATEGORIES, LONGEST, RAW_COLUMNS, SHAPES, nothing, shown
from footfall.stores.views import VIEWS
from tests.unit.dashboards import nobody, views

DRAWN = {
    "last_15_minutes": charts.VISITS,
    "sessions": charts.SESSIONS,
    "device_type_popularity": charts.DEVICE_SHARES,
    "category_popularity": charts.CATEGORY_BARS,
    "visits_by_day": charts.DAYS,
}


def fields(spec: Any) -> set[str]:
    """The names of all fields that a specification speaks of."""
    if isinstance(spec, dict):
        own = {spec["field"]} if "field" in spec else set()
        return own.union(*map(fields, spec.values()))
    return set().union(*map(fields, spec)) if isinstance(spec, list) else set()


def keys(spec: Any) -> set[str]:
    if isinstance(spec, dict):
        return set(spec).union(*map(keys, spec.values()))
    return set().union(*map(keys, spec)) if isinstance(spec, list) else set()


def test_every_view_has_a_shape() -> None:
    assert set(SHAPES) == set(VIEWS)


def test_every_column_of_the_raw_data_has_a_heading() -> None:
    assert set(RAW_COLUMNS) >= set(VIEWS["raw_data"].rows.names)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_the_same_columns_with_rows_and_without(name: str) -> None:
    full, empty = SHAPES[name](views()[name]), nothing(name)

    assert not full.empty
    assert empty.empty
    assert SHAPES[name](nobody()[name]).empty
    assert name == "raw_data" or full.table.schema == empty.table.schema


@pytest.mark.parametrize(("name", "spec"), DRAWN.items())
def test_a_chart_draws_columns_that_are_there(name: str, spec: dict[str, Any]) -> None:
    (fold,) = spec.get("transform", [{"fold": [], "as": []}])
    columns = set(nothing(name).table.column_names)

    assert set(fold["fold"]) <= columns
    assert fields(spec) <= columns | set(fold["as"])


@pytest.mark.parametrize("spec", DRAWN.values())
def test_no_chart_has_an_expression_or_loads_anything(spec: dict[str, Any]) -> None:
    assert not keys(spec) & {"expr", "calculate", "filter", "url", "href", "labelExpr", "condition", "test", "params"}


def test_sessions_of_people_and_of_bots_add_up() -> None:
    table = SHAPES["sessions"]([{"start": "2026-11-22T15:30:00Z", "sessions": 5, "bots": 2}]).table

    assert table.to_pylist() == [{"From": "15:30", "People": 3, "Bots": 2}]


def test_the_total_of_visitors_is_no_device() -> None:
    content = SHAPES["device_type_popularity"](views(many=3)["device_type_popularity"])

    assert content.total == 5
    assert content.table.to_pylist() == [{"Device": "Desktop", "Visitors": 2}, {"Device": "Mobile", "Visitors": 3}]


def test_only_so_many_categories_are_drawn_and_all_are_counted() -> None:
    content = SHAPES["category_popularity"]([{"category": f"c{n}", "count": 1} for n in range(10_000)])

    assert content.table.num_rows == CATEGORIES
    assert content.total == 10_000


def test_a_megabyte_of_text_is_cut() -> None:
    content = SHAPES["raw_data"](views(text="x" * 1_000_000)["raw_data"])

    assert content.table.nbytes < 200_000


@given(st.text(max_size=2 * LONGEST))
def test_a_text_is_shown_as_it_is_but_for_length_and_control_characters(text: str) -> None:
    seen = shown(text)

    assert len(seen) <= LONGEST
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in seen)
    if text.isprintable() and len(text) <= LONGEST:
        assert seen == text
