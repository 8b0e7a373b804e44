"""Turns IN and EXISTS of WHERE into joins that keep, or leave out, the rows with a partner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from footfall.sql.errors import SqlError
from footfall.sql.expressions import Expression
from footfall.sql.plan import JoinKind, Step
from footfall.sql.planner import combining, steps
from footfall.sql.planner.context import Context, Planning, and_parts
from footfall.sql.planner.grouping import has_aggregates
from footfall.sql.planner.pushing import pushed
from footfall.sql.planner.scopes import Entry, Scope
from footfall.sql.planner.sources import SourcePlanner
from footfall.sql.planner.steps import column, fresh, names
from footfall.sql.planner.translating import Translator
from footfall.sql.planner.walking import columns_of, conjunction, conjuncts


class SubqueryPlanner:
    """Plans the queries in one WHERE."""

    def __init__(self, queries: Planning, context: Context) -> None:
        self.queries = queries
        self.context = context

    @staticmethod
    def concerns(node: Any) -> bool:
        """Whether a condition is EXISTS or IN with a query, or NOT of that."""
        inner = _without_not(node)[0]
        return isinstance(inner, exp.Exists) or (isinstance(inner, exp.In) and bool(inner.args.get("query")))

    def joined(self, node: Any, step: Step, entries: Sequence[Entry]) -> Step:
        """The rows of a step for which such a condition is true."""
        inner, negated = _without_not(node)
        kind = JoinKind.ANTI if negated else JoinKind.SEMI
        if isinstance(inner, exp.Exists):
            right, conditions, _ = self._inner(inner.this, step, entries)
        else:
            right, conditions, selected = self._inner(inner.args["query"], step, entries)
            conditions = [*conditions, *self._equal(inner, selected, entries, negated=negated)]
        return pushed(combining.join(kind, step, right, (), conjunction(conditions)), [])

    def _equal(
        self, node: exp.In, selected: Sequence[Expression], entries: Sequence[Entry], *, negated: bool
    ) -> list[Expression]:
        translator = self._translator(entries)
        values = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
        if len(values) != len(selected):
            raise SqlError(
                f"The query behind IN has {len(selected)} columns, not {len(values)}",
                at=self.queries.at(node.args["query"]),
                remedy="Select just what is compared.",
            )
        found = []
        for value, other in zip(values, selected, strict=True):
            ours = translator.of(value)
            equal = translator.typed("=", [ours, other], ours.at)
            if negated and equal.type.nullable:
                unknown = [translator.typed("IS NULL", [one], ours.at) for one in (ours, other) if one.type.nullable]
                equal = translator.typed("OR", [equal, *unknown], ours.at)
            found.append(equal)
        return found

    def _inner(
        self, node: Any, step: Step, entries: Sequence[Entry]
    ) -> tuple[Step, list[Expression], list[Expression]]:
        """The query's rows, what they must have in common with the outer row, and what the query selects."""
        while isinstance(node, exp.Subquery) and not any(node.args.get(one) for one in ("order", "limit", "offset")):
            node = node.this
        taken = frozenset({*names(step), *self.context.taken})
        if not isinstance(node, exp.Select) or not _is_simple(node):
            right = self.queries.query(node, replace(self.context, outer=None, taken=frozenset()))
            right = steps.calc(right, [(fresh(taken, one.name), column(one)) for one in right.output])
            return right, [], [column(one) for one in right.output]
        context = replace(self.context, outer=Scope(tuple(entries), self.context.outer), taken=taken)
        right, inside = SourcePlanner(self.queries, context).tables(
            node.args["from_"].this, node.args.get("joins") or []
        )
        translator = self.queries.translator(inside, context)
        own: list[Expression] = []
        common: list[Expression] = []
        where = node.args.get("where")
        for one in and_parts(where.this) if where is not None else []:
            for condition in conjuncts(translator.condition(one, "WHERE")):
                (own if columns_of(condition) <= set(names(right)) else common).append(condition)
        selected = [] if _stars(node) else [translator.of(_plain(one)) for one in node.expressions]
        if _stars(node):
            selected = [one.value for one in inside if not one.shared]
        return pushed(right, own), common, selected

    def _translator(self, entries: Sequence[Entry]) -> Translator:
        return self.queries.translator(entries, self.context)


def _without_not(node: Any) -> tuple[Any, bool]:
    negated = False
    while isinstance(node, exp.Not | exp.Paren):
        negated ^= isinstance(node, exp.Not)
        node = node.this
    return node, negated


def _is_simple(node: exp.Select) -> bool:
    parts = ("group", "having", "distinct", "limit", "offset", "order", "with_", "qualify")
    if any(node.args.get(one) for one in parts) or not node.args.get("from_"):
        return False
    nested = any(SubqueryPlanner.concerns(one) for one in _where_parts(node))
    return not nested and not any(has_aggregates(one) or one.find(exp.Window) for one in node.expressions)


def _where_parts(node: exp.Select) -> list[Any]:
    where = node.args.get("where")
    return and_parts(where.this) if where is not None else []


def _stars(node: exp.Select) -> bool:
    return any(isinstance(one, exp.Star) for one in node.expressions)


def _plain(node: Any) -> Any:
    return node.this if isinstance(node, exp.Alias) else node
