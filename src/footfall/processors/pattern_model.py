"""What a behaviour pattern is, once its file has been read: states, transitions, audience, time limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

from footfall.core.hashing import text_hash

INIT: Final = "init"
"""The state of a visitor without an attempt."""
OFFER: Final = "offer"
"""The target of the transition that completes a pattern."""
MAX_STATES: Final = 16
ANY_GENDER: Final = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is looked at, and what they are offered."""

    gender: str
    """M, F, U or any."""
    youngest: int
    oldest: int
    """In whole years, inclusive."""
    offer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A click that leads on: all conditions given must hold."""

    categories: tuple[str, ...] = ()
    """One of these; empty: any."""
    products: tuple[str, ...] = ()
    """One of these; empty: any."""
    different: bool = False
    """The product is not the one of the attempt's first click."""
    to: str
    """A state, or ``offer``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternState:
    """A state and the ways out of it; the first that fits is taken."""

    name: str
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A state machine over one visitor's clicks."""

    name: str
    within: timedelta
    """How long after an attempt's first click its other clicks must come (strictly less)."""
    audience: tuple[Audience, ...]
    """The first entry that fits a visitor names the offer."""
    ignore_refresh: bool = True
    """Whether a click on the product of the last accepted click is passed over."""
    states: tuple[PatternState, ...]
    """``init`` first."""

    @cached_property
    def definition(self) -> int:
        """Differs when anything in the pattern does. Kept with the state of its attempts."""
        audience, states = (tuple(astuple(part) for part in parts) for parts in (self.audience, self.states))
        return text_hash(repr((self.name, self.within_ms, audience, self.ignore_refresh, states)))

    @property
    def within_ms(self) -> int:
        """``within``, in ms."""
        return round(self.within.total_seconds() * 1000)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """All categories that some transition names."""
        return _distinct(name for s in self.states for t in s.transitions for name in t.categories)

    @cached_property
    def products(self) -> tuple[str, ...]:
        """All products that some transition names."""
        return _distinct(name for s in self.states for t in s.transitions for name in t.products)


@dataclass(frozen=True)
class PatternSet:
    """The patterns of one file; their names are distinct."""

    patterns: tuple[Pattern, ...] = ()

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self.patterns)

    def __len__(self) -> int:
        return len(self.patterns)

    @cached_property
    def version(self) -> str:
        """Differs when any pattern does; comments and layout of the file do not count."""
        return f"{text_hash(' '.join(f'{p.definition:016x}' for p in self.patterns)):016x}"


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
