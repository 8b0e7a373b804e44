"""The dashboard, as its viewer sees it: eight panels that change each second, and nothing else that moves."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from footfall.core.clock import SystemClock
from tests.e2e.browser import NewContext
from tests.e2e.serving import until
from tests.e2e.whole import Whole
from tests.unit.dashboards import put, views

PANELS: Final = (
    "last_15_minutes",
    "sessions",
    "device_type_popularity",
    "category_popularity",
    "products_last_hour",
    "latest_visitors",
    "state_logs",
    "raw_data",
)
WIDE: Final = {"width": 1280, "height": 2600}
NARROW: Final = {"width": 390, "height": 844}
WATCH: Final = """() => {
  const seen = (window.seen = { removed: [], heights: {}, faint: 1, changes: 0 });
  const lasting = ["stVegaLiteChart", "stDataFrame", "stMetric", "stCode", "stTextInput", "stVerticalBlock", "stText"];
  const ids = lasting.map((id) => `[data-testid="${id}"]`).join(",");
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.target.parentElement?.closest("[class*=st-key-panel-]")) seen.changes += 1;
      for (const node of change.removedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches(`${ids}, canvas, svg.marks`) || node.querySelector(`${ids}, canvas, svg.marks`))
          seen.removed.push(node.outerHTML.slice(0, 200));
      }
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
  const heights = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries)
      (seen.heights[target.className] ??= new Set()).add(Math.round(contentRect.height));
  });
  document.querySelectorAll('[class*="st-key-panel-"]').forEach((panel) => heights.observe(panel));
  const look = () => {
    for (const one of document.querySelectorAll('[data-testid="stElementContainer"]'))
      seen.faint = Math.min(seen.faint, Number(getComputedStyle(one).opacity));
    requestAnimationFrame(look);
  };
  look();
}"""
"""Notes what is taken away, which heights panels have, and how faint anything becomes."""
SEEN: Final = "({...seen, heights: Object.fromEntries(Object.entries(seen.heights).map(([k, v]) => [k, [...v]]))})"
"""What it has noted."""


class Watched:
    """A running dashboard, and the worker's part played by the test."""

    def __init__(self, running: Whole) -> None:
        self.running = running
        self.publication = 0

    def publish(self, many: int, *, text: str = "lamp") -> None:
        """New views, as of now, in which everything that is counted is ``many``."""
        self.publication += 1
        as_of = SystemClock().now_ms()
        put(self.running.data_dir, views(as_of=as_of, many=many, text=text), as_of=as_of, publication=self.publication)


