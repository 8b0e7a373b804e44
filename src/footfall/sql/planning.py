"""Turns a file of SQL into what is to be run: which rows go where."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from footfall.core.errors import UsageError
from footfall.sql.errors import At, SqlError
from footfall.sql.functions.user import UserFunctions
from footfall.sql.plan import Insert, Script, Table
from footfall.sql.planner.catalog import Catalog, declare
from footfall.sql.planner.context import Context
from footfall.sql.planner.inserting import aligned
from footfall.sql.planner.queries import QueryPlanner, finished
from footfall.sql.syntax import nodes
from footfall.sql.syntax.dialect import read
from footfall.sql.syntax.places import Places

_NO_STREAMS: Final[Mapping[str, str | Table]] = {}
_DEEP: Final = "The query is nested too deeply"


def plan_script(
    text: str, *, streams: Mapping[str, str | Table] = _NO_STREAMS, functions: UserFunctions | None = None
) -> Script:
    """Plan a file of statements.

    ``streams`` are tables that need not be declared in the file, or CREATE TABLE statements, by name. ``functions``
    are the user's own; those that the file creates are added.
    Raises SqlError, with the line and column of what is wrong, and what to write instead.
    """
    try:
        return _planned(text, streams, functions or UserFunctions())
    except RecursionError:
        gc.collect()
        raise SqlError(_DEEP, at=At(), remedy="Give parts of the query names, with CREATE VIEW or WITH.") from None


def _planned(text: str, streams: Mapping[str, str | Table], functions: UserFunctions) -> Script:
    parsed = read(text)
    work = _Work(Catalog(streams), parsed.places, functions)
    for statement in parsed.statements:
        work.take(statement)
    if work.open_set is not None:
        raise SqlError("The statement set has no END", at=work.open_set, remedy="Write END; behind its last INSERT.")
    if not work.inserts:
        raise SqlError("There is no query", at=parsed.places.end(), remedy="Add a SELECT or an INSERT INTO.")
    return work.script()


@dataclass(slots=True)
class _Work:
    """What the statements so far have made."""

    catalog: Catalog
    places: Places
    functions: UserFunctions
    inserts: list[Insert] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    open_set: At | None = None
    explain: bool = False

    def take(self, statement: nodes.Statement) -> None:
        """Take the next statement."""
        self.explain = self.explain and self.open_set is not None
        match statement:
            case nodes.CreateTable():
                self._table(statement)
            case nodes.CreateView():
                self._view(statement)
            case nodes.CreateFunction():
                self._function(statement)
            case nodes.InsertInto():
                self.inserts.append(self._insert(statement))
            case nodes.Select():
                self._select(statement)
            case nodes.SetOption(key=key, value=value):
                self.settings[key] = value
            case nodes.SetEdge():
                self._edge(statement)
            case nodes.Explain():
                self.take(statement.statement)
                self.explain = True
            case nodes.Drop():
                self._drop(statement)

    def script(self) -> Script:
        """What all of them are together."""
        tables = {name: one.table for name, one in self.catalog.tables.items()}
        return Script(tuple(self.inserts), tables, self.settings, self.explain)

    @property
    def _planner(self) -> QueryPlanner:
        return QueryPlanner(self.catalog, self.places, self.functions)

    def _outside(self, at: At, what: str) -> None:
        if self.open_set is not None:
            raise SqlError(
                f"{what} cannot stand in a statement set", at=at, remedy="Only INSERT INTO can; put it before."
            )

    def _table(self, statement: nodes.CreateTable) -> None:
        self._outside(statement.name.at, "CREATE")
        if statement.if_not_exists and statement.name.text in self.catalog.tables:
            return
        self.catalog.check_new(statement.name)
        declared = declare(statement, self.places, self.functions)
        self.catalog.tables[statement.name.text] = declared

    def _view(self, statement: nodes.CreateView) -> None:
        self._outside(statement.name.at, "CREATE")
        if statement.if_not_exists and statement.name.text in self.catalog.views:
            return
        self.catalog.check_new(statement.name)
        step = self._planner.query(statement.query, Context())
        if statement.columns:
            step = self._planner.renamed(step, [one.text for one in statement.columns], statement.query)
        self.catalog.views[statement.name.text] = step

    def _function(self, statement: nodes.CreateFunction) -> None:
        self._outside(statement.name.at, "CREATE")
        if statement.name.text in self.functions:
            raise SqlError(
                f"There is a function {statement.name.text} already",
                at=statement.name.at,
                remedy="Give one of them another name.",
            )
        try:
            self.functions = self.functions.load(statement.name.text, statement.path.text)
        except UsageError as error:
            raise SqlError(error.message.rstrip("."), at=statement.path.at, remedy=error.remedy) from error

    def _insert(self, statement: nodes.InsertInto) -> Insert:
        source = self._planner.query(statement.query, Context())
        declared = self.catalog.views.get(statement.table.text)
        if declared is not None:
            raise SqlError(f"{statement.table.text} is a view", at=statement.table.at, remedy="Insert into a table.")
        target = self.catalog.declared(statement.table.text, statement.table.at)
        at = self.places.of(statement.query)
        source = aligned(source, target, statement.columns, statement.table, at)
        table = replace(target.table, columns=target.sink)
        return Insert(finished(source), table, statement.table.at)

    def _select(self, statement: nodes.Select) -> None:
        self._outside(statement.at, "SELECT")
        source: Any = self._planner.query(statement.query, Context())
        self.inserts.append(Insert(finished(source), None, statement.at))

    def _edge(self, statement: nodes.SetEdge) -> None:
        if statement.begins:
            self._outside(statement.at, "A statement set")
            self.open_set = statement.at
            return
        if self.open_set is None:
            raise SqlError("END without a beginning", at=statement.at, remedy="Leave it out.")
        self.open_set = None

    def _drop(self, statement: nodes.Drop) -> None:
        name = statement.name
        held: Any = self.catalog.views if statement.kind == "VIEW" else self.catalog.tables
        if statement.kind == "FUNCTION":
            raise SqlError("DROP FUNCTION is not supported", at=name.at, remedy="Leave it out.")
        if name.text not in held and not statement.if_exists:
            raise SqlError(
                f"There is no {statement.kind.lower()} {name.text} in this file",
                at=name.at,
                remedy="Leave the DROP out, or write IF EXISTS.",
            )
        held.pop(name.text, None)
