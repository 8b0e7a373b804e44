"""Turns a planned script and a file for each of its tables into the rows of its last query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from footfall.core.errors import UsageError
from footfall.processors.relational.rows import Rows
from footfall.sql.dataflow import Dataflow
from footfall.sql.functions.user import UserFunctions
from footfall.sql.inputs import read_file
from footfall.sql.nodes import SetAside
from footfall.sql.plan import Field, Insert, Script, Table
from footfall.sql.rendering import rendered, rendered_batch
from footfall.sql.standing import milliseconds_of, tables_of
from footfall.sql.types import SqlType

Row = dict[str, Any]


def run_over_files(
    script: Script,
    inputs: Mapping[str, Path],
    *,
    until_end: bool,
    reject: Callable[[str], None],
    now: Callable[[], int],
    functions: UserFunctions | None = None,
    insert: Insert | None = None,
) -> Iterator[list[Row]]:
    """The rows of the last query, as they come, a batch at a time. ``reject`` is told of lines that are no rows.

    Files are read side by side, a block of lines at a time. Raises UsageError when a table has no file.
    """
    query = insert or script.inserts[-1]
    tables = tables_of(query)
    _refuse_missing(set(tables), inputs)
    flow = Dataflow(
        query.source,
        state={},
        reject=lambda aside: _tell(aside, reject),
        functions=functions,
        ttl=milliseconds_of(script.settings.get("table.exec.state.ttl", "")),
    )
    fields = fields_of(query)
    readers = {
        name: read_file(
            inputs[name],
            _columns(flow, table),
            lambda bad: reject(str(bad)),
            order=[field.name for field in table.columns],
        )
        for name, table in tables.items()
    }
    while readers:
        for name in list(readers):
            batch = next(readers[name], None)
            if batch is None:
                del readers[name]
                continue
            yield _shown(flow.push(name, batch, now=now()), fields)
        yield _shown(flow.settle(now=now()), fields)
    if until_end:
        yield _shown(flow.settle(now=now(), ended=True), fields)


def _columns(flow: Dataflow, table: Table) -> dict[str, SqlType]:
    """What is read of a file: the columns that anyone needs, in their order."""
    needed = flow.columns(table.name)
    return {field.name: field.type for field in table.columns if field.name in needed}


def fields_of(query: Insert) -> tuple[Field, ...]:
    """The columns of the result: those of the target, where there is one."""
    return query.source.output if query.target is None else query.target.columns


def _shown(made: list[Rows], fields: tuple[Field, ...]) -> list[Row]:
    return [row for rows in made for row in rendered(rows, fields)]


def _refuse_missing(tables: set[str], inputs: Mapping[str, Path]) -> None:
    missing = sorted(tables - set(inputs))
    if missing:
        raise UsageError(
            f"No file is given for the table {missing[0]}.", remedy=f"Add --input {missing[0]}=FILE for each table."
        )
    unknown = sorted(set(inputs) - tables)
    if unknown:
        raise UsageError(
            f"--input {unknown[0]}=…: the query reads no table of this name.",
            remedy=f"It reads: {', '.join(sorted(tables))}.",
        )


def _tell(aside: SetAside, reject: Callable[[str], None]) -> None:
    for row in rendered_batch(aside.rows):
        reject(f"{aside.why}: {row.decode()}")
