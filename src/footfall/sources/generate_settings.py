"""Turns a wish for clicks into settings that the generator can keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from footfall.core.errors import UsageError
from footfall.core.events import EARLIEST_MS, LATEST_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSettings:
    """What kind of clickstream to make. Shares are between 0 and 1."""

    events: int
    seed: int = 0
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    days: int = 15
    """Visits begin within so many days from ``start``; the last ones may end a little later."""
    visitors: int | None = None
    """How many known visitors there are; None has one for every 30 clicks. Not used when users are given."""
    unknown: float = 0.04
    """The share of visits by visitors that no users file knows."""
    bots: float = 0.03
    """The share of visits by crawlers."""
    refreshes: float = 0.04
    """The share of clicks that load the page before again."""
    mobiles: float = 0.45
    """The share of visitors with a phone."""
    tablets: float = 0.08
    """The share of visitors with a tablet; the rest sits at a desktop."""
    elsewhere: float = 0.004
    """The share of clicks on pages without a product."""
    carts: float = 0.0
    """The share of clicks that are not views but cart, remove_from_cart or purchase."""

    def __post_init__(self) -> None:
        for name in ("unknown", "bots", "refreshes", "mobiles", "tablets", "elsewhere", "carts"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}.", remedy="A share is between 0 and 1.")
        if self.mobiles + self.tablets > 1:
            raise UsageError("mobiles and tablets together are more than 1.", remedy="Lower one of the two shares.")
        if self.events < 0 or self.days < 1 or (self.visitors is not None and self.visitors < 1):
            raise UsageError(
                f"Cannot make {self.events} events in {self.days} days.",
                remedy="Events may not be negative; days and visitors are at least 1.",
            )
        self._check_times()

    def _check_times(self) -> None:
        if self.start.tzinfo is None:
            raise UsageError("start has no time zone.", remedy="Give it one, UTC for example.")
        first = self.start_second * 1000
        if first < EARLIEST_MS or first + self.days * 86_400_000 >= LATEST_MS:
            raise UsageError(
                f"{self.days} days from {self.start.isoformat()} are not within 1990 to 2100.",
                remedy="Choose another start or fewer days.",
            )

    @property
    def start_second(self) -> int:
        """The first second, in Unix time."""
        return int(self.start.timestamp())

    @property
    def known_visitors(self) -> int:
        """How many users `generate_visitors.make_users` should make for this clickstream."""
        return self.visitors if self.visitors is not None else max(10, self.events // 30)
