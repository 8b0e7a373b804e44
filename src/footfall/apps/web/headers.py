"""Turns answers into answers that tell browsers what a page of ours may do: load from here, and nothing else."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script and no style stands in a page itself, so none that is smuggled into one runs."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
FOR_OTHER_SITES: Final = frozenset({"/collect", "/pixel.gif", "/footfall.js"})
"""What pages of other sites load or send to."""


def security_headers(path: str) -> dict[str, str]:
    """The headers of every answer from this path."""
    policy = "cross-origin" if path in FOR_OTHER_SITES else "same-origin"
    return {**HEADERS, "Cross-Origin-Resource-Policy": policy}


class SecurityHeaders:
    """Wraps an application; what an answer says of its own accord stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers where an answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(scope["path"]).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
