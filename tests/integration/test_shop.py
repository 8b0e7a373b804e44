"""What a visitor does in the shop is on the stream, once, as the visitor chose to be; and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from footfall.apps.web.headers import HEADERS
from footfall.apps.web.shop import clicks
from footfall.apps.web.shop.identity import COOKIE as IDENTITY
from footfall.apps.web.shop.visitors import COOKIE as VISITOR
from footfall.engine.logs import logger
from footfall.sources.lookups import ProductRow
from tests.integration.shopping import SITE, Shopper, Shopping, seen, shopping

JUMPER = "/product/FF55101410"
AFTERWARDS = "We could not record that you looked at this product"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shopping]:
    with shopping(tmp_path) as running:
        yield running


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What is logged during this test; a logger keeps the standard error that it found first."""
    logger.cache_clear()
    yield capfd
    logger.cache_clear()


@pytest.fixture
def ada(shop: Shopping) -> Shopper:
    return shop.shopper()


# -- what becomes an event -----------------------------------------------------------------------------------------


def test_a_look_at_a_product_is_on_the_stream_when_the_page_is_answered(shop: Shopping, ada: Shopper) -> None:
    page = ada.get(f"{JUMPER}?from=test", referer=f"{SITE}/")

    assert page.status_code == 200
    [click] = shop.rows()
    expected = {
        "userId": ada.visitor,
        "productId": "FF55101410",
        "event_type": "view",
        "ip": "192.0.2.7",
        "userAgent": "Mozilla/5.0 (test)",
        "age": None,
        "gender": None,
        "page": f"{SITE}{JUMPER}?from=test",
        "referrer": f"{SITE}/",
    }
    assert {name: click.get(name) for name in expected} == expected


def test_a_click_carries_the_identity_that_was_chosen(shop: Shopping, ada: Shopper) -> None:
    answer = ada.post("/identity", age="30", gender="F", back=JUMPER)

    assert (answer.status_code, answer.headers["location"]) == (303, JUMPER)
    page = ada.get(JUMPER)
    assert "Female, 30" in page.text
    assert [(click.get("age"), click.get("gender")) for click in shop.rows()] == [(30, "F")]


@pytest.mark.parametrize(
    "path", ["/", "/?page=1", "/categories", "/category/shoes", "/cart", "/cart?product=FF55101410"]
)
def test_pages_that_show_no_product_publish_nothing(shop: Shopping, ada: Shopper, path: str) -> None:
    assert ada.get(path).status_code == 200
    assert shop.rows() == []


def test_a_request_for_a_head_is_no_look(shop: Shopping, ada: Shopper) -> None:
    answer = ada.ask("HEAD", JUMPER)

    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
    assert shop.rows() == []


def test_a_page_that_is_fetched_ahead_is_refused_so_that_the_visit_itself_is_counted(
    shop: Shopping, ada: Shopper
) -> None:
    assert ada.get(JUMPER, **{"sec-purpose": "prefetch;prerender"}).status_code == 503
    assert shop.rows() == []


def test_a_product_that_is_not_there_is_a_page_and_no_click(shop: Shopping, ada: Shopper) -> None:
    answer = ada.get("/product/%3Cscript%3E")

    assert answer.status_code == 404
    assert "We do not have this product" in answer.text
    assert shop.rows() == []


def test_a_look_that_cannot_be_kept_is_said_on_the_page_and_logged(
    shop: Shopping, ada: Shopper, logged: pytest.CaptureFixture[str]
) -> None:
    ada.get("/")
    shop.parts.intake.close()

    page = ada.get(JUMPER)

    assert page.status_code == 200
    assert AFTERWARDS in page.text
    assert "shop_event_lost" in logged.readouterr().err


# -- who the visitor is --------------------------------------------------------------------------------------------


def test_a_visitor_stays_the_same_until_a_new_one_is_asked_for(ada: Shopper) -> None:
    first = ada.visitor
    assert ada.visitor == first

    answer = ada.post("/visitor", back="/category/shoes")

    assert (answer.status_code, answer.headers["location"]) == (303, "/category/shoes")
    assert ada.visitor != first


def test_the_visitor_cookie_is_out_of_reach_for_scripts_and_other_sites(ada: Shopper) -> None:
    cookie = ada.get("/").headers["set-cookie"].lower()

    assert {"httponly", "samesite=lax", "path=/", "max-age=31536000"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("forged", ["ada", "YWRh", "YWRh.AAAAAAAAAAAAAAAAAAAAAAAA", "%00.%00", "." * 5_000])
def test_a_forged_cookie_gets_an_id_of_its_own(shop: Shopping, forged: str) -> None:
    answer = shop.shopper().get(JUMPER, cookie=f"{VISITOR}={forged}")

    assert answer.status_code == 200
    assert VISITOR in answer.headers["set-cookie"]
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-[a-z]+", click["userId"]) for click in shop.rows())


@pytest.mark.parametrize("value", ["17.F", "66.M", "30.X", "30", "٣٠.F", "30.F; x"])
def test_an_identity_that_the_form_does_not_offer_is_none(shop: Shopping, ada: Shopper, value: str) -> None:
    ada.get(JUMPER, cookie=f"{IDENTITY}={quote(value)}")

    assert [(click.get("age"), click.get("gender")) for click in shop.rows()] == [(None, None)]


@pytest.mark.parametrize(
    ("age", "gender"), [("17", "F"), ("66", "F"), ("", "F"), ("30", ""), ("30", "<b>"), ("3e1", "M")]
)
def test_an_identity_that_cannot_be_is_answered_beside_its_field(ada: Shopper, age: str, gender: str) -> None:
    answer = ada.post("/identity", age=age, gender=gender, back="/cart")

    assert (answer.status_code, IDENTITY in answer.cookies) == (400, False)
    assert 'class="wrong"' in answer.text
    assert seen(r'name="back" value="([^"]*)"', answer) == "/cart"


# -- forms of other sites ------------------------------------------------------------------------------------------

FORMS = ("/identity", "/visitor", "/cart")


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
def test_a_form_of_another_site_changes_nothing(ada: Shopper, path: str, headers: dict[str, str]) -> None:
    answer = ada.post(path, headers, age="30", gender="F", username="ann")

    assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)


