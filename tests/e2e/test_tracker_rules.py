"""What the tracker records, keeps and sends, in Chromium: the rules of docs/how-to/track-your-site.md one by one."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import NewContext
from tests.e2e.serving import until
from tests.e2e.site import Answer, Post, Site, accepted
from tests.e2e.tracked import TrackedSite, status, visit

HALF_HOUR = 30 * 60 * 1000
DAY = 24 * 60 * 60 * 1000


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A page whose clock the test moves on; it goes by itself as well."""
    page = new_context().new_page()
    page.clock.install()
    return page


@pytest.fixture
def tracked(site: Site) -> TrackedSite:
    return TrackedSite(site)


def test_a_page_view_is_recorded_by_itself(page: Page, tracked: TrackedSite) -> None:
    link = tracked.put("home.html", '<a href="about.html?a=1#top">About</a>')
    tracked.put("about.html", "<h1>About</h1>")
    page.goto(link)
    page.click("a")

    events = tracked.events(page, 2)

    assert [one["event_type"] for one in events] == ["page", "page"]
    assert [one["page"] for one in events] == [link, f"{tracked.url}/about.html?a=1"]
    assert [one.get("referrer") for one in events] == [None, link]
    assert "productId" not in events[0]
    assert len({one["userId"] for one in events}) == len({one["sessionId"] for one in events}) == 1
    assert all(re.fullmatch("[0-9a-f]{32}", events[0][name]) for name in ("userId", "sessionId", "event_id"))


def test_a_request_needs_no_preflight_and_carries_no_cookie(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", "<script>document.cookie = 'secret=1'</script>"))
    tracked.events(page, 1)

    (post,) = tracked.site.posts

    assert post.path == "/collect"
    assert post.headers["Content-Type"] == "text/plain;charset=UTF-8"
    assert post.headers["Cookie"] is None
    assert tracked.site.preflights == []
    assert [one["name"] for one in page.context.cookies()] == ["secret"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<main data-product-id="VD1">', ("view", "VD1")),
        ('<i data-product-id="VD1"></i><i data-product-id="VD1"></i>', ("view", "VD1")),
        ('<i data-product-id="VD1"></i><i data-product-id="VD2"></i>', ("page", None)),
        ('<script>document.body.dataset.productId = "VD3"</script><i data-product-id="VD1"></i>', ("view", "VD3")),
    ],
    ids=["one", "one twice", "a list", "the body's"],
)
def test_a_product_page_is_a_product_view_and_a_list_is_a_page(
    page: Page, tracked: TrackedSite, content: str, expected: tuple[str, str | None]
) -> None:
    page.goto(tracked.put("index.html", content))

    (event,) = tracked.events(page, 1)

    assert (event["event_type"], event.get("productId")) == expected


def test_a_new_address_by_the_history_api_is_a_page_view(page: Page, tracked: TrackedSite) -> None:
    link = tracked.put("index.html", "")
    page.goto(link)
    page.evaluate("history.pushState(null, '', '/two'); history.replaceState(null, '', '/two')")
    visit(page, 2)
    page.evaluate("history.replaceState(null, '', '/two#part')")
    page.evaluate("history.back()")

    events = tracked.events(page, 3)

    assert [one["page"] for one in events] == [link, f"{tracked.url}/two", link]
    assert [one.get("referrer") for one in events] == [None, link, f"{tracked.url}/two"]


