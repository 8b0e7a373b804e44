"""Turns ORDER BY, LIMIT and ROW_NUMBER() into steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from footfall.sql.errors import SqlError
from footfall.sql.expressions import Column, Constant, Expression
from footfall.sql.plan import Order, Sort, Step
from footfall.sql.planner import steps
from footfall.sql.planner.over import is_over, with_over
from footfall.sql.planner.steps import column, field_named, fresh, names
from footfall.sql.planner.translating import Translator


def numbering(
    step: Step, projections: Sequence[Any], named: Sequence[Any], translator: Translator
) -> tuple[Step, Mapping[int, Expression]]:
    """A step with a column for each OVER of a SELECT, and these columns by node. ``named`` is what WINDOW names."""
    found: dict[int, Expression] = {}
    nodes = [node for projection in projections for node in projection.find_all(exp.Window)]
    over = [node for node in nodes if is_over(node)]
    if over:
        step, found = with_over(step, over, named, translator)
    for node in nodes:
        if is_over(node):
            continue
        if found:
            raise SqlError(
                "Only one ROW_NUMBER() is supported in a query, and no other OVER beside it",
                at=translator.at(node),
                remedy="Put the other one into a query around this one.",
            )
        step, number = _numbered(step, node, translator)
        found[id(node)] = number
    return step, found


def _numbered(step: Step, node: exp.Window, translator: Translator) -> tuple[Step, Expression]:
    call = node.this
    name = call.this.upper() if isinstance(call, exp.Anonymous) and isinstance(call.this, str) else ""
    at = translator.at(node)
    if name in {"RANK", "DENSE_RANK"}:
        raise SqlError(f"{name}() is not supported", at=at, remedy="Write ROW_NUMBER(), with a full ORDER BY.")
    if name != "ROW_NUMBER" or node.args.get("spec") or node.args.get("alias"):
        raise SqlError(
            "OVER is only supported for ROW_NUMBER() with PARTITION BY and ORDER BY",
            at=at,
            remedy="For aggregates use a window table function, as in TABLE(HOP(TABLE t, DESCRIPTOR(ts), …)).",
        )
    order = node.args.get("order")
    if order is None:
        raise SqlError("ROW_NUMBER() needs ORDER BY", at=at, remedy="Write OVER (PARTITION BY … ORDER BY …).")
    partition: list[str] = []
    for one in node.args.get("partition_by") or ():
        step, name_of = _as_column(step, translator.of(one))
        partition.append(name_of)
    step, orders = _orders(step, order.expressions, translator)
    number = fresh(names(step), "row_number")
    found = steps.numbered(step, partition, orders, number, at)
    return found, column(field_named(found, number), at)


def _as_column(step: Step, value: Expression) -> tuple[Step, str]:
    if isinstance(value, Column):
        return step, value.name
    name = fresh(names(step), "key")
    return steps.with_columns(step, [(name, value)]), name


def _orders(step: Step, nodes: Sequence[Any], translator: Translator) -> tuple[Step, list[Order]]:
    found = []
    for one in nodes:
        value = translator.of(one.this)
        if isinstance(value, Constant):
            raise SqlError("ORDER BY a constant orders nothing", at=value.at, remedy="Name a column.")
        step, name = _as_column(step, value)
        found.append(Order(name, bool(one.args.get("desc")), bool(one.args.get("nulls_first"))))
    return step, found


def limited(
    step: Step, node: Any, translator: Translator, pairs: Sequence[tuple[str, Expression]] | None = None
) -> Step:
    """A query's rows by ORDER BY and LIMIT. ``pairs`` are what it selects; None if the step has that already."""
    order, limit, offset = (node.args.get(part) for part in ("order", "limit", "offset"))
    if not order and not limit and not offset:
        return steps.calc(step, pairs) if pairs is not None else step
    if offset and not limit:
        raise SqlError("OFFSET without LIMIT is not supported", at=translator.at(offset), remedy="Add a LIMIT.")
    selected = dict(pairs or ())
    orders: list[Order] = []
    if order:
        step, orders = _orders(step, order.expressions, _Aliases(translator, selected))
    if limit:
        first = _whole(offset.expression, translator) + 1 if offset else 1
        count = _whole(limit.expression, translator)
        if count == 0:
            raise SqlError("LIMIT 0 gives no rows", at=translator.at(limit), remedy="Write LIMIT 1 or more.")
        found: Step = steps.rank(step, (), orders, (first, first + count - 1))
    else:
        found = _sorted(step, orders, translator, order)
    return steps.calc(found, pairs) if pairs is not None else found


def _sorted(step: Step, orders: Sequence[Order], translator: Translator, node: Any) -> Step:
    time = field_named(step, orders[0].column)
    if orders[0].descending or not (time.is_time or time.is_arrival) or step.changes:
        raise SqlError(
            "A stream that never ends can only be ordered by its time attribute, ascending, or with LIMIT",
            at=translator.at(node),
            remedy="Add LIMIT 10, or ORDER BY the column that the WATERMARK is for.",
        )
    return Sort(step.output, False, step, tuple(orders))


def _whole(node: Any, translator: Translator) -> int:
    value = translator.of(node)
    if not isinstance(value, Constant) or not isinstance(value.value, int) or value.value < 0:
        raise SqlError("LIMIT and OFFSET take whole numbers", at=value.at, remedy="Write LIMIT 10.")
    return value.value


class _Aliases(Translator):
    """Translates ORDER BY, which may name what SELECT gives a name."""

    def __init__(self, base: Translator, selected: Mapping[str, Expression]) -> None:
        super().__init__(base.scope, base.places, base.functions)
        self.base = base
        self.selected = selected

    def special(self, node: Any) -> Expression | None:
        """A column of the SELECT."""
        if isinstance(node, exp.Column) and not node.args.get("table") and node.name in self.selected:
            return self.selected[node.name]
        return self.base.special(node)
