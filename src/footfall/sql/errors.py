"""Turns what is wrong with a query into a message that names the line, the column, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

from footfall.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class At:
    """A place in a query's text; lines and columns count from 1."""

    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class SqlError(UsageError):
    """A query that cannot be run. Carries ``what`` is wrong, and ``at``; ``remedy`` says what to write instead."""

    def __init__(self, message: str, *, at: At, remedy: str) -> None:
        super().__init__(f"{message} ({at}).", remedy=remedy)
        self.what = message
        self.at = at
