"""Turns one text of a file into the value of a click's field, or into the reason why it cannot be.

The one place that says what a click's fields may hold. Columns and single rows are both judged by these
functions: columns once a distinct text.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from footfall.core.errors import Reason
from footfall.core.events import EARLIEST_MS, EVENT_TYPES, LATEST_MS
from footfall.core.hashing import id_from_text

FIELDS: Final = (
    "userId",
    "productId",
    "timestamp",
    "original_timestamp",
    "event_type",
    "ip",
    "userAgent",
    "age",
    "gender",
    "sessionId",
    "page",
    "referrer",
    "event_id",
)
"""All fields that a column may be mapped to. When several are wrong in a row, the first of this order is named."""

FIELD_LIMIT: Final = 8192
"""The longest text of a field, in bytes of UTF-8."""
ROW_LIMIT: Final = 1 << 20
"""The longest row, in bytes."""
OLDEST: Final = 130
"""The greatest age, in years."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(?:(UTC|GMT|Z)|([+-])(\d\d):?(\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_HEX_ID: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PRODUCT: Final = re.compile(r"[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*", re.ASCII)
_AFTER_PATH: Final = re.compile(r"[?#]")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be used."""

    reason: Reason
    detail: str


def shown(text: str) -> str:
    """A text as it may stand in a message: in quotes, short, without control characters."""
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def length_problem(field: str, text: str) -> Problem | None:
    """What is wrong with the length of a text, if anything."""
    if len(text) * 4 <= FIELD_LIMIT or len(text.encode()) <= FIELD_LIMIT:
        return None
    return Problem(
        Reason.FIELD_TOO_LONG, f"{field} is {len(text.encode()):,} bytes long, limit {FIELD_LIMIT:,}: {shown(text)}"
    )


def value_problem(field: str, text: str) -> Problem | None:
    """What is wrong with the text of a field, if anything. Empty texts of optional fields are fine."""
    too_long = length_problem(field, text)
    if too_long is not None:
        return too_long
    match field:
        case "userId" | "productId":
            return None if text and not text.isspace() else Problem(Reason.MISSING_FIELD, f"{field} is empty")
        case "timestamp":
            return None if not text else time_problem(field, text, time_ms(text))
        case "original_timestamp":
            return None if not text else time_problem(field, text, seconds_ms(text))
        case "event_type":
            return (
                None if not text or text in EVENT_TYPES else _bad_value(field, text, "one of " + ", ".join(EVENT_TYPES))
            )
        case "ip":
            ok = not text or is_address(text)
            return None if ok else Problem(Reason.BAD_IP, f"ip {shown(text)} is neither an IPv4 nor an IPv6 address")
        case "age":
            ok = not text or (_WHOLE.fullmatch(text) is not None and 0 <= int(text) <= OLDEST)
            return None if ok else _bad_value(field, text, f"a whole number from 0 to {OLDEST}")
    return None


def _bad_value(field: str, text: str, rule: str) -> Problem:
    return Problem(Reason.BAD_VALUE, f"{field} {shown(text)} is not {rule}")


def time_problem(field: str, text: str, ms: int | None) -> Problem | None:
    """What is wrong with a time, given what it was read as (ms since 1970 UTC, or None)."""
    if ms is None:
        rule = "a whole number of seconds since 1970" if field == "original_timestamp" else "milliseconds or ISO 8601"
        return Problem(Reason.BAD_TIMESTAMP, f"{field} {shown(text)} is not {rule}")
    if not EARLIEST_MS <= ms <= LATEST_MS:
        unit = "in seconds" if field == "original_timestamp" else "in milliseconds"
        return Problem(
            Reason.TIMESTAMP_OUT_OF_RANGE, f"{field} {shown(text)} is before 1990 or after 2100 (read {unit})"
        )
    return None


def seconds_ms(text: str) -> int | None:
    """A whole number of Unix seconds, in milliseconds; None if it is none."""
    return int(text) * 1000 if _WHOLE.fullmatch(text) else None


def time_ms(text: str) -> int | None:
    """Milliseconds, or ISO 8601 (UTC when it names no zone; cut to milliseconds), in milliseconds; None if neither."""
    if _WHOLE.fullmatch(text):
        return int(text)
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, zone_hours, zone_minutes = found.groups()
    shift = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    try:
        zone = timezone(-shift if sign == "-" else shift)
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=zone)
    except ValueError:
        return None
    return (whole - _EPOCH) // timedelta(milliseconds=1) + int((fraction or "0").ljust(3, "0")[:3])


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 address of four decimal numbers, or an IPv6 address."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def event_id_of(text: str) -> bytes:
    """The 16 bytes of an event's own id: its hexadecimal digits, or the hash of any other text."""
    return bytes.fromhex(text.replace("-", "")) if _HEX_ID.fullmatch(text) else id_from_text(text)


def without_braces(text: str) -> str:
    """``{ABC}`` as ``ABC``; any other text as it is."""
    return text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text


def product_of_url(url: str) -> str:
    """The last segment of a URL's path when it can be a product's id, otherwise the URL itself.

    An id has at least one digit and otherwise only letters, digits, ``-`` and ``_``.
    """
    path = url.partition("://")[2].partition("/")[2] if "://" in url else url
    last = _AFTER_PATH.split(path, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    return last if _PRODUCT.fullmatch(last) else url
