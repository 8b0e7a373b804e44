"""Turns the rows that a pattern's variables were given into values: what conditions and measures are computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from footfall.processors.relational.rows import Compute


class Bindings(Protocol):
    """Which rows each variable was given so far."""

    def value(self, variable: str, column: str, which: Literal["first", "last"], offset: int) -> Any:
        """A column of the first or last row of a variable ("" for all), so many rows on; None without such a row."""
        ...

    def values(self, variable: str, column: str | None) -> Sequence[Any]:
        """The column in all rows of a variable, in order; ``column`` None: True for each row."""
        ...


@dataclass(frozen=True, slots=True)
class OfRow:
    """A condition on one row alone: computed for many rows at a time."""

    compute: Compute


@dataclass(frozen=True, slots=True)
class OfMatch:
    """A condition or measure that looks at other rows of the match: computed for one match at a time."""

    compute: Callable[[Bindings], Any]


@dataclass(frozen=True, slots=True)
class OfBoth:
    """A condition whose one part looks at the row alone: the other part is computed only where that is true."""

    row: Compute
    compute: Callable[[Bindings], Any]


Condition = OfRow | OfMatch | OfBoth
