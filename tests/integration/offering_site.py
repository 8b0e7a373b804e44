"""Turns a data directory into a running server of offers, and sockets into its readers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from footfall import wiring
from footfall.apps.web.headers import SecurityHeaders
from footfall.apps.web.offers.channel import channel_of
from footfall.apps.web.offers.endpoints import routes
from footfall.apps.web.offers.streams import Bounds
from footfall.apps.web.parts import WebParts
from footfall.apps.web.server import run
from footfall.apps.web.settings import WebSettings
from footfall.core.clock import SystemClock
from footfall.engine.intake import Intake
from footfall.engine.offers import OfferFeed
from footfall.processors.patterns import builtin_patterns

KEY = bytes(32)
SOON = 5.0
"""Seconds until a test gives up."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a browser hands to the page."""

    id: str
    data: dict[str, Any]


class Reader:
    """One client of one visitor's stream."""

    def __init__(self, port: int, visitor: str, *, after: str | None = None, address: str | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
        headers = {} if after is None else {"Last-Event-ID": after}
        if address is not None:
            headers["X-Forwarded-For"] = address
        self.connection.request("GET", channel_of(KEY, visitor), headers=headers)
        self.answer = self.connection.getresponse()

    def block(self) -> list[str]:
        """The lines up to the next empty one; [] when the stream has ended."""
        lines: list[str] = []
        while line := self.answer.readline().decode().rstrip("\n"):
            lines.append(line)
        return lines

    def next(self) -> Event | None:
        """The next event; None when the stream has ended."""
        while lines := self.block():
            found = dict(line.split(": ", 1) for line in lines if not line.startswith((":", "retry")))
            if "data" in found:
                return Event(found["id"], json.loads(found["data"]))
        return None

    def close(self) -> None:
        """Go away."""
        self.answer.close()
        self.connection.close()


@dataclass(slots=True)
class Site:
    """A running server."""

    parts: WebParts
    port: int
    stop: threading.Event
    thread: threading.Thread
    readers: list[Reader] = field(default_factory=list)

    def reader(self, visitor: str, *, after: str | None = None, address: str | None = None) -> Reader:
        """A client that has been answered; at this ``address``, if the server is behind a proxy."""
        self.readers.append(Reader(self.port, visitor, after=after, address=address))
        return self.readers[-1]

    def ask(self, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
        """A request, and its answer without a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def claim(self, visitor: str, offer: str, *, by: str = "") -> int:
        """The status that who wants to show the offer is answered."""
        headers = {"Footfall-Claim": by} if by else {}
        return self.ask("POST", f"{channel_of(KEY, visitor)}/{offer}/shown", **headers).status

    def close(self) -> float:
        """Stop the server; how many seconds that took."""
        began = time.monotonic()
        self.stop.set()
        self.thread.join(SOON)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@contextmanager
def site_of(data_dir: Path, *, bounds: Bounds | None = None, proxy: bool = False) -> Iterator[Site]:
    """A server of offers on this data directory, on a free port; behind a ``proxy``, if wanted."""
    clock, stop, port, up = SystemClock(), threading.Event(), [0], threading.Event()
    with wiring.open_log(data_dir) as log, wiring.open_store(data_dir) as store:
        parts = WebParts(
            data_dir=data_dir,
            log=log,
            store=store,
            clock=clock,
            settings=WebSettings(trusted_proxies=("127.0.0.1",) if proxy else ()),
            intake=Intake(log, clock=clock, lateness=timedelta(minutes=10)),
            feed=OfferFeed(log, clock=clock),
            key=KEY,
            random=bytes,
            dashboard=str,
            patterns=builtin_patterns,
        )

        def ready(taken: int) -> None:
            port[0] = taken
            up.set()

        thread = threading.Thread(
            target=lambda: run(_app(parts, bounds or Bounds()), host="127.0.0.1", port=0, stop=stop, ready=ready),
            daemon=True,
        )
        thread.start()
        assert up.wait(SOON)
        site = Site(parts, port[0], stop, thread)
        try:
            yield site
        finally:
            site.close()
            for reader in site.readers:
                reader.close()


def _app(parts: WebParts, bounds: Bounds) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        parts.intake.start()
        parts.feed.start()
        yield
        parts.feed.close()
        parts.intake.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(routes(parts, bounds=bounds))
    app.add_middleware(SecurityHeaders)
    return app


def until(true: Callable[[], bool], why: str) -> None:
    """Wait for something that happens soon."""
    pause, deadline = threading.Event(), time.monotonic() + SOON
    while not true():
        assert time.monotonic() < deadline, why
        pause.wait(0.01)
