"""Turns a site into one with the tracker on its pages, and what its visitors' browsers sent into events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

from footfall.apps import web
from tests.e2e.serving import until
from tests.e2e.site import Site

SCRIPT: Final = Path(web.__file__).with_name("static") / "footfall.js"


@dataclass(frozen=True)
class TrackedSite:
    """A site whose pages load the tracker from the site itself, or from a collector elsewhere."""

    site: Site
    collector: str = ""
    """The collector's address; the site itself without one."""

    @property
    def url(self) -> str:
        """The site's origin."""
        return self.site.url

    def put(self, name: str, content: str, *, attributes: str = "", head: str = "") -> str:
        """Write a page with this content, and these attributes on the tracker's script; its address."""
        if not self.collector:
            self.site.put("footfall.js", SCRIPT.read_text(encoding="utf-8"))
        script = f'<script src="{self.collector}/footfall.js" {attributes} async></script>'
        start = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">'
        )
        return self.site.put(name, f"{start}{head}{script}<body>{content}</body></html>")

    def events(self, page: Page, count: int) -> list[dict[str, Any]]:
        """The events that the site was sent, once nothing waits any more: so many. What came again is the same."""
        settle(page)
        events: dict[str, dict[str, Any]] = {}
        for one in self.site.events:
            assert events.setdefault(one["event_id"], one) == one
        assert len(events) == count, list(events.values())
        return list(events.values())


def stored(page: Page) -> list[str]:
    """The names of all that a page's origin keeps in the browser."""
    names: list[str] = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie]")
    return [name for name in names if name]


def settle(page: Page) -> None:
    """Let time pass until the tracker is there and nothing waits any more."""

    def is_settled() -> bool:
        page.clock.run_for(3000)
        return int(status(page)["queued"]) == 0

    visit(page, 0)
    until(is_settled, seconds=20, what="everything is sent")


def status(page: Page) -> dict[str, Any]:
    """What the tracker says of itself."""
    said: dict[str, Any] = page.evaluate("footfall('status')")
    return said


def visit(page: Page, queued: int) -> None:
    """Wait until the tracker is there and at least so many events wait on this origin."""
    page.wait_for_function(
        "least => window.footfall && footfall.loaded && footfall('status').queued >= least", arg=queued
    )
