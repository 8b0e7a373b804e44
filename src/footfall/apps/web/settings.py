"""Turns the section ``web`` of ``footfall.yaml`` into the settings of collector and shop."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import msgspec

from footfall.core.errors import UsageError
from footfall.pipeline import FILE, read_section

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SECTION: Final = "web"


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the web part does differently where it stands. Every field has its unit in its name."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (``10.0.0.0/8``) whose ``X-Forwarded-For`` is believed."""
    mask_ip: bool = False
    """Keep only the network of a client's address: the first 24 bits of IPv4, 48 of IPv6."""
    requests_per_address: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 64
    """So many requests of one client address may be open at the collector at once; further ones are answered 429."""

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies that are trusted."""
        return _networks(self.trusted_proxies)


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def read_web_settings(file: Path | None = None) -> WebSettings:
    """The section ``web`` of the file (``footfall.yaml`` if it is there); the defaults where it says nothing.

    Raises UsageError naming the file, the setting and the settings that there are.
    """
    found, _ = read_section(file, SECTION, WebSettings)
    try:
        _ = found.proxies
    except ValueError as error:
        raise UsageError(
            f"{file or FILE}, section {SECTION}, trusted_proxies: {error}.",
            remedy="Give addresses (10.0.0.1) or networks (10.0.0.0/8).",
        ) from error
    return found
