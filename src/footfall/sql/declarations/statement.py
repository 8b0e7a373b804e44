"""Turns a CREATE TABLE into what it declares. The only part of declarations that knows the reader of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from footfall.sql.declarations.model import KEY_FIELDS, METADATA, STREAM, TOPIC, Draft, Protocol, TimeAttribute
from footfall.sql.errors import At, SqlError
from footfall.sql.syntax.dialect import Flink, read
from footfall.sql.syntax.nodes import (
    ColumnDeclaration,
    CreateTable,
    CreateView,
    InsertInto,
    Select,
    TableName,
    Typed,
    WatermarkDeclaration,
)
from footfall.sql.types import SqlType

CONNECTORS: Final = {
    "kafka": Protocol.KAFKA,
    "upsert-kafka": Protocol.KAFKA,
    "rabbitmq": Protocol.RABBITMQ,
}


def read_statement(text: str) -> Draft:
    """What the one CREATE TABLE in this text declares. Raises SqlError."""
    statements = read(text).statements
    if len(statements) != 1 or not isinstance(statements[0], CreateTable):
        raise SqlError(
            "One CREATE TABLE is expected", at=At(), remedy="Put queries into a processor, and each stream by itself."
        )
    table = statements[0]
    draft = Draft(name=table.name.text, primary_key=tuple(name.text for name in table.primary_key))
    for column in table.columns:
        _column(column, draft, text)
    if table.watermark is not None:
        draft.time = _time(table.watermark)
    _options(dict(table.options), draft)
    return draft


def type_named(text: str) -> SqlType:
    """The type of this name. Raises SqlError."""
    [column] = _columns(f"CREATE TABLE t (c {text})")
    if column.kind != "physical" or column.type is None:
        raise SqlError(f"{text} is no type", at=At(), remedy="Write, for example, STRING or DECIMAL(10, 2).")
    return column.type


def checked_expression(text: str) -> str:
    """The text, if it is an expression. Raises SqlError."""
    columns = _columns(f"CREATE TABLE t (c AS {text})")
    if len(columns) != 1 or columns[0].kind != "computed":
        raise SqlError(f"{text} is not one expression", at=At(), remedy="Write, for example, PROCTIME().")
    return text


@dataclass(frozen=True, slots=True)
class Names:
    """The tables that a file of SQL creates, reads and inserts into."""

    created: frozenset[str]
    read: tuple[str, ...]
    filled: tuple[str, ...]


def names_in(query: str) -> Names:
    """Which tables a file of SQL names. Raises SqlError when it cannot be read."""
    statements = read(query).statements
    queries = [one for one in statements if isinstance(one, InsertInto | Select | CreateView)]
    own = {one.name.text for one in statements if isinstance(one, CreateView)}
    own |= {node.alias for one in queries for node in one.query.walk() if node.key == "cte"}
    found = [node.name for one in queries for node in one.query.walk() if isinstance(node, TableName)]
    return Names(
        created=frozenset(one.name.text for one in statements if isinstance(one, CreateTable)),
        read=tuple(dict.fromkeys(name for name in found if name not in own)),
        filled=tuple(dict.fromkeys(one.table.text for one in queries if isinstance(one, InsertInto))),
    )


def _columns(text: str) -> Sequence[ColumnDeclaration]:
    [table] = read(text).statements
    return table.columns if isinstance(table, CreateTable) and not table.primary_key else ()


def _column(column: ColumnDeclaration, draft: Draft, text: str) -> None:
    name = column.name.text
    if column.kind == "computed":
        draft.compute(name, _expression_text(text, column))
        return
    assert column.type is not None  # noqa: S101 - the reader gives each column that is not computed one
    if column.kind == "physical":
        draft.add(name, column.type)
        return
    if column.key not in METADATA:
        raise SqlError(
            f"A message has no {column.key}",
            at=column.name.at,
            remedy=f"What comes with it is: {', '.join(METADATA)}.",
        )
    draft.add(name, column.type, metadata=column.key)


def _expression_text(text: str, column: ColumnDeclaration) -> str:
    """What stands behind AS, up to the comma or parenthesis that ends it."""
    lines = text.splitlines(keepends=True)
    place = sum(map(len, lines[: column.name.at.line - 1])) + column.name.at.column - 1
    rest = [(token.token_type.name, token) for token in Flink().tokenize(text) if token.start > place]
    begin = next(token.end + 1 for kind, token in rest if kind == "ALIAS")
    depth = 0
    for kind, token in rest:
        if token.start < begin:
            continue
        depth += (kind == "L_PAREN") - (kind == "R_PAREN")
        if depth < 0 or (depth == 0 and (kind == "COMMA" or token.text.upper() == "COMMENT")):
            return text[begin : token.start].strip()
    return text[begin:].strip()


def _time(watermark: WatermarkDeclaration) -> TimeAttribute:
    """A watermark that stays behind its column by a fixed time."""
    column, expression = watermark.column.text, watermark.expression
    if _is_column(expression, column):
        return TimeAttribute(column, timedelta())
    if expression.key == "sub" and _is_column(expression.this, column) and isinstance(expression.expression, Typed):
        value: Any = expression.expression.args["value"]
        if isinstance(value, int) and "SECOND" in str(expression.expression.args["kind"].family):
            return TimeAttribute(column, timedelta(milliseconds=value))
    raise SqlError(
        "A declared stream's watermark stays behind its time by a fixed interval",
        at=watermark.column.at,
        remedy=f"Write WATERMARK FOR {column} AS {column} - INTERVAL '30' SECOND.",
    )


def _is_column(expression: Any, name: str) -> bool:
    return bool(expression.key == "column" and expression.name == name and not expression.table)


def _options(options: dict[str, str], draft: Draft) -> None:
    """What WITH says, as far as the other forms have fields for it."""
    connector = options.pop("connector", None)
    if connector is not None and connector not in CONNECTORS:
        raise SqlError(
            f"There is no connector {connector}", at=At(), remedy=f"Connectors are: {', '.join(CONNECTORS)}; or none."
        )
    draft.protocol = CONNECTORS[connector] if connector else Protocol.LOG
    named = [options.pop(name) for name in (TOPIC, STREAM) if name in options]
    draft.stream = named[0] if named else None
    keys = [one.strip() for one in options.pop(KEY_FIELDS, "").split(";") if one.strip()]
    if len(keys) > 1:
        raise SqlError("A stream's key is one column", at=At(), remedy=f"Write '{KEY_FIELDS}' = '{keys[0]}'.")
    draft.key = keys[0] if keys else None
    draft.options = options
