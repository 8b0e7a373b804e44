"""Turns what stands behind FROM and JOIN into steps, and into the columns that the query can name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp

from footfall.sql.errors import SqlError
from footfall.sql.expressions import Column, Expression
from footfall.sql.plan import Field, JoinKind, Step
from footfall.sql.planner import combining, joins, matches, steps, windows
from footfall.sql.planner.context import Context, Planning, refreshed
from footfall.sql.planner.pushing import pushed
from footfall.sql.planner.scopes import Entry, Scope, entries_of, suggestion
from footfall.sql.planner.steps import column, field_named, fresh, names
from footfall.sql.planner.translating import Translator
from footfall.sql.planner.walking import columns_of, conjunction, conjuncts
from footfall.sql.syntax.nodes import MatchTable, TableName, WindowCall

_KINDS = {"": JoinKind.INNER, "LEFT": JoinKind.LEFT, "RIGHT": JoinKind.RIGHT, "FULL": JoinKind.FULL}
Source = tuple[Step, list[Entry]]


class SourcePlanner:
    """Plans the tables of one FROM."""

    def __init__(self, queries: Planning, context: Context) -> None:
        self.queries = queries
        self.context = context

    def tables(self, first: Any, further: Sequence[Any]) -> Source:
        """A table, and all that is joined to it."""
        step, entries = self._one(first)
        clash = set(names(step)) & self.context.taken
        if clash:
            step, entries = _renamed(step, entries, self.context.taken)
        for join in [*(first.args.get("joins") or ()), *further]:
            step, entries = self._join(step, entries, join)
        return step, entries

    def _one(self, node: Any) -> Source:
        alias = node.args.get("alias")
        name = alias.name if alias is not None else ""
        match node:
            case TableName():
                step = self._named(node)
                name = name or node.this.name
            case WindowCall():
                step = self._windowed(node)
            case MatchTable():
                step, _ = self._one(node.this)
                step = matches.matched(step, node.args["clause"], self._table(node.this), self.queries)
            case exp.Subquery():
                step = self._subquery(node)
            case exp.Values():
                step = self.queries.values(node, self.context)
            case _:
                raise SqlError(
                    "A table is expected here", at=self.queries.at(node), remedy="Name a table, or write (SELECT …)."
                )
        columns = [one.name for one in alias.args.get("columns") or ()] if alias is not None else []
        if columns:
            step = self.queries.renamed(step, columns, alias)
        return step, list(entries_of(step, name))

    def _table(self, node: Any) -> str:
        alias = node.args.get("alias")
        return str(alias.name if alias is not None else node.this.name if isinstance(node, TableName) else "")

    def _subquery(self, node: exp.Subquery) -> Step:
        inner = node.this
        if isinstance(inner, exp.Query | exp.Values):
            return self.queries.query(node, replace(self.context, outer=None, taken=frozenset()))
        raise SqlError(
            "Joins in parentheses are not supported",
            at=self.queries.at(node),
            remedy="Write the joins one after another, or (SELECT * FROM … JOIN …).",
        )

    def _named(self, node: TableName) -> Step:
        name = node.this.name
        if name in self.context.named:
            return self.context.named[name]
        return self.queries.catalog.read(name, self.queries.at(node))

    def _windowed(self, node: WindowCall) -> Step:
        arguments = windows.given(node, self.queries.at(node))
        step, entries = self._one(arguments.data.this)
        return windows.windowed(step, arguments, self._translator(entries))

    def _translator(self, entries: Sequence[Entry]) -> Translator:
        return Translator(Scope(tuple(entries)), self.queries.places, self.queries.functions)

    # ------------------------------------------------------------ JOIN

    def _join(self, left: Step, entries: list[Entry], node: exp.Join) -> Source:
        kind = self._kind(node)
        right, added = self._one(node.this)
        for one in node.this.args.get("joins") or ():
            right, added = self._join(right, added, one)
        self._check_names(entries, added, node)
        right, added = _renamed(right, added, {*names(left), *self.context.taken})
        version = node.this.args.get("version")
        if version is not None:
            return self._temporal(kind, (left, entries), (right, added), node)
        shared = self._shared(node, entries, added)
        on = node.args.get("on")
        condition = conjunction(self._equal(shared, entries, added, node))
        if on is not None:
            condition = self._on(on, [*entries, *added])
        elif not shared and node.args.get("kind") != "CROSS":
            raise SqlError(
                "The join has no condition",
                at=self.queries.at(node.this),
                remedy="Add ON a.id = b.id, or write CROSS JOIN.",
            )
        step = combining.join(kind, left, right, (), condition)
        found = refreshed([*entries, *added], step)
        return step, _merged(found, shared, kind) if shared else found

    def _kind(self, node: exp.Join) -> JoinKind:
        side = (node.args.get("side") or "").upper()
        kind = (node.args.get("kind") or "").upper()
        method = (node.args.get("method") or "").upper()
        if method not in {"", "NATURAL"} or kind not in {"", "INNER", "OUTER", "CROSS"} or side not in _KINDS:
            words = " ".join(word for word in (method, side, kind, "JOIN") if word)
            raise SqlError(
                f"{words} is not supported",
                at=self.queries.at(node),
                remedy="Write JOIN, LEFT JOIN, RIGHT JOIN, FULL JOIN, or IN and EXISTS in WHERE.",
            )
        return _KINDS[side]

    def _check_names(self, entries: Sequence[Entry], added: Sequence[Entry], node: exp.Join) -> None:
        tables = {one.table for one in entries if one.table}
        twice = next((one.table for one in added if one.table in tables), None)
        if twice is not None:
            raise SqlError(
                f"There are two tables {twice} in FROM",
                at=self.queries.at(node.this),
                remedy=f"Give one of them another name: {twice} AS other.",
            )

    def _on(self, node: Any, entries: Sequence[Entry]) -> Expression:
        return self._translator(entries).condition(node, "ON")

    def _shared(self, node: exp.Join, entries: Sequence[Entry], added: Sequence[Entry]) -> list[str]:
        if node.args.get("method"):
            ours = [one.name for one in entries]
            return [one.name for one in added if one.name in ours]
        found = []
        for one in node.args.get("using") or ():
            for side in (entries, added):
                known = [each.name for each in side if not each.shared]
                if one.name not in known:
                    raise SqlError(
                        f"USING needs {one.name} in both tables",
                        at=self.queries.at(one),
                        remedy=suggestion(one.name, known),
                    )
            found.append(one.name)
        return found

    def _equal(
        self, shared: Sequence[str], entries: Sequence[Entry], added: Sequence[Entry], node: exp.Join
    ) -> list[Expression]:
        at = self.queries.at(node)
        ours, theirs = self._translator(entries), self._translator(added)
        return [ours.typed("=", [ours.scope.find([name], at), theirs.scope.find([name], at)], at) for name in shared]

    # ------------------------------------------------------------ FOR SYSTEM_TIME AS OF

    def _temporal(self, kind: JoinKind, ours: Source, theirs: Source, node: exp.Join) -> Source:
        (left, entries), (right, added) = ours, theirs
        left = pushed(left, [])
        entries = refreshed(entries, left)
        version = node.this.args["version"]
        at = self.queries.at(node.this)
        if kind not in {JoinKind.INNER, JoinKind.LEFT}:
            raise SqlError("A temporal join is INNER or LEFT", at=at, remedy="Write JOIN or LEFT JOIN.")
        moment = self._translator(entries).of(version)
        known = field_named(left, moment.name) if isinstance(moment, Column) else None
        if known is None or not (known.is_time or known.is_arrival):
            raise SqlError(
                "FOR SYSTEM_TIME AS OF needs the left table's time attribute",
                at=moment.at,
                remedy="Name the column that its WATERMARK is for, or one that is PROCTIME().",
            )
        on = node.args.get("on")
        if on is None:
            raise SqlError("The join has no condition", at=at, remedy="Add ON with the right table's primary key.")
        keys, rest = [], []
        for one in conjuncts(self._on(on, [*entries, *added])):
            pair = joins.equal_sides(one, set(names(left)), set(names(right)))
            keys.append(pair) if pair is not None else rest.append(one)
        times = (known.name, self._version_time(right, node)) if known.is_time else (None, None)
        self._check_key(right, [two for _, two in keys], node, event_time=known.is_time)
        ours_only = [one for one in rest if kind is JoinKind.INNER and columns_of(one) <= set(names(left))]
        left = pushed(left, ours_only)
        pairs, left, right = joins.keyed(keys, left, right)
        others = conjunction([one for one in rest if one not in ours_only])
        step = combining.temporal_join(kind, left, right, pairs, others, times)
        return step, refreshed([*entries, *added], step)

    def _version_time(self, right: Step, node: exp.Join) -> str:
        times = [one.name for one in right.output if one.is_time]
        if not times:
            raise SqlError(
                "The right table of a temporal join has no time attribute",
                at=self.queries.at(node.this),
                remedy="Declare a WATERMARK in its CREATE TABLE, and keep that column in the views over it.",
            )
        return times[0]

    def _check_key(self, right: Step, keys: Sequence[Expression], node: exp.Join, *, event_time: bool) -> None:
        at = self.queries.at(node.this)
        key = steps.unique_key(right)
        if key is None:
            if not event_time:
                return
            raise SqlError(
                "The right table of a temporal join has no primary key",
                at=at,
                remedy="Declare PRIMARY KEY (id) NOT ENFORCED, or take the last row of each by ROW_NUMBER() = 1.",
            )
        used = {one.name for one in keys if isinstance(one, Column)}
        if not set(key) <= used:
            raise SqlError(
                "A temporal join must compare the whole primary key of the right table",
                at=at,
                remedy=f"Add to ON: {' AND '.join(f'… = {one}' for one in key if one not in used)}.",
            )


def _renamed(step: Step, entries: Sequence[Entry], taken: set[str] | frozenset[str]) -> Source:
    """A step none of whose columns has a name that is taken."""
    if not set(names(step)) & taken:
        return step, list(entries)
    new: dict[str, str] = {}
    for one in names(step):
        new[one] = fresh({*taken, *new.values(), *names(step)}, one) if one in taken else one
    step = steps.calc(step, [(new[one.name], column(one)) for one in step.output])
    moved = []
    for entry in entries:
        name = new[entry.field.name]
        known: Field = field_named(step, name)
        moved.append(replace(entry, value=Column(known.type, name), field=known))
    return step, moved


def _merged(entries: Sequence[Entry], shared: Sequence[str], kind: JoinKind) -> list[Entry]:
    """Entries of a join with USING: the shared columns come first, once."""
    found: list[Entry] = []
    rest: list[Entry] = []
    for name in shared:
        both = [one for one in entries if one.name == name and not one.shared]
        ours, theirs = both[0], both[-1]
        if kind is JoinKind.FULL:
            raise SqlError("FULL JOIN with USING is not supported", at=ours.value.at, remedy="Write ON a.id = b.id.")
        chosen = theirs if kind is JoinKind.RIGHT else ours
        found.append(replace(chosen, table=""))
        rest += [replace(ours, shared=True), replace(theirs, shared=True)]
    others = [one for one in entries if one.shared or one.name not in shared]
    return [*found, *others, *rest]
