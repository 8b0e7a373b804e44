"""Turns a planned script and a file for each of its tables into the rows of its last query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from footfall.core.errors import UsageError
from footfall.core.events import Batch
from footfall.processors.relational.rows import Rows
from footfall.sql.dataflow import Dataflow
from footfall.sql.functions.user import UserFunctions
from footfall.sql.inputs import read_file
from footfall.sql.message_fields import fields_of_file
from footfall.sql.nodes import SetAside
from footfall.sql.plan import Field, Insert, Script, Table
from footfall.sql.rendering import rendered, rendered_batch
from footfall.sql.standing import milliseconds_of, tables_of

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
    """The rows of the last query, as they come, as JSON objects, a batch at a time. See ``rows_over_files``."""
    query = insert or script.inserts[-1]
    fields = fields_of(query)
    made = rows_over_files(
        script, inputs, until_end=until_end, reject=reject, now=now, functions=functions, insert=query
    )
    for some in made:
        yield [row for rows in some for row in rendered(rows, fields)]


def rows_over_files(
    script: Script,
    inputs: Mapping[str, Path],
    *,
    until_end: bool,
    reject: Callable[[str], None],
    now: Callable[[], int],
    functions: UserFunctions | None = None,
    insert: Insert | None = None,
) -> Iterator[list[Rows]]:
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
    readers = {name: _batches(inputs[name], table, flow.columns(name), reject) for name, table in tables.items()}
    with ThreadPoolExecutor(1, thread_name_prefix="read") as ahead:
        coming = {name: ahead.submit(next, reader, None) for name, reader in readers.items()}
        while coming:
            for name in list(coming):
                batch = coming.pop(name).result()
                if batch is not None:
                    coming[name] = ahead.submit(next, readers[name], None)
                    yield flow.push(name, batch, now=now())
            yield flow.settle(now=now())
    if until_end:
        yield flow.settle(now=now(), ended=True)


def _batches(path: Path, table: Table, needed: set[str], reject: Callable[[str], None]) -> Iterator[Batch]:
    """The rows of a table's file: of its columns those that anyone needs, in their order."""
    fields = fields_of_file(path, table)
    wanted = [column for column in table.columns if column.name in needed]
    columns = {fields[column.name]: column.type for column in wanted}
    read = read_file(path, columns, lambda bad: reject(str(bad)), order=list(fields.values()))
    return (batch.rename_columns([column.name for column in wanted]) for batch in read)


def fields_of(query: Insert) -> tuple[Field, ...]:
    """The columns of the result: those of the target, where there is one."""
    return query.source.output if query.target is None else query.target.columns


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
