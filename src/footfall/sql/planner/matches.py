"""Turns MATCH_RECOGNIZE into a step, and refuses the patterns that Flink refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from footfall.sql import plan
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Column, Constant, Expression, Matched, MatchedAggregate
from footfall.sql.functions.registry import aggregate_type
from footfall.sql.plan import Field, PatternItem, Step
from footfall.sql.planner.context import Context, Planning
from footfall.sql.planner.grouping import aggregate_in
from footfall.sql.planner.scopes import entries_of, suggestion
from footfall.sql.planner.steps import field_named
from footfall.sql.planner.translating import Translator
from footfall.sql.syntax.nodes import MatchClause, PatternPart


def matched(step: Step, clause: MatchClause, table: str, planning: Planning) -> Step:
    """The matches in a step's rows. Raises SqlError."""
    if step.changes:
        raise SqlError(
            "Rows that can be taken back cannot be matched",
            at=clause.at,
            remedy="Put MATCH_RECOGNIZE directly over a stream, before grouping, ranking or outer joins.",
        )
    base = planning.translator(entries_of(step, table), Context())
    partition = tuple(_column(one, base, "PARTITION BY").name for one in clause.partition)
    order = tuple(_order(one, base) for one in clause.order)
    _check_time(step, order, clause)
    variables = _variables(clause.pattern)
    pattern = _pattern(clause.pattern, variables)
    define = _define(clause, base, variables)
    values, fields = _measures(step, clause, base, variables, partition)
    skip, skip_to = clause.skip or "past last row", clause.skip_to
    if skip_to is not None and skip_to.text not in variables:
        raise _no_variable(skip_to.text, skip_to.at, variables)
    output = (*(field_named(step, name) for name in partition), *fields)
    within = None if clause.within is None else int(clause.within.args["value"])
    if within is not None and (within <= 0 or "MONTH" in str(clause.within.args["kind"])):
        raise SqlError(
            "WITHIN takes an interval of days or less",
            at=planning.at(clause.within),
            remedy="Write INTERVAL '30' MINUTE.",
        )
    target = skip_to.text if skip_to is not None else ""
    return plan.Match(tuple(output), False, step, partition, order, pattern, define, values, skip, target, within)


def _column(node: Any, base: Translator, where: str) -> Column:
    found = base.of(node)
    if not isinstance(found, Column):
        raise SqlError(f"{where} takes columns", at=found.at, remedy="Compute it in a query below.")
    return found


def _order(node: Any, base: Translator) -> plan.Order:
    found = _column(node.this, base, "ORDER BY")
    return plan.Order(found.name, bool(node.args.get("desc")), bool(node.args.get("nulls_first")))


def _check_time(step: Step, order: Sequence[plan.Order], clause: MatchClause) -> None:
    time = field_named(step, order[0].column) if order else None
    if time is None or order[0].descending or not (time.is_time or time.is_arrival):
        raise SqlError(
            "MATCH_RECOGNIZE needs ORDER BY a time attribute, ascending, first",
            at=clause.at,
            remedy="Order by the column that the table's WATERMARK is for.",
        )


# ---------------------------------------------------------------- PATTERN


def _variables(part: PatternPart) -> dict[str, At]:
    found: dict[str, At] = {}
    waiting = [part]
    while waiting:
        one = waiting.pop(0)
        if one.variable:
            if one.variable in found:
                raise SqlError(
                    f"The variable {one.variable} is twice in the pattern",
                    at=one.at,
                    remedy="Give the second one another name, and the same condition in DEFINE.",
                )
            found[one.variable] = one.at
        waiting = [*one.parts, *waiting]
    return found


