"""Turns statements into jobs on a Flink cluster, and a job's id into its status, its end, and a savepoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from footfall.core.errors import Failure, Unavailable, UsageError
from footfall.sql.flink.gateway import Gateway, Session
from footfall.sql.flink.scripts import Script
from footfall.sql.flink.statements import Statement

_SETTINGS: Final = {
    "execution.runtime-mode": "streaming",
    "table.local-time-zone": "UTC",
}
"""What our SQL means by the words; a SET in the file comes later, and so wins."""
_CHECKPOINTS: Final = ("execution.checkpointing.interval", "10 s")
"""Without checkpoints a restarted job begins anew."""
_ID: Final = re.compile(r"[0-9a-f]{32}")
_LINE: Final = re.compile(r"\bline (\d+)\b")


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that was started."""

    job: str
    tables: Sequence[str]
    """Those that it writes to, as the file names them."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job is."""

    job: str
    name: str
    status: str
    """As Flink says it: RUNNING, FINISHED, FAILED, CANCELED, …"""
    started: str
    """ISO 8601, UTC."""


def submit(
    gateway: Gateway, script: Script, *, name: str | None = None, savepoint: str | None = None
) -> Sequence[Submitted]:
    """Send the statements one after the other. The jobs go on when this is over.

    With ``savepoint`` they begin with the state that a stopped job left there. Raises Failure with the line and Flink's
    reason; jobs of statements before that run on, and the message names them.
    """
    settings = {**_SETTINGS}
    if name is not None:
        settings["pipeline.name"] = name
    if savepoint is not None:
        settings["execution.state-recovery.path"] = savepoint
    found: list[Submitted] = []
    with gateway.session(settings) as session:
        _take_checkpoints(session)
        for statement in script.statements:
            with _explained(statement, script, found):
                result = session.execute(statement.text)
                if statement.targets and result.job is not None:
                    found.append(Submitted(result.job, statement.targets))
    return found


def statuses(gateway: Gateway, job: str | None = None) -> Sequence[JobStatus]:
    """All jobs that the cluster knows of, or one. Raises UsageError when there is none of this id."""
    with gateway.session() as session:
        rows = [row.fields for row in session.execute("SHOW JOBS").rows()]
    found = [JobStatus(one[0], " ".join(str(one[1]).split()), one[2], one[3]) for one in rows]
    return found if job is None else [_the_one(found, job)]


def cancel(gateway: Gateway, job: str) -> None:
    """End a job where it is; nothing is kept of its state."""
    _the_one(statuses(gateway), _checked(job))
    with gateway.session() as session:
        list(session.execute(f"STOP JOB '{job}'").rows())


def stop(gateway: Gateway, job: str, *, folder: str | None = None) -> str:
    """Let a job write a savepoint, and end; where it is. ``folder`` is one that the cluster reaches.

    Without it, the cluster's own setting says where. ``submit`` goes on from there.
    """
    _the_one(statuses(gateway), _checked(job))
    settings = {} if folder is None else {"execution.checkpointing.savepoint-dir": folder}
    with gateway.session(settings) as session:
        rows = [row.fields for row in session.execute(f"STOP JOB '{job}' WITH SAVEPOINT").rows()]
    place = str(rows[0][0]) if rows else ""
    if ":/" not in place:
        raise Failure(f"Job {job} was stopped, and Flink names no savepoint.", remedy="Look at the cluster's log.")
    return place


def _checked(job: str) -> str:
    if not _ID.fullmatch(job):
        raise UsageError(f"{job!a} is no job's id.", remedy="`footfall flink status` lists them: 32 hex digits.")
    return job


def _the_one(found: Sequence[JobStatus], job: str) -> JobStatus:
    _checked(job)
    for one in found:
        if one.job == job:
            return one
    raise UsageError(f"The cluster has no job {job}.", remedy="`footfall flink status` lists those that it has.")


def _take_checkpoints(session: Session) -> None:
    """Ask for checkpoints where the cluster's settings do not."""
    name, value = _CHECKPOINTS
    known: Mapping[str, Any] = {row.fields[0]: row.fields[1] for row in session.execute("SET").rows()}
    if name not in known:
        session.execute(f"SET '{name}' = '{value}'")


@contextmanager
def _explained(statement: Statement, script: Script, found: Sequence[Submitted]) -> Iterator[None]:
    """Say on which line of the file it was, and what runs already."""
    try:
        yield
    except Unavailable:
        raise
    except Failure as error:
        reason = error.message
        if statement.text in script.original:
            reason = _LINE.sub(lambda one: f"line {int(one[1]) + statement.line - 1}", reason)
        running = ", ".join(one.job for one in found)
        raise Failure(
            f"Line {statement.line}: Flink refuses this statement: {reason.rstrip('.')}.",
            remedy=f"Statements before it run as {running}: cancel them before you submit again." if running else "",
        ) from error
