"""Turns a browser's page into a shopper: somebody who chooses who to be, looks at products, and may get an offer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Locator, Page

JUMPER, SHIRT, PARKA = "Harbour Wool Jumper", "Linen Shirt Meadow", "Rainwalk Parka"
BOOT: Final = "Leather Boot Foxglove"
CATEGORIES: Final = {JUMPER: "clothing", SHIRT: "clothing", PARKA: "clothing", BOOT: "shoes"}
OFFER_WALK: Final = (JUMPER, BOOT, SHIRT)
"""A piece of clothing, a shoe, another piece of clothing: what the built-in pattern makes an offer for."""
POPUP: Final = "[data-offer]"
USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
"""As people's browsers name themselves. A headless one says that it is one, and so is taken for a bot: no offers."""
_POLL: Final = 20
"""Milliseconds."""

TIMED: Final = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("click", (event) => {
    sessionStorage.setItem("timed.click", performance.timeOrigin + event.timeStamp);
  }, true);
  const look = () => {
    const popup = document.querySelector("[data-offer]");
    const box = popup && popup.getBoundingClientRect();
    const inside = box && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth;
    if (inside && getComputedStyle(popup).opacity > 0.5) {
      window.timed = { click: Number(sessionStorage.getItem("timed.click")), seen: now() };
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
})();
"""
"""Measures in the page, by the machine's clock: the last click, and the first frame that shows the whole popup."""


@dataclass(frozen=True, slots=True)
class Shopper:
    """A visitor with a browser tab."""

    page: Page
    shop: str
    """The shop's address."""

    @property
    def name(self) -> str:
        """The three words that the shop knows this visitor by."""
        return self.page.locator("#panel .who b").inner_text()

    @property
    def popup(self) -> Locator:
        """What shows offers; it may show none, or several."""
        return self.page.locator(POPUP)

    def enter(self) -> None:
        """Open the shop."""
        self.page.goto(self.shop)

    def become(self, gender: str, age: int) -> None:
        """Choose who to be."""
        panel = self.page.locator("#panel")
        if panel.get_attribute("open") is None:
            panel.locator("summary").click()
        panel.get_by_label("Age").fill(str(age))
        panel.get_by_label(gender, exact=True).check()
        panel.get_by_role("button", name="Use this identity").click()
        self.page.locator("#panel .as", has_text=f"{gender}, {age}").wait_for()

    def renew(self) -> None:
        """Become somebody whom the shop has never seen; age and gender stay."""
        before = self.name
        self.page.get_by_role("button", name="New visitor").click()
        self.page.locator("#panel .who b", has_not_text=before).wait_for()

    def look_at(self, *titles: str) -> None:
        """Open these products one after the other, each by a click on its picture in the shop's list."""
        for title in titles:
            self.page.goto(f"{self.shop}/category/{CATEGORIES[title]}")
            self.page.locator("a.card", has_text=title).click()
            self.page.get_by_role("heading", level=1, name=title).wait_for()

    def dismiss(self) -> None:
        """Close the popup."""
        self.popup.get_by_role("button", name="Close").click()

    def timed(self) -> tuple[float, float]:
        """When the last click was, and when the popup was there: ms since 1970. Needs the script TIMED."""
        self.until(lambda: self.page.evaluate("window.timed"), what="a popup is on the page")
        found: dict[str, Any] = self.page.evaluate("window.timed")
        return float(found["click"]), float(found["seen"])

    def has_seen(self) -> None:
        """Wait until the popup was on the screen for so long that the shop takes it for seen."""
        empty = "sessionStorage.getItem('footfall.offers') === '{}'"
        self.until(lambda: self.page.evaluate(empty), what="the offer was seen")

    def until(self, condition: Callable[[], object], *, seconds: float = 10, what: str = "it") -> None:
        """Wait for something to become true, and let the browser go on meanwhile; fail when it does not."""
        wait_for(self.page, condition, seconds=seconds, what=what)

    def offer_id(self) -> str:
        """Which offer is shown: exactly one."""
        found = self.popup.get_attribute("data-offer-id")
        assert found
        return found


def wait_for(page: Page, condition: Callable[[], object], *, seconds: float = 10, what: str = "it") -> None:
    """Wait for something to become true. Its requests pass through this thread, so the browser must be served too.

    The policy of our pages forbids `Page.wait_for_function`, which evaluates texts in the page.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:g} seconds: {what}"
        page.wait_for_timeout(_POLL)
