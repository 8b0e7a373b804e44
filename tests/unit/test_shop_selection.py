"""The cart's form: lengths, choices that fit the table, and one message a form."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.web.shop.selection import (
    CHOICES,
    COLOURS,
    LIMITS,
    Form,
    Selection,
    cart_row,
    category_for,
    form_of_token,
    selected,
)
from footfall.core.events import CART_SCHEMA
from footfall.sources.catalogue import CATEGORIES

KEY = bytes(range(32))
NOW = 1_700_000_000_000
FORM = Form(NOW, "0123456789abcdef")


def test_every_choice_that_the_page_offers_fits_into_its_column() -> None:
    for name, options in {**CHOICES, "hex_color": tuple(COLOURS)}.items():
        for option in options:
            assert isinstance(selected({"username": "ann", name: option}), Selection)


def test_every_category_of_our_catalogue_has_one_that_fits_the_cart() -> None:
    assert {category_for(name) for name in CATEGORIES} <= set(CHOICES["category"])
    assert category_for("a category of somebody else") == ""


@given(st.dictionaries(st.sampled_from([*LIMITS, "else"]), st.text(max_size=40)))
def test_any_fields_are_a_row_that_fits_or_are_answered_by_field(fields: dict[str, str]) -> None:
    found = selected(fields)

    if isinstance(found, dict):
        assert set(found) <= set(LIMITS)
        assert found
        return
    batch = cart_row(found, created_us=FORM.created_us(found))
    assert batch.schema.equals(CART_SCHEMA)
    [row] = batch.to_pylist()
    assert all(row[name] is None or 0 < len(row[name]) <= limit for name, limit in LIMITS.items())


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "1F3A5F", "#1F3A5G", "#٣٣٣٣٣٣"])
def test_a_colour_that_is_none_is_answered(colour: str) -> None:
    assert set(selected({"username": "ann", "hex_color": colour})) == {"hex_color"}  # type: ignore[arg-type]  # a dict


def test_a_forms_token_brings_the_form_back() -> None:
    assert form_of_token(FORM.token(KEY), key=KEY, now_ms=NOW + 1_000) == FORM


def test_a_token_of_another_shop_is_none() -> None:
    assert form_of_token(FORM.token(bytes(32)), key=KEY, now_ms=NOW) is None


@pytest.mark.parametrize(
    ("later_ms", "known"), [(86_400_000, True), (86_400_001, False), (-300_000, True), (-300_001, False)]
)
def test_a_form_may_lie_open_for_a_day(later_ms: int, *, known: bool) -> None:
    assert (form_of_token(FORM.token(KEY), key=KEY, now_ms=NOW + later_ms) is not None) is known


@given(st.integers(0, NOW), st.binary(min_size=8, max_size=8), st.sampled_from(CHOICES["size"]))
def test_a_message_is_created_within_a_second_of_its_form_and_never_before(
    made_ms: int, nonce: bytes, size: str
) -> None:
    form, selection = Form(made_ms, nonce.hex()), Selection(username="ann", size=size)

    assert 0 <= form.created_us(selection) - made_ms * 1_000 < 1_000_000
    assert form.created_us(selection) == form.created_us(Selection(username="ann", size=size))


def test_other_choices_on_the_same_form_are_other_messages() -> None:
    first, *others = (
        FORM.created_us(Selection(username="ann", category=category, gender=gender, style=style, size=size))
        for category, gender, style, size in product(*CHOICES.values())
    )

    assert len(others) > 4_000
    assert first not in others


def test_the_event_id_is_of_username_and_creation_time_alone() -> None:
    one = cart_row(Selection(username="ann", size="S"), created_us=NOW * 1_000)
    same = cart_row(Selection(username="ann", size="L"), created_us=NOW * 1_000)
    other = cart_row(Selection(username="bob", size="S"), created_us=NOW * 1_000)
    later = cart_row(Selection(username="ann", size="S"), created_us=NOW * 1_000 + 1)

    ids = [batch.column("event_id")[0].as_py() for batch in (one, same, other, later)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
