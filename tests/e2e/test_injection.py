"""Sixty hostile texts in every field that the shop shows, on every page: each is shown, and none is obeyed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from footfall import wiring
from footfall.core.clock import SystemClock
from tests.e2e.detector import Detector
from tests.e2e.hostile import offer_all, pattern_file, products, together
from tests.e2e.payloads import PAYLOADS, PRODUCT
from tests.e2e.shopper import USER_AGENT, Shopper
from tests.e2e.whole import Whole

pytestmark = pytest.mark.slow

LIMITS = {"username": 32, "category": 10, "gender": 10, "style": 20, "size": 5}
"""Characters that the cart stores of each field."""


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A shop that sells payloads, for patterns of payloads."""
    del browser  # only so that nothing is started where there is none
    folder = tmp_path_factory.mktemp("hostile")
    running = Whole(folder / "data", options=("--patterns", str(pattern_file(folder / "offers.yaml"))))
    with wiring.open_store(running.data_dir) as store:
        store.load_products(products())
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture
def detector(browser: Browser) -> Iterator[Detector]:
    """A window for our own pages."""
    with Detector(browser, user_agent=USER_AGENT, viewport={"width": 1280, "height": 900}) as found:
        yield found


def address(text: str) -> str:
    """A text as a part of an address."""
    return quote(text, safe="")


def test_there_are_sixty_payloads_and_no_two_are_equal() -> None:
    assert len({one.text for one in PAYLOADS}) == 60
    assert PRODUCT not in "".join(one.text for one in PAYLOADS)


def test_every_page_of_ours_forbids_what_is_not_in_a_file_of_ours(server: Whole, detector: Detector) -> None:
    for path in (
        "/",
        "/categories",
        "/cart",
        "/docs",
        "/nothing",
        "/openapi.json",
        f"/product/{address(PAYLOADS[0].line)}",
    ):
        answer = detector.page.goto(server.url + path)
        assert answer
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy.split("; "))
        detector.look()

    assert detector.signs() == []


def test_no_payload_runs_in_a_list_of_products_or_categories_or_in_the_explanation(
    server: Whole, detector: Detector
) -> None:
    for path in ("/", "/categories"):
        detector.go(server.url + path)
        assert detector.missing(PAYLOADS) == []

    assert detector.signs() == []


def test_no_payload_runs_on_a_products_or_a_categorys_page(server: Whole, detector: Detector) -> None:
    for one in PAYLOADS:
        for path in ("product", "category"):
            assert detector.go(f"{server.url}/{path}/{address(one.line)}") == 200
            assert detector.missing([one]) == [], path

    assert detector.pages == 120
    assert detector.signs() == []


def test_no_payload_runs_in_the_carts_form(server: Whole, detector: Detector) -> None:
    for one in PAYLOADS:
        detector.go(f"{server.url}/cart?username={address(one.text)}&product={address(one.line)}")
        assert detector.missing([one]) == []
        detector.submit("/cart", dict.fromkeys([*LIMITS, "hex_color", "product", "form"], one.text))
        assert detector.missing([one]) == []

    assert detector.signs() == []


def test_no_payload_runs_among_what_the_cart_stored(server: Whole, detector: Detector) -> None:
    detector.go(f"{server.url}/cart?username=ada")
    token = detector.page.locator("input[name=form]").get_attribute("value") or ""
    for one in PAYLOADS:
        fields = {name: printable(one.cut(limit)) for name, limit in LIMITS.items()}
        detector.submit("/cart", {**fields, "form": token, "product": one.line})
        assert detector.page.url == f"{server.url}/cart/added"
        assert detector.missing([one, *fields.values()]) == []

    assert detector.signs() == []


def printable(text: str) -> str:
    """A text without the characters that the cart refuses."""
    return "".join(character for character in text if character >= " ") or "<b>"


def test_no_payload_runs_in_an_identity_that_is_refused(server: Whole, detector: Detector) -> None:
    detector.go(f"{server.url}/cart")
    for one in PAYLOADS:
        detector.submit("/identity", {"age": one.text, "gender": one.text, "back": f"/{one.text}"})
        assert detector.page.get_by_role("heading", name="Who do you want to be?").count() == 1

    assert detector.signs() == []


def test_no_payload_runs_on_a_page_that_says_what_is_wrong(server: Whole, detector: Detector) -> None:
    others = itertools.cycle(("/?page=", "/cart/", "/static/"))
    for one, other in zip(PAYLOADS, others, strict=False):
        for path in ("/", "/product/no-", other):
            detector.go(f"{server.url}{path}{address(one.text)}")

    assert detector.signs() == []


def test_no_payload_runs_in_an_answer_for_programs(server: Whole, detector: Detector) -> None:
    for one in PAYLOADS:
        text = address(one.text)
        detector.go(f"{server.url}/pixel.gif?userId={text}&productId={text}&event_type={text}&{text}={text}")
        assert detector.page.locator("body").inner_text().startswith("{")
        detector.submit(f"/collect?{text}", {"events": one.text})
    for path in ("/docs", "/openapi.json", "/health"):
        detector.go(server.url + path)

    assert detector.signs() == []


def test_no_payload_runs_when_it_comes_in_a_header(server: Whole, browser: Browser) -> None:
    headers = ["".join(c for c in one.text if " " <= c <= "~").strip() for one in PAYLOADS]
    with Detector(browser) as detector:  # which names itself as it likes
        for header, one in zip(headers, PAYLOADS, strict=True):
            detector.page.set_extra_http_headers({"User-Agent": header, "Accept-Language": header})
            detector.go(f"{server.url}/product/{address(one.line)}")

        assert set(headers) <= {row["userAgent"] for row in server.rows()}, "they did come"
        assert detector.signs() == []


def test_no_payload_runs_in_a_popup(server: Whole, detector: Detector) -> None:
    shopper = Shopper(detector.page, server.url)
    for five in together(5):
        shopper.enter()
        shopper.renew()
        offer_all(server.data_dir, shopper.name, five, now_ms=SystemClock().now_ms())
        shopper.popup.nth(len(five) - 1).wait_for()
        for details in shopper.popup.locator("details").all():
            details.evaluate("details => { details.open = true; }")
        detector.look()
        assert detector.missing(five) == []
        shopper.page.evaluate("sessionStorage.clear()")

    assert detector.signs() == []
