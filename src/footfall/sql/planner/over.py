"""Turns aggregates with OVER into the step that computes them for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from footfall.sql import plan
from footfall.sql.errors import SqlError
from footfall.sql.expressions import Column, Constant, Expression
from footfall.sql.functions.registry import aggregate_type
from footfall.sql.plan import AggregateCall, Field, Step
from footfall.sql.planner import steps
from footfall.sql.planner.grouping import ALIASES, aggregate_in
from footfall.sql.planner.steps import field_named, fresh, names
from footfall.sql.planner.translating import Translator
from footfall.sql.types import Family

_REMEDY = "Write OVER (PARTITION BY … ORDER BY ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)."


def is_over(node: exp.Window) -> bool:
    """Whether it is an aggregate over rows, and no number of a row."""
    return aggregate_in(node.this) is not None


def with_over(
    step: Step, nodes: Sequence[exp.Window], named: Sequence[exp.Window], translator: Translator
) -> tuple[Step, dict[int, Expression]]:
    """A step with a column for each aggregate, and these columns by node. Raises SqlError."""
    if step.changes:
        raise SqlError(
            "Rows that can be taken back cannot be aggregated with OVER",
            at=translator.at(nodes[0]),
            remedy="Use OVER directly over a stream, before grouping, ranking or outer joins.",
        )
    windows = [_resolved(one, named, translator) for one in nodes]
    if any(_without_place(one) != _without_place(windows[0]) for one in windows):
        raise SqlError(
            "All aggregates with OVER must be over the same rows",
            at=translator.at(nodes[-1]),
            remedy="Put the other ones into a query around this one.",
        )
    step, partition = _keys(step, windows[0], translator)
    time = _time(step, windows[0], translator)
    by_rows, preceding = _frame(windows[0], translator)
    calls: list[AggregateCall] = []
    found: dict[int, Expression] = {}
    taken = names(step)
    for node in nodes:
        step, call = _call(step, node, translator)
        call = replace(call, name=fresh([*taken, *names(step), *(one.name for one in calls)], "over"))
        calls.append(call)
        found[id(node)] = Column(call.type, call.name, at=translator.at(node))
    output = (*step.output, *(Field(one.name, one.type) for one in calls))
    over = plan.Over(output, False, step, partition, time, by_rows, preceding, tuple(calls))
    return over, found


def _resolved(node: exp.Window, named: Sequence[exp.Window], translator: Translator) -> exp.Window:
    alias = node.args.get("alias")
    if alias is None:
        return node
    for one in named:
        if one.this.name == alias.name:
            return one
    raise SqlError(
        f"There is no window {alias.name}",
        at=translator.at(alias),
        remedy=f"Add WINDOW {alias.name} AS (PARTITION BY … ORDER BY …).",
    )


def _without_place(window: exp.Window) -> Any:
    return [window.args.get(part) for part in ("partition_by", "order", "spec")]


def _keys(step: Step, window: exp.Window, translator: Translator) -> tuple[Step, tuple[str, ...]]:
    found = []
    for one in window.args.get("partition_by") or ():
        value = translator.of(one)
        if isinstance(value, Column):
            found.append(value.name)
            continue
        name = fresh(names(step), "key")
        step = steps.with_columns(step, [(name, value)])
        found.append(name)
    return step, tuple(found)


def _time(step: Step, window: exp.Window, translator: Translator) -> str:
    order = window.args.get("order")
    items = order.expressions if order is not None else []
    value = translator.of(items[0].this) if len(items) == 1 else None
    if isinstance(value, Column) and not items[0].args.get("desc"):
        field = field_named(step, value.name)
        if field.is_time or field.is_arrival:
            return value.name
    raise SqlError(
        "OVER needs ORDER BY a time attribute, ascending, and no more", at=translator.at(window), remedy=_REMEDY
    )


def _frame(window: exp.Window, translator: Translator) -> tuple[bool, int | None]:
    """Whether rows are counted, and how many rows or ms before the row belong to it; None for all."""
    spec = window.args.get("spec")
    if spec is None:
        return False, None
    by_rows = spec.args["kind"].upper() == "ROWS"
    start, end = spec.args.get("start"), spec.args.get("end")
    if spec.args.get("start_side") == "FOLLOWING" or (end is not None and end != "CURRENT ROW"):
        raise SqlError("Rows behind the row cannot be known yet", at=translator.at(window), remedy=_REMEDY)
    if start == "UNBOUNDED":
        return by_rows, None
    if start == "CURRENT ROW":
        return by_rows, 0
    value = translator.of(start)
    whole = isinstance(value, Constant) and isinstance(value.value, int) and value.value >= 0
    family = Family.INT if by_rows else Family.INTERVAL_SECOND
    if not isinstance(value, Constant) or not whole or value.type.family is not family:
        wanted = "a number of rows" if by_rows else "an interval of days or less"
        raise SqlError(f"{spec.args['kind'].upper()} takes {wanted}", at=value.at, remedy=_REMEDY)
    return by_rows, int(value.value)


def _call(step: Step, node: exp.Window, translator: Translator) -> tuple[Step, AggregateCall]:
    call = aggregate_in(node.this)
    at = translator.at(node)
    name = call.this.upper() if call is not None else ""
    arguments = call.expressions if call is not None else []
    if isinstance(node.this, exp.Filter) or (len(arguments) > 1):
        raise SqlError("FILTER and further arguments are not supported with OVER", at=at, remedy="Leave them out.")
    distinct = bool(arguments) and isinstance(arguments[0], exp.Distinct)
    given = arguments[0].expressions[0] if distinct else arguments[0] if arguments else None
    argument, kind = None, None
    if given is None:
        raise SqlError(f"{name} of what?", at=at, remedy=f"Write {name}(column).")
    if not isinstance(given, exp.Star):
        value = translator.of(given)
        kind = value.type
        if isinstance(value, Column):
            argument = value.name
        else:
            argument = fresh(names(step), "value")
            step = steps.with_columns(step, [(argument, value)])
    result = aggregate_type(name, kind, at)
    return step, AggregateCall("", ALIASES.get(name, name), argument, result, distinct)
