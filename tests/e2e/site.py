"""Turns texts into a web site on this machine: pages on an origin of their own, as a shop's owner has them.

The site also takes POST requests, keeps them, and answers as it is told: what stands between a page and a collector.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Post:
    """One request that came in."""

    path: str
    headers: Message
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that it carries."""
        found: list[dict[str, Any]] = json.loads(self.body)["events"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to a request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


def accepted(post: Post) -> Answer:
    """What a collector says when it has put everything on disk."""
    return Answer(body=json.dumps({"accepted": len(post.events), "refused": []}))


class Site:
    """A directory of files, served while the context lasts."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.posts: list[Post] = []
        self.preflights: list[str] = []
        self.answer: Callable[[Post], Answer] = accepted
        self._server = ThreadingHTTPServer((HOST, 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its origin, without a slash at the end."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of all requests, in the order in which they came."""
        return [event for post in list(self.posts) for event in post.events]

    def put(self, name: str, text: str) -> str:
        """Write a page; its address."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return f"{self.url}/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files, never from a cache; keeps and answers what is posted; prints nothing."""

    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *args: Any) -> None:
        self.site = site
        super().__init__(*args, directory=str(site.directory))

    def do_POST(self) -> None:
        post = Post(self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.site.answer(post)
        self.site.posts.append(post)
        content = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # who leaves a page does not wait for the answer
            self.end_headers()
            self.wfile.write(content)

    def do_OPTIONS(self) -> None:
        self.site.preflights.append(self.path)
        self.send_error(405)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Tests print nothing."""
