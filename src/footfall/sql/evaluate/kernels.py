"""Turns a function's name into what computes it: the list of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from footfall.sql.evaluate import (
    arithmetic,
    casting,
    collections,
    comparing,
    encodings,
    json_paths,
    mathematics,
    patterns,
    texts,
    time_texts,
    times,
)
from footfall.sql.evaluate.frame import Kernel
from footfall.sql.expressions import Call, Constant
from footfall.sql.functions.coercion import APPROXIMATE, INTERVALS
from footfall.sql.types import Family

MAKERS: Final[dict[str, Callable[[Call], Kernel]]] = {
    **comparing.MAKERS,
    **arithmetic.MAKERS,
    **mathematics.MAKERS,
    **casting.MAKERS,
    **texts.MAKERS,
    **encodings.MAKERS,
    **patterns.MAKERS,
    **times.MAKERS,
    **time_texts.MAKERS,
    **collections.MAKERS,
    **json_paths.MAKERS,
}
NULL_BLIND: Final = frozenset(
    {
        *("IS NULL", "IS NOT NULL", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "IS JSON", "CONCAT_WS"),
        *("ARRAY", "MAP", "ROW"),
        *(name for name in comparing.MAKERS if name.startswith("IS ")),
    }
)
"""Those whose result may be something where an argument is NULL."""
_MAY_FAIL: Final = frozenset(
    {
        *("ELEMENT", "[]", "FROM_BASE64", "SHA2", "ROUND", "TRUNCATE", "FROM_UNIXTIME", "LIKE", "SIMILAR TO"),
        *("JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "DATE_FORMAT", "REGEXP", "REGEXP_EXTRACT", "REGEXP_REPLACE"),
    }
)


def may_fail(call: Call) -> bool:
    """Whether a call, its arguments given, may have no result for some rows."""
    name = call.function
    kinds = [one.type.family for one in call.arguments]
    if name in {"/", "%", "MOD"}:
        return not set(kinds) & {*APPROXIMATE, *INTERVALS} and not _nonzero(call)
    if name == "CAST":
        return kinds[0] is Family.STRING or (kinds[0] in APPROXIMATE and call.type.family is Family.DECIMAL)
    if name == "TO_TIMESTAMP_LTZ":
        return kinds[0] is Family.STRING
    if name in {"LIKE", "REGEXP", "REGEXP_EXTRACT", "REGEXP_REPLACE", "DATE_FORMAT"}:
        return not isinstance(call.arguments[1], Constant)
    return name in _MAY_FAIL


def _nonzero(call: Call) -> bool:
    divisor = call.arguments[1]
    while isinstance(divisor, Call) and divisor.function == "CAST":
        divisor = divisor.arguments[0]
    return isinstance(divisor, Constant) and bool(divisor.value)
