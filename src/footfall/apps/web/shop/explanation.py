"""Turns the patterns in use into steps that tell a visitor how to get an offer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool

from footfall.apps.web.shop.identity import OLDEST, YOUNGEST
from footfall.core.clock import Clock
from footfall.core.errors import FootfallError
from footfall.engine.logs import logger
from footfall.processors.pattern_model import ANY_GENDER, INIT, OFFER, Audience, Pattern, PatternSet, Transition

MOST: Final = 5
"""How many patterns are explained; a file may hold many more."""
_AUDIENCES: Final = 6
_NAMES: Final = 4
"""How many categories or products one step names."""
_SECONDS: Final = 2.0
"""So long an answer is used; a changed file shows up after that."""
_REST: Final = 10
"""And ten times as long as it took to get: a very long file is not read all the time."""
_WHO: Final = {"M": "Male", "F": "Female", "U": "Unknown", ANY_GENDER: "Anybody"}
_UNITS: Final = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class Step:
    """A click of the shortest way to an offer."""

    products: tuple[str, ...]
    """Ids: one of these; none given: any."""
    categories: tuple[str, ...]
    """Names: of one of these; none given: any."""
    more: int
    """How many further ones are not listed."""
    again: bool
    """A click of the same kind came before."""
    different: bool
    """It must not be the product of the first step."""


@dataclass(frozen=True, slots=True)
class Explained:
    """How one pattern is completed."""

    who: tuple[str, ...]
    """As ``Female, 25 to 35``."""
    within: str
    """As ``30 minutes``."""
    steps: tuple[Step, ...]


class Explanation:
    """The patterns in use, explained; read again when they may have changed."""

    def __init__(self, patterns: Callable[[], PatternSet], *, clock: Clock) -> None:
        self._patterns = patterns
        self._clock = clock
        self._reading = asyncio.Lock()
        self._due = clock.monotonic()
        self._is_read = False
        self._set = PatternSet()
        self._explained: list[Explained] = []
        self.trouble: str | None = None
        """Why the patterns cannot be read; what was read before is used further on."""

    async def current(self) -> list[Explained]:
        """How each pattern is completed: the first MOST of them. While they are read again, as they were."""
        if self._is_due() and not (self._is_read and self._reading.locked()):
            async with self._reading:
                if self._is_due():
                    await run_in_threadpool(self._read)
        return self._explained

    @property
    def further(self) -> int:
        """How many patterns there are beyond those explained."""
        return max(0, len(self._set) - MOST)

    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._due

    def _read(self) -> None:
        begun = self._clock.monotonic()
        try:
            found = self._patterns()
        except FootfallError as error:
            if str(error) != self.trouble:
                logger().error("patterns_unreadable", error=str(error))
            self.trouble = str(error)
            return
        finally:
            self._is_read = True
            self._due = self._clock.monotonic() + max(_SECONDS, _REST * (self._clock.monotonic() - begun))
        self.trouble = None
        if found.version != self._set.version:
            self._set = found
            self._explained = [explained(pattern) for pattern in found.patterns[:MOST]]


def explained(pattern: Pattern) -> Explained:
    """The shortest way through one pattern."""
    who = [_who(one) for one in pattern.audience[:_AUDIENCES]]
    way, steps = _shortest(pattern), list[Step]()
    for number, transition in enumerate(way):
        kind = (transition.categories, transition.products)
        again = any(kind == (before.categories, before.products) for before in way[:number])
        steps.append(_step(transition, again=again))
    return Explained(tuple(who), _span(pattern.within), tuple(steps))


def _who(audience: Audience) -> str:
    youngest, oldest = audience.youngest, audience.oldest
    who = _WHO[audience.gender]
    if youngest <= YOUNGEST and oldest >= OLDEST:
        return f"{who} of any age"
    return f"{who}, {youngest}" if youngest == oldest else f"{who}, {youngest} to {oldest}"


def _span(within: timedelta) -> str:
    for name, unit in _UNITS:
        if within >= unit and not within % unit:
            count = within // unit
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{within // timedelta(seconds=1)} seconds"


def _shortest(pattern: Pattern) -> list[Transition]:
    """The fewest clicks that lead from the first state to the offer; every usable pattern has such a way."""
    ways = {state.name: state.transitions for state in pattern.states}
    waiting: deque[tuple[str, list[Transition]]] = deque([(INIT, [])])
    seen = {INIT}
    while waiting:
        state, so_far = waiting.popleft()
        for transition in ways.get(state, ()):
            way = [*so_far, transition]
            if transition.to == OFFER:
                return way
            if transition.to not in seen:
                seen.add(transition.to)
                waiting.append((transition.to, way))
    return []


def _step(transition: Transition, *, again: bool) -> Step:
    further = max(0, len(transition.products) - _NAMES) + max(0, len(transition.categories) - _NAMES)
    return Step(
        products=transition.products[:_NAMES],
        categories=transition.categories[:_NAMES],
        more=further,
        again=again,
        different=transition.different,
    )
