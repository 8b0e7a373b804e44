"""Turns declarations into tables, and a table's name into the step that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from footfall.sql import plan
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Column, Expression
from footfall.sql.functions.user import UserFunctions
from footfall.sql.plan import Field, Step
from footfall.sql.planner import steps
from footfall.sql.planner.scopes import Scope, entries_of, suggestion
from footfall.sql.planner.translating import Translator
from footfall.sql.syntax.dialect import read
from footfall.sql.syntax.nodes import ColumnDeclaration, CreateTable, Name
from footfall.sql.syntax.places import Places
from footfall.sql.types import Family

_METADATA: Final = ("timestamp", "partition", "offset", "headers", "key", "topic", "timestamp-type", "leader-epoch")


@dataclass(frozen=True, slots=True)
class Declared:
    """A table with what is computed from its columns."""

    table: plan.Table
    columns: tuple[tuple[Field, Expression], ...] = ()
    """All columns in their order, and what they are; none if all are as stored."""
    watermark: tuple[str, Expression] | None = None
    sink: tuple[Field, ...] = ()
    """The columns that an INSERT fills."""


@dataclass(slots=True)
class Catalog:
    """What a file has declared so far, and the streams of the pipeline."""

    streams: Mapping[str, str | plan.Table]
    """Tables that need not be declared, or the CREATE TABLE statements of such, by name."""
    tables: dict[str, Declared] = field(default_factory=dict)
    views: dict[str, Step] = field(default_factory=dict)

    def read(self, name: str, at: At) -> Step:
        """The rows of a table or view. Raises SqlError."""
        if name in self.views:
            return self.views[name]
        return _rows(self.declared(name, at))

    def declared(self, name: str, at: At) -> Declared:
        """A table by its name. Raises SqlError."""
        if name in self.tables:
            return self.tables[name]
        if name in self.streams:
            known = self.streams[name]
            if isinstance(known, plan.Table):
                return Declared(known, sink=known.columns)
            found = read(known)
            [statement] = found.statements
            assert isinstance(statement, CreateTable)  # noqa: S101 - ours
            self.tables[name] = declare(statement, found.places, UserFunctions())
            return self.tables[name]
        names = [*self.tables, *self.views, *self.streams]
        raise SqlError(
            f"There is no table {name}",
            at=at,
            remedy=f"{suggestion(name, names, 'Tables are')} Declare it with CREATE TABLE {name} (…).",
        )

    def check_new(self, name: Name) -> None:
        """Raises SqlError if the name is taken."""
        if name.text in self.tables or name.text in self.views:
            raise SqlError(f"{name.text} exists already", at=name.at, remedy="Give one of them another name.")


def _rows(declared: Declared) -> Step:
    step: Step = steps.scan(declared.table)
    if declared.columns:
        step = steps.calc_as(step, [one for one, _ in declared.columns], [value for _, value in declared.columns], None)
    if declared.watermark is not None:
        step = steps.watermark(step, *declared.watermark)
    return step


def declare(statement: CreateTable, places: Places, functions: UserFunctions) -> Declared:
    """The table that a statement declares. Raises SqlError."""
    _check_names(statement.columns)
    stored = [one for one in statement.columns if one.kind != "computed"]
    fields = [Field(one.name.text, one.type) for one in stored if one.type is not None]
    _check_metadata(stored)
    key = _primary_key(statement, fields)
    fields = [replace(one, type=one.type.without_null()) if one.name in key else one for one in fields]
    table = plan.Table(
        statement.name.text,
        tuple(fields),
        {one.name.text: one.key for one in stored if one.kind == "metadata"},
        key,
        dict(statement.options),
        at=statement.name.at,
    )
    virtual = {one.name.text for one in stored if one.virtual}
    sink = tuple(one for one in fields if one.name not in virtual)
    columns = _columns(statement, table, places, functions)
    declared = Declared(table, columns, None, sink)
    return replace(declared, watermark=_watermark(statement, declared, places, functions))


def _check_names(columns: Sequence[ColumnDeclaration]) -> None:
    seen: set[str] = set()
    for one in columns:
        if one.name.text in seen:
            raise SqlError(
                f"The column {one.name.text} is declared twice", at=one.name.at, remedy="Give one another name."
            )
        seen.add(one.name.text)


def _check_metadata(columns: Sequence[ColumnDeclaration]) -> None:
    for one in columns:
        if one.kind == "metadata" and one.key not in _METADATA:
            raise SqlError(
                f"A message has no metadata {one.key}", at=one.name.at, remedy=suggestion(one.key, _METADATA, "It has")
            )


def _primary_key(statement: CreateTable, fields: Sequence[Field]) -> tuple[str, ...]:
    known = [one.name for one in fields]
    for one in statement.primary_key:
        if one.text not in known:
            computed = any(each.name.text == one.text for each in statement.columns)
            what = "is computed, and cannot be in the primary key" if computed else "is no column"
            raise SqlError(f"{one.text} {what}", at=one.at, remedy=suggestion(one.text, known))
    return tuple(one.text for one in statement.primary_key)


def _columns(
    statement: CreateTable, table: plan.Table, places: Places, functions: UserFunctions
) -> tuple[tuple[Field, Expression], ...]:
    if not any(one.kind == "computed" for one in statement.columns):
        return ()
    source = steps.scan(table)
    translator = Translator(Scope(entries_of(source, "")), places, functions)
    found = []
    for one in statement.columns:
        value = translator.of(one.expression) if one.kind == "computed" else _column(source, one.name)
        found.append((steps.field_of(one.name.text, value, source), value))
    return tuple(found)


def _column(step: Step, name: Name) -> Column:
    return steps.column(steps.field_named(step, name.text), name.at)


def _watermark(
    statement: CreateTable, declared: Declared, places: Places, functions: UserFunctions
) -> tuple[str, Expression] | None:
    declaration = statement.watermark
    if declaration is None:
        return None
    rows = _rows(declared)
    name = declaration.column
    if name.text not in steps.names(rows):
        raise SqlError(f"There is no column {name.text}", at=name.at, remedy=suggestion(name.text, steps.names(rows)))
    kind = steps.field_named(rows, name.text).type
    if kind.family not in {Family.TIMESTAMP, Family.TIMESTAMP_LTZ} or kind.precision > 3:
        raise SqlError(
            f"A watermark needs a column of TIMESTAMP(3) or TIMESTAMP_LTZ(3), and {name.text} is {kind.with_null()}",
            at=name.at,
            remedy=f"Add a computed column: ts AS CAST({name.text} AS TIMESTAMP(3)), or TO_TIMESTAMP_LTZ(…, 3).",
        )
    value = Translator(Scope(entries_of(rows, "")), places, functions).of(declaration.expression)
    if value.type.family not in {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}:
        raise SqlError(
            f"A watermark is a time, and this is {value.type.with_null()}",
            at=value.at,
            remedy=f"Write WATERMARK FOR {name.text} AS {name.text} - INTERVAL '30' SECOND.",
        )
    return name.text, value
