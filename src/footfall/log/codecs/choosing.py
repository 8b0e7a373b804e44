"""Turns the name of a message format into its codec."""

from __future__ import annotations

from footfall.log.codecs.base import Codec
from footfall.log.codecs.json import JsonCodec


def codec(name: str, *, registry: str | None) -> Codec:
    """The codec of this name."""
    return JsonCodec()
