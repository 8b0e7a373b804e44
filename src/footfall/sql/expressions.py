"""Turns a query's expressions, with names resolved and types known, into values that plans are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from footfall.sql.errors import At
from footfall.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Expression:
    """Something that has a value in each row."""

    type: SqlType
    at: At = field(default_factory=At, kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """The value of a column of the input."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """The same in each row. A time is its ``datetime``, an interval a number of months or milliseconds."""

    value: Any


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function or an operator of others, under its name in ``sql.functions``.

    Operators have names, too: ``=``, ``<>``, ``<``, ``+``, ``-`` (also of one argument), ``*``, ``/``, ``%``, ``||``,
    ``AND``, ``OR``, ``NOT``, ``IS NULL``, ``IS NOT NULL``, ``IS TRUE``, ``IS DISTINCT FROM``, ``LIKE``, ``IN``,
    ``CASE`` (condition, value, condition, value, …, otherwise), ``CAST`` and ``TRY_CAST`` (to ``type``), ``ROW``,
    ``[]``, ``.`` (a row, and a field's name as a Constant). A unit (of ``EXTRACT``, ``FLOOR``, ``TIMESTAMPDIFF``) is a
    Constant text, the first argument.
    """

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Matched(Expression):
    """A column of a row that a pattern's variable was given. Only in DEFINE and MEASURES of MATCH_RECOGNIZE.

    ``variable`` "" means all rows of the match so far. ``LAST(A.x, 1)`` is the last but one row of A. In DEFINE, the
    row that is looked at belongs to its own variable already.
    """

    variable: str
    name: str
    which: Literal["first", "last"] = "last"
    offset: int = 0


@dataclass(frozen=True, slots=True)
class MatchedAggregate(Expression):
    """An aggregate over the rows that a pattern's variable was given. ``argument`` None is COUNT(*)."""

    function: str
    variable: str
    argument: Expression | None
    distinct: bool = False
