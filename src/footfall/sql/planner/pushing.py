"""Turns conditions over a step into conditions as near to its inputs as they can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from footfall.sql import plan
from footfall.sql.expressions import Expression
from footfall.sql.plan import JoinKind, Step, WindowKind
from footfall.sql.planner import joins, ranks, steps
from footfall.sql.planner.steps import Numbered, names
from footfall.sql.planner.walking import columns_of, conjuncts, is_settled, renamed, substituted

_EDGES = {"window_start", "window_end", "window_time"}


def pushed(step: Step, conditions: Sequence[Expression]) -> Step:
    """The rows of a step for which all conditions are true. What is left to be decided by conditions, is."""
    match step:
        case plan.Calc():
            return _into_calc(step, conditions)
        case plan.Join():
            return _into_join(step, conditions)
        case plan.IntervalJoin(kind=kind) | plan.WindowJoin(kind=kind) | plan.TemporalJoin(kind=kind):
            left = kind in {JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI}
            right = kind is JoinKind.INNER and not isinstance(step, plan.TemporalJoin)
            return _into_sides(step, conditions, left=left, right=right)
        case plan.Union():
            return _into_union(step, conditions)
        case Numbered():
            return _into_numbered(step, conditions)
        case plan.Watermark() | plan.Values() | plan.Scan():
            return steps.filtered(step, conditions)
        case plan.One():
            return _into_one(step, conditions)
    return steps.filtered(step, conditions)


def _within(conditions: Sequence[Expression], allowed: set[str]) -> tuple[list[Expression], list[Expression]]:
    """Those that read these columns only and can be moved, and the others."""
    inside = [one for one in conditions if columns_of(one) <= allowed and columns_of(one) and is_settled(one)]
    return inside, [one for one in conditions if one not in inside]


def _into_calc(step: plan.Calc, conditions: Sequence[Expression]) -> Step:
    values = dict(zip(names(step), step.columns, strict=True))
    fixed = {name for name, value in values.items() if is_settled(value)}
    movable, rest = _within(conditions, fixed)
    constant = [one for one in rest if not columns_of(one)]
    rest = [one for one in rest if columns_of(one)]
    below = [*conjuncts(step.where), *(substituted(one, values) for one in movable), *constant]
    moved = steps.calc_as(pushed(step.input, below), step.output, step.columns, None)
    return steps.filtered(moved, rest)


def _into_sides(
    step: plan.IntervalJoin | plan.WindowJoin | plan.TemporalJoin,
    conditions: Sequence[Expression],
    *,
    left: bool,
    right: bool,
) -> Step:
    ours, rest = _within(conditions, set(names(step.left)) if left else set())
    theirs, rest = _within(rest, set(names(step.right)) if right else set())
    moved = replace(step, left=pushed(step.left, ours), right=pushed(step.right, theirs))
    return steps.filtered(moved, rest)


def _into_join(step: plan.Join, conditions: Sequence[Expression]) -> Step:
    found = joins.sorted_out(step, conditions)
    left, right = pushed(step.left, found.left), pushed(step.right, found.right)
    return steps.filtered(joins.decided(found, left, right), found.above)


def _into_union(step: plan.Union, conditions: Sequence[Expression]) -> Step:
    movable, rest = _within(conditions, set(names(step)))
    inputs = []
    for one in step.of:
        known = dict(zip(names(step), names(one), strict=True))
        inputs.append(pushed(one, [renamed(condition, known) for condition in movable]))
    return steps.filtered(replace(step, of=tuple(inputs)), rest)


def _into_numbered(step: Numbered, conditions: Sequence[Expression]) -> Step:
    below, rest = _within(conditions, set(step.partition))
    input_ = pushed(step.input, below)
    return ranks.decided(replace(step, input=input_), rest)


def _into_one(step: plan.One, conditions: Sequence[Expression]) -> Step:
    movable, rest = _within(conditions, _passing(step))
    moved: Step = replace(step, input=pushed(step.input, movable)) if movable else step
    return steps.filtered(moved, rest)


def _passing(step: plan.One) -> set[str]:
    """The columns by which whole groups of a step's rows stay or go."""
    match step:
        case plan.WindowTable(window=window) if window.kind is WindowKind.SESSION:
            return set(window.partition)
        case plan.WindowTable():
            return set(names(step)) - _EDGES
        case plan.WindowAggregate(window=plan.Window(kind=WindowKind.SESSION) as window):
            return set(window.partition)
        case plan.Aggregate(keys=keys) | plan.WindowAggregate(keys=keys):
            return set(keys)
        case (
            plan.Rank(partition=partition)
            | plan.WindowRank(partition=partition)
            | plan.Deduplicate(partition=partition)
            | plan.Match(partition=partition)
            | plan.Over(partition=partition)
        ):
            return set(partition)
    return set()
