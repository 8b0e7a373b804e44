"""Who does not want to be counted is not: nothing of theirs is stored, and nothing sent."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import NewContext
from tests.e2e.site import Answer, Post, Site, accepted
from tests.e2e.tracked import TrackedSite, settle, status, stored, visit

REQUIRED = 'data-consent="required"'
PRODUCT = '<main data-product-id="VD1">'
EVERYTHING = """
    footfall("view", "VD1"); footfall("custom", "search", {words: "shoes"}); footfall("identify", "ada");
    history.pushState(null, "", "?next");
"""
SIGNALS = {
    "do not track": "Object.defineProperty(Navigator.prototype, 'doNotTrack', {value: '1'})",
    "global privacy control": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})",
}


@pytest.fixture
def tracked(site: Site) -> TrackedSite:
    return TrackedSite(site)


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return with_clock(new_context)


def with_clock(new_context: NewContext, *init: str) -> Page:
    """A new visitor's page, whose clock the test moves on."""
    page = new_context(init=init).new_page()
    page.clock.install()
    return page


def live_on(page: Page) -> None:
    """Do all that is recorded, let time pass, leave and come back."""
    visit(page, 0)
    page.evaluate(EVERYTHING)
    page.clock.run_for(10_000)
    page.reload()
    visit(page, 0)
    page.clock.run_for(10_000)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("consent", [None, True])
def test_a_browser_that_objects_is_neither_stored_nor_sent(
    new_context: NewContext, tracked: TrackedSite, signal: str, consent: bool | None
) -> None:
    page = with_clock(new_context, SIGNALS[signal])
    page.goto(tracked.put("index.html", PRODUCT))
    visit(page, 0)
    if consent is not None:
        page.evaluate("footfall('consent', true)")
    live_on(page)

    assert stored(page) == []
    assert tracked.site.posts == []
    assert status(page)["allowed"] is False


def test_a_browser_that_comes_to_object_loses_what_was_stored(page: Page, tracked: TrackedSite) -> None:
    tracked.site.answer = lambda _post: pytest.fail("nothing is sent")
    page.goto(tracked.put("index.html", PRODUCT))
    visit(page, 1)
    assert stored(page) != []

    page.add_init_script(SIGNALS["global privacy control"])
    page.evaluate(SIGNALS["global privacy control"])
    page.reload()
    visit(page, 0)

    assert stored(page) == []
    assert tracked.site.posts == []


def test_without_a_consent_that_is_required_nothing_is_stored_or_sent(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=REQUIRED))
    live_on(page)

    assert stored(page) == []
    assert tracked.site.posts == []


def test_with_the_consent_the_page_on_which_it_was_given_counts(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=REQUIRED))
    visit(page, 0)
    page.evaluate("footfall('custom', 'before'); footfall('consent', true); footfall('consent', true)")

    (event,) = tracked.events(page, 1)

    assert (event["event_type"], event["productId"]) == ("view", "VD1")


def test_a_consent_on_a_page_that_is_still_loading_counts_what_the_page_turns_out_to_be(
    page: Page, tracked: TrackedSite
) -> None:
    # This one is loaded before anything else of the page; the second finds it there and does nothing.
    at_once = f'<script src="footfall.js" {REQUIRED}></script>'
    ask = "<script>footfall('consent', true); var asked = document.readyState</script>"
    page.goto(tracked.put("index.html", ask + PRODUCT, attributes=REQUIRED, head=at_once))

    (event,) = tracked.events(page, 1)

    assert page.evaluate("asked") == "loading"
    assert (event["event_type"], event["productId"]) == ("view", "VD1")


def test_an_id_given_before_the_consent_is_stored_and_sent_with_it_and_not_earlier(
    page: Page, tracked: TrackedSite
) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=REQUIRED))
    visit(page, 0)
    page.evaluate("footfall('identify', 'ada')")
    assert stored(page) == []

    page.evaluate("footfall('consent', true)")

    (event,) = tracked.events(page, 1)
    assert event["userId"] == "ada"


def test_an_id_that_was_reset_does_not_come_back_with_a_consent(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=REQUIRED))
    visit(page, 0)
    page.evaluate("footfall('identify', 'ada'); footfall('reset'); footfall('consent', true)")

    (event,) = tracked.events(page, 1)

    assert event["userId"] != "ada"


def test_a_consent_is_remembered(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=REQUIRED))
    visit(page, 0)
    page.evaluate("footfall('consent', true)")
    settle(page)
    page.reload()

    assert len(tracked.events(page, 2)) == 2


@pytest.mark.parametrize("attributes", [REQUIRED, ""], ids=["required", "assumed"])
def test_a_consent_that_is_withdrawn_erases_everything_and_stays_withdrawn(
    page: Page, tracked: TrackedSite, attributes: str
) -> None:
    page.goto(tracked.put("index.html", PRODUCT, attributes=attributes))
    visit(page, 0)
    page.evaluate("footfall('consent', true); footfall('view', 'VD2'); footfall('consent', false)")
    live_on(page)

    assert stored(page) == ([] if attributes else ["footfall.consent"])
    assert tracked.site.posts == []


def test_a_consent_that_is_withdrawn_stops_what_is_on_its_way(page: Page, tracked: TrackedSite) -> None:
    withdrawn = threading.Event()

    def slowly(post: Post) -> Answer:
        withdrawn.wait(10)
        return accepted(post)

    tracked.site.answer = slowly
    page.goto(tracked.put("index.html", PRODUCT))
    visit(page, 1)
    with page.expect_request("**/collect"):
        page.clock.run_for(3000)

    with page.expect_event("requestfailed"):
        page.evaluate("footfall('consent', false)")
    withdrawn.set()

    assert stored(page) == ["footfall.consent"]


def test_who_consents_again_is_a_new_visitor(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", PRODUCT))
    settle(page)
    page.evaluate("footfall('consent', false); footfall('consent', true)")

    first, second = tracked.events(page, 2)

    assert first["userId"] != second["userId"]
    assert second["productId"] == "VD1"
