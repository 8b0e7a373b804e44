"""The cart in a browser: nothing without a username, everything as chosen, once however often the button is pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from footfall.core.events import CART
from tests.e2e.browser import NewContext
from tests.e2e.looking import unnamed_parts
from tests.e2e.serving import Serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all of these tests; each has a username of its own."""
    serving = Serving(tmp_path_factory.mktemp("cart") / "data")
    serving.start()
    yield serving
    serving.close()


def rows(shop: Serving, username: str) -> list[dict[str, Any]]:
    return [row for row in shop.rows(CART) if row["username"] == username]


def choose(page: Page) -> None:
    """Choose one of everything."""
    page.get_by_label("Category").select_option("shoes")
    page.locator("#gender").select_option("Female")
    page.get_by_label("Style").select_option("Sporty")
    page.get_by_label("Size").select_option("39")
    page.get_by_role("radio", name="Navy").check(force=True)


CHOSEN = {"category": "shoes", "gender": "Female", "style": "Sporty", "size": "39", "hex_color": "#1F3A5F"}


def test_the_options_show_while_a_username_is_typed(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart")
    expect(page.get_by_label("Category")).to_be_hidden()
    expect(page.get_by_role("button", name="Add to cart")).to_be_hidden()

    page.get_by_label("Username").press_sequentially("a")
    expect(page.get_by_label("Category")).to_be_visible()
    assert unnamed_parts(page) == []

    page.get_by_label("Username").press("Backspace")
    expect(page.get_by_label("Category")).to_be_hidden()
    page.get_by_label("Username").press("Enter")
    assert page.url == f"{shop.url}/cart"


def test_what_was_chosen_is_stored_with_every_column_and_shown(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart")
    page.get_by_label("Username").fill("every-column")
    choose(page)
    page.get_by_role("button", name="Add to cart").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Added to the cart")
    [row] = rows(shop, "every-column")
    assert {name: row[name] for name in CHOSEN} == CHOSEN
    for name, value in CHOSEN.items():
        expect(page.locator(f"[data-field={name}]")).to_contain_text(value)
    assert unnamed_parts(page) == []


def test_a_username_of_33_characters_is_answered_on_the_page(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart")
    name = page.get_by_label("Username")
    name.fill("x" * 33)
    choose(page)
    page.get_by_role("button", name="Add to cart").click()

    expect(page.locator("#username-wrong")).to_contain_text("at most 32 characters; this has 33")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("x" * 33)
    assert rows(shop, "x" * 33) == []
    expect(page.get_by_label("Size")).to_have_value("39")

    name.fill("x" * 32)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#stored")).to_be_visible()
    [row] = rows(shop, "x" * 32)
    assert {field: row[field] for field in CHOSEN} == CHOSEN


def test_a_double_click_and_a_reload_are_one_message(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart?username=twice")
    page.get_by_role("button", name="Add to cart").dblclick(no_wait_after=True)
    expect(page.locator("#stored")).to_be_visible()
    page.reload()
    expect(page.locator("#stored")).to_be_visible()

    assert len({(row["event_id"], row["creation_timestamp"]) for row in rows(shop, "twice")}) == 1


def test_going_back_and_choosing_again_is_another_message(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart?username=again")
    for size in ("S", "M"):
        page.get_by_label("Size").select_option(size)
        page.get_by_role("button", name="Add to cart").click()
        expect(page.locator("#stored")).to_be_visible()
        page.go_back()

    found = rows(shop, "again")
    assert [row["size"] for row in found] == ["S", "M"]
    assert len({row["event_id"] for row in found}) == 2


def test_from_a_product_the_category_is_chosen_already_and_a_cart_click_is_stored(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/product/FF55124064")
    visitor = page.locator("#panel summary b").inner_text()
    page.get_by_role("link", name="Add to cart").click()
    page.get_by_label("Username").fill("bag-lover")
    expect(page.get_by_label("Category")).to_have_value("bags")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_contain_text("Crossbody Bag Lark")

    assert [row["category"] for row in rows(shop, "bag-lover")] == ["bags"]
    clicks = [(row["event_type"], row["productId"]) for row in shop.rows() if row["userId"] == visitor]
    assert clicks == [("view", "FF55124064"), ("cart", "FF55124064")]


def test_without_scripts_it_takes_two_steps(shop: Serving, new_context: NewContext) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{shop.url}/cart?product=FF55111358")
    expect(page.get_by_label("Category")).to_be_hidden()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#username-wrong")).to_be_visible()

    page.get_by_label("Username").fill("no-script")
    page.get_by_label("Username").press("Enter")
    expect(page.get_by_label("Category")).to_have_value("shoes")
    assert "form=" not in page.url
    choose(page)
    page.get_by_role("button", name="Add to cart").click()

    expect(page.locator("#stored")).to_be_visible()
    [row] = rows(shop, "no-script")
    assert {name: row[name] for name in CHOSEN} == CHOSEN


def test_the_cart_is_filled_by_keyboard_alone(shop: Serving, page: Page) -> None:
    page.goto(f"{shop.url}/cart")
    page.get_by_label("Username").focus()
    page.keyboard.type("keys")
    for key in ("Tab", "S", "Tab", "F", "Tab", "Tab", "X", "Tab", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)

    expect(page.locator("#stored")).to_be_visible()
    [row] = rows(shop, "keys")
    assert (row["category"], row["gender"], row.get("style"), row["size"]) == ("shoes", "Female", None, "XS")
    assert row["hex_color"] == "#F5F1E8"