def test_what_goes_into_the_cart_is_recorded_by_a_click(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", '<button data-footfall-cart="VD7"><b>Buy</b></button>'))
    page.click("b")

    events = tracked.events(page, 2)

    assert (events[1]["event_type"], events[1]["productId"]) == ("cart", "VD7")


def test_every_command_makes_its_event(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", ""))
    page.evaluate("""
        footfall("identify", "ada"); footfall("view", {productId: 12}); footfall("remove_from_cart", "VD1");
        footfall("purchase", {productId: "VD1"}); footfall("custom", "søk 🙂", {words: ["å"], n: 1}); footfall("page")
    """)

    events = tracked.events(page, 6)[1:]

    assert {one["userId"] for one in events} == {"ada"}
    assert [(one["event_type"], one.get("productId")) for one in events] == [
        ("view", "12"),
        ("remove_from_cart", "VD1"),
        ("purchase", "VD1"),
        ("custom", None),
        ("page", None),
    ]
    assert (events[3]["name"], events[3]["properties"]) == ("søk 🙂", {"words": ["å"], "n": 1})


def test_calls_from_before_the_script_came_are_not_lost(page: Page, tracked: TrackedSite) -> None:
    stub = "window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)};"
    page.goto(tracked.put("index.html", "", head=f'<script>{stub}footfall("view", {{productId: "VD9"}})</script>'))
    visit(page, 1)
    page.evaluate("footfall('cart', 'VD9')")

    events = tracked.events(page, 2)

    assert [(one["event_type"], one["productId"]) for one in events] == [("view", "VD9"), ("cart", "VD9")]


def test_nonsense_breaks_nothing(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", ""))
    page.evaluate("""
        const round = {}; round.round = round;
        footfall(); footfall("view"); footfall("dance", 1); footfall("custom", "round", round); footfall("identify");
        footfall("custom", "large", {text: "x".repeat(60000)});
    """)

    assert [one["event_type"] for one in tracked.events(page, 1)] == ["page"]
    assert status(page) == {"allowed": True, "queued": 0, "dropped": 1}


def test_automatic_views_can_be_switched_off(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", "", attributes='data-auto="off"'))
    page.evaluate("footfall('view', 'VD1')")

    assert [one["event_type"] for one in tracked.events(page, 1)] == ["view"]


@pytest.mark.parametrize(
    ("later", "same"),
    [([HALF_HOUR], True), ([HALF_HOUR + 1000], False), ([HALF_HOUR - 1000] * 48, True), ([HALF_HOUR] * 49, False)],
    ids=["30 minutes", "more", "a day", "more than a day"],
)
def test_a_session_ends_with_half_an_hour_of_silence_or_after_a_day(
    page: Page, tracked: TrackedSite, later: list[int], same: bool
) -> None:
    page.clock.pause_at("2090-01-01")
    page.goto(tracked.put("index.html", ""))
    for milliseconds in later:
        page.clock.fast_forward(milliseconds)
        page.evaluate("footfall('page')")

    events = tracked.events(page, 1 + len(later))

    assert (events[0]["sessionId"] == events[-1]["sessionId"]) is same
    assert events[0]["userId"] == events[-1]["userId"]


def test_reset_makes_a_new_visitor(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", ""))
    page.evaluate("footfall('reset'); footfall('page')")

    first, second = tracked.events(page, 2)

    assert first["userId"] != second["userId"]
    assert first["sessionId"] != second["sessionId"]


@pytest.mark.parametrize("allowed", [True, False], ids=["locks", "no locks"])
def test_several_tabs_send_each_event_once(new_context: NewContext, tracked: TrackedSite, allowed: bool) -> None:
    without = "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})"
    context = new_context(init=[] if allowed else [without])
    pages = [context.new_page() for _ in range(4)]
    arrived: list[Post] = []
    others_tried = threading.Event()

    def slowly(post: Post) -> Answer:
        arrived.append(post)
        others_tried.wait(10)
        return accepted(post)

    tracked.site.answer = slowly
    link = tracked.put("index.html", "")
    for page in pages:
        page.goto(link)
        visit(page, 1)

    # In real time: tabs are processes, and hear of each other's storage with a delay.
    pages[-1].wait_for_function("performance.now() > 4500")
    assert len(arrived) == 1
    others_tried.set()
    until(lambda: status(pages[0])["queued"] == 0)

    sent = [one["event_id"] for one in tracked.site.events]
    assert len(sent) == len(set(sent)) == 4


def test_a_page_whose_storage_is_blocked_is_tracked_all_the_same(new_context: NewContext, tracked: TrackedSite) -> None:
    blocked = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"
    page = new_context(init=[blocked]).new_page()
    page.clock.install()
    page.goto(tracked.put("index.html", ""))
    page.evaluate("footfall('page')")

    events = tracked.events(page, 2)

    assert len({one["userId"] for one in events}) == 1


def test_full_storage_loses_nothing_while_the_page_lives(page: Page, tracked: TrackedSite) -> None:
    full = """
        for (let size = 1 << 20; size; size >>= 1)
            try { for (;;) localStorage["x" + Math.random()] = "x".repeat(size); } catch (full) { /* on with less */ }
    """
    page.goto(tracked.put("index.html", f"<script>{full}</script>"))
    page.evaluate("footfall('custom', 'after')")

    assert [one["event_type"] for one in tracked.events(page, 2)] == ["page", "custom"]
