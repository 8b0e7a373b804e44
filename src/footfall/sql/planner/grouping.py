"""Turns GROUP BY, aggregates and HAVING into aggregating steps and what is computed around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlglot import exp

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.functions.registry import aggregate_type, is_aggregate
from footfall.sql.plan import AggregateCall, Field, Step
from footfall.sql.planner import combining, steps, windows
from footfall.sql.planner.steps import column, field_named, fresh
from footfall.sql.planner.translating import Translator
from footfall.sql.types import BIGINT, Family, SqlType

ALIASES: Final = {"STDDEV": "STDDEV_SAMP", "VARIANCE": "VAR_SAMP"}
_NEVER_EMPTY: Final = {"SUM", "AVG", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"}
"""NULL only if a value is: a group with a key has a row."""
EDGES: Final = {"start": "window_start", "end": "window_end", "time": "window_time"}


@dataclass(slots=True)
class Groups:
    """What a query groups by, and the aggregates that it asks for."""

    step: Step
    base: Translator
    keys: dict[str, Expression] = field(default_factory=dict)
    """By the names that they have above."""
    sets: list[list[str]] | None = None
    """Of GROUPING SETS: the keys of each."""
    arguments: dict[str, Expression] = field(default_factory=dict)
    calls: list[AggregateCall] = field(default_factory=list)

    def add_key(self, value: Expression) -> str:
        """A key; its name."""
        known = next((name for name, one in self.keys.items() if one == value), None)
        if known is not None:
            return known
        wanted = value.name if isinstance(value, Column) else "key"
        name = wanted if wanted not in self.keys else fresh(self.keys, wanted)
        if not isinstance(value, Column):
            name = fresh([*steps.names(self.step), *self.keys, *EDGES.values()], "key")
        self.keys[name] = value
        return name

    def add_argument(self, value: Expression) -> str:
        """What an aggregate reads; its name."""
        both = {**self.keys, **self.arguments}
        known = next((name for name, one in both.items() if one == value), None)
        if known is not None:
            return known
        name = value.name if isinstance(value, Column) else "value"
        name = fresh([*both, *EDGES.values()], name)
        self.arguments[name] = value
        return name

    def add_call(self, call: AggregateCall) -> Column:
        """An aggregate; the column that has its result."""
        for one in self.calls:
            if replace(one, name="") == replace(call, name=""):
                return Column(one.type, one.name)
        self.calls.append(replace(call, name=f"agg{len(self.calls)}"))
        return Column(call.type, self.calls[-1].name)


class GroupTranslator(Translator):
    """Translates what stands above GROUP BY: only keys and aggregates have columns there."""

    def __init__(self, groups: Groups) -> None:
        super().__init__(groups.base.scope, groups.base.places, groups.base.functions)
        self.groups = groups

    def special(self, node: Any) -> Expression | None:
        """A key or an aggregate, if it is one."""
        call = aggregate_in(node)
        if call is not None:
            return replace(self._aggregate(node, call), at=self.at(node))
        if isinstance(node, exp.Literal | exp.Null | exp.Boolean | exp.Paren) or has_aggregates(node):
            return None
        value = self.groups.base.of(node)
        for name, one in self.groups.keys.items():
            if one == value:
                return Column(one.type, name, at=self.at(node))
        if isinstance(node, exp.Column):
            raise SqlError(
                f"The column {node.name} is neither in GROUP BY nor in an aggregate",
                at=self.at(node),
                remedy=f"Add {node.name} to GROUP BY, or write MAX({node.name}), FIRST_VALUE({node.name}) or the like.",
            )
        return None

    def _aggregate(self, node: Any, call: exp.Anonymous) -> Column:
        name = call.this.upper()
        at = self.at(node)
        arguments, distinct = list(call.expressions), False
        if arguments and isinstance(arguments[0], exp.Distinct):
            arguments, distinct = [*arguments[0].expressions, *arguments[1:]], True
        argument, kind = None, None
        if not (len(arguments) == 1 and isinstance(arguments[0], exp.Star)):
            if not arguments:
                raise SqlError(
                    f"{name} of what?", at=at, remedy=f"Write {name}(column)" + (", or COUNT(*)." * (name == "COUNT"))
                )
            value = self.groups.base.of(arguments[0])
            argument, kind = self.groups.add_argument(value), value.type
        extra = self._extra(name, arguments[1:])
        where = None
        if isinstance(node, exp.Filter):
            where = self.groups.add_argument(self.groups.base.condition(node.expression.this, "FILTER"))
        result = aggregate_type(name, kind, at)
        if kind is not None and not kind.nullable and self.groups.keys and where is None and name in _NEVER_EMPTY:
            result = result.without_null()
        function = ALIASES.get(name, name)
        return self.groups.add_call(AggregateCall("", function, argument, result, distinct, where, extra))

    def _extra(self, name: str, further: Sequence[Any]) -> tuple[Any, ...]:
        if not further:
            return ()
        if name != "LISTAGG" or len(further) > 1:
            raise SqlError(
                f"{name} takes one argument", at=self.at(further[0]), remedy=f"Write one {name} for each column."
            )
        separator = self.groups.base.of(further[0])
        if not isinstance(separator, Constant) or not isinstance(separator.value, str):
            raise SqlError("The separator of LISTAGG must be a text", at=separator.at, remedy="Write LISTAGG(x, ', ').")
        return (separator.value,)


def aggregate_in(node: Any) -> exp.Anonymous | None:
    """The aggregate that a node is, with FILTER or without."""
    inner = node.this if isinstance(node, exp.Filter) else node
    if isinstance(inner, exp.Anonymous) and isinstance(inner.this, str) and is_aggregate(inner.this):
        return inner
    return None


def has_aggregates(node: Any) -> bool:
    """Whether there is an aggregate in a node; queries within it do not count."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Query | exp.Window):
            continue
        if aggregate_in(one) is not None:
            return True
        waiting.extend(one.iter_expressions())
    return False


