"""The browser, the server and the pages that all end-to-end tests use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.browser import CHROMIUM, NewContext, Watched, chromium
from tests.e2e.serving import Serving
from tests.e2e.site import Site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests of this package; it is gone before other tests want an event loop."""
    if CHROMIUM is None:
        missing = "there is no Chromium: on Debian, install the package chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with chromium() as running:
        yield running


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Makes contexts: each a visitor with storage of its own. The test fails when one of their pages does."""
    made: list[Watched] = []

    def make(**options: Any) -> BrowserContext:
        made.append(Watched.of(browser, **options))
        return made[-1].context

    yield make
    for one in made:
        one.close()


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A page of a new visitor, on a wide screen."""
    return new_context(viewport={"width": 1280, "height": 800}).new_page()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Makes servers, each with a data directory of its own; not started yet. Takes more options of `footfall serve`."""
    made: list[Serving] = []

    def make(*options: str) -> Serving:
        made.append(Serving(tmp_path / f"data-{len(made)}", options=options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def serving(serve: Callable[..., Serving]) -> Serving:
    """A running `footfall serve` on an empty data directory; `serving.work()` adds all processors."""
    running = serve()
    running.start()
    return running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Somebody's web site, on an origin of its own, with no pages yet."""
    with Site(tmp_path / "site") as running:
        yield running
