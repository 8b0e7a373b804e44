"""Turns a file of SQL into a query at work: on the log, or over files."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall.core.clock import SystemClock
from footfall.core.errors import UsageError
from footfall.core.progress import unheard
from footfall.log.base import Log, StreamSettings
from footfall.pipeline import read_pipeline
from footfall.wiring.backends import open_existing_log, open_log

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.core.events import Batch
    from footfall.sql.declarations import Declaration
    from footfall.sql.errors import At
    from footfall.sql.plan import Script
    from footfall.sql.standing import StandingQuery


def plan_sql(text: str, *, data_dir: Path, settings: Path | None = None, origin: Path | None = None) -> Script:
    """Plan a file of SQL over the streams that there are and those that the settings declare.

    ``origin`` is where it stands: functions of one's own are looked for there.
    """
    from footfall.sql.planning import plan_script

    with known_streams(data_dir=data_dir, settings=settings, origin=origin) as streams:
        return plan_script(text, streams=streams)


@contextmanager
def known_streams(
    *, data_dir: Path, settings: Path | None = None, origin: Path | None = None
) -> Iterator[Mapping[str, str]]:
    """What a query may name without declaring it; and functions are found beside ``origin``."""
    from footfall.sql.known import KnownStreams

    declared = {name: one.create_table() for name, one in _declared(settings).items()}
    lateness = read_pipeline(settings).lateness
    with _paths([origin.parent if origin else Path()]), ExitStack() as stack:
        log = stack.enter_context(open_existing_log(data_dir)) if (data_dir / "log").is_dir() else None
        yield KnownStreams(log, declared=declared, lateness=lateness)


def _declared(settings: Path | None) -> Mapping[str, Declaration]:
    from footfall.pipeline import FILE
    from footfall.pipeline.declared import read_declared

    return read_declared(settings).streams if settings is not None or FILE.exists() else {}


@contextmanager
def _paths(directories: Sequence[Path]) -> Iterator[None]:
    """Let Python find modules there as well."""
    before = list(sys.path)
    sys.path[:0] = [str(one.resolve()) for one in directories]
    try:
        yield
    finally:
        sys.path[:] = before


def standing_query(
    script: Script,
    *,
    name: str,
    data_dir: Path,
    until_end: bool = False,
    from_the_start: bool = False,
    settings: Path | None = None,
    show: Callable[[list[dict[str, Any]]], None] = unheard,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, int]:
    """A script on the log, until stopped. Rows of a SELECT go to ``show``, those of an INSERT to its stream."""
    from footfall.engine.queries import Querying, QueryTask
    from footfall.sql.rendering import rendered_events
    from footfall.sql.standing import StandingQuery

    pipeline = read_pipeline(settings)
    with open_log(data_dir, pipeline=pipeline, settings=settings) as log:
        query = StandingQuery(name, script)
        _refuse_several(script)
        _refuse_circles(script)
        _refuse_unknown(log, query)
        for stream in query.targets:
            if stream not in log.names():
                log.create(stream, StreamSettings(partitions=pipeline.partitions))
        _declare(log, script)
        if from_the_start:
            log.delete_group(f"sql:{name}")
        fields = script.inserts[-1].source.output

        def shown(batch: Batch) -> None:
            show(rendered_events(batch, fields))

        task = QueryTask(query, log=log, durable=bool(query.targets), show=shown)
        service = Querying(task, log=log, clock=SystemClock(), beat=beat)
        return service.run(stop, until_end=until_end)


def _declare(log: Log, script: Script) -> None:
    """Tell a log whose messages others may write what the tables say of them."""
    from footfall.sql.standing import tables_of
    from footfall.sql.tables import message_schema, stream_of

    declare = getattr(log, "declare", None)
    if declare is not None:
        for table in (table for insert in script.inserts for table in tables_of(insert).values()):
            declare(stream_of(table), message_schema(table))


def _refuse_several(script: Script) -> None:
    """What is shown has columns of one query, and what is kept is not shown."""
    if len(script.inserts) > 1 and any(insert.target is None for insert in script.inserts):
        raise UsageError(
            "On the log, a SELECT is run alone: its rows are shown as they come.",
            remedy="Take the other queries out of the script, or write INSERT INTO before each SELECT.",
        )


def _refuse_circles(script: Script) -> None:
    """Queries that read what they write, or what comes of it, would never come to rest."""
    from footfall.sql.errors import SqlError
    from footfall.sql.standing import tables_of
    from footfall.sql.tables import stream_of

    reads: dict[str, set[str]] = {}
    ats: dict[str, At] = {}
    for insert in script.inserts:
        if insert.target is not None:
            target = stream_of(insert.target)
            ats.setdefault(target, insert.at)
            reads.setdefault(target, set()).update(map(stream_of, tables_of(insert).values()))
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as circle:
        streams: list[str] = circle.args[1]
        alone = len(set(streams)) == 1
        raise SqlError(
            f"This query reads the stream that it writes, {streams[0]}"
            if alone
            else f"These queries read, in a circle, what they write: {' -> '.join(streams)}",
            at=ats[streams[0]],
            remedy="Write into another one: give the target's WITH another 'topic'.",
        ) from None


def _refuse_unknown(log: Log, query: StandingQuery) -> None:
    there = log.names()
    for stream in query.streams:
        if stream not in (*there, *query.targets):
            raise UsageError(
                f"There is no stream {stream!r} that the query could read.",
                remedy=f"There are: {', '.join(there)}. A table's stream is named in its WITH: 'topic' = '…'.",
            )


def query_files(
    script: Script,
    inputs: Mapping[str, Path],
    *,
    until_end: bool,
    reject: Callable[[str], None],
) -> Iterator[list[dict[str, Any]]]:
    """A script over files: the rows of its last SELECT or INSERT as they come, as JSON objects.

    ``until_end``: nothing comes after the files, so all windows close.
    """
    from footfall.sql.batch import run_over_files

    return run_over_files(script, inputs, until_end=until_end, reject=reject, now=SystemClock().now_ms)


def explain_sql(script: Script) -> list[str]:
    """How the script would be run, line by line."""
    from footfall.sql.explain import explained

    return explained(script).splitlines()


def fingerprint_of(script: Script) -> str:
    """What tells the script from others that mean something else."""
    from footfall.sql.standing import StandingQuery

    return StandingQuery("", script).fingerprint
