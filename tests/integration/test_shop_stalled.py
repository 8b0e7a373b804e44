"""While the log cannot be written, the shop goes on: pages and files are answered, and say what they cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import httpx
import pytest

from footfall.apps.web.shop import clicks
from footfall.pipeline import DataDirectory
from tests.integration.shopping import Shopping, shopping

MANY = 60
"""More than the web framework has threads."""
JUMPER = "/product/FF55101410"
LOST = "We could not give you a visitor id just now"


@contextmanager
def log_held(data_dir: Path) -> Iterator[None]:
    """Another process is in the middle of a write to the log, and does not end it."""
    holder = apsw.Connection(str(DataDirectory(data_dir).log / "manifest.db"))
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


async def at_once(shop: Shopping, *paths: str) -> list[httpx.Response]:
    """What browsers of as many new visitors get."""
    transport = httpx.ASGITransport(shop.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await asyncio.gather(*(client.get(path) for path in paths))


def test_nobody_waits_for_a_log_that_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "PATIENCE", 0.2)
    with shopping(tmp_path) as shop:
        shop.runner.run(asyncio.wait_for(at_once(shop, "/static/shop.css"), 5))
        with log_held(tmp_path):
            paths = [*["/", JUMPER] * (MANY // 2), "/static/shop.css"]
            *pages, style = shop.runner.run(asyncio.wait_for(at_once(shop, *paths), 3))

        assert style.status_code == 200
        assert [(page.status_code, LOST in page.text) for page in pages] == [(200, True)] * MANY
        [home] = shop.runner.run(at_once(shop, "/"))
        assert LOST not in home.text  # all is well again
