"""Turns a query's rows into those of the table that they go to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Constant, Expression
from footfall.sql.functions.coercion import coerced
from footfall.sql.plan import Field, Step
from footfall.sql.planner import steps
from footfall.sql.planner.catalog import Declared
from footfall.sql.planner.scopes import suggestion
from footfall.sql.planner.steps import column
from footfall.sql.syntax.nodes import Name
from footfall.sql.types import Family, SqlType

_WIDER: Final = (
    Family.TINYINT,
    Family.SMALLINT,
    Family.INT,
    Family.BIGINT,
    Family.DECIMAL,
    Family.FLOAT,
    Family.DOUBLE,
)
_STAMPS: Final = {Family.TIMESTAMP, Family.TIMESTAMP_LTZ}
_TAKES_CHANGES: Final = ("upsert", "print", "blackhole", "jdbc", "elasticsearch", "mongodb", "postgres")


def aligned(source: Step, target: Declared, columns: Sequence[Name], table: Name, at: At) -> Step:
    """A query's rows with the columns and types of a table. Raises SqlError."""
    fields = _fields(target, columns)
    if len(fields) != len(source.output):
        listed = ", ".join(one.name for one in fields)
        raise SqlError(
            f"The query has {len(source.output)} columns, and {table.text} takes {len(fields)}",
            at=at,
            remedy=f"Select {listed}, or name the columns: INSERT INTO {table.text} (…).",
        )
    _check_changes(source, target, table)
    values: dict[str, Expression] = {}
    for given, wanted in zip(source.output, fields, strict=True):
        if not assignable(given.type, wanted.type):
            raise SqlError(
                f"{wanted.name} of {table.text} is {wanted.type.with_null()}, and the query gives "
                f"{given.type.with_null()} ({given.name})",
                at=at,
                remedy=f"Write CAST(… AS {wanted.type.with_null()}).",
            )
        values[wanted.name] = coerced(column(given), replace(wanted.type, nullable=given.type.nullable))
    return steps.calc(source, [(one.name, _value(one, values, table)) for one in target.sink])


def _value(wanted: Field, values: dict[str, Expression], table: Name) -> Expression:
    if wanted.name in values:
        return values[wanted.name]
    if not wanted.type.nullable:
        raise SqlError(
            f"{wanted.name} of {table.text} must not be NULL, and the INSERT does not name it",
            at=table.at,
            remedy=f"Add {wanted.name} to the columns and to the query.",
        )
    return Constant(wanted.type, None)


def _fields(target: Declared, columns: Sequence[Name]) -> list[Field]:
    if not columns:
        return list(target.sink)
    known = {one.name: one for one in target.sink}
    found = []
    for one in columns:
        if one.text not in known:
            raise SqlError(
                f"{target.table.name} has no column {one.text} to insert into",
                at=one.at,
                remedy=suggestion(one.text, known),
            )
        if known[one.text] in found:
            raise SqlError(f"{one.text} is there twice", at=one.at, remedy="Name each column once.")
        found.append(known[one.text])
    return found


def _check_changes(source: Step, target: Declared, table: Name) -> None:
    options = target.table.options
    takes = options.get("connector", "").startswith(_TAKES_CHANGES) or options.get("format", "").startswith(
        steps.CHANGING_FORMATS
    )
    if source.changes and not target.table.primary_key and not takes:
        raise SqlError(
            f"The query changes rows that it gave before, and {table.text} has no primary key to find them by",
            at=table.at,
            remedy="Declare PRIMARY KEY (…) NOT ENFORCED in its CREATE TABLE, or group by windows.",
        )


def assignable(given: SqlType, wanted: SqlType) -> bool:
    """Whether values of one type go into a column of another without a CAST, as in Flink."""
    one, two = given.family, wanted.family
    if one is Family.NULL or one is two:
        if one is two and given.inner:
            return len(given.inner) == len(wanted.inner) and all(map(assignable, given.inner, wanted.inner))
        return True
    if {one, two} <= _STAMPS:
        return True
    if one is Family.DATE and two in _STAMPS:
        return True
    return one in _WIDER and two in _WIDER and _WIDER.index(one) < _WIDER.index(two)
