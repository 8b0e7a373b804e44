"""Turns a visitor into the address of that visitor's offers, which nobody can guess."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final
from urllib.parse import quote

_PURPOSE: Final = b"footfall offers channel\x00"
"""Keeps these signatures apart from all others that are made with the same key."""
_BYTES: Final = 24
"""Of the signature that the address shows: 192 bits."""


def channel_of(key: bytes, visitor: str) -> str:
    """The path of the visitor's channel, ``/offers/{visitor}/{mac}``, fit to stand in a URL as it is."""
    return f"/offers/{quote(visitor, safe='')}/{_mac(key, visitor).decode()}"


def is_channel(key: bytes, visitor: str, mac: str) -> bool:
    """Whether this is the visitor's channel. Takes the same time whatever is wrong with ``mac``."""
    return hmac.compare_digest(_mac(key, visitor), mac.encode(errors="replace"))


def _mac(key: bytes, visitor: str) -> bytes:
    digest = hmac.digest(key, _PURPOSE + visitor.encode(errors="surrogatepass"), "sha256")
    return urlsafe_b64encode(digest[:_BYTES])
