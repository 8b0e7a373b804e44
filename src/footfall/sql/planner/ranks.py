"""Turns ROW_NUMBER() and a condition on the number into the step that finds the first rows."""

from __future__ import annotations

from collections.abc import Sequence

from footfall.sql.errors import SqlError
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.plan import Step
from footfall.sql.planner import steps
from footfall.sql.planner.steps import Numbered, column, field_named
from footfall.sql.planner.walking import columns_of
from footfall.sql.types import BIGINT

_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_REMEDY = "Write SELECT … FROM (SELECT *, ROW_NUMBER() OVER (…) AS place FROM …) WHERE place <= 3."


def decided(step: Numbered, conditions: Sequence[Expression]) -> Step:
    """The rows with the numbers that conditions allow. Without a condition on the number it is not decided yet."""
    if not any(step.number in columns_of(one) for one in conditions):
        return steps.filtered(step, conditions)
    first, last = 1, None
    rest: list[Expression] = []
    for one in conditions:
        if step.number not in columns_of(one):
            rest.append(one)
            continue
        least, most = _range(step, one)
        first = max(first, least)
        last = most if last is None or (most is not None and most < last) else last
    if last is None:
        raise SqlError("There is no greatest number of rows", at=step.at, remedy=_REMEDY)
    return steps.filtered(_chosen(step, first, last), rest)


def _range(step: Numbered, condition: Expression) -> tuple[int, int | None]:
    if isinstance(condition, Call) and condition.function in _FLIPPED:
        one, two = condition.arguments
        operator = condition.function
        if isinstance(two, Column) and two.name == step.number:
            one, two, operator = two, one, _FLIPPED[operator]
        value = _whole(two)
        if isinstance(one, Column) and one.name == step.number and value is not None:
            return {
                "=": (value, value),
                "<": (1, value - 1),
                "<=": (1, value),
                ">": (value + 1, None),
                ">=": (value, None),
            }[operator]
    raise SqlError(
        "The number of a row can only be compared with whole numbers",
        at=condition.at,
        remedy="Compare it as in place <= 3, place = 1 or place BETWEEN 2 AND 4.",
    )


def _whole(value: Expression) -> int | None:
    if isinstance(value, Call) and value.function == "CAST":
        value = value.arguments[0]
    return value.value if isinstance(value, Constant) and isinstance(value.value, int) else None


def _chosen(step: Numbered, first: int, last: int) -> Step:
    if last < first:
        raise SqlError("No row has such a number", at=step.at, remedy="Numbers of rows begin with 1.")
    edges = {field_named(step, name).edge for name in step.partition}
    if {"start", "end"} <= edges and not step.input.changes:
        return steps.window_rank(step.input, step.partition, step.order, (first, last), step.number)
    time = field_named(step, step.order[0].column) if len(step.order) == 1 else None
    if first == last == 1 and time is not None and (time.is_time or time.is_arrival):
        if step.input.changes:
            raise SqlError(
                "Rows that can be taken back cannot be de-duplicated by a time attribute",
                at=step.at,
                remedy="De-duplicate before grouping or joining, or order by a column that is no time attribute.",
            )
        by = time.name if time.is_time else None
        found = steps.deduplicate(step.input, step.partition, by, "last" if step.order[0].descending else "first")
        one = Constant(BIGINT.without_null(), 1, at=step.at)
        return steps.calc(found, [*((each.name, column(each)) for each in found.output), (step.number, one)])
    return steps.rank(step.input, step.partition, step.order, (first, last), step.number)


def undecided(step: Step) -> SqlError | None:
    """What is wrong with a finished plan in which rows are still numbered."""
    waiting = [step]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Numbered):
            return SqlError(
                "ROW_NUMBER() without a condition on the number is not supported", at=one.at, remedy=_REMEDY
            )
        waiting.extend(one.inputs)
    return None
