"""What is put into the cart is one message, whole and exactly as chosen, or an answer beside the field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from footfall.apps.web.shop.selection import LIMITS
from footfall.core.events import CART
from tests.integration.shopping import Shopper, Shopping, hidden, seen, shopping

CHOICE = {
    "username": "ann",
    "category": "shoes",
    "gender": "Female",
    "style": "Sporty",
    "size": "39",
    "hex_color": "#1F3A5F",
}
BAG = "FF55124064"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shopping]:
    with shopping(tmp_path) as running:
        yield running


@pytest.fixture
def ada(shop: Shopping) -> Shopper:
    return shop.shopper()


def add(shopper: Shopper, form: str, **fields: str) -> httpx.Response:
    """Send the cart's form."""
    return shopper.post("/cart", form=form, **fields)


def new_form(shopper: Shopper, query: str = "?username=ann") -> str:
    """The token of a form that was just rendered."""
    return hidden("form", shopper.get(f"/cart{query}"))


def test_without_a_username_the_options_do_not_show(ada: Shopper) -> None:
    assert "hidden disabled" in seen(r"(<fieldset id=\"cart-options\"[^>]*>)", ada.get("/cart"))
    assert "hidden" not in seen(r"(<fieldset id=\"cart-options\"[^>]*>)", ada.get("/cart?username=ann"))


def test_a_selection_is_stored_whole_and_shown(shop: Shopping, ada: Shopper) -> None:
    answer = add(ada, new_form(ada), **CHOICE)

    assert (answer.status_code, answer.headers["location"]) == (303, "/cart/added")
    [row] = shop.rows(CART)
    assert {name: row[name] for name in CHOICE} == CHOICE
    page = ada.get("/cart/added")
    for value in CHOICE.values():
        assert value in page.text
    created = seen(r'data-field="creation_timestamp">([^<]+) UTC<', page)
    assert datetime.fromisoformat(created) == datetime.fromisoformat(row["creation_timestamp"])


def test_all_but_the_username_may_stay_open(shop: Shopping, ada: Shopper) -> None:
    add(ada, new_form(ada), username=" ann ", category="", size="  ")

    [row] = shop.rows(CART)
    assert [row.get(name) for name in LIMITS] == ["ann", None, None, None, None, None]


def test_a_form_that_is_sent_twice_is_one_message(shop: Shopping, ada: Shopper) -> None:
    form = new_form(ada)
    add(ada, form, **CHOICE)
    shop.clock.advance(90)
    add(ada, form, **CHOICE)

    first, second = shop.rows(CART)
    assert first == second


def test_a_form_that_is_sent_again_with_another_choice_is_another_message(shop: Shopping, ada: Shopper) -> None:
    form = new_form(ada)
    add(ada, form, **CHOICE)
    add(ada, form, **CHOICE | {"size": "40"})

    first, second = shop.rows(CART)
    assert first["event_id"] != second["event_id"]
    assert first["creation_timestamp"] != second["creation_timestamp"]


def test_two_forms_are_two_messages_though_they_say_the_same(shop: Shopping, ada: Shopper) -> None:
    for _ in range(2):
        add(ada, new_form(ada), **CHOICE)
        shop.clock.advance(0.001)

    assert len({row["event_id"] for row in shop.rows(CART)}) == 2


@pytest.mark.parametrize("name", LIMITS)
def test_a_value_one_character_too_long_is_answered_beside_its_field(shop: Shopping, ada: Shopper, name: str) -> None:
    long = "x" * (LIMITS[name] + 1)
    answer = add(ada, new_form(ada), **CHOICE | {name: long})

    assert answer.status_code == 400
    assert f"at most {LIMITS[name]} characters; this has {LIMITS[name] + 1}" in seen(
        rf'id="{name}-wrong">([^<]+)<', answer
    )
    assert 'value="ann"' in answer.text or long in answer.text
    assert shop.rows(CART) == []


def test_lengths_are_counted_in_characters(shop: Shopping, ada: Shopper) -> None:
    assert add(ada, new_form(ada), username="ü" * 31 + "🧦").status_code == 303
    assert add(ada, new_form(ada), username="ü" * 32 + "🧦").status_code == 400
    assert [row["username"] for row in shop.rows(CART)] == ["ü" * 31 + "🧦"]


@pytest.mark.parametrize("username", ["", "   ", "a\x00b", "a\nb", "a\x9bb"])
def test_a_username_that_is_none_is_answered_on_the_page(shop: Shopping, ada: Shopper, username: str) -> None:
    answer = add(ada, new_form(ada), username=username, size="M")

    assert answer.status_code == 400
    assert 'id="username-wrong"' in answer.text
    assert shop.rows(CART) == []


def test_what_was_chosen_stays_when_something_is_wrong(shop: Shopping, ada: Shopper) -> None:
    form = new_form(ada)
    answer = add(ada, form, **CHOICE | {"username": "a" * 33})

    assert hidden("form", answer) == form
    for name, value in CHOICE.items():
        if name != "username":
            assert seen(rf'value="{value}"( selected| checked)', answer)


@pytest.mark.parametrize("token", ["", "x", "MTIzNDU2.AAAAAAAAAAAAAAAAAAAAAAAA", "é"])
def test_a_form_that_is_not_ours_is_answered_with_one_that_is(shop: Shopping, ada: Shopper, token: str) -> None:
    answer = add(ada, token, **CHOICE)

    assert (answer.status_code, shop.rows(CART)) == (400, [])
    assert add(ada, hidden("form", answer), **CHOICE).status_code == 303


def test_a_form_of_yesterday_is_answered_with_a_new_one(shop: Shopping, ada: Shopper) -> None:
    form = new_form(ada)
    shop.clock.advance(25 * 3600)

    answer = add(ada, form, **CHOICE)

    assert (answer.status_code, shop.rows(CART)) == (400, [])
    assert hidden("form", answer) != form


def test_a_product_that_is_put_into_the_cart_is_a_click_too_and_only_once(shop: Shopping, ada: Shopper) -> None:
    page = ada.get(f"/cart?username=ann&product={BAG}")
    assert seen(r'<option value="(\w+)" selected', page) == "bags"
    ada.post("/identity", age="30", gender="F")
    for _ in range(2):
        add(ada, hidden("form", page), **CHOICE, product=BAG)
        shop.clock.advance(5)

    first, second = shop.rows()
    assert (first["productId"], first["event_type"], first["userId"]) == (BAG, "cart", ada.visitor)
    assert (first["age"], first["gender"]) == (30, "F")
    same = ("event_id", "userId", "productId", "event_type", "original_timestamp")
    assert [first[name] for name in same] == [second[name] for name in same]


def test_a_product_that_is_not_ours_is_no_click(shop: Shopping, ada: Shopper) -> None:
    assert add(ada, new_form(ada), **CHOICE, product="nothing").status_code == 303
    assert (len(shop.rows(CART)), shop.rows()) == (1, [])


def test_a_cart_that_cannot_be_written_keeps_the_form_for_another_try(shop: Shopping, ada: Shopper) -> None:
    form = new_form(ada)
    shop.parts.intake.close()

    answer = add(ada, form, **CHOICE)

    assert (answer.status_code, hidden("form", answer)) == (503, form)
    assert answer.headers["retry-after"]
    assert "Nothing is lost" in answer.text


def test_a_receipt_that_we_did_not_sign_shows_nothing(ada: Shopper) -> None:
    answer = ada.get("/cart/added", cookie="cart-added=e30.AAAAAAAAAAAAAAAAAAAAAAAA")

    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
