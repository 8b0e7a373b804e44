"""The test kit itself: a page that goes wrong makes its test fail."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.e2e.browser import Watched
from tests.e2e.site import Site


def test_a_page_is_shown(page: Page, site: Site) -> None:
    page.goto(site.put("index.html", "<!doctype html><title>t</title><h1>Hello</h1>"))

    expect(page.get_by_role("heading")).to_have_text("Hello")


def test_an_uncaught_error_on_a_page_is_a_failure(browser: Browser, site: Site) -> None:
    watched = Watched.of(browser)
    page = watched.context.new_page()
    page.goto(site.put("bad.html", "<!doctype html><script>throw new Error('broken')</script>"))

    with pytest.raises(AssertionError, match="broken"):
        watched.close()


def test_what_a_policy_refuses_is_a_failure(browser: Browser, site: Site) -> None:
    watched = Watched.of(browser)
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">"
    watched.context.new_page().goto(site.put("inline.html", f"<!doctype html>{policy}<script>1</script>"))

    with pytest.raises(AssertionError, match="refused by the policy"):
        watched.close()


def test_no_page_reaches_another_host(browser: Browser) -> None:
    watched = Watched.of(browser)

    with pytest.raises(Error):
        watched.context.new_page().goto("http://example.org/")
    with pytest.raises(AssertionError, match=r"asks another host: http://example\.org/"):
        watched.close()
