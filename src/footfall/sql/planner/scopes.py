"""Turns a name in a query into the column that it means, or into what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Call, Column, Constant, Expression
from footfall.sql.functions.registry import result_type
from footfall.sql.plan import Field, Step
from footfall.sql.types import STRING, Family


@dataclass(frozen=True, slots=True)
class Entry:
    """A column that a query can name."""

    table: str
    """The table's name or alias."""
    name: str
    value: Expression
    field: Field
    shared: bool = False
    """Of USING: it is found under the other table's name, and in * only there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns that names can mean at one place of a query."""

    entries: tuple[Entry, ...]
    outer: Scope | None = None
    """That of the query around it."""

    def find(self, names: Sequence[str], at: At) -> Expression:
        """The value of a name with its parts: ``column``, ``table.column``, ``column.field``, … Raises SqlError."""
        found = self.look_up(names, at)
        if found is None and self.outer is not None:
            found = self.outer.look_up(names, at)
        if found is None:
            raise self._unknown(names, at)
        return found

    def tables(self) -> list[str]:
        """The names of the tables."""
        return list(dict.fromkeys(one.table for one in self.entries if one.table))

    def look_up(self, names: Sequence[str], at: At) -> Expression | None:
        """As ``find``; None if there is no such name. Raises SqlError if it is ambiguous."""
        if len(names) > 1:
            qualified = [one for one in self.entries if one.table == names[0] and one.name == names[1]]
            if qualified:
                return _fields(replace(qualified[0].value, at=at), names[2:], at)
        found = [one for one in self.entries if one.name == names[0] and not one.shared]
        if len(found) > 1:
            choices = " or ".join(f"{one.table}.{one.name}" for one in found if one.table)
            raise SqlError(
                f"{names[0]} is ambiguous: several tables have it",
                at=at,
                remedy=f"Write {choices}." if choices else "Give the columns different names in the queries below.",
            )
        if not found or (len(names) > 1 and found[0].field.type.family is not Family.ROW):
            return None
        return _fields(replace(found[0].value, at=at), names[1:], at)

    def _unknown(self, names: Sequence[str], at: At) -> SqlError:
        name = ".".join(names)
        if len(names) > 1:
            table = next((one for one in self.tables() if one == names[0]), None)
            if table is None:
                remedy = suggestion(names[0], self.tables(), "Tables here are")
                return SqlError(f"There is no table {names[0]} here", at=at, remedy=remedy)
            known = [one.name for one in self.entries if one.table == table]
            return SqlError(f"{table} has no column {names[1]}", at=at, remedy=suggestion(names[1], known))
        known = [one.name for one in self.entries]
        if not known:
            return SqlError(f"There is no column {name}: the query has no FROM", at=at, remedy="Add FROM and a table.")
        return SqlError(f"There is no column {name}", at=at, remedy=suggestion(name, known))


def _fields(value: Expression, path: Sequence[str], at: At) -> Expression:
    for name in path:
        given = (value, Constant(STRING.without_null(), name, at=at))
        kind, arguments = result_type(".", given, at)
        value = Call(kind, ".", arguments, at=at)
    return value


def suggestion(name: str, known: Iterable[str], intro: str = "Columns are") -> str:
    """What was probably meant, or all there is."""
    names = list(dict.fromkeys(known))
    same = [one for one in names if one.lower() == name.lower()]
    close = same or difflib.get_close_matches(name, names, n=2, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?" + (" Capitals count." if same else "")
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"{intro} {shown}." if names else "There is none."


def entries_of(step: Step, table: str, names: Sequence[str] | None = None) -> tuple[Entry, ...]:
    """A step's columns as those of a table, under their own or other names."""
    shown = names or [one.name for one in step.output]
    return tuple(
        Entry(table, name, Column(one.type, one.name), one) for name, one in zip(shown, step.output, strict=True)
    )
