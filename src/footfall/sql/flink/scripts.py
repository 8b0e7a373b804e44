"""Turns a file of streaming SQL into the statements that a Flink cluster is sent: each table has its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from footfall.core.errors import UsageError
from footfall.core.events import SCHEMAS
from footfall.sql.flink.inserts import with_inserts
from footfall.sql.flink.messages import MessageTable, message_table
from footfall.sql.flink.statements import Statement, split
from footfall.sql.flink.streams import LEFT_OUT, pipeline_tables
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
    text: str,
    place: KafkaPlace | None,
    *,
    streams: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
) -> Script:
    """Bind what has no place to the log's topics. ``streams`` says which table is which stream, where names differ.

    ``known`` has a CREATE TABLE for each name that a query may use undeclared; without it, those of the pipeline.
    Raises UsageError, with the line, for what cannot be submitted.
    """
    statements = split(text)
    _check(statements)
    declared = {table.name: table for one in statements if (table := created_table(one)) is not None}
    views = {view for one in statements if (view := created_view(one)) is not None}
    used = {name for one in statements for name in one.names}
    undeclared = _declared(known if known is not None else pipeline_tables(), used - declared.keys() - views)
    written = {name for one in statements for name in one.targets}
    reading = _Reading(statements, written)
    tables = {**undeclared, **{name: one for name, one in declared.items() if not one.bound}}
    named = {name: stream_of(table, streams or {}) for name, table in tables.items()}
    _refuse_writing(sorted(name for name in written & named.keys() if named[name] in SCHEMAS))
    found = {name: _bound(table, named[name], place, reading) for name, table in tables.items()}
    first = [one for name in undeclared for one in found[name].statements]
    return Script(
        statements=[*first, *(one for each in statements for one in _sent(each, found))],
        original=frozenset(one.text for one in statements),
        reads=sorted({named[name] for name in named if reading.of(name)}),
        writes=sorted({named[name] for name in named if name in written}),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which tables are read, and which are written."""

    statements: Sequence[Statement]
    written: set[str]

    def of(self, name: str) -> bool:
        """Whether rows of the table are read: of all that are not only written."""
        if name not in self.written:
            return True
        others = [one for one in self.statements if created_view(one) or one.targets]
        uses = sum(token.name == name for one in others for token in one.tokens if token.is_name)
        return uses > sum(one.targets.count(name) for one in others)


def _declared(known: Mapping[str, str], used: set[str]) -> dict[str, CreatedTable]:
    """The tables that are used and known."""
    found = {}
    for name in sorted(used):
        for statement in split(known[name]) if name in known else ():
            table = created_table(statement)
            if table is not None:
                found[name] = table
    return found


def _check(statements: Sequence[Statement]) -> None:
    for one in statements:
        if any(one.begins(word) for word in _QUERIES):
            raise UsageError(
                f"Line {one.line}: the rows of this query would go nowhere.",
                remedy="On a cluster, write INSERT INTO a table; `footfall sql` shows the rows of a SELECT.",
            )
    if not any(one.targets for one in statements):
        raise UsageError("The file has no INSERT INTO: nothing would run.", remedy="Say where the rows go.")


def _refuse_writing(names: Sequence[str]) -> None:
    for name in names:
        raise UsageError(
            f"The query would write into {name}, which is a stream of the pipeline.",
            remedy="Declare a table of another name, with CREATE TABLE.",
        )


def _bound(table: CreatedTable, stream: str, place: KafkaPlace | None, reading: _Reading) -> MessageTable:
    if place is None:
        raise UsageError(
            f"Line {table.statement.line}: table {table.name} does not say where its rows are, and no Kafka is named.",
            remedy="Name it with --kafka, as `log: kafka://…` in footfall.yaml, or write the table's options in WITH.",
        )
    written = table.name in reading.written
    given = options(table, stream, place, read=reading.of(table.name), written=written)
    left_out = {one.name: LEFT_OUT[one.name] for one in table.columns if one.name in LEFT_OUT}
    return message_table(table, given, defaults=left_out if stream in SCHEMAS else None, written=written)


def _sent(statement: Statement, found: Mapping[str, MessageTable]) -> Sequence[Statement]:
    """A statement of the file as it is sent."""
    table = created_table(statement)
    if table is not None and table.name in found:
        return found[table.name].statements
    changed = with_inserts(
        statement, lambda insert: found[insert.target].rewritten(insert) if insert.target in found else None
    )
    return [replace(statement, text=changed.text)]
