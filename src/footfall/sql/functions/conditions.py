"""Turns CASE and its relatives into what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from footfall.sql.expressions import Expression
from footfall.sql.functions.coercion import coerced, common_type
from footfall.sql.functions.forms import Arguments, Function, Rule, Typed, argument
from footfall.sql.functions.operators import compared
from footfall.sql.types import Family, SqlType


def _common(given: Arguments, values: Sequence[Expression]) -> SqlType:
    found = common_type([one.type for one in values])
    if found is None:
        shown = ", ".join(str(one.type.with_null()) for one in values)
        raise given.wrong(f"{given.name} mixes types: {shown}", "Write CAST(… AS …) so that all are of one type.")
    return found


def case(given: Arguments) -> Typed:
    """Condition, value, condition, value, …, otherwise."""
    if len(given) % 2 == 0:
        raise given.wrong("CASE has a condition without a value", "Write CASE WHEN … THEN … ELSE … END.")
    places = [*range(1, len(given), 2), len(given) - 1]
    kind = _common(given, [given[index] for index in places])
    found = [
        coerced(one, kind) if index in places else argument(given, index, "boolean")
        for index, one in enumerate(given.all)
    ]
    return kind, tuple(found)


def one_of_two(given: Arguments) -> Typed:
    """IF: as CASE, but it may be NULL, too, if only the condition may be."""
    kind, found = case(given)
    return replace(kind, nullable=given.nullable), found


def first_value(given: Arguments) -> Typed:
    """The first that is not NULL: it may be NULL only if all may."""
    kind = _common(given, given.all)
    nullable = all(one.type.nullable for one in given.all)
    return replace(kind, nullable=nullable), tuple(coerced(one, kind) for one in given.all)


def null_if(given: Arguments) -> Typed:
    """The first argument, or NULL where it equals the second."""
    compared(replace(given, name="="), given.all)
    return given[0].type.with_null(), given.all


def extreme(given: Arguments) -> Typed:
    """The greatest or least: NULL if any is NULL."""
    kind = _common(given, given.all)
    if kind.family in {Family.ARRAY, Family.MAP, Family.ROW}:
        raise given.clash("Compare single values.")
    return kind, tuple(coerced(one, kind) for one in given.all)


def _form(name: str, form: str, about: str, rule: Rule, least: int, most: int | None) -> Function:
    return Function(name, "Conditions", (form,), about, rule, least, most)


CONDITIONS: Final = (
    _form(
        "CASE", "CASE WHEN condition THEN value … [ELSE value] END", "The first whose condition holds.", case, 3, None
    ),
    _form("IF", "IF(condition, value, otherwise)", "One of two.", one_of_two, 3, 3),
    _form("COALESCE", "COALESCE(value, …)", "The first that is not NULL.", first_value, 1, None),
    _form("IFNULL", "IFNULL(value, otherwise)", "The other one instead of NULL.", first_value, 2, 2),
    _form("NULLIF", "NULLIF(value, other)", "NULL if both are equal, else the first.", null_if, 2, 2),
    _form("GREATEST", "GREATEST(value, …)", "The greatest; NULL if one is NULL.", extreme, 1, None),
    _form("LEAST", "LEAST(value, …)", "The least; NULL if one is NULL.", extreme, 1, None),
)
