"""Forms lead back to pages of this site, and only our own pages' forms count."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from footfall.apps.web.shop.forms import is_our_own, own_path

SITE = "http://shop.test"


@given(st.text(alphabet="/\\:@?#.%\t\n\r evil-com0é \u200b", max_size=30))
@example("//evil.com")
@example("/\\evil.com")
@example("\\\\evil.com")
@example("https://evil.com")
@example("http:evil.com")
@example("/\t/evil.com")
@example("javascript:alert(1)")
@example("/.//evil.com")
@example("//[")
@example("/x\r\nSet-Cookie: a=b")
def test_going_back_never_leaves_the_site(text: str) -> None:
    back = own_path(text)

    there = urlsplit(urljoin(f"{SITE}/identity", back))
    assert (there.scheme, there.netloc) == ("http", "shop.test")
    assert back.startswith("/")
    assert not back.startswith(("//", "/\\"))
    assert back.isascii()
    assert back.isprintable()


@pytest.mark.parametrize(
    "path", ["/", "/cart?product=A%26B", "/category/home%26garden?page=2", "/product/a%2Fb", "/?x=%22%3E"]
)
def test_a_path_of_ours_stays_as_it_is(path: str) -> None:
    assert own_path(path) == path


def test_a_path_without_bounds_leads_home() -> None:
    assert own_path("/" + "x" * 5_000) == "/"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": SITE}, False),
        ({"sec-fetch-site": "anything"}, False),
        ({"origin": SITE}, True),
        ({"origin": "http://SHOP.test"}, True),
        ({"origin": "http://shop.test:81"}, False),
        ({"origin": "http://shop.test.evil.com"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, True),
    ],
)
def test_whose_form_it_is(headers: dict[str, str], *, ours: bool) -> None:
    raw = [(name.encode(), value.encode()) for name, value in {"host": "shop.test", **headers}.items()]

    assert is_our_own(Request({"type": "http", "headers": raw})) is ours
