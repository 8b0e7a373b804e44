"""Sixty hostile texts in every field that the dashboard shows: each is shown as a text, and none is obeyed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from footfall import wiring
from footfall.apps.plain import plain
from footfall.core.clock import SystemClock
from footfall.sources.lookups import ProductRow
from tests.e2e.detector import Detector
from tests.e2e.hostile import together, views
from tests.e2e.payloads import PAYLOADS, Payload
from tests.e2e.shopper import wait_for
from tests.e2e.whole import Whole

pytestmark = pytest.mark.slow

DATA = "<img pwn src=x onerror=xss('data')>{{7919*7907}}"
"""The name of the data directory: messages about files name it."""
TALL = {"width": 1280, "height": 2600}


@pytest.fixture
def server(browser: Browser, tmp_path: Path) -> Iterator[Whole]:
    """A data directory of a hostile name, with shop, collector and dashboard; no worker yet."""
    del browser  # only so that nothing is started where there is none
    running = Whole(tmp_path / DATA)
    try:
        running.start()
        running.watch()
        yield running
    finally:
        running.close()


def test_no_payload_runs_that_comes_in_through_the_collector(server: Whole, browser: Browser) -> None:
    with wiring.open_store(server.data_dir) as store:
        store.load_products(ProductRow(id=one.text, category="clothing", title=one.text) for one in PAYLOADS)
    server.work()
    collect(server, PAYLOADS)
    with Detector(browser, own=False, viewport=TALL) as detector:
        detector.page.goto(server.dashboard)
        logged(detector, plain(PAYLOADS[-1].text))
        wait_for(detector.page, lambda: len(server.view("raw_data")) == len(PAYLOADS), seconds=20, what="all are there")
        touch(detector)
        detector.look()

        assert detector.missing([f"[User {plain(one.text)} entered state clothes_visited]" for one in PAYLOADS]) == []
        assert detector.signs() == []


def collect(server: Whole, payloads: Sequence[Payload]) -> None:
    """Send a click and an event of its own kind for each payload, whose texts are all that payload."""
    names = ("userId", "productId", "userAgent", "sessionId", "page", "referrer", "event_id")
    clicks = [{**dict.fromkeys(names, one.text), "age": 30, "gender": "F"} for one in payloads]
    customs = [
        {"userId": o.text, "event_type": "custom", "name": o.text, "properties": {"x": o.text}} for o in payloads
    ]
    request = urllib.request.Request(  # noqa: S310 - http, our own
        f"{server.url}/collect",
        data=json.dumps([*clicks, *customs]).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert json.load(answer) == {"accepted": 2 * len(payloads), "refused": []}


def test_no_payload_runs_in_any_panel(server: Whole, browser: Browser) -> None:
    with Detector(browser, own=False, viewport=TALL) as detector:
        for number, ten in enumerate(together(10), start=1):
            put(server.data_dir, ten, number=number)
            if number == 1:
                detector.page.goto(server.dashboard)
            logged(detector, f"pwn-round-{number}")
            touch(detector)
            detector.look()
            assert detector.missing([plain(one.text) for one in ten]) == []
        for one in PAYLOADS[::4]:
            only_lines_with(detector, one)
        detector.page.goto(f"{server.dashboard}/visits")
        detector.page.get_by_text("Bounce rate").first.wait_for(timeout=20_000)
        detector.look()
        with out_of_sight(server.data_dir):
            detector.page.get_by_text("There is no data directory").wait_for()
            assert detector.missing([DATA]) == []
            detector.look()

        assert detector.signs() == []


@contextmanager
def out_of_sight(folder: Path) -> Iterator[None]:
    """Move a folder away, and back."""
    moved = folder.rename(folder.with_name("elsewhere"))
    try:
        yield
    finally:
        moved.rename(folder)


def logged(detector: Detector, marker: str) -> None:
    """Wait until the state machine log shows this."""
    log = detector.page.locator(".st-key-panel-state_logs")
    wait_for(detector.page, lambda: marker in (log.text_content() or ""), seconds=30, what=f"{marker} is in the log")


def only_lines_with(detector: Detector, payload: Payload) -> None:
    """Type a payload where the log is filtered: it is named in the answer, or there are lines with it."""
    typed = detector.page.get_by_placeholder("Only lines with")
    typed.fill(payload.text)
    typed.press("Enter")
    wait_for(detector.page, lambda: not detector.missing([plain(payload.text)]), what=f"{payload} is looked for")
    detector.look()


def put(data_dir: Path, payloads: Sequence[Payload], *, number: int) -> None:
    now_ms = SystemClock().now_ms()
    rows = views(payloads, minute=datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"))
    rows["state_logs"].append({"timestamp": rows["state_logs"][0]["timestamp"], "line": f"pwn-round-{number}"})
    with wiring.open_store(data_dir) as store:
        store.put_views(rows, as_of=now_ms, publication=number)


def touch(detector: Detector) -> None:
    """Point at charts and open cells, so that all that shows a text on demand shows it."""
    page = detector.page
    for panel in ("category_popularity", "device_type_popularity"):
        box = page.locator(f".st-key-panel-{panel}").bounding_box()
        assert box
        for step in range(1, 12):
            page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * step / 12)
    for table in ("products_last_hour", "latest_visitors", "raw_data"):
        box = page.locator(f".st-key-panel-{table}").bounding_box()
        assert box
        page.mouse.dblclick(box["x"] + 120, box["y"] + 150)
        page.keyboard.press("Escape")
