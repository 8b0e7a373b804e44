"""Turns hashes, Base64, hexadecimal digits and addresses into columns."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

from footfall.sql.errors import SqlError
from footfall.sql.evaluate.frame import Kernel, each
from footfall.sql.expressions import Call, Constant

_BITS: Final = {224: "sha224", 256: "sha256", 384: "sha384", 512: "sha512"}
_HASHES: Final = ("MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512")
_URL_PARTS: Final = ("HOST", "PATH", "QUERY", "REF", "PROTOCOL", "FILE", "AUTHORITY", "USERINFO")
_BROKEN: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)


def _digest(name: str, text: str) -> str:
    return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _hash(call: Call) -> Kernel:
    name = call.function.lower()
    return each(lambda text: _digest(name, text), call.type)


def _sha2(call: Call) -> Kernel:
    bits = call.arguments[1]
    if isinstance(bits, Constant) and bits.value is not None and bits.value not in _BITS:
        raise SqlError(f"There is no SHA of {bits.value} bits", at=bits.at, remedy="Take 224, 256, 384 or 512.")
    return each(lambda text, size: _digest(_BITS[size], text), call.type, message="SHA2 knows 224, 256, 384, 512 bits")


def _from_base64(text: str) -> str:
    if _BASE64.fullmatch(text) is None:
        raise ValueError("This is not Base64")
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)).decode("utf-8", "replace")


def _unhex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(("0" * (len(text) % 2)) + text)
    except ValueError:
        return None


def parse_url(url: str, part: str, key: str | None = None) -> str | None:
    """A part of an address, as it is written there; NULL if it has none."""
    try:
        found = urllib.parse.urlsplit(url)
    except ValueError:
        return None
    if not found.scheme:
        return None
    if key is not None:
        return _parameter(found.query, key) if part == "QUERY" else None
    whole = found.path + (f"?{found.query}" if found.query else "")
    user = found.netloc.rpartition("@")[0]
    host = re.sub(r":\d*$", "", found.netloc.rpartition("@")[2])
    parts = {"HOST": host or None, "PATH": found.path, "QUERY": found.query or None, "REF": found.fragment or None}
    more = {"PROTOCOL": found.scheme, "FILE": whole, "AUTHORITY": found.netloc or None, "USERINFO": user or None}
    return (parts | more).get(part)


def _parameter(query: str, key: str) -> str | None:
    for one in query.split("&"):
        name, mark, value = one.partition("=")
        if name == key and mark:
            return value
    return None


def _url_decoded(text: str) -> str | None:
    return None if _BROKEN.search(text) else urllib.parse.unquote_plus(text)


def _single(function: Callable[..., Any]) -> Callable[[Call], Kernel]:
    return lambda call: each(function, call.type)


MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    **dict.fromkeys(_HASHES, _hash),
    "SHA2": _sha2,
    "TO_BASE64": _single(lambda text: base64.b64encode(text.encode()).decode()),
    "FROM_BASE64": _single(_from_base64),
    "UNHEX": _single(_unhex),
    "PARSE_URL": _single(parse_url),
    "URL_ENCODE": _single(lambda text: urllib.parse.quote_plus(text, safe="*-._").replace("~", "%7E")),
    "URL_DECODE": _single(_url_decoded),
}
