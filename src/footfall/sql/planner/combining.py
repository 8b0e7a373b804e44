"""Turns two inputs, or many, into the step that joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from footfall.sql import plan
from footfall.sql.expressions import Expression
from footfall.sql.plan import Field, JoinKind, Step
from footfall.sql.planner.steps import materialized


def _sides(kind: JoinKind, left: Step, right: Step, *, times: bool) -> tuple[Field, ...]:
    if kind in {JoinKind.SEMI, JoinKind.ANTI}:
        return tuple(materialized(left.output, times=times))
    return (
        *materialized(left.output, nullable=kind in {JoinKind.RIGHT, JoinKind.FULL}, times=times),
        *materialized(right.output, nullable=kind in {JoinKind.LEFT, JoinKind.FULL}, times=times),
    )


def join(
    kind: JoinKind, left: Step, right: Step, keys: Sequence[tuple[str, str]], condition: Expression | None
) -> plan.Join:
    """A join that keeps all rows of both sides."""
    changes = left.changes or right.changes or kind not in {JoinKind.INNER, JoinKind.SEMI}
    output = _sides(kind, left, right, times=False)
    return plan.Join(
        output, changes, left, right, kind, tuple(one for one, _ in keys), tuple(one for _, one in keys), condition
    )


def interval_join(
    kind: JoinKind,
    left: Step,
    right: Step,
    keys: Sequence[tuple[str, str]],
    condition: Expression | None,
    times: tuple[str, str],
    bounds: tuple[int, int],
) -> plan.IntervalJoin:
    """A join of rows whose times are near."""
    return plan.IntervalJoin(
        _sides(kind, left, right, times=True),
        False,
        left,
        right,
        kind,
        tuple(one for one, _ in keys),
        tuple(one for _, one in keys),
        *times,
        *bounds,
        condition,
    )


def window_join(
    kind: JoinKind,
    left: Step,
    right: Step,
    keys: Sequence[tuple[str, str]],
    condition: Expression | None,
    windows: tuple[tuple[str, str], tuple[str, str]],
) -> plan.WindowJoin:
    """A join of rows of the same window."""
    output = _sides(kind, left, right, times=True)
    pairs = (tuple(one for one, _ in keys), tuple(one for _, one in keys))
    return plan.WindowJoin(output, False, left, right, kind, *pairs, *windows, condition)


def temporal_join(
    kind: JoinKind,
    left: Step,
    right: Step,
    keys: Sequence[tuple[str, str]],
    condition: Expression | None,
    times: tuple[str | None, str | None],
) -> plan.TemporalJoin:
    """A join with the version of the right side's row that held at the left row's time."""
    output = (
        *left.output,
        *materialized(right.output, nullable=kind is JoinKind.LEFT),
    )
    pairs = (tuple(one for one, _ in keys), tuple(one for _, one in keys))
    return plan.TemporalJoin(output, left.changes, left, right, kind, *pairs, *times, condition)


def union(steps: Sequence[Step]) -> plan.Union:
    """All rows of all; each has the same number of columns."""
    output = []
    for place, first in enumerate(steps[0].output):
        same = [one.output[place] for one in steps]
        output.append(
            Field(
                first.name,
                replace(first.type, nullable=any(one.type.nullable for one in same)),
                is_time=all(one.is_time for one in same),
                is_arrival=all(one.is_arrival for one in same),
                edge=first.edge if all(one.edge == first.edge for one in same) else "",
            )
        )
    return plan.Union(tuple(output), any(one.changes for one in steps), tuple(steps))
