"""Turns a token or a node into the line and column that it stands at."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from sqlglot import exp

from footfall.sql.errors import At


class Places:
    """The lines of one text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(place + 1 for place, char in enumerate(text) if char == "\n")]
        self._end = len(text.rstrip())

    def at(self, place: int) -> At:
        """The line and column of a character."""
        line = bisect_right(self._starts, place)
        return At(line, place - self._starts[line - 1] + 1)

    def end(self) -> At:
        """Just behind the last character that is not blank."""
        return self.at(self._end)

    def of(self, what: Any) -> At:
        """Where a token or node begins. A node without a place of its own begins where its first part does."""
        if not isinstance(what, exp.Expr):
            return self.at(what.start) if what else self.end()
        place = _first(what)
        return self.at(place) if place is not None else At()


def _first(node: exp.Expr) -> int | None:
    found: int | None = None
    waiting: list[exp.Expr] = [node]
    while waiting:
        one = waiting.pop()
        place = one.meta.get("start")
        if place is not None:
            found = place if found is None else min(found, place)
        waiting.extend(one.iter_expressions())
    return found
