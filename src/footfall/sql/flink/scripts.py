"""Turns a file of streaming SQL into the statements that a Flink cluster is sent: each table has its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from footfall.core.errors import UsageError
from footfall.core.events import SCHEMAS
from footfall.sql.flink.inserts import with_inserts
from footfall.sql.flink.messages import MessageTable, message_table
from footfall.sql.flink.statements import Statement, split
from footfall.sql.flink.streams import LATENESS, LEFT_OUT, mentioned, stream_table
from footfall.sql.flink.tables import CreatedTable, created_table, created_view
from footfall.sql.flink.topics import KafkaPlace, options, stream_of

_QUERIES: Final = ("SELECT", "WITH", "VALUES")


@dataclass(frozen=True, slots=True)
class Script:
    """What is sent, and which streams it needs."""

    statements: Sequence[Statement]
    original: frozenset[str]
    """The texts of those that are as they stand in the file: Flink's places in them are the file's."""
    reads: Sequence[str]
    """Streams that must be there."""
    writes: Sequence[str]
    """Streams that are made."""


def prepare(
    text: str, place: KafkaPlace | None, *, streams: Mapping[str, str] | None = None, lateness: timedelta = LATENESS
) -> Script:
    """Bind what has no place to the log's topics. ``streams`` says which table is which stream, where names differ.

    Raises UsageError, with the line, for what cannot be submitted.
    """
    statements = split(text)
    _check(statements)
    declared = {table.name: table for one in statements if (table := created_table(one)) is not None}
    views = {view for one in statements if (view := created_view(one)) is not None}
    built_in = mentioned(statements, declared.keys() | views)
    written = {name for one in statements for name in one.targets}
    _refuse_writing(written & built_in.keys())
    found = {
        name: _bound(table, stream_of(table, streams or {}), place, statements, written)
        for name, table in declared.items()
        if not table.bound
    }
    first: list[Statement] = []
    for name, stream in built_in.items():
        table = stream_table(stream, name=name, lateness=lateness)
        first += _bound(table, stream, place, statements, written, defaults=True).statements
    sent = [*first, *(one for each in statements for one in _sent(each, found))]
    named = {name: stream_of(declared[name], streams or {}) for name in found}
    return Script(
        statements=sent,
        original=frozenset(one.text for one in statements),
        reads=sorted({*built_in.values(), *(named[name] for name in named if _is_read(name, statements, written))}),
        writes=sorted({named[name] for name in named if name in written}),
    )


def _check(statements: Sequence[Statement]) -> None:
    for one in statements:
        if any(one.begins(word) for word in _QUERIES):
            raise UsageError(
                f"Line {one.line}: the rows of this query would go nowhere.",
                remedy="On a cluster, write INSERT INTO a table; `footfall sql` shows the rows of a SELECT.",
            )
    if not any(one.targets for one in statements):
        raise UsageError("The file has no INSERT INTO: nothing would run.", remedy="Say where the rows go.")


def _refuse_writing(names: set[str]) -> None:
    for name in sorted(names):
        raise UsageError(
            f"The query would write into {name}, which is a stream of the pipeline.",
            remedy="Declare a table of another name, with CREATE TABLE.",
        )


def _bound(
    table: CreatedTable,
    stream: str,
    place: KafkaPlace | None,
    statements: Sequence[Statement],
    written: set[str],
    *,
    defaults: bool = False,
) -> MessageTable:
    if place is None:
        raise UsageError(
            f"Line {table.statement.line}: table {table.name} does not say where its rows are, and no Kafka is named.",
            remedy="Name it with --kafka, as `log: kafka://…` in footfall.yaml, or write the table's options in WITH.",
        )
    if stream in SCHEMAS and table.name in written:
        _refuse_writing({stream})
    read = _is_read(table.name, statements, written)
    given = options(table, stream, place, read=read, written=table.name in written)
    return message_table(table, given, defaults=LEFT_OUT if defaults and _has(table, LEFT_OUT) else None)


def _has(table: CreatedTable, names: Mapping[str, str]) -> bool:
    return any(one.name in names for one in table.columns)


def _is_read(name: str, statements: Sequence[Statement], written: set[str]) -> bool:
    """Whether rows of the table are read: all that is not only written."""
    if name not in written:
        return True
    others = [one for one in statements if one.begins("INSERT") or one.begins("EXECUTE") or created_view(one)]
    uses = sum(token.name == name for one in others for token in one.tokens if token.is_name)
    return uses > sum(one.targets.count(name) for one in others)


def _sent(statement: Statement, found: Mapping[str, MessageTable]) -> Sequence[Statement]:
    """A statement of the file as it is sent."""
    table = created_table(statement)
    if table is not None and table.name in found:
        return found[table.name].statements
    changed = with_inserts(
        statement, lambda insert: found[insert.target].rewritten(insert) if insert.target in found else None
    )
    return [replace(statement, text=changed.text)]
