"""What planning a query needs to know wherever it is: the catalog, the queries of WITH, the query around."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from footfall.sql import plan
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Column
from footfall.sql.functions.coercion import coerced
from footfall.sql.functions.registry import common_type
from footfall.sql.functions.user import UserFunctions
from footfall.sql.plan import Field, Step
from footfall.sql.planner import steps
from footfall.sql.planner.catalog import Catalog
from footfall.sql.planner.scopes import Entry, Scope
from footfall.sql.planner.steps import column, field_named
from footfall.sql.planner.translating import Translator
from footfall.sql.syntax.places import Places


@dataclass(frozen=True, slots=True)
class Context:
    """What a query may refer to besides tables and views."""

    named: Mapping[str, Step] = field(default_factory=dict)
    """The queries of WITH."""
    outer: Scope | None = None
    taken: frozenset[str] = frozenset()
    """Names of columns of the query around this one."""


class Planning(ABC):
    """What the parts of the planner share."""

    def __init__(self, catalog: Catalog, places: Places, functions: UserFunctions) -> None:
        self.catalog = catalog
        self.places = places
        self.functions = functions

    def at(self, node: Any) -> At:
        """Where a node stands."""
        return self.places.of(node)

    def translator(self, entries: Sequence[Entry], context: Context) -> Translator:
        """A translator for these columns."""
        return Translator(Scope(tuple(entries), context.outer), self.places, self.functions)

    @abstractmethod
    def query(self, node: Any, context: Context) -> Step:
        """The plan of any query. Raises SqlError."""

    def renamed(self, step: Step, columns: Sequence[str], node: Any) -> Step:
        """A step with other names for its columns."""
        if len(columns) != len(step.output):
            raise SqlError(
                f"There are {len(columns)} names for {len(step.output)} columns",
                at=self.at(node),
                remedy="Give a name to each column, or to none.",
            )
        return steps.calc(step, [(new, column(one)) for new, one in zip(columns, step.output, strict=True)])

    def values(self, node: exp.Values, context: Context) -> Step:
        """Rows that stand in the query."""
        translator = self.translator((), context)
        rows = [[translator.of(value) for value in one.expressions] for one in node.expressions]
        for row, given in zip(rows, node.expressions, strict=True):
            if len(row) != len(rows[0]):
                raise SqlError(
                    f"This row has {len(row)} values, and the first has {len(rows[0])}",
                    at=self.at(given),
                    remedy="Give all rows the same number of values; NULL for what is not known.",
                )
        output = []
        for place in range(len(rows[0])):
            kind = common_type([row[place].type for row in rows])
            if kind is None:
                raise SqlError(
                    f"Column {place + 1} of VALUES mixes types", at=rows[0][place].at, remedy="Write CAST(… AS …)."
                )
            output.append(Field(f"EXPR${place}", kind))
            for row in rows:
                row[place] = coerced(row[place], kind)
        return plan.Values(tuple(output), False, tuple(tuple(row) for row in rows))


def and_parts(node: Any) -> list[Any]:
    """The conditions of which all must be true, as they stand in the query."""
    found: list[Any] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.And):
            waiting += [one.expression, one.this]
        elif isinstance(one, exp.Paren) and isinstance(one.this, exp.And | exp.Paren | exp.In | exp.Exists | exp.Not):
            waiting.append(one.this)
        else:
            found.append(one)
    return found


def refreshed(entries: Sequence[Entry], step: Step) -> list[Entry]:
    """Entries with what is known of their columns by now."""
    found = []
    for one in entries:
        if isinstance(one.value, Column):
            known = field_named(step, one.value.name)
            found.append(replace(one, field=known, value=replace(one.value, type=known.type)))
        else:
            found.append(one)
    return found
