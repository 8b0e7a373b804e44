"""The tracker on somebody's site, and a real server on another origin: what visitors do is in the log, once."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from footfall.core.events import CUSTOM, ENRICHED, FAILED
from tests.e2e.browser import NewContext
from tests.e2e.serving import Serving, until
from tests.e2e.site import Site
from tests.e2e.tracked import TrackedSite, settle, status, stored, visit

DOCUMENT = Path(__file__).parents[2] / "docs/how-to/track-your-site.md"
OUTAGE = 10_000
"""Milliseconds."""
SHOP = """
    <main data-product-id="VD55147564"><h1>A sweater</h1></main>
    <button data-footfall-cart="VD55147564">Add to cart</button>
"""


@pytest.fixture
def tracked(site: Site, serving: Serving) -> TrackedSite:
    """A site on an origin of its own that loads the tracker from the server."""
    return TrackedSite(site, collector=serving.url)


def wait_for_queue(page: Page, count: int) -> None:
    """Wait until so many events wait in the browser."""
    page.wait_for_function("count => footfall('status').queued === count", arg=count, timeout=40_000)


def what(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Type and product of each event, sorted."""
    return sorted((row["event_type"], row["productId"]) for row in rows)


def test_a_visit_to_a_site_on_another_origin_is_in_the_log(page: Page, tracked: TrackedSite, serving: Serving) -> None:
    link = tracked.put("sweater.html", SHOP)
    page.goto(link, referer=f"{tracked.url}/from.html")
    page.click("button")
    page.evaluate("""
        footfall("custom", "size chart", {size: "å"});
        document.querySelector("main").remove(); history.pushState(null, "", "/next?page=1");
    """)
    visit(page, 4)
    wait_for_queue(page, 0)

    rows = serving.rows()
    (custom,) = serving.rows(CUSTOM)

    assert what(rows) == [("cart", "VD55147564"), ("page", "/next"), ("view", "VD55147564")]
    view = next(row for row in rows if row["event_type"] == "view")
    assert (view["page"], view["referrer"]) == (link, f"{tracked.url}/from.html")
    assert (view["ip"], view["userAgent"]) == ("127.0.0.1", page.evaluate("navigator.userAgent"))
    assert len({(row["userId"], row["sessionId"]) for row in [*rows, custom]}) == 1
    assert (custom["name"], custom["properties"]) == ("size chart", '{"size":"å"}')
    assert serving.rows(FAILED) == []
    assert page.context.cookies() == []


def test_an_outage_of_ten_seconds_loses_no_click_and_doubles_none(
    page: Page, tracked: TrackedSite, serving: Serving
) -> None:
    page.goto(tracked.put("sweater.html", SHOP))
    wait_for_queue(page, 1)
    wait_for_queue(page, 0)

    serving.kill()
    died = page.evaluate("performance.now()")
    for count in range(1, 6):
        page.click("button")
        visit(page, count)
        # The clicks fall into the whole outage: some before the first attempt to send, some after.
        page.wait_for_function("time => performance.now() > time", arg=died + count * OUTAGE / 5, timeout=OUTAGE)
    assert status(page) == {"allowed": True, "queued": 5, "dropped": 0}
    serving.start()
    wait_for_queue(page, 0)

    rows = serving.rows()

    assert what(rows) == [("cart", "VD55147564")] * 5 + [("view", "VD55147564")]
    assert len({row["event_id"] for row in rows}) == 6
    assert serving.rows(FAILED) == []


