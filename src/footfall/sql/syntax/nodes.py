"""Turns what sqlglot has no node for into nodes, and statements into records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from sqlglot import exp

from footfall.sql.errors import At
from footfall.sql.types import SqlType


class CastTo(exp.Expression):
    """``CAST(this AS to)``; ``to`` is a SqlType. With ``safe``, TRY_CAST."""

    arg_types: ClassVar = {"this": True, "to": True, "safe": False}


class Typed(exp.Expression):
    """A literal whose value is known when it is read: an interval, a date or a time. ``type`` is its SqlType."""

    arg_types: ClassVar = {"this": False, "value": True, "kind": True}


class TableName(exp.Expression):
    """A table or view by its name, with its version: ``FOR SYSTEM_TIME AS OF version``."""

    arg_types: ClassVar = {"this": True, "version": False, "alias": False}


class WindowCall(exp.Expression):
    """A window table function: its ``name``, and its arguments by name or by place."""

    arg_types: ClassVar = {"this": True, "arguments": True, "alias": False}


class MatchTable(exp.Expression):
    """A table with MATCH_RECOGNIZE behind it; ``clause`` is a MatchClause."""

    arg_types: ClassVar = {"this": True, "clause": True, "alias": False}


class PartitionedTable(exp.Expression):
    """``TABLE t PARTITION BY (a, b)``, as a session window takes it."""

    arg_types: ClassVar = {"this": True, "partition": False}


class Descriptor(exp.Expression):
    """``DESCRIPTOR(column)``."""

    arg_types: ClassVar = {"expressions": True}


@dataclass(frozen=True, slots=True)
class Name:
    """A word of the query, and where it stands."""

    text: str
    at: At = field(compare=False)


@dataclass(frozen=True, slots=True)
class PatternPart:
    """What PATTERN says, before it is checked: a variable, or parts in a row or to choose from."""

    at: At
    variable: str = ""
    parts: tuple[PatternPart, ...] = ()
    choice: bool = False
    least: int = 1
    most: int | None = 1
    reluctant: bool = False


@dataclass(frozen=True, slots=True)
class MatchClause:
    """What stands between the parentheses of MATCH_RECOGNIZE."""

    at: At
    partition: Sequence[Any]
    order: Sequence[Any]
    measures: Sequence[tuple[Any, Name]]
    pattern: PatternPart
    define: Sequence[tuple[Name, Any]]
    skip: Literal["past last row", "to next row", "to first", "to last"] | None
    skip_to: Name | None
    within: Any


@dataclass(frozen=True, slots=True)
class ColumnDeclaration:
    """A column of CREATE TABLE."""

    name: Name
    kind: Literal["physical", "computed", "metadata"]
    type: SqlType | None = None
    expression: Any = None
    key: str = ""
    """Of a metadata column: which."""
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class WatermarkDeclaration:
    """``WATERMARK FOR column AS expression``."""

    column: Name
    expression: Any


@dataclass(frozen=True, slots=True)
class CreateTable:
    """A table's declaration."""

    name: Name
    columns: Sequence[ColumnDeclaration]
    watermark: WatermarkDeclaration | None
    primary_key: Sequence[Name]
    options: Mapping[str, str]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateView:
    """A query with a name."""

    name: Name
    columns: Sequence[Name]
    query: Any
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateFunction:
    """A user's function: where its code is."""

    name: Name
    path: Name
    language: str


@dataclass(frozen=True, slots=True)
class InsertInto:
    """Where the rows of a query go."""

    table: Name
    columns: Sequence[Name]
    query: Any


@dataclass(frozen=True, slots=True)
class Select:
    """A query whose rows are shown."""

    query: Any
    at: At


@dataclass(frozen=True, slots=True)
class SetOption:
    """``SET 'key' = 'value'``."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class SetEdge:
    """BEGIN or END of a statement set."""

    begins: bool
    at: At


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN, and the statement behind it; None when a statement set follows."""

    statement: Select | InsertInto | SetEdge


@dataclass(frozen=True, slots=True)
class Drop:
    """DROP of something that the file itself may have made."""

    kind: str
    name: Name
    if_exists: bool


Statement = CreateTable | CreateView | CreateFunction | InsertInto | Select | SetOption | SetEdge | Explain | Drop
