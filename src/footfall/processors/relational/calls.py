"""Turns the aggregates of a query into records: which function of which column, of which rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateCall:
    """One aggregate; its result is a column of this name."""

    name: str
    function: str
    """COUNT, SUM, AVG, MIN, MAX, FIRST_VALUE, LAST_VALUE, LISTAGG, STDDEV_POP, …"""
    argument: str | None = None
    """A column; None for COUNT(*)."""
    type: pa.DataType
    """Of the result."""
    distinct: bool = False
    where: str | None = None
    """A boolean column: rows for which it is not true do not count (FILTER)."""
    extra: tuple[Any, ...] = ()
    """Further constant arguments: LISTAGG's separator."""
