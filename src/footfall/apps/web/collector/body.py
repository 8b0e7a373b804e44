"""Turns a request's stream into the bytes of its body: in time, within bounds, and unpacked."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive

from footfall.apps.web.collector.answers import Refused

BODY_LIMIT: Final = 1 << 20
"""The longest body, in bytes, as sent and unpacked."""
READ_SECONDS: Final = 10.0
"""A body has arrived within this time."""
_UNFINISHED_OF_ONE: Final = 16 << 20
_UNFINISHED: Final = 128 << 20
"""The most bytes of bodies that wait for their rest, or to be judged: of one address, and in all."""
_TYPES: Final = frozenset({"application/json", "text/plain"})
_CHARSETS: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})
_GZIP: Final = 16 + zlib.MAX_WBITS
_MEMBERS: Final = 16
"""The most gzip members of a body: each costs the same time, however little is in it."""


class Gone(Exception):
    """The client has left before its request was whole."""


class Unpackable(Exception):
    """The body is not what its encoding says. Carries the bytes as they came."""

    def __init__(self, rule: str, raw: bytes) -> None:
        super().__init__(rule)
        self.rule = rule
        self.raw = raw


class Unfinished:
    """How many bytes of bodies wait for their rest, or to be judged: bounded for an address, and in all."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._all = 0

    def add(self, client: str, size: int) -> None:
        """Count further bytes. Raises Refused, without counting them, when they are too many."""
        if self._of[client] + size > _UNFINISHED_OF_ONE:
            raise Refused(429, "too many bodies of this address are unfinished", retry_after=1, close=True)
        if self._all + size > _UNFINISHED:
            raise Refused(503, "too many bodies are unfinished", retry_after=1, close=True)
        self._of[client] += size
        self._all += size

    def remove(self, client: str, size: int) -> None:
        """Their body is done with, or given up."""
        self._all -= size
        self._of[client] -= size
        if not self._of[client]:
            del self._of[client]


async def read_body(headers: Headers, receive: Receive, *, client: str, unfinished: Unfinished) -> bytes:
    """The body. Raises Refused for what is not read, Unpackable for broken gzip data, Gone."""
    _check_type(headers)
    packed = _is_packed(headers)
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > BODY_LIMIT:
        raise _too_long()
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = await _received(receive, client, unfinished)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {READ_SECONDS:.0f} s", close=True) from None
    return unpacked(body) if packed else body


async def _received(receive: Receive, client: str, unfinished: Unfinished) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):  # the usual case, without a copy
        whole: bytes = message.get("body", b"")
        if len(whole) > BODY_LIMIT:
            raise _too_long()
        return whole
    body = bytearray()
    try:
        while True:
            if message["type"] == "http.disconnect":
                raise Gone
            part: bytes = message.get("body", b"")
            if len(body) + len(part) > BODY_LIMIT:
                raise _too_long()
            unfinished.add(client, len(part))
            body += part
            if not message.get("more_body", False):
                return bytes(body)
            message = await receive()
    finally:
        unfinished.remove(client, len(body))


def unpacked(body: bytes) -> bytes:
    """What gzip data hold, of one member or several. Raises Refused when it is too much, Unpackable."""
    out = bytearray()
    rest = body
    for _ in range(_MEMBERS):
        member = zlib.decompressobj(wbits=_GZIP)
        try:
            out += member.decompress(rest, BODY_LIMIT - len(out) + 1)
        except zlib.error as error:
            raise Unpackable(f"the body is not gzip data: {error}", body) from error
        if len(out) > BODY_LIMIT:
            raise _too_long()
        if not member.eof:
            raise Unpackable("the gzip data end too early", body)
        rest = member.unused_data
        if not rest:
            return bytes(out)
    raise Unpackable(f"the gzip data have more than {_MEMBERS} members", body)


def _check_type(headers: Headers) -> None:
    kind, _, parameters = headers.get("content-type", "").partition(";")
    name, _, charset = parameters.strip().partition("=")
    odd = name.strip().lower() == "charset" and charset.split(";")[0].strip().strip('"').lower() not in _CHARSETS
    if kind.strip().lower() not in _TYPES or odd:
        raise Refused(415, "send application/json or text/plain, in UTF-8")


def _is_packed(headers: Headers) -> bool:
    encodings = ",".join(headers.getlist("content-encoding")).lower().replace(" ", "")
    if encodings in {"", "identity"}:
        return False
    if encodings == "gzip":
        return True
    raise Refused(415, "the only content encoding is gzip, once")


def _too_long() -> Refused:
    return Refused(413, f"the body is longer than {BODY_LIMIT:,} bytes")