def test_without_fetch_metadata_the_origin_decides(shop: Shopping) -> None:
    old = shop.shopper()
    del old.client.headers["sec-fetch-site"]

    assert old.post("/visitor", {"origin": "http://evil.test"}, back="/").status_code == 403
    assert old.post("/visitor", {"origin": "null"}, back="/").status_code == 403
    assert old.post("/visitor", {"origin": SITE}, back="/").status_code == 303


@pytest.mark.parametrize("path", FORMS)
def test_what_is_no_form_is_refused_in_bounded_memory(ada: Shopper, path: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    assert ada.ask("POST", path, content=b"{}", headers={"content-type": "application/json"}).status_code == 415
    assert ada.ask("POST", path, content=b"a=" + b"x" * 20_000, headers=form).status_code == 413
    assert ada.ask("POST", path, content=b"&".join([b"a=1"] * 100), headers=form).status_code == 400
    assert ada.ask("POST", path, content=b"a=\xff\x00", headers=form).status_code == 400


# -- pages ---------------------------------------------------------------------------------------------------------


def test_every_answer_says_what_a_page_may_do(ada: Shopper) -> None:
    for path in ("/", JUMPER, "/cart", "/nothing", "/static/shop.css", "/product/none"):
        headers = ada.get(path).headers
        assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert ada.get("/footfall.js").headers["cross-origin-resource-policy"] == "cross-origin"
    assert ada.get("/static/shop.js").headers["cross-origin-resource-policy"] == "same-origin"


def test_an_error_of_ours_is_a_page_without_its_details(shop: Shopping, ada: Shopper) -> None:
    ada.get("/")
    shop.parts.store.close()

    answer = ada.get("/")

    assert answer.status_code in {500, 503}
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "The shop" in answer.text or "our side" in answer.text
    assert "Traceback" not in answer.text


def test_programs_get_errors_as_json(shop: Shopping) -> None:
    answer = shop.shopper().get("/nothing", accept="*/*")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_the_steps_to_an_offer_are_those_of_the_pattern_file(tmp_path: Path) -> None:
    (tmp_path / "offers.yaml").write_text(
        """
        patterns:
          - name: elders
            within: 10 minutes
            audience: [{gender: any, age: [60, 65], offer: offer3}]
            states:
              init: [{on: {category: shoes}, to: shoe}]
              shoe: [{on: {category: clothing}, to: cloth}]
              cloth: [{on: {category: shoes}, product: different-from-first, to: offer}]
        """
    )
    with shopping(tmp_path) as shop:
        text = " ".join(re.sub(r"<[^>]+>", "", shop.shopper().get("/").text).split())

    assert "Be Anybody, 60 to 65. Then, within 10 minutes:" in text
    assert "look at a product from Shoes. look at a product from Clothing. look at another product from Shoes." in text


def test_products_of_others_are_shown_with_what_is_known_of_them(shop: Shopping, ada: Shopper) -> None:
    odd = "a/b?c#d%2e'\"<i>&"
    shop.parts.store.load_products([ProductRow(odd), ProductRow("P2", category="odd/kind & more", title="<b>bold</b>")])

    home = ada.get("/")
    page = ada.get(seen(r'href="(/product/a[^"]*)"', home))
    category = ada.get(seen(r'href="(/category/odd[^"]*)"', home))

    assert (page.status_code, category.status_code) == (200, 200)
    assert [click["productId"] for click in shop.rows()] == [odd]
    assert "There is no description" in page.text
    assert "<b>bold</b>" not in home.text + category.text
    assert ada.get(JUMPER).status_code == 404  # the packaged catalogue stands in for no product at all


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "٢", "99999999999999999999"])
def test_a_page_number_that_is_not_there_is_not_found(ada: Shopper, number: str) -> None:
    assert ada.get(f"/?page={quote(number)}").status_code == 404
    assert ada.get(f"/category/shoes?page={quote(number)}").status_code == 404


def test_every_form_goes_back_to_its_own_page(ada: Shopper) -> None:
    page: httpx.Response = ada.get("/category/home%26garden?x=%22%3E")

    back = seen(r'name="back" value="([^"]*)"', page)
    assert ada.post("/visitor", back=back).headers["location"] == "/category/home%26garden?x=%22%3E"


def test_nobody_waits_for_a_disk_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clicks, "PATIENCE", 0.1)
    with shopping(tmp_path, starts=False) as shop:
        page = shop.shopper().get(JUMPER)

    assert (page.status_code, AFTERWARDS in page.text) == (200, True)
    assert "did not answer" in logged.readouterr().err
