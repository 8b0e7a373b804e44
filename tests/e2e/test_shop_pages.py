"""The shop's pages can be seen, heard, reached and used: on any screen, light or dark, without a mouse or scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from footfall.core.events import CLICKS
from tests.e2e.browser import NewContext
from tests.e2e.looking import faint_texts, overflow, unnamed_parts, walk
from tests.e2e.serving import Serving

JUMPER: Final = "/product/FF55101410"
PAGES: Final = (
    "/",
    "/categories",
    "/category/shoes",
    JUMPER,
    "/cart",
    "/cart?username=ann&product=FF55124064",
    "/nothing",
)
WIDTHS: Final = (320, 360, 390, 768, 960, 1280, 1600)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all of these tests; each test is another visitor."""
    serving = Serving(tmp_path_factory.mktemp("shop") / "data")
    serving.start()
    yield serving
    serving.close()


def screen(width: int, **options: Any) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}, **options}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(shop: Serving, new_context: NewContext, scheme: str) -> None:
    page = new_context(**screen(1280, color_scheme=scheme)).new_page()
    for path in PAGES:
        page.goto(shop.url + path)
        assert faint_texts(page) == [], path
    _send_too_long_a_name(page, shop)
    assert faint_texts(page) == []


def _send_too_long_a_name(page: Page, shop: Serving) -> None:
    page.goto(f"{shop.url}/cart")
    page.get_by_label("Username").fill("x" * 33)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#username-wrong")).to_be_visible()


def test_the_check_of_contrast_sees_a_faint_text(shop: Serving, page: Page) -> None:
    page.goto(shop.url)
    page.evaluate("document.querySelector('h1').style.color = '#c8d4ce'")

    assert [text for text in faint_texts(page) if "notices" in text]


def test_everything_has_a_name_and_a_place(shop: Serving, page: Page) -> None:
    for path in PAGES:
        page.goto(shop.url + path)
        assert unnamed_parts(page) == [], path


def test_no_page_is_wider_than_its_screen(shop: Serving, new_context: NewContext) -> None:
    page = new_context().new_page()
    for path in PAGES:
        page.goto(shop.url + path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.locator("#panel").evaluate("(panel) => { panel.open = true; }")
            assert overflow(page) <= 0, (width, path)


def test_texts_of_others_do_not_break_a_page(
    serve: Callable[..., Serving], new_context: NewContext, tmp_path: Path
) -> None:
    products = tmp_path / "products.json"
    long = "x" * 400
    products.write_text(
        json.dumps([{"id": long, "category": long, "title": long, "description": long}, {"id": "plain"}])
    )
    shop = serve()
    shop.footfall("load", "products", products)
    shop.start()
    page = new_context(**screen(360)).new_page()
    for path in (
        "/",
        f"/product/{long}",
        f"/category/{long}",
        f"/cart?username={long}&product={long}",
        "/product/plain",
    ):
        page.goto(shop.url + path)
        assert overflow(page) <= 0, path[:20]
        assert faint_texts(page) == []


def test_what_can_be_pressed_is_large_enough_for_a_finger(shop: Serving, new_context: NewContext) -> None:
    page = new_context(**screen(390)).new_page()
    for path in PAGES:
        page.goto(shop.url + path)
        for element in page.locator("button:visible, .button:visible, select:visible, summary:visible").all():
            box = element.bounding_box()
            assert box is not None
            assert box["height"] >= 44, (path, element.text_content())


def test_the_keyboard_reaches_everything_and_shows_where_it_is(shop: Serving, page: Page) -> None:
    for path in PAGES:
        page.goto(shop.url + path)
        reached = walk(page)
        assert reached[0]["name"] == "Skip to the page"
        assert [one for one in reached if not (one["seen"] and one["there"])] == [], path
        links = page.locator("a[href]:visible, button:visible, select:visible").count()
        assert sum(one["tag"] in {"A", "BUTTON", "SELECT"} for one in reached) == links, path


def test_the_skip_link_leads_past_the_panel(shop: Serving, page: Page) -> None:
    page.goto(shop.url)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Get an offer", exact=True)).to_be_focused()


def test_an_identity_is_chosen_by_keyboard_alone(shop: Serving, page: Page) -> None:
    page.goto(shop.url + JUMPER)
    page.get_by_label("Age").focus()
    page.keyboard.type("30")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.locator("#panel summary")).to_contain_text("Female, 30")
    expect(page.get_by_role("radio", name="Female")).to_be_checked()
    assert page.url == shop.url + JUMPER


def test_the_panel_is_open_where_there_is_room_and_opens_where_there_is_none(
    shop: Serving, new_context: NewContext
) -> None:
    page = new_context(**screen(1280)).new_page()
    page.goto(shop.url)
    age = page.get_by_label("Age")
    expect(age).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    expect(age).to_be_hidden()
    page.locator("#panel summary").click()
    expect(age).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_without_scripts_a_visitor_becomes_somebody_and_looks_at_a_product(
    shop: Serving, new_context: NewContext, width: int
) -> None:
    page = new_context(**screen(width, java_script_enabled=False)).new_page()
    page.goto(f"{shop.url}/category/shoes")
    first = page.locator("#panel summary b").inner_text()
    if width < 960:
        page.locator("#panel summary").click()
    page.get_by_role("button", name="New visitor").click()
    visitor = page.locator("#panel summary b").inner_text()
    assert visitor != first
    if width < 960:
        page.locator("#panel summary").click()
    page.get_by_label("Age").fill("41")
    page.get_by_role("radio", name="Male", exact=True).check()
    page.get_by_role("button", name="Use this identity").click()
    page.get_by_role("link", name="Cork Sandal Dune").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Cork Sandal Dune")
    [click] = [row for row in shop.rows(CLICKS) if row["userId"] == visitor]
    assert (click["productId"], click["age"], click["gender"]) == ("FF55118120", 41, "M")


def test_three_words_name_the_visitor_on_every_page(shop: Serving, page: Page) -> None:
    names = set()
    for path in PAGES:
        page.goto(shop.url + path)
        names.add(page.locator("#panel summary b").inner_text())
    [name] = names
    assert re.fullmatch(r"[a-z]+-[a-z]+-[a-z]+", name)


def test_who_wants_no_motion_gets_none(shop: Serving, new_context: NewContext) -> None:
    page = new_context(**screen(1280, reduced_motion="reduce")).new_page()
    page.goto(shop.url)

    moving = "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0)"
    assert page.evaluate(f"{moving}.length") == 0


def test_every_picture_is_there(shop: Serving, page: Page) -> None:
    page.goto(shop.url)
    pictures = page.locator("img")
    assert pictures.count() > 41
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") > 0