def grouped(step: Step, base: Translator, group: exp.Group | None) -> Groups:
    """What a query groups by. Raises SqlError."""
    groups = Groups(step, base)
    if group is None:
        return groups
    if group.args.get("totals") or group.args.get("all") is not None:
        raise SqlError("GROUP BY ALL is not supported", at=base.at(group), remedy="List the columns.")
    for node in group.expressions:
        if isinstance(node, exp.GroupingSets | exp.Cube | exp.Rollup):
            _grouping_sets(groups, group, node)
            continue
        groups.add_key(_key(base, node))
    return groups


def _key(base: Translator, node: Any) -> Expression:
    if has_aggregates(node):
        raise SqlError(
            "There is an aggregate in GROUP BY", at=base.at(node), remedy="Group by columns; filter groups with HAVING."
        )
    value = base.of(node)
    if isinstance(value, Constant):
        raise SqlError(
            "GROUP BY a constant makes one group of all rows",
            at=value.at,
            remedy="Name the column instead of its number, or leave GROUP BY out.",
        )
    return value


def _grouping_sets(groups: Groups, group: exp.Group, node: Any) -> None:
    if len(group.expressions) > 1:
        raise SqlError(
            "GROUPING SETS, CUBE and ROLLUP are only supported alone in GROUP BY",
            at=groups.base.at(node),
            remedy="Put the other columns into each of the sets.",
        )
    if isinstance(node, exp.GroupingSets):
        groups.sets = [_added(groups, _members(one)) for one in node.expressions]
        return
    all_names = _added(groups, [member for one in node.expressions for member in _members(one)])
    if isinstance(node, exp.Rollup):
        groups.sets = [all_names[:count] for count in range(len(all_names), -1, -1)]
    else:
        masks = range(2 ** len(all_names) - 1, -1, -1)
        groups.sets = [[one for place, one in enumerate(all_names) if mask >> place & 1] for mask in masks]


def _added(groups: Groups, nodes: Sequence[Any]) -> list[str]:
    return [groups.add_key(_key(groups.base, one)) for one in nodes]


def _members(node: Any) -> list[Any]:
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this if isinstance(node, exp.Paren) else node]


