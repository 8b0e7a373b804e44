"""Turns a data directory into all that people use at once, as processes: shop, collector, worker and dashboard."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from footfall import wiring
from footfall.core.events import CLICKS, ENRICHED
from footfall.sources.catalogue import load_catalogue
from tests.e2e.serving import HOST, PATIENCE, Serving, free_port, until

ALIVE: Final = "/_stcore/health"
"""Where Streamlit says that it serves."""


@dataclass(slots=True)
class Whole(Serving):
    """`footfall serve` with what belongs to it. The shop's links lead to the dashboard."""

    dashboard_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.options = (*self.options, "--dashboard", self.dashboard)

    @property
    def dashboard(self) -> str:
        """Where the dashboard is, without a slash at the end."""
        return f"http://{HOST}:{self.dashboard_port}"

    def watch(self) -> None:
        """Start the dashboard and wait until it serves."""
        self._run("dashboard", "dashboard", "--port", str(self.dashboard_port))
        until(self._is_watched, seconds=PATIENCE, what="the dashboard serves")

    def sink(self) -> None:
        """Start what writes carts into their table."""
        self._run("cart-sink", "sink", "cart")

    def replay(self, file: Path, *, per_second: int) -> None:
        """Start bringing in the clicks of a file, again and again, as if they happened now."""
        self._run("replay", "replay", str(file), "--loop", "--no-keep-timing", "--rate", str(per_second))

    def is_caught_up(self) -> bool:
        """Whether the worker has looked at every click that is in the log: also its last step, the behaviour."""
        with wiring.open_log(self.data_dir) as log:
            done = [("enrichment", CLICKS), ("behaviour", ENRICHED)]
            return all(
                log.position(group, stream, partition).offset >= log.place(stream, partition, at="latest").offset
                for group, stream in done
                for partition in range(log.info(stream).settings.partitions)
            )

    def _is_watched(self) -> bool:
        process = self.processes["dashboard"]
        assert process.poll() is None, f"the dashboard ended: {process.returncode}:\n{self.output('dashboard')}"
        try:
            with urllib.request.urlopen(f"{self.dashboard}{ALIVE}", timeout=5) as answer:  # noqa: S310 - http, our own
                return bool(answer.status == http.client.OK)
        except (OSError, http.client.HTTPException):
            return False


@contextmanager
def whole(data_dir: Path, *, dashboard: bool = True, worker: bool = True) -> Iterator[Whole]:
    """All of it running, with the packaged catalogue as the shop's products; ended at the end."""
    running = Whole(data_dir)
    with wiring.open_store(data_dir) as store:
        store.load_products(load_catalogue())
    try:
        running.start()
        if worker:
            running.work()
        if dashboard:
            running.watch()
        yield running
    finally:
        running.close()
