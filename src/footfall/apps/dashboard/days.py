"""Turns counts of a day into the figures that people know: rates, averages, and a dash where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from footfall.stores.base import Row
from footfall.stores.composing import iso

NONE: Final = "\N{EN DASH}"
"""Stands for a figure that nobody can know: a rate of nothing, a count that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What visitors did in the sessions that began on one day (UTC)."""

    day: str
    """``YYYY-MM-DD``; empty while there is none."""
    sessions: int = 0
    bots: int = 0
    bounces: int = 0
    views: int = 0
    carted: int = 0
    offers: int | None = None
    """Offers shown; None when that is not known."""

    def figures(self) -> dict[str, str]:
        """The figures as they are shown, by name."""
        return {
            "Sessions": f"{self.sessions:,}",
            "Bounce rate": percentage(self.bounces, self.sessions),
            "Pages per session": f"{self.views / self.sessions:,.1f}" if self.sessions else NONE,
            "Conversion": percentage(self.carted, self.sessions),
            "Offers shown": NONE if self.offers is None else f"{self.offers:,}",
        }

    def title(self, now_ms: int) -> str:
        """``Today, 2026-11-22``, or which day it is when the newest click is not of today."""
        if not self.day or self.day == iso(now_ms)[:10]:
            return f"Today, {iso(now_ms)[:10]}"
        return f"The latest day, {self.day}"


def percentage(part: int, whole: int) -> str:
    """``12.5 %``, or a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else NONE


def days_of(rows: Sequence[Row], offers: Mapping[str, int] | None) -> list[Day]:
    """The days of the view, oldest first, with the offers shown on each."""
    return [_day(row, offers) for row in rows]


def _day(row: Row, offers: Mapping[str, int] | None) -> Day:
    day = str(row["day"])[:10]
    counts = {name: value for name, value in row.items() if name != "day" and isinstance(value, int)}
    return Day(day=day, offers=None if offers is None else offers.get(day, 0), **counts)
