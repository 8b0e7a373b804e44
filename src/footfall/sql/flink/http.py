"""Turns a call of a REST API into its answer, and whatever goes wrong on the way into our errors."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from footfall.core.errors import Failure, Unavailable, UsageError
from footfall.sql.flink.causes import root_cause

_SECONDS: Final = 120.0
"""How long one answer may take: the gateway plans a statement before it answers."""
_LONGEST: Final = 64 << 20
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Goes straight to the address, whatever the environment says of proxies."""


class Rest:
    """One REST API. Safe to use from several threads."""

    def __init__(self, url: str, *, what: str, seconds: float = _SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(
                f"{_shown(url)} is not the address of {what}.", remedy="Write, for example, http://127.0.0.1:8083."
            )
        self._url = url.rstrip("/")
        self._what = what
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"{self._what} at {_shown(self._url)}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer, an object. Raises Unavailable when nobody answers, Failure with Flink's own reason otherwise."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with _OPENER.open(request, timeout=self._seconds) as answer:
                content = answer.read(_LONGEST)
        except urllib.error.HTTPError as error:
            with error:
                raise Failure(self._reason(error.code, error.read(_LONGEST))) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise Unavailable(
                f"{self!r} does not answer: {why}.",
                remedy="Check the address, and that it runs (bin/sql-gateway.sh start).",
            ) from error
        return self._object(content)

    def _object(self, content: bytes) -> dict[str, Any]:
        try:
            value = json.loads(content) if content else {}
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Failure(f"{self!r} answers something else than JSON.", remedy=f"Is this {self._what}?")
        return value

    def _reason(self, code: int, content: bytes) -> str:
        try:
            errors = json.loads(content)["errors"]
            text = max((str(one) for one in errors), key=len)
        except (ValueError, KeyError, TypeError):
            return f"{self!r} answers with HTTP status {code}. Is this {self._what}?"
        return root_cause(text)


def _shown(url: str) -> str:
    """An address without what may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme and parts.netloc else "The text"