def aggregated(groups: Groups, at: At) -> tuple[Step, dict[str, Expression]]:
    """The aggregating step, and where keys that are edges of windows have gone."""
    edges = {str(edge): name for name in groups.keys if (edge := field_of_key(groups, name).edge)}
    if {"start", "end"} <= set(edges) and groups.sets is None:
        return _windowed(groups, edges, at)
    pairs = [*groups.keys.items(), *groups.arguments.items()]
    if groups.sets is not None:
        return _expanded(groups, groups.sets, pairs), {}
    before = steps.calc(groups.step, pairs) if pairs else groups.step
    return steps.aggregate(before, list(groups.keys), groups.calls), {}


def field_of_key(groups: Groups, name: str) -> Field:
    """The column that a key is."""
    return steps.field_of(name, groups.keys[name], groups.step)


def _windowed(groups: Groups, edges: dict[str, str], at: At) -> tuple[Step, dict[str, Expression]]:
    if groups.step.changes:
        raise SqlError(
            "Rows that can be taken back cannot be grouped by windows",
            at=at,
            remedy="Put the window table function directly over a stream, before grouping, ranking or outer joins.",
        )
    keys = [name for name in groups.keys if name not in edges.values()]
    values = [*((name, groups.keys[name]) for name in keys), *groups.arguments.items()]
    direct = windows.merged(steps.calc(groups.step, values) if values else groups.step, [name for name, _ in values])
    if direct is not None and set(direct[1].partition) <= set(keys):
        found: Step = steps.window_aggregate(direct[0], direct[1], keys, groups.calls)
    else:
        found = steps.window_aggregate(_with_edges(groups, edges, values), None, keys, groups.calls)
    moved: dict[str, Expression] = {
        name: column(field_named(found, EDGES[edge])) for edge, name in edges.items() if name != EDGES[edge]
    }
    return found, moved


def _with_edges(groups: Groups, edges: dict[str, str], values: Sequence[tuple[str, Expression]]) -> Step:
    """The input of a window aggregate whose windows are columns."""
    step = groups.step
    start, end = groups.keys[edges["start"]], groups.keys[edges["end"]]
    pairs = [*values, (EDGES["start"], start), (EDGES["end"], end)]
    output = [steps.field_of(name, value, step) for name, value in pairs]
    known = next((one for one in step.output if one.edge == "time"), None)
    if known is not None:
        moment: Expression = column(known)
        output.append(replace(known, name=EDGES["time"]))
    else:
        millisecond = Constant(SqlType(Family.INTERVAL_SECOND, nullable=False), 1)
        moment = Call(end.type, "-", (end, millisecond))
        output.append(Field(EDGES["time"], end.type, is_time=True, edge="time"))
    return steps.calc_as(step, output, [*(value for _, value in pairs), moment], None)


def _expanded(groups: Groups, sets: list[list[str]], pairs: Sequence[tuple[str, Expression]]) -> Step:
    """GROUPING SETS: each row once a set, with NULL for the keys that are not in it."""
    marker = fresh([name for name, _ in pairs], "set")
    branches = []
    for number, names in enumerate(sets):
        values = []
        for name, value in pairs:
            missing = name in groups.keys and name not in names
            kind = value.type.with_null()
            argument = _kept_argument(groups, name, value)
            values.append((name, Constant(kind, None) if missing else value))
            if argument is not None:
                values.append(argument)
        values.append((marker, Constant(BIGINT.without_null(), number)))
        branches.append(steps.calc(groups.step, values))
    groups.calls[:] = [_renamed(groups, one) for one in groups.calls]
    return steps.aggregate(combining.union(branches), [*groups.keys, marker], groups.calls)


def _kept_argument(groups: Groups, name: str, value: Expression) -> tuple[str, Expression] | None:
    """A key that an aggregate reads as well must keep its value."""
    if name in groups.keys and any(name in {one.argument, one.where} for one in groups.calls):
        return f"{name} of row", value
    return None


def _renamed(groups: Groups, call: AggregateCall) -> AggregateCall:
    def moved(name: str | None) -> str | None:
        return f"{name} of row" if name in groups.keys else name

    return replace(call, argument=moved(call.argument), where=moved(call.where))
