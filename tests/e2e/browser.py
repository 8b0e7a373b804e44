"""Turns the system's Chromium into a browser for tests, and each of its pages into a list of what went wrong on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, sync_playwright

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The system's own; None where there is none."""
FLAGS: Final = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
"""It asks nobody for anything of its own accord."""
PATIENCE: Final = 10_000
"""Milliseconds that a page may take for anything."""
HERE: Final = frozenset({"127.0.0.1", "localhost"})

NewContext = Callable[..., BrowserContext]
"""Makes a context; takes the options of `Browser.new_context`, and `init`: scripts that run before each page's own."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, ended at the end. Its own event loop occupies this thread until then."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A context of its own cookies and storage, whose pages load from this machine alone."""

    context: BrowserContext
    troubles: list[str] = field(default_factory=list)
    """Uncaught errors, what a Content-Security-Policy refused, requests to other hosts."""

    @classmethod
    def of(cls, browser: Browser, *, init: Sequence[str] = (), **options: Any) -> Watched:
        """A new context with these options, and these scripts before those of each page."""
        watched = cls(browser.new_context(**options))
        watched.context.set_default_timeout(PATIENCE)
        watched.context.on("weberror", lambda error: watched.troubles.append(f"error on the page: {error.error}"))
        watched.context.on("console", watched._hear)
        watched.context.on("request", watched._look_at)  # a route would switch the browser's cache off
        for script in init:
            watched.context.add_init_script(script)
        return watched

    def close(self) -> None:
        """Close it. Fails when something went wrong on one of its pages."""
        self.context.close()
        assert not self.troubles, "\n".join(self.troubles)

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.troubles.append(f"refused by the policy: {message.text}")

    def _look_at(self, request: Request) -> None:
        """The browser finds no other host; that a page asks for one is a fault all the same."""
        if is_elsewhere(request.url):
            self.troubles.append(f"asks another host: {request.url}")


def is_elsewhere(url: str) -> bool:
    """Whether this is asked of another machine."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in HERE