def _pattern(part: PatternPart, variables: dict[str, At]) -> PatternItem:
    found = _item(part)
    items = found.items if found.items and not found.variable else (found,)
    if all(one.least == 0 for one in items):
        raise SqlError(
            "The pattern matches no rows at all",
            at=part.at,
            remedy="Make one variable necessary: A without a quantifier, or A+.",
        )
    last = items[-1]
    if last.most != last.least and not last.reluctant:
        raise SqlError(
            "The last variable of a pattern must not be greedy",
            at=variables[last.variable],
            remedy=f"Write {last.variable}+? or the like, or put a variable behind it that ends the match.",
        )
    return found


def _item(part: PatternPart) -> PatternItem:
    if part.choice:
        raise SqlError("| in patterns is not supported", at=part.at, remedy="Define one variable with OR instead.")
    if part.variable:
        if part.reluctant and part.most == 1 and part.least == 0:
            raise SqlError("?? is not supported", at=part.at, remedy="Write ? instead.")
        return PatternItem(part.variable, least=part.least, most=part.most, reluctant=part.reluctant)
    if (part.least, part.most) != (1, 1):
        raise SqlError(
            "A group of variables cannot have a quantifier",
            at=part.at,
            remedy="Give quantifiers to single variables: A+ B+ instead of (A B)+.",
        )
    items: list[PatternItem] = []
    for one in part.parts:
        inner = _item(one)
        items += inner.items or (inner,)
    return PatternItem(items=tuple(items))


# ---------------------------------------------------------------- DEFINE, MEASURES


def _define(clause: MatchClause, base: Translator, variables: dict[str, At]) -> dict[str, Expression]:
    found: dict[str, Expression] = {}
    for name, node in clause.define:
        if name.text not in variables:
            raise _no_variable(name.text, name.at, variables)
        if name.text in found:
            raise SqlError(
                f"{name.text} is defined twice", at=name.at, remedy="Join both conditions by AND, or rename one."
            )
        found[name.text] = MatchTranslator(base, variables, name.text).condition(node, "DEFINE")
    return found


def _no_variable(name: str, at: At, variables: dict[str, At]) -> SqlError:
    return SqlError(f"{name} is not in the pattern", at=at, remedy=suggestion(name, variables, "Its variables are"))


def _measures(
    step: Step, clause: MatchClause, base: Translator, variables: dict[str, At], partition: Sequence[str]
) -> tuple[tuple[Expression, ...], list[Field]]:
    values: list[Expression] = []
    fields: list[Field] = []
    for node, name in clause.measures:
        if name.text in {*partition, *(one.name for one in fields)}:
            raise SqlError(f"There are two columns {name.text}", at=name.at, remedy="Give one of them another name.")
        translator = MatchTranslator(base, variables, "")
        value = translator.of(node)
        values.append(value)
        moment = isinstance(node, exp.Anonymous) and str(node.this).upper() == "MATCH_ROWTIME"
        is_time = moment and any(one.is_time for one in step.output)
        fields.append(Field(name.text, value.type, is_time=is_time))
    return tuple(values), fields


