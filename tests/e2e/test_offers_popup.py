"""An offer pops up on the page that its visitor looks at, once, and is in nobody's way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.events import SHOWN
from footfall.sources.catalogue import load_catalogue
from tests.e2e.browser import NewContext
from tests.e2e.serving import Serving, until
from tests.unit.offering import key, make

POPUP = "[data-offer]"
CARRIED = "footfall.offers"
TURNED = "kind => window.dispatchEvent(new PageTransitionEvent(kind, {persisted: true}))"
"""What a browser tells a page that it puts aside, or takes up again, as it was."""


def visitor_of(page: Page) -> str:
    """Whose page it is: the name in the address of its offers."""
    channel = page.locator("body").get_attribute("data-offers")
    assert channel is not None
    return channel.split("/")[2]


def offer(data_dir: Path, visitor: str, *names: str, product: str = "C1", called: str = "offer2") -> None:
    """Put offers into the log, as the behaviour detector does in its own process."""
    with wiring.open_log(data_dir) as log:
        make(log, visitor, *names, at=SystemClock().now_ms(), product=product, called=called)


@pytest.fixture
def shop(serving: Serving, page: Page) -> Page:
    """The shop's home, open and listening."""
    page.goto(serving.url)
    return page


def test_an_offer_pops_up_and_its_showing_is_written_down(serving: Serving, shop: Page) -> None:
    offer(serving.data_dir, visitor_of(shop), "a")

    popup = shop.get_by_role("dialog", name="15% off clothes and shoes")
    expect(popup).to_be_visible()
    assert popup.get_attribute("data-offer") == "offer2"
    expect(popup).to_contain_text("STEPS15")
    (row,) = serving.rows(SHOWN)
    assert (row["event_id"], row["userId"]) == (key("a"), visitor_of(shop))


def test_it_says_which_clicks_it_came_of(serving: Serving, shop: Page) -> None:
    product = load_catalogue()[0]
    offer(serving.data_dir, visitor_of(shop), "a", product=product.id)

    shop.get_by_text("Why do I see this?").click()

    click = shop.locator(POPUP).get_by_role("listitem")
    expect(click).to_have_count(1)
    expect(click.get_by_role("link", name=product.title)).to_have_attribute("href", f"/product/{product.id}")
    expect(click).to_contain_text("clothing")
    assert re.search(r"\d+:\d\d:\d\d", click.inner_text())


def test_it_takes_the_focus_from_nobody_and_can_be_closed_by_keyboard(serving: Serving, shop: Page) -> None:
    shop.goto(f"{serving.url}/cart")
    field = shop.get_by_label(re.compile("username", re.IGNORECASE)).first
    field.focus()
    offer(serving.data_dir, visitor_of(shop), "a", "b")
    expect(shop.locator(POPUP)).to_have_count(2)
    shop.keyboard.type("ada")
    expect(field).to_have_value("ada")

    shop.keyboard.press("Escape")
    expect(shop.locator(POPUP)).to_have_count(1)
    expect(field).to_be_focused()

    for _ in range(60):
        shop.keyboard.press("Tab")
        if shop.evaluate("document.activeElement.className") == "offer-close":
            break
    shop.keyboard.press("Enter")

    expect(shop.locator(POPUP)).to_have_count(0)
    assert shop.evaluate("document.activeElement !== document.body")


def test_neither_a_second_tab_nor_a_reload_shows_it_again(serving: Serving, shop: Page) -> None:
    second = shop.context.new_page()
    second.goto(serving.url)
    offer(serving.data_dir, visitor_of(shop), "a")
    tabs = (shop, second)
    until(lambda: sum(tab.locator(POPUP).count() for tab in tabs) == 1, what="one tab shows the offer")

    for tab in tabs:
        tab.reload()
    offer(serving.data_dir, visitor_of(shop), "later")
    until(lambda: sum(tab.locator(POPUP).count() for tab in tabs) == 1, what="one tab shows the later offer")

    assert [tab.locator(f"[data-offer-id='{key('a')}']").count() for tab in tabs] == [0, 0]
    assert len(serving.rows(SHOWN)) == 2


def test_an_offer_that_comes_while_its_page_is_left_pops_up_on_the_next_one(serving: Serving, shop: Page) -> None:
    offer(serving.data_dir, visitor_of(shop), "a")
    expect(shop.locator(POPUP)).to_be_visible()
    shop.goto(f"{serving.url}/cart")
    expect(shop.locator(POPUP)).to_have_count(1)
    until(lambda: shop.evaluate("sessionStorage.getItem('footfall.offers')") == "{}", what="it counts as seen")

    shop.goto(serving.url)
    expect(shop.locator("h1")).to_be_visible()

    assert shop.locator(POPUP).count() == 0
    assert len(serving.rows(SHOWN)) == 1


def test_texts_of_an_offer_are_shown_as_texts(serving: Serving, shop: Page) -> None:
    offer(serving.data_dir, visitor_of(shop), "a", product="<img src=x onerror=alert(1)>", called="<b>summer_sale")

    popup = shop.get_by_role("dialog", name="<b>summer sale")
    expect(popup).to_be_visible()
    popup.get_by_text("Why do I see this?").click()
    expect(popup.get_by_role("listitem")).to_contain_text("<img src=x onerror=alert(1)>")
    assert popup.locator("img").count() == 0


