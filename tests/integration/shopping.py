"""Turns a data directory into the whole web application, and a visitor's requests into its answers. No network."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from footfall.apps.web.app import create_app
from footfall.apps.web.parts import WebParts
from footfall.apps.web.serve import web_parts
from footfall.core.clock import ManualClock
from footfall.core.events import CLICKS
from tests.observing import events

SITE: Final = "http://shop.test"
NOW: Final = 1_700_000_000_000
BROWSER: Final = {"accept": "text/html", "user-agent": "Mozilla/5.0 (test)", "sec-fetch-site": "same-origin"}


@dataclass(slots=True)
class Shopper:
    """A browser without scripts: keeps cookies, follows no redirect of its own accord."""

    client: httpx.AsyncClient
    runner: asyncio.Runner

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a page."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, headers: dict[str, str] | None = None, /, **fields: str) -> httpx.Response:
        """Send a form."""
        return self.ask("POST", path, data=fields, headers=headers or {})

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any request."""
        return self.runner.run(self.client.request(method, path, **more))

    @property
    def visitor(self) -> str:
        """The id that pages show."""
        return seen(r"<b>([a-z]+-[a-z]+-[a-z]+)</b>", self.get("/"))


@dataclass(slots=True)
class Shopping:
    """The running application."""

    app: FastAPI
    parts: WebParts
    clock: ManualClock
    runner: asyncio.Runner
    stack: AsyncExitStack

    def shopper(self) -> Shopper:
        """Somebody new."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("192.0.2.7", 50_000))
        client = httpx.AsyncClient(transport=transport, base_url=SITE, headers=BROWSER)
        return Shopper(self.runner.run(self.stack.enter_async_context(client)), self.runner)

    def rows(self, stream: str = CLICKS) -> list[dict[str, Any]]:
        """All events of a stream."""
        return list(events(self.parts.log, stream))


@contextmanager
def shopping(
    data_dir: Path, *, starts: bool = True, dashboard: str = "http://dashboard.test", **options: Any
) -> Iterator[Shopping]:
    """The application on a data directory, with a clock that stands still. Options as of ``web_parts``.

    When it does not start, nothing that is to be written ever is.
    """
    clock = ManualClock(NOW)
    with (
        web_parts(data_dir, dashboard=lambda: dashboard, clock=clock, **options) as parts,
        asyncio.Runner() as run,
    ):
        app, stack = create_app(parts), AsyncExitStack()
        if starts:
            run.run(stack.enter_async_context(app.router.lifespan_context(app)))
        try:
            yield Shopping(app, parts, clock, run, stack)
        finally:
            run.run(stack.aclose())


def seen(pattern: str, answer: httpx.Response) -> str:
    """What a page shows in this place."""
    found = re.search(pattern, answer.text)
    assert found, f"{pattern} is not on the page:\n{answer.text}"
    return html.unescape(found[1])


def hidden(name: str, answer: httpx.Response) -> str:
    """The value of a page's hidden field."""
    return seen(rf'name="{name}" value="([^"]*)"', answer)
