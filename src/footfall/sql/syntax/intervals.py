"""Turns the text of an interval, date or time literal into its value."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

MONTH_UNITS: Final = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
TIME_UNITS: Final = {"WEEK": 604_800_000, "DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}
_PARTS: Final = ("DAY", "HOUR", "MINUTE", "SECOND")
_SEPARATORS: Final = {"DAY": " ", "HOUR": ":", "MINUTE": ":"}
_NUMBER: Final = re.compile(r"\d+")
_SECONDS: Final = re.compile(r"(\d+)(?:\.(\d{1,9}))?")
_MOMENT: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?")


def unit_named(word: str) -> str | None:
    """The unit that a word means (MINUTE, MINUTES); None for any other word."""
    upper = word.upper()
    for name in (upper, upper.removesuffix("S")):
        if name in MONTH_UNITS or name in TIME_UNITS:
            return name
    return None


def interval_value(text: str, unit: str, to: str | None = None) -> int:
    """Months or milliseconds. Raises ValueError when the text is no such interval."""
    sign = -1 if text.strip().startswith("-") else 1
    digits = text.strip().lstrip("+-").strip()
    if unit in MONTH_UNITS:
        return sign * _months(digits, unit, to)
    return sign * (_millis(digits, unit) if to is None else _span(digits, unit, to))


def _months(text: str, unit: str, to: str | None) -> int:
    if unit == "YEAR" and to == "MONTH":
        years, dash, months = text.partition("-")
        if not (_NUMBER.fullmatch(years) and dash and _NUMBER.fullmatch(months)) or int(months) > 11:
            raise ValueError(text)
        return int(years) * 12 + int(months)
    if to is not None or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text) * MONTH_UNITS[unit]


def _millis(text: str, unit: str) -> int:
    found = _SECONDS.fullmatch(text)
    if not found or (found[2] and unit != "SECOND"):
        raise ValueError(text)
    return int(found[1]) * TIME_UNITS[unit] + int((found[2] or "").ljust(3, "0")[:3])


def _span(text: str, unit: str, to: str) -> int:
    if unit not in _PARTS or to not in _PARTS or _PARTS.index(to) <= _PARTS.index(unit):
        raise ValueError(text)
    total, rest = 0, text
    for part in _PARTS[_PARTS.index(unit) : _PARTS.index(to)]:
        number, separator, rest = rest.partition(_SEPARATORS[part])
        if not separator:
            raise ValueError(text)
        total += _millis(number, part)
    return total + _millis(rest, to)


def moment_value(text: str) -> tuple[datetime, int]:
    """A time without a zone, and how many digits of a second it gives. Raises ValueError."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    digits = found[7] or ""
    value = datetime(year, month, day, hour, minute, second, int(digits.ljust(6, "0")[:6]))  # noqa: DTZ001 - no zone is meant
    return value, len(digits)


def date_value(text: str) -> date:
    """A day. Raises ValueError."""
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))


def time_value(text: str) -> time:
    """A time of day. Raises ValueError."""
    return time.fromisoformat(text)
