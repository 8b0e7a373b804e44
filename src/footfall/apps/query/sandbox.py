"""Turns one SQL text and some Parquet files into an Arrow stream on standard output: runs in a process of its own.

Started as a file, with nothing of Footfall: it reads a job from standard input and may open the job's files only.
Five things hold a query: what it may say (`_check`), DuckDB's own locks, the kernel's (`_lock_in`), the limits of
the process, and the parent, which ends it at the deadline. An error is one JSON object on standard error, and exit
code 1.
"""

from __future__ import annotations

import ctypes
import json
import re
import resource
import signal
import struct
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import duckdb

_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "STATEMENT_NODE"}
_FUNCTIONS = {"range", "generate_series", "unnest", "json_each", "json_tree", "repeat", "repeat_row"}
_EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b)?", re.IGNORECASE)
_ALLOWED = "Allowed is one SELECT, WITH … SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN."
_ROOM = 3 << 30  # bytes of addresses beyond the query's memory: libraries, stacks, what the allocator reserves

_CREATE, _RESTRICT = 444, 446  # the same on all architectures since Linux 5.1's common numbers
_VERSION = 1  # flag: ask for the version of the interface
_NO_NEW_PRIVILEGES = 38
_WRITE = 1 << 1
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_TCP = 0b11  # bind, connect


def main() -> None:
    """Run the job that stands on standard input."""
    job = json.load(sys.stdin)
    sys.path[:] = job["path"]
    _lock_in()  # before any thread starts
    import duckdb  # after sys.path is set

    try:
        connection = _connection(job)
        _limit(job)
        _check(connection, job["sql"])
        _answer(connection, job)
    except Refused as refused:
        _fail("refused", str(refused))
    except MemoryError:
        _fail("memory", "")
    except duckdb.OutOfMemoryException as error:
        _fail("memory", str(error))
    except duckdb.Error as error:
        _fail(type(error).__name__.removesuffix("Exception").lower(), str(error))


class Refused(Exception):
    """The query asks for something that queries may not do."""


def _fail(kind: str, message: str) -> NoReturn:
    json.dump({"kind": kind, "message": message[:8_000]}, sys.stderr)
    sys.stderr.flush()
    sys.exit(1)


def _connection(job: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A database in memory, with the job's tables as views, that can no longer be changed."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{job['memory_mb']}MB",
            "threads": str(job["threads"]),
            "temp_directory": "",
            "python_enable_replacements": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    for name, table in job["tables"].items():
        files = ", ".join(_text(path) for path in table["files"])
        hexed = ", ".join(f"lower(hex({_name(column)})) AS {_name(column)}" for column in table["hexed"])
        columns = f"* REPLACE ({hexed})" if hexed else "*"
        connection.execute(
            f"CREATE VIEW {_name(name)} AS SELECT {columns} FROM "  # noqa: S608
            f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        )
    allowed = ", ".join(_text(path) for table in job["tables"].values() for path in table["files"])
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _lock_in() -> bool:
    """Give up changing files and opening TCP connections, for this thread and those that it starts from now on.

    That is Landlock: Linux 5.13 for files, 6.2 for truncation, 6.7 for TCP. Elsewhere False is returned, and the
    other bars must do. Numbers and structures: https://docs.kernel.org/userspace-api/landlock.html
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if version < 1:
        return False
    files = _WRITE | _REMOVE_AND_MAKE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    # The kernel takes the structure's first field alone, or both.
    rights = struct.pack("QQ", files, _TCP) if version >= 4 else struct.pack("Q", files)
    ruleset = libc.syscall(ctypes.c_long(_CREATE), rights, ctypes.c_size_t(len(rights)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.syscall(ctypes.c_long(_RESTRICT), ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)


def _limit(job: dict[str, Any]) -> None:
    """No file grows, no core is dumped; memory and CPU time end somewhat beyond what the query is given."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    room = (job["memory_mb"] << 20) + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    seconds = int(job["seconds"] * job["threads"]) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise Refused unless the text is one statement that only reads, from tables alone."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused(f"This has {len(statements) or 'no'} statements. {_ALLOWED}")
    text = statements[0].query
    if statements[0].type.name == "EXPLAIN":
        text = _EXPLAIN.sub("", text, count=1)
    [(tree,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    parsed = json.loads(tree)
    if parsed["error"]:
        raise Refused(f"This is not a query. {_ALLOWED}")
    for node in _objects(parsed):
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _NODES:
            raise Refused(f"A query cannot change anything ({kind.split('_')[0]}). {_ALLOWED}")
        if kind == "TABLE_FUNCTION":
            function = str(node.get("function", {}).get("function_name", "")).lower()
            if function not in _FUNCTIONS:
                raise Refused(
                    f"The table function {function} is not allowed. Allowed: {', '.join(sorted(_FUNCTIONS))}."
                )


def _objects(value: Any) -> Any:
    """All objects in a JSON value, from the outside in."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield found
                waiting.extend(found.values())
            case list() as several:
                waiting.extend(several)


def _answer(connection: duckdb.DuckDBPyConnection, job: dict[str, Any]) -> None:
    """Write the rows as an Arrow stream; an empty batch with a note at its end says that rows were left out."""
    import pyarrow as pa

    rows, size = job["rows"], job["bytes"]
    reader = connection.sql(job["sql"]).to_arrow_reader(8_192)
    with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as writer:
        for batch in reader:
            kept = batch.slice(0, rows)
            writer.write_batch(kept)
            rows -= kept.num_rows
            size -= kept.nbytes
            if kept.num_rows < batch.num_rows or size <= 0:
                writer.write_batch(batch.slice(0, 0), custom_metadata={"truncated": "yes"})
                break
    sys.stdout.flush()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


if __name__ == "__main__":
    main()