def test_an_offer_made_while_the_server_is_away_pops_up_when_it_is_back(serving: Serving, shop: Page) -> None:
    serving.kill()
    offer(serving.data_dir, visitor_of(shop), "a")

    serving.start()

    expect(shop.locator(POPUP)).to_be_visible()


def test_a_page_that_is_gone_back_to_listens_again(serving: Serving, shop: Page) -> None:
    visitor = visitor_of(shop)
    shop.goto(f"{serving.url}/cart")
    shop.go_back()
    offer(serving.data_dir, visitor, "a")

    expect(shop.locator(POPUP)).to_be_visible()


def carried(page: Page) -> dict[str, Any]:
    """What the tab's next page will take over."""
    found: dict[str, Any] = json.loads(page.evaluate("key => sessionStorage.getItem(key) || '{}'", CARRIED))
    return found


def carry(page: Page, name: str, *, granted: bool, age_ms: int = 0) -> None:
    """Leave an offer behind, as another page of the tab does that was left before the offer was seen."""
    found = {
        "message": {"offer": "offer2", "pattern": "some", "time": 0, "clicks": []},
        "channel": page.locator("body").get_attribute("data-offers"),
        "by": "another page",
        "granted": granted,
        "at": page.evaluate("Date.now()") - age_ms,
    }
    page.evaluate("all => sessionStorage.setItem(...all)", [CARRIED, json.dumps({key(name): found})])


def test_of_many_offers_at_once_each_is_shown_that_is_written_down(serving: Serving, shop: Page) -> None:
    names = [f"offer {i}" for i in range(10)]
    offer(serving.data_dir, visitor_of(shop), *names)

    for name in names:
        expect(shop.locator(f"[data-offer-id='{key(name)}']")).to_be_visible()
    assert len(serving.rows(SHOWN)) == len(names)


def test_a_page_that_is_left_loses_none_of_many_offers(serving: Serving, shop: Page) -> None:
    names = [f"offer {i}" for i in range(10)]
    shop.clock.install()
    shop.clock.pause_at(shop.evaluate("Date.now()") + 60_000)  # nothing counts as seen on it
    shop.reload()
    offer(serving.data_dir, visitor_of(shop), *names)
    expect(shop.locator(POPUP)).to_have_count(5)

    shop.clock.resume()
    shop.goto(f"{serving.url}/cart")

    for name in names:
        expect(shop.locator(f"[data-offer-id='{key(name)}']")).to_be_visible()
    assert len(serving.rows(SHOWN)) == len(names)


def test_an_offer_that_cannot_be_claimed_for_long_is_not_given_up(serving: Serving, shop: Page) -> None:
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        if len(refused) < 12:
            refused.append(route)
            route.fulfill(status=503)
        else:
            route.continue_()

    shop.clock.install()
    shop.route("**/shown", refuse)
    shop.reload()
    offer(serving.data_dir, visitor_of(shop), "a")

    def shown() -> bool:
        shop.clock.run_for(40_000)
        return shop.locator(POPUP).count() == 1

    until(shown, what="the offer is shown after all")
    assert len(refused) == 12
    assert len({route.request.headers["footfall-claim"] for route in refused}) == 1


def test_an_offer_that_a_page_left_behind_long_ago_still_comes_by_the_stream(serving: Serving, shop: Page) -> None:
    visitor = visitor_of(shop)
    carry(shop, "a", granted=False, age_ms=120_000)
    shop.goto(f"{serving.url}/health")  # of this tab and origin, and listens to no offers
    offer(serving.data_dir, visitor, "a")

    shop.goto(serving.url)

    expect(shop.locator(POPUP)).to_be_visible()


def test_a_page_that_is_taken_up_again_shows_what_others_left_behind(serving: Serving, shop: Page) -> None:
    del serving
    shop.evaluate(TURNED, "pagehide")
    carry(shop, "a", granted=True)

    shop.evaluate(TURNED, "pageshow")

    expect(shop.locator(POPUP)).to_have_count(1)


def test_a_page_that_is_taken_up_again_forgets_what_others_showed(serving: Serving, shop: Page) -> None:
    shop.clock.install()
    shop.clock.pause_at(shop.evaluate("Date.now()") + 60_000)  # nothing counts as seen on it
    shop.reload()
    offer(serving.data_dir, visitor_of(shop), "a")
    expect(shop.locator(POPUP)).to_have_count(1)
    shop.evaluate(TURNED, "pagehide")
    expect(shop.locator(POPUP)).to_have_count(0)
    shop.evaluate("key => sessionStorage.setItem(key, '{}')", CARRIED)

    shop.evaluate(TURNED, "pageshow")
    offer(serving.data_dir, visitor_of(shop), "b")

    expect(shop.locator(POPUP)).to_have_count(1)
    assert list(carried(shop)) == [key("b")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_narrow_screen_nothing_is_cut_off(serving: Serving, new_context: NewContext, scheme: str) -> None:
    page = new_context(viewport={"width": 360, "height": 640}, color_scheme=scheme).new_page()
    page.goto(serving.url)
    offer(serving.data_dir, visitor_of(page), "a", product="D" * 200)
    page.get_by_text("Why do I see this?").click()

    box = page.locator(POPUP).bounding_box()

    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
