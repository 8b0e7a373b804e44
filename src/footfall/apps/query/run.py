"""Turns one SQL text into a result, in a child process that can read the named tables and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from footfall.apps.query.results import Result
from footfall.apps.query.tables import Table, empty
from footfall.core.errors import Failure, FootfallError, UsageError
from footfall.core.events import Batch

_SANDBOX: Final = Path(__file__).with_name("sandbox.py")
_THREADS: Final = 2
_MISSING: Final = re.compile(r"Table with name (.+?) does not exist")
_FAILURES: Final = frozenset({"io", "internal", "fatal", "interrupt", "resourceinuse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a query may take."""

    deadline: timedelta = timedelta(seconds=30)
    """Counted from the start of the query, after its tables were made ready."""
    memory_mb: int = 512
    rows: int = 100_000
    megabytes: int = 64
    """Of rows that come back."""


def run_query(sql: str, tables: Mapping[str, Table], *, limits: Limits = Limits()) -> Result:
    """The answer to a query over these tables; only those that it names are made ready.

    Raises UsageError when the query is wrong or wants what queries may not do, and Failure when it takes too
    long or too much memory.
    """
    notices: list[str] = []
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="footfall-query-")))
        named = {name: table for name, table in tables.items() if _names(sql, name)}
        for table in named.values():
            table.prepare(notices.append)
        files: dict[str, list[Path]] = {name: [] for name in tables}
        for name, table in named.items():
            held.enter_context(table.reading())
            files[name] = list(table.files(folder))
        for name, table in tables.items():
            files[name] = files[name] or [empty(folder, table)]
        job = {
            "sql": sql,
            "tables": {
                name: {"files": [str(path.absolute()) for path in paths], "hexed": tables[name].hexed}
                for name, paths in files.items()
            },
            "memory_mb": limits.memory_mb,
            "rows": limits.rows,
            "bytes": limits.megabytes << 20,
            "seconds": limits.deadline.total_seconds(),
            "threads": _THREADS,
            "path": sys.path,
        }
        return _run(job, limits=limits, notices=notices)


def _names(sql: str, table: str) -> bool:
    """Whether a table may be meant. Too often is harmless: it is then made ready for nothing."""
    return re.search(rf"(?<!\w){re.escape(table)}(?!\w)", sql, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back from the child, up to where it ended."""

    schema: pa.Schema | None = None
    batches: Sequence[Batch] = ()
    whole: bool = False
    truncated: bool = False
    complaint: bytes = b""


def _run(job: dict[str, Any], *, limits: Limits, notices: list[str]) -> Result:
    late = threading.Event()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SANDBOX)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"LANG": "C.UTF-8", "TZ": "UTC"},
        cwd="/",
    )

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limits.deadline.total_seconds(), end)
    with process:
        timer.start()
        try:
            answer = _converse(process, json.dumps(job).encode())
        finally:
            timer.cancel()
            process.kill()
    if answer.schema is not None and answer.whole and not answer.complaint:
        if answer.truncated:
            shown = sum(batch.num_rows for batch in answer.batches)
            notices.append(f"Only the first {shown:,} rows are shown: add a LIMIT, or aggregate.")
        return Result(schema=answer.schema, batches=answer.batches, notices=tuple(notices))
    if late.is_set():
        raise Failure(
            f"The query was stopped after {limits.deadline.total_seconds():g} s.",
            remedy="Ask for less: a shorter time, fewer columns, an aggregate.",
        )
    raise _error(answer.complaint, tables=list(job["tables"]), limits=limits)


def _converse(process: subprocess.Popen[bytes], job: bytes) -> _Answer:
    """Hand over the job and take what comes until the child ends or is ended."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("the child's pipes are open")
    with suppress(BrokenPipeError):
        process.stdin.write(job)
        process.stdin.close()
    schema, whole, truncated = None, False, False
    batches: list[Batch] = []
    try:
        with pa.ipc.open_stream(process.stdout) as stream:
            schema = stream.schema
            for batch, note in stream.iter_batches_with_custom_metadata():
                batches.append(batch)
                truncated = truncated or note is not None
            whole = True
    except (pa.ArrowInvalid, OSError):
        pass  # it broke off: the complaint, or the deadline, says why
    complaint = process.stderr.read()
    process.wait()
    return _Answer(schema, batches, whole and process.returncode == 0, truncated, complaint)


def _error(complaint: bytes, *, tables: Sequence[str], limits: Limits) -> FootfallError:
    """What the child wrote on standard error, as one of our errors."""
    try:
        found = json.loads(complaint)
    except ValueError:
        return Failure("The query's process broke off.", remedy="Ask for less: it may have run out of memory.")
    kind, message = found["kind"], found["message"]
    missing = _MISSING.search(message)
    if kind == "memory":
        return Failure(
            f"The query needs more than {limits.memory_mb} MB of memory.",
            remedy="Ask for less: a shorter time, fewer columns, an aggregate.",
        )
    if missing:
        return UsageError(f"There is no table {missing[1]}.", remedy=f"Tables: {', '.join(sorted(tables))}.")
    if kind == "permission":
        return UsageError("Queries read these tables only, no files, and no other host.", remedy=_first_line(message))
    if kind in _FAILURES:
        return Failure(f"The query failed: {message.strip()}")
    return UsageError(message.strip())


def _first_line(message: str) -> str:
    return message.partition("\n")[0]