@pytest.fixture(scope="module")
def dashboard(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A dashboard on views of three of everything."""
    del browser  # only so that nothing is started where there is none
    data_dir = tmp_path_factory.mktemp("dashboard") / "data"
    data_dir.mkdir()
    watched = Watched(Whole(data_dir))
    watched.publish(3)
    try:
        watched.running.watch()
        yield watched
    finally:
        watched.running.close()


def visit(new_context: NewContext, dashboard: Watched, *, path: str = "", **options: Any) -> Page:
    """The page with all of its charts drawn."""
    page = new_context(**{"viewport": WIDE} | options).new_page()
    page.goto(f"{dashboard.running.dashboard}/{path}")
    expect(page.locator("svg.marks, [data-testid=stVegaLiteChart] canvas").first).to_be_visible(timeout=30_000)
    return page


def panel(page: Page, view: str) -> Locator:
    return page.locator(f".st-key-panel-{view}")


def number(page: Page) -> Locator:
    """The visitors right now."""
    return panel(page, "device_type_popularity").get_by_test_id("stMetricValue")


def test_eight_panels_and_the_time_of_their_data_are_shown(new_context: NewContext, dashboard: Watched) -> None:
    dashboard.publish(3)
    page = visit(new_context, dashboard)

    for view in PANELS:
        expect(panel(page, view)).to_be_visible()
    for view in PANELS[:4]:
        expect(panel(page, view).locator("svg.marks")).to_be_visible()
    for view in ("products_last_hour", "latest_visitors", "raw_data"):
        expect(panel(page, view).get_by_test_id("stDataFrame")).to_be_visible()
    expect(number(page)).to_have_text("5")
    expect(panel(page, "state_logs")).to_contain_text("[User lamp triggered offer offer3]")
    expect(page.locator(".st-key-freshness")).to_contain_text("Data as of")


@pytest.mark.alone
def test_new_views_are_on_the_page_within_two_seconds_without_a_reload(
    new_context: NewContext, dashboard: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    page = visit(new_context, dashboard)
    page.evaluate("window.marker = 'the same page'")

    waits = []
    for many in range(11, 18):
        dashboard.publish(many)
        at = time.monotonic()
        expect(number(page)).to_have_text(str(many + 2))
        expect(panel(page, "state_logs")).to_contain_text(f"offer{many}]")
        waits.append(time.monotonic() - at)
    with capsys.disabled():
        print(f"\nviews to page: median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s")
    assert sorted(waits)[-2] <= 2  # the browser shares the machine with other work: one may be slow
    assert page.evaluate("window.marker") == "the same page"


def test_a_refresh_moves_nothing_takes_nothing_away_and_lets_nothing_fade(
    new_context: NewContext, dashboard: Watched
) -> None:
    dashboard.publish(20)
    page = visit(new_context, dashboard)
    expect(number(page)).to_have_text("22")
    page.wait_for_load_state("networkidle")
    page.evaluate(WATCH)

    for many in range(21, 27):
        dashboard.publish(many)
        expect(number(page)).to_have_text(str(many + 2))
    seen = page.evaluate(SEEN)
    assert seen["changes"] >= 6
    assert seen["removed"] == []
    assert len(seen["heights"]) == len(PANELS)
    assert all(len(heights) == 1 for heights in seen["heights"].values()), seen["heights"]
    assert seen["faint"] == 1


def test_what_moves_is_taken_away_or_fades_would_be_noticed(new_context: NewContext, dashboard: Watched) -> None:
    page = visit(new_context, dashboard)
    page.evaluate(WATCH)
    before = page.evaluate(SEEN)
    panel(page, "raw_data").evaluate("one => one.style.minHeight = '900px'")
    panel(page, "sessions").get_by_test_id("stVegaLiteChart").evaluate("one => one.remove()")
    panel(page, "state_logs").get_by_test_id("stElementContainer").last.evaluate("one => one.style.opacity = 0.3")

    until(lambda: page.evaluate("seen.faint < 1 && seen.removed.length > 0"))
    until(lambda: page.evaluate("Object.values(seen.heights).some((heights) => heights.size > 1)"))
    assert (before["faint"], before["removed"]) == (1, [])


def test_what_is_typed_and_where_one_has_scrolled_survive_a_refresh(
    new_context: NewContext, dashboard: Watched
) -> None:
    dashboard.publish(30)
    page = visit(new_context, dashboard)
    log = panel(page, "state_logs")
    field = log.get_by_role("textbox")
    field.fill("entered")
    field.press("Enter")
    expect(log).not_to_contain_text("triggered")
    field.type(" and more")  # not yet sent
    scroller = panel(page, "raw_data").locator(".dvn-scroller")
    scroller.evaluate("one => one.scrollTop = 150")

    dashboard.publish(31)
    expect(number(page)).to_have_text("33")
    expect(field).to_have_value("entered and more")
    expect(field).to_be_focused()
    assert scroller.evaluate("one => one.scrollTop") == 150
    expect(log).to_contain_text("entered state lamp")


@pytest.mark.parametrize("path", ["", "visits"])
def test_a_narrow_screen_never_scrolls_sideways(new_context: NewContext, dashboard: Watched, path: str) -> None:
    page = visit(new_context, dashboard, path=path, viewport=NARROW)
    main = page.get_by_test_id("stMain")

    for scroller in (page.locator("html"), main):
        assert scroller.evaluate("one => one.scrollWidth <= one.clientWidth")
    for frame in page.locator('[class*="st-key-panel-"]').all():
        assert frame.evaluate("one => one.scrollHeight <= one.clientHeight + 1"), frame.get_attribute("class")


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_theme_follows_the_system(new_context: NewContext, dashboard: Watched, scheme: str, *, dark: bool) -> None:
    page = visit(new_context, dashboard, color_scheme=scheme)
    background = page.get_by_test_id("stApp").evaluate("one => getComputedStyle(one).backgroundColor")
    red, green, blue = (int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(","))

    assert (red + green + blue < 3 * 64) == dark


def test_the_second_page_sums_up_the_day(new_context: NewContext, dashboard: Watched) -> None:
    dashboard.publish(2)
    page = visit(new_context, dashboard)
    page.get_by_role("link", name="Visits").click()

    figures = page.locator(".st-key-today").get_by_test_id("stMetric")
    expect(figures).to_have_count(5)
    shown = {"Sessions": "4", "Bounce rate": "25.0 %", "Pages per session": "2.5", "Conversion": "50.0 %"}
    for name, value in shown.items():
        expect(figures.filter(has_text=name).get_by_test_id("stMetricValue")).to_have_text(value)
    expect(panel(page, "visits_by_day").locator("svg.marks")).to_be_visible()


def test_a_directory_that_goes_away_is_said_and_the_page_recovers(
    new_context: NewContext, dashboard: Watched, tmp_path: Path
) -> None:
    dashboard.publish(40)
    page = visit(new_context, dashboard)
    away = dashboard.running.data_dir.rename(tmp_path / "away")
    fresh = page.locator(".st-key-freshness")
    expect(fresh).to_contain_text("There is no data directory")
    expect(number(page)).to_have_text("42")  # the last that was known

    away.rename(dashboard.running.data_dir)
    dashboard.publish(41)
    expect(number(page)).to_have_text("43")
    expect(fresh).to_contain_text("live")