def test_what_waits_for_a_dead_server_survives_a_reload(page: Page, tracked: TrackedSite, serving: Serving) -> None:
    page.goto(tracked.put("sweater.html", SHOP))
    visit(page, 1)
    wait_for_queue(page, 0)
    script = page.evaluate("fetch(document.scripts[0].src).then(answer => answer.text())")
    serving.kill()
    # The script itself comes from the dead server too: the browser has it in its cache.
    page.context.route("**/footfall.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.click("button")
    visit(page, 1)

    page.reload()
    visit(page, 2)
    page.click("button")
    serving.start()
    wait_for_queue(page, 0)

    rows = serving.rows()
    assert what(rows) == [("cart", "VD55147564")] * 2 + [("view", "VD55147564")] * 2
    assert serving.rows(FAILED) == []


def test_who_leaves_at_once_is_counted_and_what_comes_again_counts_once(
    page: Page, tracked: TrackedSite, serving: Serving
) -> None:
    link = tracked.put("sweater.html", SHOP)
    page.goto(link)
    visit(page, 1)
    page.click("button")
    page.evaluate("footfall('custom', 'size chart')")
    page.goto("about:blank")
    until(lambda: len(serving.rows()) == 2, what="the beacon is in the log")

    page.goto(f"{link}?again")
    visit(page, 4)
    wait_for_queue(page, 0)
    serving.work("enrichment")
    until(lambda: len(serving.rows()) >= 3 and len(serving.rows(ENRICHED)) == 3, seconds=20, what="three clicks")

    assert what(serving.rows()) == [("cart", "VD55147564")] * 2 + [("view", "VD55147564")] * 3
    assert what(serving.rows(ENRICHED)) == [("cart", "VD55147564"), *[("view", "VD55147564")] * 2]
    assert [row["name"] for row in serving.rows(CUSTOM)] == ["size chart"]
    assert serving.rows(FAILED) == []


def test_a_retry_is_a_duplicate_however_long_the_first_attempt_took(
    page: Page, tracked: TrackedSite, serving: Serving
) -> None:
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)  # the page's clock stands still: the server's goes on
    link = tracked.put("sweater.html", SHOP)
    page.goto(link)
    visit(page, 1)
    page.goto("about:blank")
    arrived = time.monotonic()
    until(lambda: time.monotonic() - arrived > 1.5 and len(serving.rows()) == 1)

    page.goto(tracked.put("other.html", "", attributes='data-auto="off"'))
    settle(page)
    serving.work("enrichment")
    until(lambda: serving.rows(ENRICHED), seconds=20)

    assert len(serving.rows()) == 2
    assert len(serving.rows(ENRICHED)) == 1
    assert serving.rows(FAILED) == []


def test_what_the_server_refuses_is_dropped_and_the_rest_is_kept(
    page: Page, tracked: TrackedSite, serving: Serving
) -> None:
    page.goto(tracked.put("index.html", "", attributes='data-auto="off"'))
    visit(page, 0)
    page.evaluate(r"footfall('custom', 'NUL: \0'); footfall('view', 'VD1')")
    wait_for_queue(page, 0)

    assert what(serving.rows()) == [("view", "VD1")]
    assert len(serving.rows(FAILED)) == 1
    assert status(page) == {"allowed": True, "queued": 0, "dropped": 1}


def test_the_server_hears_nothing_of_those_who_object(
    new_context: NewContext, tracked: TrackedSite, serving: Serving
) -> None:
    signal = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})"
    page = new_context(init=[signal], extra_http_headers={"Sec-GPC": "1"}).new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(tracked.put("sweater.html", SHOP))
    visit(page, 0)
    page.click("button")
    page.goto("about:blank")
    page.goto(f"{tracked.url}/sweater.html")
    visit(page, 0)

    assert stored(page) == []
    assert {url for url in asked if url.startswith(serving.url)} == {f"{serving.url}/footfall.js"}
    assert serving.rows() == []


def test_the_lines_that_the_document_gives_are_all_that_a_site_needs(page: Page, site: Site, serving: Serving) -> None:
    lines, product, cart, *_ = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert all(part in lines + product + cart for part in ("footfall.js", "data-product-id", "data-footfall-cart"))
    head = lines.replace("https://clicks.example.com", serving.url)
    page.goto(site.put("index.html", f"<!doctype html><title>t</title>{head}<body>{product}{cart}</body>"))
    page.click("button")
    visit(page, 2)
    wait_for_queue(page, 0)

    assert what(serving.rows()) == [("cart", "VD55147564"), ("view", "VD55147564")]
