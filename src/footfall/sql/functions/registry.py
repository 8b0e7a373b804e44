"""Turns a function's name and arguments into the type of its result, or into what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Expression
from footfall.sql.functions.aggregates import AGGREGATES, ALIASES, aggregate_type, is_aggregate
from footfall.sql.functions.coercion import can_cast, cast_call, common_type
from footfall.sql.functions.collections import COLLECTIONS
from footfall.sql.functions.conditions import CONDITIONS
from footfall.sql.functions.forms import Function, Typed
from footfall.sql.functions.numbers import NUMBERS
from footfall.sql.functions.operators import OPERATORS
from footfall.sql.functions.texts import TEXTS
from footfall.sql.functions.times import TIMES
from footfall.sql.functions.user import UserFunctions

__all__ = [
    "FUNCTIONS",
    "aggregate_type",
    "can_cast",
    "cast_call",
    "common_type",
    "is_aggregate",
    "names",
    "result_type",
]

_RANDOM: Final = "It gives another result each time, so a restart would not give the same rows"
_REFUSED: Final = {
    "RAND": _RANDOM,
    "RAND_INTEGER": _RANDOM,
    "UUID": _RANDOM,
    "CURRENT_DATABASE": "There are no databases",
}
_INSTEAD: Final = {
    "LEN": "CHAR_LENGTH",
    "LENGTH": "CHAR_LENGTH",
    "LCASE": "LOWER",
    "UCASE": "UPPER",
    "NVL": "COALESCE",
    "ISNULL": "IS NULL",
    "TO_CHAR": "DATE_FORMAT",
    "DATE_TRUNC": "FLOOR(time TO unit)",
    "DATEDIFF": "TIMESTAMPDIFF",
    "DATE_DIFF": "TIMESTAMPDIFF",
    "DATE_ADD": "TIMESTAMPADD",
    "STRPOS": "POSITION",
    "POW": "POWER",
    "GETDATE": "CURRENT_TIMESTAMP",
    "SYSDATE": "CURRENT_TIMESTAMP",
    "REGEXP_LIKE": "REGEXP",
    "STRING_AGG": "LISTAGG",
    "GROUP_CONCAT": "LISTAGG",
    "SPLIT_PART": "SPLIT_INDEX",
    "IIF": "IF",
    "!=": "<>",
}
FUNCTIONS: Final[dict[str, Function]] = {
    one.name: one for one in (*OPERATORS, *CONDITIONS, *NUMBERS, *TEXTS, *TIMES, *COLLECTIONS)
}


def names() -> Sequence[str]:
    """The names of all functions and aggregates, without operators."""
    words = [one.name for one in FUNCTIONS.values() if one.group != "Operators" and one.name[0].isalpha()]
    return sorted({*words, *AGGREGATES, *ALIASES, "CAST", "TRY_CAST"})


def result_type(name: str, arguments: Sequence[Expression], at: At, *, functions: UserFunctions | None = None) -> Typed:
    """The type of a call as Flink derives it, and the arguments with the CASTs that Flink would add.

    ``functions`` are the user's own, which come before ours. For CAST and TRY_CAST see ``cast_call``.
    Raises SqlError: unknown name, wrong number or types of arguments.
    """
    if functions is not None and name in functions:
        return functions.result_type(name, arguments, at)
    found = FUNCTIONS.get(name.upper())
    if found is None:
        raise _unknown(name, at, functions)
    return found.typed(arguments, at)


def _unknown(name: str, at: At, functions: UserFunctions | None) -> SqlError:
    upper = name.upper()
    if upper in _REFUSED:
        return SqlError(
            f"{upper} is not supported. {_REFUSED[upper]}", at=at, remedy="Compute it before, in the input."
        )
    if upper in _INSTEAD:
        return SqlError(f"There is no function {name}", at=at, remedy=f"Write {_INSTEAD[upper]}.")
    if is_aggregate(upper):
        return SqlError(f"{upper} is an aggregate", at=at, remedy="Use it in SELECT or HAVING, with GROUP BY.")
    known = [*names(), *(functions.names() if functions is not None else ())]
    close = get_close_matches(upper, known, n=3, cutoff=0.6)
    remedy = f"Did you mean {' or '.join(close)}?" if close else "The list is in docs/reference/sql-functions.md."
    return SqlError(f"There is no function {name}", at=at, remedy=f"{remedy} Your own come with CREATE FUNCTION.")
