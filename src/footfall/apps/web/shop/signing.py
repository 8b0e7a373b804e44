"""Turns texts into signed texts that a browser may keep, and these back, or into nothing when they are not ours."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_BYTES: Final = 18
"""Of a signature: 144 bits, which is 24 letters."""
_LONGEST: Final = 4_000
"""What a browser keeps in one cookie."""


def signed(key: bytes, purpose: str, text: str) -> str:
    """The text and its signature, in letters that fit into a cookie, a form and an address.

    A signature made for one purpose is worth nothing for another.
    """
    return f"{urlsafe_b64encode(text.encode()).decode().rstrip('=')}.{_signature(key, purpose, text.encode())}"


def text_of(key: bytes, purpose: str, value: str | None) -> str | None:
    """The text that we signed for this purpose; None for anything else."""
    if not value or len(value) > _LONGEST or not value.isascii():
        return None
    coded, _, signature = value.partition(".")
    try:
        text = urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        if not hmac.compare_digest(signature, _signature(key, purpose, text)):
            return None
        return text.decode()
    except ValueError:
        return None


def derived(key: bytes, purpose: str) -> bytes:
    """32 bytes that follow from the key, for a use of their own."""
    return hmac.digest(key, _named(purpose), "sha256")


def _signature(key: bytes, purpose: str, text: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, _named(purpose) + text, "sha256")[:_BYTES]).decode()


def _named(purpose: str) -> bytes:
    return f"footfall shop {purpose}\0".encode()
