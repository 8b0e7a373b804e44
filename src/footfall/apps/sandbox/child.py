"""Turns a job on standard input, one SQL text and some Parquet files, into an Arrow stream on standard output.

Runs in a process of its own, started as a file. Five things hold a query: what it may say (`statement`), DuckDB's own
locks, the kernel's and the limits (`jail`), and the parent, which ends it at the deadline. An error is one JSON object
on standard error, and exit code 1.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ROWS = 8_192  # a batch
_KEPT = 8_000  # characters of a message
_SETTINGS = {
    "threads": "1",
    "async_threads": "0",
    "temp_directory": "",
    "python_enable_replacements": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "errors_as_json": "true",
}


def main() -> None:
    """Run the job that stands on standard input."""
    job = json.load(sys.stdin)
    sys.path[:] = job["path"]
    from footfall.apps.sandbox import jail

    jail.step_back()
    jail.end_at(job["until"])
    run(job)


def run(job: dict[str, Any]) -> None:
    """Answer, or say why not; nothing outside is to be had from the first line of this on that looks at the SQL."""
    import pyarrow as pa  # noqa: F401 - cannot be imported later

    from footfall.apps.sandbox import jail, statement

    connection = _connection(job["memory_mb"])  # looks at the machine, so it cannot be made later
    files = [path for table in job["tables"].values() for path in table["files"]]
    jail.behind(jail.NICE)
    jail.lock_in(files, memory=job["memory_mb"] << 20, seconds=job["seconds"])
    try:
        _make_tables(connection, job["tables"])
        _lock(connection, files)
        checked = statement.check(connection, job["sql"], list(job["tables"]))
        _answer(connection, checked.statement, job)
    except statement.Refused as refused:
        _fail("refused", refused.what, remedy=refused.remedy, place=statement.place(job["sql"], refused.at))
    except MemoryError:
        _fail("memory", "")
    except Exception as error:  # noqa: BLE001 - DuckDB's come through Arrow as well; and nobody shall see a traceback
        _engine_failed(error, job["sql"])


def _fail(kind: str, what: str, **more: Any) -> NoReturn:
    json.dump({"kind": kind, "what": what[:_KEPT], **more}, sys.stderr)
    sys.stderr.flush()
    sys.exit(1)


def _engine_failed(error: Exception, sql: str) -> NoReturn:
    """DuckDB's errors have JSON in them: kind, place in bytes and, for a misspelt name, candidates."""
    from footfall.apps.sandbox import statement

    text = str(error)
    try:
        said, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        kind = str(said["exception_type"]).lower()
    except (ValueError, KeyError):
        said, kind = {}, "internal"
    at = str(said.get("position", ""))
    _fail(
        "memory" if kind == "out of memory" else kind,
        str(said.get("exception_message", f"{type(error).__name__}: {text}")),
        place=statement.place(sql, int(at)) if at.isdecimal() else None,
        name=said.get("name"),
        candidates=str(said.get("candidates", "")),
    )


def _connection(memory_mb: int) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, and no thread besides this one."""
    import duckdb

    settings: dict[str, Any] = {**_SETTINGS, "memory_limit": f"{memory_mb}MB"}
    if duckdb.__version__.startswith("1."):  # has no threads for waiting
        del settings["async_threads"]
    return duckdb.connect(":memory:", config=settings)


def _make_tables(connection: duckdb.DuckDBPyConnection, tables: dict[str, Any]) -> None:
    """A view over each table's files."""
    connection.execute("SET TimeZone = 'UTC'")
    for name, table in tables.items():
        files = ", ".join(_text(path) for path in table["files"])
        hexed = ", ".join(f"lower(hex({_name(column)})) AS {_name(column)}" for column in table["hexed"])
        columns = f"* REPLACE ({hexed})" if hexed else "*"
        connection.execute(
            f"CREATE VIEW {_name(name)} AS SELECT {columns} FROM "  # noqa: S608
            f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        )


def _lock(connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    """DuckDB's own locks: these files, nothing else outside, and no setting can be changed any more."""
    connection.execute(f"SET allowed_paths = [{', '.join(map(_text, files))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _answer(connection: duckdb.DuckDBPyConnection, query: duckdb.Statement, job: dict[str, Any]) -> None:
    """Write the rows as an Arrow stream; an empty batch with a note at its end says that rows were left out."""
    import pyarrow as pa

    rows, size = job["rows"], job["bytes"]
    reader = _relation(connection, query).to_arrow_reader(_ROWS)
    with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as writer:
        for batch in reader:
            kept = _cut(batch.slice(0, rows), size)
            writer.write_batch(kept)
            rows -= kept.num_rows
            size -= kept.nbytes
            if kept.num_rows < batch.num_rows:
                writer.write_batch(batch.slice(0, 0), custom_metadata={"truncated": "yes"})
                break
    sys.stdout.flush()


def _relation(connection: duckdb.DuckDBPyConnection, query: duckdb.Statement) -> duckdb.DuckDBPyRelation:
    """The query, ready to give its rows one after the other."""
    import duckdb

    try:
        return connection.sql(query)
    except (duckdb.BinderException, duckdb.CatalogException):
        connection.execute(query)  # fails as well, and says where
        raise


def _cut(batch: pa.RecordBatch, size: int) -> pa.RecordBatch:
    """As many of the first rows as have so many bytes at most."""
    if batch.nbytes <= size:
        return batch
    low, high = 0, batch.num_rows
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if batch.slice(0, middle).nbytes <= size else (low, middle)
    return batch.slice(0, low)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


if __name__ == "__main__":
    main()
