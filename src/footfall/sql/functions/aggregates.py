"""Turns aggregates into what they mean: the type of what they make of many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from footfall.sql.errors import At, SqlError
from footfall.sql.functions.coercion import INTERVALS, MOST_DIGITS, NUMERIC, decimal
from footfall.sql.types import BIGINT, STRING, Family, SqlType


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate that queries may use."""

    name: str
    form: str
    about: str
    families: tuple[Family, ...]
    """What it may be of."""
    result: Callable[[SqlType], SqlType]


_SINGLE: Final = tuple(one for one in Family if one not in {Family.ARRAY, Family.MAP, Family.ROW})


def _sum(kind: SqlType) -> SqlType:
    return decimal(MOST_DIGITS, kind.scale) if kind.family is Family.DECIMAL else kind.with_null()


def _average(kind: SqlType) -> SqlType:
    return decimal(MOST_DIGITS, max(6, kind.scale)) if kind.family is Family.DECIMAL else kind.with_null()


def _count(kind: SqlType) -> SqlType:
    del kind
    return BIGINT.without_null()


def _text(kind: SqlType) -> SqlType:
    del kind
    return STRING


def _collected(kind: SqlType) -> SqlType:
    return SqlType(Family.ARRAY, inner=(kind,))


_ALL: Final = (
    Aggregate("COUNT", "COUNT(*), COUNT([DISTINCT] value)", "How many rows, or values.", tuple(Family), _count),
    Aggregate("SUM", "SUM([DISTINCT] number)", "The sum, of the numbers' own type.", NUMERIC, _sum),
    Aggregate("AVG", "AVG([DISTINCT] number)", "The mean; of whole numbers, cut off.", NUMERIC, _average),
    Aggregate("MIN", "MIN(value)", "The least.", _SINGLE, SqlType.with_null),
    Aggregate("MAX", "MAX(value)", "The greatest.", _SINGLE, SqlType.with_null),
    Aggregate("FIRST_VALUE", "FIRST_VALUE(value)", "The first that came.", tuple(Family), SqlType.with_null),
    Aggregate("LAST_VALUE", "LAST_VALUE(value)", "The last that came.", tuple(Family), SqlType.with_null),
    Aggregate(
        "LISTAGG", "LISTAGG([DISTINCT] text[, separator])", "Texts with commas between.", (Family.STRING,), _text
    ),
    Aggregate("ARRAY_AGG", "ARRAY_AGG([DISTINCT] value)", "An array of all.", tuple(Family), _collected),
    Aggregate("STDDEV_POP", "STDDEV_POP(number)", "The standard deviation of a whole.", NUMERIC, _average),
    Aggregate("STDDEV_SAMP", "STDDEV_SAMP(number)", "The standard deviation of a sample.", NUMERIC, _average),
    Aggregate("VAR_POP", "VAR_POP(number)", "The variance of a whole.", NUMERIC, _average),
    Aggregate("VAR_SAMP", "VAR_SAMP(number)", "The variance of a sample.", NUMERIC, _average),
)
AGGREGATES: Final = {one.name: one for one in _ALL}
ALIASES: Final = {"STDDEV": "STDDEV_SAMP", "VARIANCE": "VAR_SAMP"}


def is_aggregate(name: str) -> bool:
    """Whether it makes one value of many rows."""
    return name.upper() in AGGREGATES or name.upper() in ALIASES


def aggregate_type(name: str, argument: SqlType | None, at: At) -> SqlType:
    """The type of an aggregate's result; ``argument`` None is COUNT(*). Raises SqlError for what it does not take."""
    upper = name.upper()
    found = AGGREGATES.get(ALIASES.get(upper, upper))
    if found is None:
        raise SqlError(f"{name} is no aggregate", at=at, remedy=f"Aggregates are {', '.join(AGGREGATES)}.")
    if argument is None:
        if found.name != "COUNT":
            raise SqlError(f"{found.name}(*) means nothing", at=at, remedy=f"Write {found.form}.")
        return found.result(BIGINT)
    allowed = argument.family in found.families
    if found.families is _SINGLE and argument.family in {*INTERVALS, Family.NULL}:
        allowed = argument.family is not Family.NULL
    if not allowed:
        remedy = "Write CAST(… AS STRING)." if found.name == "LISTAGG" else "Write CAST(… AS DOUBLE)."
        raise SqlError(f"{found.name} does not take {argument.with_null()}", at=at, remedy=remedy)
    return found.result(argument)
