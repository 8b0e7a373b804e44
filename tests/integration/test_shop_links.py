"""Links to the dashboard lead to where it is said to be, or there are none."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from footfall.apps.web.serve import DashboardLinks
from tests.integration.shopping import shopping
from tests.observing import command, environment


def test_a_shop_on_any_free_port_links_to_the_port_after_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("serve", "--port", "0", "--data-dir", tmp_path), env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if line.startswith("Shop and collector are at"))
            shop, port = said.split()[-1], int(said.rpartition(":")[2])
            with urllib.request.urlopen(shop, timeout=10) as answer:  # noqa: S310 - http, our own
                page = answer.read().decode()
        finally:
            process.terminate()

    links = set(re.findall(r'href="(http[^"]*)"', page))
    assert links == ({f"http://127.0.0.1:{port + 1}"} if port < 65_535 else set())


@pytest.mark.parametrize(
    ("given", "port", "leads_to"),
    [
        ("", 8_000, "http://127.0.0.1:8001"),
        ("", 65_534, "http://127.0.0.1:65535"),
        ("", 65_535, ""),
        ("https://dashboard.test", 65_535, "https://dashboard.test"),
    ],
)
def test_the_dashboard_is_where_it_is_said_to_be_or_one_port_on(given: str, port: int, leads_to: str) -> None:
    links = DashboardLinks(given)
    links.shop_is_at(port)

    assert links() == leads_to


def test_without_a_dashboard_no_page_links_to_it(tmp_path: Path) -> None:
    with shopping(tmp_path, dashboard="") as shop:
        pages = [shop.shopper().get(path).text for path in ("/", "/cart", "/product/FF55101410", "/nothing")]

    assert [re.findall(r'<a[^>]*href="[^/#][^"]*"|<a[^>]*href=""', page) for page in pages] == [[]] * 4
