"""Turns the queries of a UNION into queries whose columns have the same types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from footfall.sql.errors import At, SqlError
from footfall.sql.functions.coercion import coerced
from footfall.sql.functions.registry import common_type
from footfall.sql.plan import Step
from footfall.sql.planner import steps
from footfall.sql.planner.steps import column


def aligned(inputs: Sequence[Step], places: Sequence[At]) -> list[Step]:
    """Queries with columns of the same types, place by place. Raises SqlError."""
    kinds = []
    for place, one in enumerate(inputs[0].output):
        kind = common_type([step.output[place].type for step in inputs])
        if kind is None:
            for step, at in zip(inputs, places, strict=True):
                if common_type([one.type, step.output[place].type]) is None:
                    raise SqlError(
                        f"Column {place + 1} of this query is {step.output[place].type.with_null()}, and in the "
                        f"first it is {one.type.with_null()}",
                        at=at,
                        remedy=f"Write CAST(… AS {one.type.with_null()}).",
                    )
        kinds.append(kind or one.type)
    found = []
    for step in inputs:
        values = []
        for one, kind in zip(step.output, kinds, strict=True):
            value = coerced(column(one), replace(kind, nullable=one.type.nullable))
            values.append((one.name, value))
        found.append(steps.calc(step, values))
    return found