class MatchTranslator(Translator):
    """Translates DEFINE and MEASURES: columns are those of the rows that a variable was given."""

    def __init__(self, base: Translator, variables: dict[str, At], own: str) -> None:
        super().__init__(base.scope, base.places, base.functions)
        self.base = base
        self.variables = variables
        self.own = own
        """Of DEFINE, whose condition it is."""

    def special(self, node: Any) -> Expression | None:
        """What only patterns know."""
        if isinstance(node, exp.Column):
            return self._matched(node)
        call = aggregate_in(node)
        if call is not None:
            return self._aggregate(node, call)
        if not isinstance(node, exp.Anonymous) or not isinstance(node.this, str):
            return None
        name = node.this.upper()
        if name in {"FIRST", "LAST"}:
            return self._navigated(node, "first" if name == "FIRST" else "last")
        if name in {"PREV", "NEXT"}:
            raise SqlError(
                f"{name} is not supported", at=self.at(node), remedy="Write LAST(A.x, 1): the row of A before the last."
            )
        if name in {"CLASSIFIER", "MATCH_NUMBER", "FINAL", "RUNNING"}:
            raise SqlError(f"{name} is not supported", at=self.at(node), remedy="Leave it out.")
        if name in {"MATCH_ROWTIME", "MATCH_PROCTIME"}:
            return self._time(node, name)
        return None

    def _matched(self, node: exp.Column) -> Matched:
        if isinstance(node.this, exp.Star):
            raise SqlError("* cannot stand here", at=self.at(node), remedy="Name one column.")
        variable = node.table
        if variable and variable not in self.variables:
            raise _no_variable(variable, self.at(node), self.variables)
        found = _column(exp.column(node.this.copy()), self.base, "A pattern")
        optional = found.type if variable and variable == self.own else found.type.with_null()
        return Matched(optional, variable, found.name, at=self.at(node))

    def _navigated(self, node: exp.Anonymous, which: Any) -> Matched:
        arguments = node.expressions
        if not 1 <= len(arguments) <= 2 or not isinstance(arguments[0], exp.Column):
            raise SqlError(
                f"{which.upper()} takes a column of a variable", at=self.at(node), remedy=f"Write {which.upper()}(A.x)."
            )
        offset = 0
        if len(arguments) == 2:
            value = self.base.of(arguments[1])
            if not isinstance(value, Constant) or not isinstance(value.value, int) or value.value < 0:
                raise SqlError("The offset must be a whole number", at=value.at, remedy="Write LAST(A.x, 1).")
            offset = value.value
        found = self._matched(arguments[0])
        return Matched(found.type.with_null(), found.variable, found.name, which, offset, at=self.at(node))

    def _aggregate(self, node: Any, call: Any) -> MatchedAggregate:
        name, at = call.this.upper(), self.at(node)
        if isinstance(node, exp.Filter) or any(isinstance(one, exp.Distinct) for one in call.expressions):
            raise SqlError(
                "DISTINCT and FILTER are not supported in MATCH_RECOGNIZE", at=at, remedy="Write a plain aggregate."
            )
        if len(call.expressions) != 1:
            raise SqlError(f"{name} takes one argument here", at=at, remedy=f"Write {name}(A.x).")
        (given,) = call.expressions
        if isinstance(given, exp.Star):
            return MatchedAggregate(aggregate_type(name, None, at), name, "", None, at=at)
        tables = {one.table for one in given.find_all(exp.Column)}
        if len(tables) > 1:
            raise SqlError(
                "An aggregate looks at the rows of one variable", at=at, remedy="Write one aggregate for each variable."
            )
        variable = next(iter(tables), "")
        if variable and variable not in self.variables:
            raise _no_variable(variable, self.at(given), self.variables)
        if isinstance(given, exp.Column) and isinstance(given.this, exp.Star):
            return MatchedAggregate(aggregate_type(name, None, at), name, variable, None, at=at)
        value = _OfVariable(self.base, variable).of(given)
        kind = aggregate_type(name, value.type, at)
        return MatchedAggregate(kind, name, variable, value, at=at)

    def _time(self, node: exp.Anonymous, name: str) -> Expression:
        if name == "MATCH_PROCTIME":
            return self.typed("PROCTIME", [], self.at(node))
        times = [one for one in self.scope.entries if one.field.is_time]
        if not times:
            raise SqlError("The table has no event time", at=self.at(node), remedy="Declare a WATERMARK.")
        field = times[0].field
        return Matched(field.type, "", field.name, at=self.at(node))


class _OfVariable(Translator):
    """Translates what an aggregate is of, over the rows of one variable."""

    def __init__(self, base: Translator, variable: str) -> None:
        super().__init__(base.scope, base.places, base.functions)
        self.variable = variable

    def special(self, node: Any) -> Expression | None:
        """A column with the variable before it."""
        if isinstance(node, exp.Column) and node.table == self.variable:
            return self.scope.find([node.name], self.at(node))
        return None
