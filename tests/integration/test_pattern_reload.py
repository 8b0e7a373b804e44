"""The lab's change of offers, made while a real worker runs: the next matching visitor gets the new offer."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from footfall import wiring
from footfall.core.clock import SystemClock
from footfall.core.events import CLICKS, OFFERS
from footfall.core.hashing import partition_of
from footfall.log.base import Append, RetainingLog
from footfall.sources.lookups import read_products
from tests.observing import ROOT, command, environment, events, footfall
from tests.unit.streams import MINUTE, clicks

LAB: Final = (ROOT / "examples/offers/lab.yaml").read_text(encoding="utf-8")
PATIENCE: Final = 20.0
"""Seconds after which what should happen is given up."""


class Shop:
    """A running worker, and visitors who walk through the shop now."""

    def __init__(self, log: RetainingLog, process: subprocess.Popen[bytes], products: dict[str, list[str]]) -> None:
        self.log = log
        self.process = process
        self._products = products
        self._clock = SystemClock()

    def walk(self, user: str, *categories: str, age: int, gender: str = "F") -> None:
        """A visitor looks at one product of each category, always another one."""
        now = self._clock.now_ms()
        rows: list[dict[str, Any]] = [
            {
                "timestamp": now - (len(categories) - n) * MINUTE // 10,
                "userId": user,
                "age": age,
                "gender": gender,
                "productId": self._products[category][n],
                "id": f"{user}-{n}",
            }
            for n, category in enumerate(categories)
        ]
        partition = partition_of(user, self.log.info(CLICKS).settings.partitions)
        self.log.append([Append(CLICKS, partition, clicks(rows))])

    def offers(self) -> dict[str, str]:
        return {row["userId"]: row["offer"] for row in events(self.log, OFFERS)}

    def until(self, happened: Callable[[], object]) -> None:
        """Wait until this has happened; new events wake at once."""
        deadline = self._clock.monotonic() + PATIENCE
        partitions = range(self.log.info(OFFERS).settings.partitions)
        while not happened():
            assert self.process.poll() is None, "the worker has ended"
            assert self._clock.monotonic() < deadline, "it did not happen"
            self.log.wait({(OFFERS, p): self.log.place(OFFERS, p, at="latest") for p in partitions}, timeout=0.1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The worker at work on a shop with our own catalogue."""
    lookups = tmp_path / "lookups"
    footfall("generate", "--events", "1", "--out", tmp_path / "clicks.tsv", "--lookups", lookups)
    footfall("load", "products", lookups / "products.json", "--data-dir", tmp_path)
    products: dict[str, list[str]] = {}
    for row in read_products(lookups / "products.json").rows:
        products.setdefault(row.category or "", []).append(row.id)
    names = ("enrichment", "aggregation", "sessions", "behaviour")
    with (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(
            command("run", *names, "--data-dir", tmp_path),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        with wiring.open_log(tmp_path) as log:
            yield Shop(log, process, products)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0, (tmp_path / "errors").read_text(encoding="utf-8")


def heartbeat(data_dir: Path) -> str:
    """What the worker says is wrong, in `footfall status`."""
    return json.dumps(json.loads(footfall("status", "--data-dir", data_dir, "--json")))


def test_the_next_matching_visitor_gets_the_offer_of_a_pattern_file_that_was_changed_meanwhile(
    shop: Shop, tmp_path: Path
) -> None:
    pid = shop.process.pid
    shop.walk("lab-0", "shoes", "clothing", "shoes", age=62)
    shop.walk("built-in", "clothing", "shoes", "clothing", age=30)
    shop.until(lambda: "built-in" in shop.offers())
    assert shop.offers() == {"built-in": "offer2"}

    (tmp_path / "offers.yaml").write_text(LAB, encoding="utf-8")
    tries = iter(range(1, 1_000))

    def a_new_visitor_has_the_offer() -> bool:
        found = any(user.startswith("lab-") for user in shop.offers())
        if not found:
            shop.walk(f"lab-{next(tries)}", "shoes", "clothing", "shoes", age=62)
        return found

    shop.until(a_new_visitor_has_the_offer)

    (tmp_path / "offers.yaml").write_text(LAB.replace("[60, 65]", "[65, 60]"), encoding="utf-8")
    shop.until(lambda: "offers.yaml" in heartbeat(tmp_path))
    shop.walk("young", "clothing", "shoes", "clothing", age=30)
    shop.walk("old", "shoes", "clothing", "shoes", age=65, gender="M")
    shop.until(lambda: "old" in shop.offers())
    offers = shop.offers()
    assert (offers["old"], "young" in offers, "lab-0" in offers) == ("offer1", False, False)
    assert (shop.process.pid, shop.process.poll()) == (pid, None)
