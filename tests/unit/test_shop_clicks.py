"""Whose click of the shop counts as a person's."""

from __future__ import annotations

import pytest

from footfall.apps.web.shop.clicks import as_a_person

HEADLESS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/156.0.0.0 Safari/537.36"
WITH_A_WINDOW = HEADLESS.replace("HeadlessChrome", "Chrome")


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1", "127.0.0.0"])
def test_a_headless_browser_on_this_machine_is_a_person(ip: str) -> None:
    assert as_a_person(HEADLESS, ip) == WITH_A_WINDOW


@pytest.mark.parametrize("ip", ["203.0.113.7", "10.0.0.1", "2001:db8::1", None])
def test_a_headless_browser_from_anywhere_else_says_what_it_is(ip: str | None) -> None:
    assert as_a_person(HEADLESS, ip) == HEADLESS


@pytest.mark.parametrize("user_agent", [None, "", "Googlebot/2.1", WITH_A_WINDOW])
def test_any_other_browser_says_what_it_says(user_agent: str | None) -> None:
    assert as_a_person(user_agent, "127.0.0.1") == user_agent
