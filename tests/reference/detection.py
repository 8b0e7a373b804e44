"""Watches enriched clicks, in the order of the log, for visitors to whom an offer is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.reference.model import HALF_HOUR, Click, Offer

INIT, FIRST, SECOND = "init", "clothes_visited", "shoes_visited"


@dataclass(frozen=True, slots=True)
class Rule:
    """First category, then the second, then another product of the first: an offer to this audience."""

    first: str = "clothing"
    second: str = "shoes"
    audience: tuple[tuple[str, int, int, str], ...] = (("M", 35, 45, "offer1"), ("F", 25, 35, "offer2"))
    """(gender, youngest, oldest, offer)"""
    within: int = HALF_HOUR

    def offer_for(self, click: Click) -> str | None:
        """The offer that this visitor would get, or None outside the audience."""
        if click.age is None:
            return None
        for gender, low, high, offer in self.audience:
            if click.gender == gender and low <= click.age <= high:
                return offer
        return None


@dataclass(slots=True)
class Attempt:
    """How far a visitor has come."""

    state: str
    entered: list[Click]
    """The click that entered each state so far."""
    last: Click
    """The last accepted click."""


@dataclass(slots=True)
class Detector:
    """The state machine of every visitor."""

    rule: Rule = field(default_factory=Rule)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def look_at(self, click: Click) -> None:
        """Take the next click."""
        if click.late or click.is_bot or click.event_type == "page" or self.rule.offer_for(click) is None:
            return
        attempt = self.attempts.get(click.user_id)
        if attempt is not None and click.timestamp - attempt.entered[0].timestamp >= self.rule.within:
            del self.attempts[click.user_id]
            attempt = None  # by time, not by this click: no line says so
        if attempt is None:
            self._look_from_init(click)
        elif click.product_id != attempt.last.product_id:
            self._go_on(attempt, click)

    def _begins(self, click: Click) -> bool:
        return click.category == self.rule.first

    def _look_from_init(self, click: Click) -> None:
        if self._begins(click):
            self.attempts[click.user_id] = Attempt(FIRST, [click], click)
            self._log_state(click, FIRST)

    def _go_on(self, attempt: Attempt, click: Click) -> None:
        rule, first_product = self.rule, attempt.entered[0].product_id
        if attempt.state == FIRST and click.category == rule.second:
            attempt.state = SECOND
            attempt.entered.append(click)
            self._log_state(click, SECOND)
        elif attempt.state == FIRST and click.category == rule.first:
            pass
        elif attempt.state == SECOND and click.category == rule.first and click.product_id == first_product:
            attempt.state = FIRST
            attempt.entered.pop()
            self._log_state(click, FIRST)
        elif attempt.state == SECOND and click.category == rule.first:
            self._offer(attempt, click)
            return
        else:
            del self.attempts[click.user_id]
            if not self._begins(click):
                self._log_state(click, INIT)
            self._look_from_init(click)
            return
        attempt.last = click

    def _offer(self, attempt: Attempt, click: Click) -> None:
        offer = self.rule.offer_for(click)
        assert offer is not None
        matched = tuple((c.timestamp, c.product_id, c.category) for c in [*attempt.entered, click])
        self.offers.append(Offer(click.user_id, click.timestamp, offer, matched))
        self.lines.append((click.timestamp, f"[User {click.user_id} triggered offer {offer}]"))
        del self.attempts[click.user_id]

    def _log_state(self, click: Click, state: str) -> None:
        line = (
            f"[User {click.user_id} entered state {state}]"
            f"[Event: clicked {click.product_id}][Category: {click.category}]"
        )
        self.lines.append((click.timestamp, line))
