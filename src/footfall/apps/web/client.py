"""Turns a connection, and what proxies say of it, into the address of the client."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from footfall.apps.web.settings import Network, WebSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDED: Final = b"x-forwarded-for"
_KEPT_BITS: Final = {4: 24, 6: 48}
_LONGEST: Final = 64
"""Longer texts are no addresses, and are not remembered as such."""
_MANY_HOPS: Final = 32
"""More hops than this are no honest chain of proxies."""


def client_ip(scope: Any, settings: WebSettings) -> str:
    """The client's address as text, masked if the settings say so; empty when the connection has none.

    It is the address of the connection. Only when that belongs to a trusted proxy is ``X-Forwarded-For`` read,
    from its end: the first address that is no trusted proxy's is the client's.
    """
    peer = scope.get("client")
    address = _found(peer[0]) if peer else None
    if address is None:
        return ""
    if settings.trusted_proxies and _within(address, settings.proxies):
        address = _forwarded(scope["headers"], address, settings.proxies)
    return str(_masked(address) if settings.mask_ip else address)


def _forwarded(headers: Sequence[tuple[bytes, bytes]], proxy: Address, trusted: Sequence[Network]) -> Address:
    """The nearest address of the chain that is not trusted; the last good one when the chain is broken."""
    chain = b",".join(value for name, value in headers if name == _FORWARDED).decode("latin-1")
    nearest = proxy
    for hop in reversed(chain.rsplit(",", maxsplit=_MANY_HOPS)):
        found = _found(_without_port(hop.strip()))
        if found is None:
            return nearest
        nearest = found
        if not _within(found, trusted):
            return found
    return nearest


def _without_port(text: str) -> str:
    """``1.2.3.4:5678`` and ``[2001:db8::1]:5678`` without the port, which some proxies add."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _found(text: str) -> Address | None:
    return _address(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4_096)
def _address(text: str) -> Address | None:
    """An address, IPv4 also where it comes dressed as IPv6; None if it is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _masked(address: Address) -> Address:
    return ipaddress.ip_network((address, _KEPT_BITS[address.version]), strict=False).network_address
