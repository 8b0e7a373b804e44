"""Turns the body of a request into a form's fields, and says whether the form was one of our own pages'."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MOST_BYTES: Final = 16 << 10
"""Of a form's body; our longest form has less than 1 KiB."""
_MOST_FIELDS: Final = 32
_SECONDS: Final = 10.0
"""How long a sender may take."""
_TYPE: Final = "application/x-www-form-urlencoded"
_LONGEST_PATH: Final = 2_048
_KEPT: Final = "/%:@!$&'()*+,;=~-._"
"""What may stand in a path as it is; the rest is escaped, so that no header breaks."""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; the first value of each name.

    Raises HTTPException: 403 from another site, 408, 413, 415, or 400 when it is no form.
    """
    if not is_our_own(request):
        raise HTTPException(403, "This form was sent from another site's page. Open ours, and send it from there.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, f"A form is expected, as {_TYPE}.")
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _body(request)
    except TimeoutError as error:
        raise HTTPException(408, "The form took too long to arrive.") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection ended before the form did.") from error
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    return dict(reversed(pairs))


def is_our_own(request: Request) -> bool:
    """Whether a browser sent this from one of our pages.

    Every browser names the page's origin with a POST. What names none is a program, and holds no visitor's cookies.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()


def own_path(text: str | None) -> str:
    """The path and query to go back to when it is one of this site, else the home page."""
    if not text or len(text) > _LONGEST_PATH or not text.isprintable() or "\\" in text:
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    query = f"?{quote(parts.query, safe=_KEPT + '?')}" if parts.query else ""
    return quote(parts.path, safe=_KEPT) + query


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"The form is larger than {MOST_BYTES >> 10} KiB.")
    return bytes(body)
