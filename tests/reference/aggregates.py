"""The aggregates once more, in plain Python over lists of dicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pyarrow as pa

from footfall.processors.relational.calls import AggregateCall

Row = dict[str, Any]


def aggregate_of(call: AggregateCall, rows: Sequence[Row]) -> Any:
    """The value of an aggregate over rows in their order."""
    chosen = [row for row in rows if call.where is None or row[call.where]]
    if call.argument is None:
        return len(chosen)
    values = [row[call.argument] for row in chosen if row[call.argument] is not None]
    if call.distinct:
        values = list(dict.fromkeys(values))
    if call.function == "COUNT":
        return len(values)
    if not values:
        return None
    return _of_values(call, values)


def _of_values(call: AggregateCall, values: list[Any]) -> Any:
    match call.function:
        case "SUM":
            return sum(values)
        case "AVG":
            return _average(call, values)
        case "MIN":
            return min(values)
        case "MAX":
            return max(values)
        case "FIRST_VALUE":
            return values[0]
        case "LAST_VALUE":
            return values[-1]
        case "LISTAGG":
            return (call.extra[0] if call.extra else ",").join(values)
        case "ARRAY_AGG":
            return values
    return _spread(call, values)


def _average(call: AggregateCall, values: list[Any]) -> Any:
    if pa.types.is_decimal(call.type):
        step = Decimal(1).scaleb(-call.type.scale)
        with localcontext(prec=100):
            return (sum(values) / Decimal(len(values))).quantize(step, rounding=ROUND_HALF_UP)
    if pa.types.is_integer(call.type):
        return int(Decimal(sum(values)) / len(values))
    return sum(values) / len(values)


def _spread(call: AggregateCall, values: list[float]) -> Any:
    apart = len(values) - ("_SAMP" in call.function)
    if not apart:
        return None
    found = (sum(v * v for v in values) - sum(values) * sum(values) / len(values)) / apart
    return math.sqrt(found) if "STDDEV" in call.function else found
