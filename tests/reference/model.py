"""The records that the reference turns into one another. Times are milliseconds since 1970 UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

MINUTE = 60_000
HOUR = 60 * MINUTE
HALF_HOUR = 30 * MINUTE
DAY = 24 * HOUR
UNKNOWN = "Unknown"


@dataclass(slots=True)
class Click:
    """A click, raw at first; the fields from ``category`` on are filled in by the enrichment."""

    timestamp: int
    user_id: str
    product_id: str
    event_type: str = "view"
    original_timestamp: int | None = None
    ip: str | None = None
    user_agent: str | None = None
    age: int | None = None
    gender: str | None = None
    event_id: str | None = None
    late: bool = False
    category: str = UNKNOWN
    title: str = UNKNOWN
    birthdate: date | None = None
    country: str = UNKNOWN
    device_type: str = "Other"
    is_bot: bool = False
    is_refresh: bool = False


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of a file that is no click."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Product:
    """What the products file says of a product, as far as a click needs it."""

    category: str | None
    title: str | None


@dataclass(frozen=True, slots=True)
class User:
    """What the users file says of a visitor."""

    gender: str | None
    birthdate: date | None


@dataclass(frozen=True, slots=True)
class Session:
    """The clicks of one visit."""

    user_id: str
    start: int
    end: int
    clicks: int
    refreshes: int
    views: int
    carts: int
    first_product: str
    last_product: str
    country: str
    device_type: str
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer made to a visitor; ``matched`` are (time, product, category) of the clicks that led to it."""

    user_id: str
    timestamp: int
    offer: str
    matched: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``footfall backfill --json`` says of one run."""

    events: int
    accepted: int
    rejected: int
    duplicates: int
    late: int
    enriched: int
    visitors: int
    sessions: int
    open_sessions: int
    offers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the pipeline holds after its last run, and the figures of that run."""

    figures: Figures
    clicks: list[Click]
    """Enriched, in the order of the log."""
    rejected: list[BadRow]
    closed: list[Session]
    open: list[Session]
    offers: list[Offer]
    views: dict[str, list[dict[str, Any]]]
    as_of: int | None
    """The newest event time that moved time on."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    """Every line of the detector's log, with its time."""
