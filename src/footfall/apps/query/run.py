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
from signal import SIGALRM
from typing import Any, Final

import pyarrow as pa

from footfall.apps import sandbox
from footfall.apps.query.complaints import broken_off, explained
from footfall.apps.query.ending import end
from footfall.apps.query.results import Result
from footfall.apps.query.tables import Table, empty
from footfall.apps.query.yielding import yielding
from footfall.core.clock import SystemClock
from footfall.core.errors import Failure, UsageError
from footfall.core.events import Batch

_CHILD: Final = Path(sandbox.__file__).with_name("child.py")
_COMMAND: Final = (sys.executable, "-I", "-S", str(_CHILD))
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    # No threads but the one that is locked in.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
LONGEST: Final = 100_000
"""Characters of a query."""
_COMPLAINT: Final = 64 << 10
_BESIDE: Final = 16 << 20
"""Bytes that the form of an answer may take beyond its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a query may take."""

    deadline: timedelta = timedelta(seconds=30)
    """Counted from the start of the query's process, after its tables were made ready."""
    memory_mb: int = 512
    rows: int = 100_000
    megabytes: int = 64
    """Of rows that come back."""


def run_query(sql: str, tables: Mapping[str, Table], *, limits: Limits = Limits()) -> Result:
    """The answer to a query over these tables; only those that it names are made ready.

    Raises UsageError when the query is wrong or wants what queries may not do, with line, column and remedy, and
    Failure when it takes too long or too much memory. It may be called from any thread, several times at once.
    """
    _check_text(sql)
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
            "path": [str(_CHILD.parents[3]), *filter(None, sys.path)],
        }
        columns = [column for table in named.values() for column in table.schema.names]
        return _run(job, limits=limits, notices=notices, columns=columns)


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


def _check_text(sql: str) -> None:
    if len(sql) > LONGEST:
        raise UsageError(
            f"The query has {len(sql):,} characters; {LONGEST:,} are allowed.",
            remedy="Put less into it: join with a table instead of naming each value.",
        )
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        line = sql.count("\n", 0, error.start) + 1
        column = error.start - sql.rfind("\n", 0, error.start)
        raise UsageError(f"Line {line}, column {column}: no UTF-8.", remedy="Correct the character.") from None


def _run(job: dict[str, Any], *, limits: Limits, notices: list[str], columns: Sequence[str]) -> Result:
    late = threading.Event()
    seconds = limits.deadline.total_seconds()
    job["until"] = SystemClock().monotonic() + seconds
    process = subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,  # Ctrl-C is for us, and we end it; and processors are shared out by session
    )

    timer = _ended_by_us(process, seconds, late)
    with process:
        timer.start()
        try:
            with yielding(process, clock=SystemClock()):
                answer = _converse(process, json.dumps(job).encode(), most=job["bytes"] + _BESIDE)
        finally:
            timer.cancel()
            end(process)
    if answer.schema is not None and answer.whole and not answer.complaint:
        if answer.truncated:
            shown = sum(batch.num_rows for batch in answer.batches)
            notices.append(f"Only the first {shown:,} rows are shown: add a LIMIT, or aggregate.")
        return Result(schema=answer.schema, batches=answer.batches, notices=tuple(notices))
    if late.is_set() or process.returncode == -SIGALRM:
        raise Failure(
            f"The query was stopped after {seconds:g} s.",
            remedy="Ask for less: a shorter time, fewer columns, an aggregate.",
        )
    if not answer.complaint:
        raise broken_off(process.returncode)
    raise explained(answer.complaint, memory_mb=limits.memory_mb, columns=columns)


def _ended_by_us(process: subprocess.Popen[bytes], seconds: float, late: threading.Event) -> threading.Timer:
    """What ends the process after so long, and says so."""

    def over() -> None:
        late.set()
        end(process)

    timer = threading.Timer(seconds, over)
    timer.daemon = True
    return timer


class _Bounded:
    """A pipe that gives so many bytes and no more: what is at its other end is not trusted."""

    closed = False

    def __init__(self, pipe: Any, most: int) -> None:
        self._pipe = pipe
        self._left = most

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise OSError("more than was allowed")
        found: bytes = self._pipe.read(size)
        return found


def _converse(process: subprocess.Popen[bytes], job: bytes, *, most: int) -> _Answer:
    """Hand over the job and take what comes until the child ends or is ended."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("the child's pipes are open")
    with suppress(BrokenPipeError):
        process.stdin.write(job)
        process.stdin.close()
    schema, whole, truncated = None, False, False
    batches: list[Batch] = []
    try:
        with pa.ipc.open_stream(_Bounded(process.stdout, most)) as stream:
            schema = stream.schema
            for batch, note in stream.iter_batches_with_custom_metadata():
                batch.validate(full=True)
                batches.append(batch)
                truncated = truncated or note is not None
            whole = True
    except (pa.ArrowInvalid, OSError):
        pass  # it broke off: the complaint, or the deadline, says why
    complaint = process.stderr.read(_COMPLAINT)
    if not whole and schema is not None:
        end(process)  # it may have more to say than we listen to
    process.wait()
    return _Answer(schema, batches, whole and process.returncode == 0, truncated, complaint)
