"""Turns a few values into one: the aggregates, over the rows of a match."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from footfall.sql.evaluate.arithmetic import EXACT, fit, wrapped
from footfall.sql.functions.aggregates import ALIASES
from footfall.sql.functions.coercion import APPROXIMATE
from footfall.sql.types import Family, SqlType

Fold = Callable[[Sequence[Any]], Any]


def folded(function: str, kind: SqlType, *, distinct: bool = False) -> Fold:
    """The aggregate as a function of all values; NULLs do not count. ``kind`` is the result's type."""
    name = ALIASES.get(function.upper(), function.upper())
    make = _FOLDS[name]

    def fold(values: Sequence[Any]) -> Any:
        there = [one for one in values if one is not None]
        return make(list(dict.fromkeys(there)) if distinct else there, kind)

    return fold


def _fitted(value: Any, kind: SqlType) -> Any:
    if kind.family is Family.DECIMAL:
        return fit(Decimal(value), kind)
    return float(value) if kind.family in APPROXIMATE else wrapped(int(value), kind.arrow.bit_width)


def _sum(values: list[Any], kind: SqlType) -> Any:
    return _fitted(sum(values), kind) if values else None


def _divided(total: Any, count: int, kind: SqlType) -> Any:
    if kind.family is Family.DECIMAL:
        return fit(EXACT.divide(Decimal(total), Decimal(count)), kind)
    if kind.family in APPROXIMATE:
        return total / count
    return abs(total) // count * (1 if total >= 0 else -1)


def _average(values: list[Any], kind: SqlType) -> Any:
    return _divided(sum(values), len(values), kind) if values else None


def _spread(*, sample: bool, root: bool) -> Callable[[list[Any], SqlType], Any]:
    def fold(values: list[Any], kind: SqlType) -> Any:
        count = len(values) - sample
        if count <= 0:
            return None
        numbers = [float(one) for one in values]
        mean = math.fsum(numbers) / len(numbers)
        variance = math.fsum((one - mean) ** 2 for one in numbers) / count
        found = math.sqrt(variance) if root else variance
        return _fitted(Decimal(repr(found)) if kind.family is Family.DECIMAL else found, kind)

    return fold


_FOLDS: Final[dict[str, Callable[[list[Any], SqlType], Any]]] = {
    "COUNT": lambda values, _: len(values),
    "SUM": _sum,
    "AVG": _average,
    "MIN": lambda values, _: min(values, default=None),
    "MAX": lambda values, _: max(values, default=None),
    "FIRST_VALUE": lambda values, _: values[0] if values else None,
    "LAST_VALUE": lambda values, _: values[-1] if values else None,
    "LISTAGG": lambda values, _: ",".join(values) if values else None,
    "ARRAY_AGG": lambda values, _: values or None,
    "STDDEV_POP": _spread(sample=False, root=True),
    "STDDEV_SAMP": _spread(sample=True, root=True),
    "VAR_POP": _spread(sample=False, root=False),
    "VAR_SAMP": _spread(sample=True, root=False),
}
