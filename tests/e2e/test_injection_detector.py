"""The check itself: pages that write texts out as they are must turn it red, for every payload that is markup."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Error

from footfall import wiring
from tests.e2e.detector import Detector
from tests.e2e.hostile import products
from tests.e2e.payloads import EVIL, PAYLOADS
from tests.e2e.serving import Serving

pytestmark = pytest.mark.slow

MARKUP = [one for one in PAYLOADS if one.is_markup]
RAN = re.compile(r"ran: \d+")


@contextmanager
def careless(data_dir: Path, *options: str) -> Iterator[Serving]:
    """A shop that sells payloads and escapes nothing."""
    running = Serving(data_dir, options=options, module="tests.e2e.careless")
    with wiring.open_store(data_dir) as store:
        store.load_products(products())
    try:
        running.start()
        yield running
    finally:
        running.close()


def signs_by_payload(browser: Browser, server: Serving) -> dict[str, list[str]]:
    """What is noticed on the page of each product that is markup."""
    found = {}
    with Detector(browser) as detector:
        for one in MARKUP:
            before = len(detector.signs())
            with contextlib.suppress(Error):  # a payload may lead the page to another address
                detector.go(f"{server.url}/product/{quote(one.line, safe='')}")
            if EVIL in one.text:  # what it asks for may take long to fail
                detector.renew()
            found[one.text] = detector.signs()[before:]
    return found


def test_every_payload_is_noticed_on_a_page_that_escapes_nothing(browser: Browser, tmp_path: Path) -> None:
    with careless(tmp_path / "data", "--unguarded") as server:
        found = signs_by_payload(browser, server)

    assert [text for text, signs in found.items() if not signs] == []
    ran = [text for text, signs in found.items() if any(RAN.search(sign) for sign in signs)]
    assert len(ran) > len(MARKUP) / 2, "most of them are scripts that run"


def test_the_policy_stops_scripts_on_a_page_that_escapes_nothing(browser: Browser, tmp_path: Path) -> None:
    with careless(tmp_path / "data") as server:
        found = signs_by_payload(browser, server)

    assert [text for text, signs in found.items() if not signs] == []
    assert [sign for signs in found.values() for sign in signs if RAN.search(sign)] == []
