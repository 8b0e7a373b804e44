"""Turns a running Footfall on generated clicks into pictures of what people see: ``python -m tests.e2e.screenshots``.

All pictures go to a folder of their own with ``--all FOLDER``; those that the README shows, to ``--out``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from playwright.sync_api import Browser, Page
from pyarrow import csv

from footfall.core.clock import SystemClock
from tests.e2e.browser import chromium
from tests.e2e.shopper import BOOT, JUMPER, OFFER_WALK, USER_AGENT, Shopper, wait_for
from tests.e2e.whole import Whole

Theme = Literal["light", "dark"]

WIDE: Final = {"width": 1280, "height": 800}
NARROW: Final = {"width": 390, "height": 844}
ROOT: Final = Path(__file__).resolve().parents[2]
LARGEST: Final = 250_000
"""Bytes of a picture in the README."""
EVENTS: Final = 120_000
"""Of a day, of which the first HOURS are over."""
HOURS: Final = 20
README_HEIGHT: Final = 1424
"""Pixels of the dashboard that the README shows: charts and tables."""


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="where the README's two go")
    parser.add_argument("--all", type=Path, help="where all of them go, if they are wanted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, busy(Path(folder) / "data") as running, chromium() as browser:
        until_worth_a_look(browser, running)
        kept = {"shop.png": popup, "dashboard.png": charts}
        for name, take in kept.items():
            picture(browser, options.out / name, running, take)
            size = (options.out / name).stat().st_size
            assert size <= LARGEST, f"{name} has {size:,} bytes"
        if options.all:
            every(browser, options.all, running)


@contextmanager
def busy(data_dir: Path) -> Iterator[Whole]:
    """Everything, with a day behind it and generated clicks coming in."""
    running = Whole(data_dir)
    lookups = data_dir.parent
    clicks = lookups / "clicks.csv"
    running.footfall("generate", "--events", str(EVENTS), "--days", "1", "--out", clicks, "--lookups", lookups)
    past = happened_until_now(clicks, lookups / "past.csv", now_ms=SystemClock().now_ms())
    known = ("--products", lookups / "products.json", "--users", lookups / "users.json")
    running.footfall("backfill", past, *known)
    try:
        running.start()
        running.work()
        running.watch()
        running.sink()
        running.replay(clicks, per_second=4)
        yield running
    finally:
        running.close()


def happened_until_now(clicks: Path, out: Path, *, now_ms: int) -> Path:
    """A file of clicks, with its first HOURS moved to those before now and the rest left out."""
    table = csv.read_csv(clicks)
    seconds = table.column("original_timestamp")
    end = pc.min(seconds).as_py() // 86_400 * 86_400 + HOURS * 3600
    table = table.filter(pc.less_equal(seconds, end))
    moved = pc.add(table.column("original_timestamp"), now_ms // 1000 - end)
    for name, column in {"original_timestamp": moved, "timestamp": pc.multiply(moved, 1000)}.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, column.cast(pa.int64()))
    csv.write_csv(table, out)
    return out


def until_worth_a_look(browser: Browser, running: Whole) -> None:
    """Wait until clicks come in, and somebody has got an offer."""
    context = browser.new_context(user_agent=USER_AGENT)
    shopper = Shopper(context.new_page(), running.url)
    shopper.enter()
    shopper.become("Female", 30)
    shopper.look_at(*OFFER_WALK)
    shopper.popup.wait_for(timeout=60_000)
    shopper.has_seen()
    wait_for(shopper.page, lambda: len(running.view("last_15_minutes")) == 15, seconds=60, what="there are views")
    context.close()


def every(browser: Browser, folder: Path, running: Whole) -> None:
    """Each page, wide and narrow, light and dark."""
    takes = {
        "home": home,
        "product": product,
        "popup": popup,
        "cart": cart,
        "live": live,
        "visits": visits,
        "lost": lost,
    }
    themes: tuple[Theme, ...] = ("light", "dark")
    for name, take in takes.items():
        for size, viewport in {"wide": WIDE, "narrow": NARROW}.items():
            for theme in themes:
                path = folder / f"{name}-{size}-{theme}.png"
                picture(browser, path, running, take, viewport=viewport, theme=theme)


def picture(
    browser: Browser,
    path: Path,
    running: Whole,
    take: Callable[[Page, Whole], bool],
    *,
    viewport: dict[str, int] = WIDE,
    theme: Theme = "light",
) -> None:
    """Bring a page to where it is worth a picture, and take it; ``take`` says whether it is the whole page."""
    context = browser.new_context(
        viewport={"width": viewport["width"], "height": viewport["height"]}, color_scheme=theme, user_agent=USER_AGENT
    )
    page = context.new_page()
    whole = take(page, running)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, full_page=whole, animations="disabled")
    print(f"{path}: {path.stat().st_size:,} bytes")
    context.close()


def shopper_on(page: Page, running: Whole) -> Shopper:
    """A woman of 30 who has just come in."""
    found = Shopper(page, running.url)
    found.enter()
    found.become("Female", 30)
    return found


def home(page: Page, running: Whole) -> bool:
    """The shop's first page, in full."""
    shopper_on(page, running).enter()
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    return True


def product(page: Page, running: Whole) -> bool:
    """A product's page."""
    shopper_on(page, running).look_at(JUMPER)
    return True


def popup(page: Page, running: Whole) -> bool:
    """An offer, and why it came."""
    found = shopper_on(page, running)
    found.look_at(*OFFER_WALK)
    found.popup.get_by_text("Why do I see this?").click()
    return False


def cart(page: Page, running: Whole) -> bool:
    """The cart's form, with its options."""
    shopper_on(page, running).look_at(BOOT)
    page.get_by_role("link", name="Add to cart").click()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Style").select_option("Outdoor")
    return True


def lost(page: Page, running: Whole) -> bool:
    """A page that is not there."""
    page.goto(f"{running.url}/nothing")
    return True


def live(page: Page, running: Whole) -> bool:
    """The dashboard, as high as all of its panels."""
    return dashboard(page, running, "", shows=".st-key-panel-raw_data canvas")


def charts(page: Page, running: Whole) -> bool:
    """The dashboard's charts and first tables, as the README shows them."""
    live(page, running)
    page.set_viewport_size({"width": WIDE["width"], "height": README_HEIGHT})
    return False


def visits(page: Page, running: Whole) -> bool:
    """The dashboard's second page."""
    return dashboard(page, running, "/visits", shows=".st-key-panel-days canvas")


def dashboard(page: Page, running: Whole, path: str, *, shows: str) -> bool:
    """A page of the dashboard once this is there, on a screen that is high enough for all of it."""
    page.goto(running.dashboard + path)
    page.locator(shows).first.wait_for(timeout=30_000)
    height = page.locator("[data-testid=stMainBlockContainer]").evaluate("block => block.scrollHeight")
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": size["width"], "height": min(int(height) + 80, 4000)})
    page.wait_for_timeout(2500)
    return False


if __name__ == "__main__":
    main()
