"""Runs the real application on a port of its own, in a thread, and talks to it in raw bytes."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from footfall.apps.web.app import create_app
from footfall.apps.web.parts import WebParts
from footfall.apps.web.serve import web_parts
from footfall.apps.web.server import run
from footfall.apps.web.settings import WebSettings
from footfall.core.clock import SystemClock
from footfall.engine.intake import Intake
from footfall.log.base import DurableLog
from tests.observing import events

ADA = {"userId": "ada", "productId": "P1"}
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers by lower-case name, the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A running server."""

    port: int
    parts: WebParts

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=30)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request; names of headers with ``_`` for ``-``."""
        lines = [f"{method} {path} HTTP/1.1", "Host: shop.example"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return self.say("\r\n".join([*lines, "", ""]).encode() + body, method)

    def send(self, body: Any, **headers: str) -> Answer:
        """``POST /collect``, of JSON unless it is bytes already."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/collect", raw, **{"Content_Type": "application/json", **headers})

    def say(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to these bytes."""
        with self.connect() as connection:
            connection.sendall(request)
            return answer_of(connection, method)

    def rows(self, stream: str) -> list[dict[str, Any]]:
        """What is in the log."""
        return list(events(self.parts.log, stream))


def answer_of(connection: socket.socket, method: str = "GET") -> Answer:
    """The next answer that a connection gives; status 0 when there is none."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
    except (http.client.BadStatusLine, ConnectionError):
        return Answer(0, {}, b"")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


@contextmanager
def site(
    directory: Path, *, settings: WebSettings | None = None, log: DurableLog | None = None, max_events: int = 50_000
) -> Iterator[Site]:
    """The application on this data directory, its intake on another log if one is given."""
    stop, begun, port = threading.Event(), threading.Event(), [0]
    failed: list[BaseException] = []
    with web_parts(directory, dashboard=lambda: "http://127.0.0.1:1") as usual:
        intake = Intake(log or usual.log, clock=SystemClock(), lateness=timedelta(minutes=10), max_events=max_events)
        parts = replace(usual, settings=settings or WebSettings(), intake=intake)

        def ready(taken: int) -> None:
            port[0] = taken
            begun.set()

        def serve() -> None:
            try:
                run(create_app(parts), host=HOST, port=0, stop=stop, ready=ready)
            except BaseException as error:
                failed.append(error)
                begun.set()
                raise

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            assert begun.wait(30)
            assert not failed
            yield Site(port[0], parts)
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()
