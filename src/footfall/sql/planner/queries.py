"""Turns a query that was read into a plan of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlglot import exp

from footfall.sql import plan
from footfall.sql.errors import SqlError
from footfall.sql.expressions import Column, Constant, Expression
from footfall.sql.plan import Field, Step
from footfall.sql.planner import combining, ranks, steps
from footfall.sql.planner.context import Context, Planning, and_parts, refreshed
from footfall.sql.planner.grouping import GroupTranslator, aggregated, grouped, has_aggregates
from footfall.sql.planner.ordering import limited, numbering
from footfall.sql.planner.pruning import pruned
from footfall.sql.planner.pushing import pushed
from footfall.sql.planner.scopes import Entry, entries_of, suggestion
from footfall.sql.planner.sources import SourcePlanner
from footfall.sql.planner.steps import field_named, fresh, names
from footfall.sql.planner.subqueries import SubqueryPlanner
from footfall.sql.planner.translating import Translator
from footfall.sql.planner.unions import aligned
from footfall.sql.planner.walking import conjuncts, rewritten
from footfall.sql.types import BOOLEAN

_REFUSED: Final = {
    "qualify": ("QUALIFY", "Put the query into FROM, and write WHERE around it."),
    "sample": ("TABLESAMPLE", "Write WHERE MOD(column, 10) = 0, or the like."),
    "kind": ("SELECT AS", "List the columns."),
    "laterals": ("LATERAL", "Join with a query instead."),
    "connect": ("CONNECT BY", "Leave it out."),
}


class QueryPlanner(Planning):
    """Plans queries over a catalog."""

    def query(self, node: Any, context: Context) -> Step:
        """The plan of any query. Raises SqlError."""
        context = self._with(node, context)
        match node:
            case exp.Select():
                return self._select(node, context)
            case exp.Subquery():
                return self._ordered(node, self.query(node.this, context), context)
            case exp.Union():
                return self._ordered(node, self._union(node, context), context)
            case exp.Values():
                return self.values(node, context)
            case exp.Except() | exp.Intersect():
                word = type(node).__name__.upper()
                raise SqlError(
                    f"{word} is not supported",
                    at=self.at(node.expression),
                    remedy="Write WHERE EXISTS (…), or NOT EXISTS (…) for EXCEPT.",
                )
        raise SqlError("A query is expected here", at=self.at(node), remedy="Write SELECT … FROM ….")

    def _with(self, node: Any, context: Context) -> Context:
        clause = node.args.get("with_")
        if clause is None:
            return context
        if clause.args.get("recursive"):
            raise SqlError("WITH RECURSIVE is not supported", at=self.at(clause), remedy="Leave RECURSIVE out.")
        for one in clause.expressions:
            name = one.alias
            if name in context.named:
                raise SqlError(f"{name} is there twice", at=self.at(one.args["alias"]), remedy="Give one another name.")
            step = self.query(one.this, context)
            columns = [each.name for each in one.args["alias"].args.get("columns") or ()]
            named = self.renamed(step, columns, one.args["alias"]) if columns else step
            context = replace(context, named={**context.named, name: named})
        return context

    # ------------------------------------------------------------ VALUES, UNION

    def _union(self, node: exp.Union, context: Context) -> Step:
        branches: list[Any] = []
        left: Any = node
        distinct = bool(node.args.get("distinct"))
        while isinstance(left, exp.Union) and bool(left.args.get("distinct")) == distinct:
            if left.args.get("by_name") or (left is not node and left.args.get("order")):
                raise SqlError("UNION BY NAME is not supported", at=self.at(left), remedy="List the columns in order.")
            branches.append(left.expression)
            left = left.this
        branches.append(left)
        inputs = [self.query(one, context) for one in reversed(branches)]
        nodes = list(reversed(branches))
        for one, branch in zip(inputs, nodes, strict=True):
            if len(one.output) != len(inputs[0].output):
                raise SqlError(
                    f"This query of UNION has {len(one.output)} columns, and the first has {len(inputs[0].output)}",
                    at=self.at(branch),
                    remedy="Select as many columns in each; CAST(NULL AS STRING) stands for what is missing.",
                )
        found = combining.union(aligned(inputs, [self.at(one) for one in nodes]))
        return steps.aggregate(found, names(found), []) if distinct else found

    def _ordered(self, node: Any, step: Step, context: Context) -> Step:
        """ORDER BY and LIMIT of what is no plain SELECT."""
        if not any(node.args.get(part) for part in ("order", "limit", "offset")):
            return step
        translator = self.translator(entries_of(step, ""), context)
        return limited(step, node, translator)

    # ------------------------------------------------------------ SELECT

    def _select(self, node: exp.Select, context: Context) -> Step:
        self._refuse(node)
        step, entries = self._from(node, context)
        step = self._where(node, step, entries, context)
        entries = refreshed(entries, step)
        base = self.translator(entries, context)
        group, having = node.args.get("group"), node.args.get("having")
        projections = self._projections(node, entries)
        if group is not None or having is not None or any(has_aggregates(one) for one in projections):
            step = self._grouped(node, step, base, projections)
        else:
            step = self._projected(node, step, base, projections, entries)
        return step

    def _refuse(self, node: exp.Select) -> None:
        for part, (word, remedy) in _REFUSED.items():
            given = node.args.get(part)
            if given:
                raise SqlError(
                    f"{word} is not supported",
                    at=self.at(given if isinstance(given, exp.Expr) else node),
                    remedy=remedy,
                )
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise SqlError(
                "DISTINCT ON is not supported", at=self.at(distinct.args["on"]), remedy="Use ROW_NUMBER() = 1."
            )

    def _from(self, node: exp.Select, context: Context) -> tuple[Step, list[Entry]]:
        clause = node.args.get("from_")
        if clause is None:
            one = plan.Values(
                (Field("one", BOOLEAN.without_null()),), False, ((Constant(BOOLEAN.without_null(), True),),)
            )
            return one, []
        return SourcePlanner(self, context).tables(clause.this, node.args.get("joins") or [])

    def _where(self, node: exp.Select, step: Step, entries: Sequence[Entry], context: Context) -> Step:
        clause = node.args.get("where")
        conditions: list[Expression] = []
        queries: list[Any] = []
        if clause is not None:
            translator = self.translator(entries, context)
            if has_aggregates(clause.this):
                raise SqlError(
                    "There is an aggregate in WHERE", at=self.at(clause.this), remedy="Filter groups with HAVING."
                )
            for one in and_parts(clause.this):
                if SubqueryPlanner.concerns(one):
                    queries.append(one)
                else:
                    conditions += conjuncts(translator.condition(one, "WHERE"))
        step = pushed(step, conditions)
        for one in queries:
            step = SubqueryPlanner(self, context).joined(one, step, refreshed(entries, step))
        return step

    def _projections(self, node: exp.Select, entries: Sequence[Entry]) -> list[Any]:
        """What stands behind SELECT, with * as the columns that it means."""
        found: list[Any] = []
        for one in node.expressions:
            star = one.this if isinstance(one, exp.Column) and isinstance(one.this, exp.Star) else one
            if not isinstance(star, exp.Star):
                found.append(one)
                continue
            if any(star.args.get(part) for part in ("except_", "replace", "rename", "ilike")):
                raise SqlError("* with exceptions is not supported", at=self.at(star), remedy="List the columns.")
            table = one.args["table"].name if isinstance(one, exp.Column) and one.args.get("table") else ""
            some = [each for each in entries if each.table == table] if table else [e for e in entries if not e.shared]
            if not some:
                tables = [each.table for each in entries if each.table]
                what = f"There is no table {table} here" if table else "The query has no FROM"
                raise SqlError(what, at=self.at(one), remedy=suggestion(table, tables, "Tables here are"))
            found += [Starred(this=star, entry=each) for each in some]
        return found

    def _projected(
        self, node: exp.Select, step: Step, base: Translator, projections: Sequence[Any], entries: Sequence[Entry]
    ) -> Step:
        step, numbers = numbering(step, projections, node.args.get("windows") or [], base)
        translator = ProjectionTranslator(base, numbers)
        pairs = self._named(projections, translator)
        distinct = node.args.get("distinct") is not None
        del entries
        if distinct:
            step = steps.calc(step, pairs)
            step = steps.aggregate(step, names(step), [])
            return self._ordered(node, step, Context())
        return limited(step, node, translator, pairs)

    def _grouped(self, node: exp.Select, step: Step, base: Translator, projections: Sequence[Any]) -> Step:
        group, having = node.args.get("group"), node.args.get("having")
        for one in projections:
            if isinstance(one, Starred):
                raise SqlError(
                    "* does not go together with GROUP BY or aggregates", at=self.at(one), remedy="List the columns."
                )
        groups = grouped(step, base, group)
        translator = GroupTranslator(groups)
        pairs = self._named(projections, translator)
        conditions = conjuncts(translator.condition(having.this, "HAVING")) if having is not None else []
        order = node.args.get("order")
        sorters = {id(one.this): translator.of(one.this) for one in _sorters(order, pairs)}
        above, moved = aggregated(groups, self.at(group or projections[0]))
        settle = _settled(above, moved)
        pairs = [(name, settle(value)) for name, value in pairs]
        above = pushed(above, [settle(one) for one in conditions])
        if node.args.get("distinct") is not None:
            above = steps.calc(above, pairs)
            above = steps.aggregate(above, names(above), [])
            return self._ordered(node, above, Context())
        settled = {key: settle(value) for key, value in sorters.items()}
        return limited(above, node, ProjectionTranslator(base, settled), pairs)

    def _named(self, projections: Sequence[Any], translator: Translator) -> list[tuple[str, Expression]]:
        """The values of a SELECT, under names that are there once."""
        found: dict[str, Expression] = {}
        for place, one in enumerate(projections):
            inner = one.this if isinstance(one, exp.Alias) else one
            value = translator.of(inner)
            name = projected_name(one, place)
            found[fresh(found, name)] = value
        return list(found.items())


class Starred(exp.Expression):
    """A column that * stands for."""

    arg_types = {"this": True, "entry": True}  # noqa: RUF012 - sqlglot's way


class ProjectionTranslator(Translator):
    """Translates SELECT without GROUP BY."""

    def __init__(self, base: Translator, numbers: Mapping[int, Expression]) -> None:
        super().__init__(base.scope, base.places, base.functions)
        self.numbers = numbers

    def special(self, node: Any) -> Expression | None:
        """A column of *, or the number of a row."""
        if isinstance(node, Starred):
            entry: Entry = node.args["entry"]
            return replace(entry.value, at=self.at(node))
        return self.numbers.get(id(node))


def projected_name(node: Any, place: int) -> str:
    """The name of a column of a SELECT."""
    if isinstance(node, Starred):
        return str(node.args["entry"].name)
    if isinstance(node, exp.Alias):
        return str(node.alias)
    if isinstance(node, exp.Column | exp.Dot):
        return str(node.name)
    return f"EXPR${place}"


def _sorters(order: Any, pairs: Sequence[tuple[str, Expression]]) -> list[Any]:
    """What ORDER BY names that SELECT has given no name."""
    known = [name for name, _ in pairs]
    nodes = order.expressions if order is not None else []
    return [one for one in nodes if not (isinstance(one.this, exp.Column) and one.this.name in known)]


def _settled(step: Step, moved: Mapping[str, Expression]) -> Any:
    def change(value: Expression) -> Expression | None:
        if not isinstance(value, Column):
            return None
        target = moved.get(value.name)
        name = target.name if isinstance(target, Column) else value.name
        return Column(field_named(step, name).type, name, at=value.at)

    return lambda value: rewritten(value, change)


def finished(step: Step) -> Step:
    """A query's plan, checked, without columns that nobody needs."""
    wrong = ranks.undecided(step)
    if wrong is not None:
        raise wrong
    return pruned(step)
