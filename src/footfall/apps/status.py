"""Turns what services write about themselves into a picture of what runs: heartbeats, and their reading.

Every service writes ``DIR/run/<service>.json`` (a *heartbeat*); the supervisor writes ``DIR/run/supervisor.json``
about the processes that it started. Who reads them needs no connection to anybody.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from footfall.core.clock import Clock, SystemClock

EVERY_SECONDS: Final = 0.5
"""A heartbeat is written at most this often."""
SILENT_SECONDS: Final = 5.0
"""A service that runs and has not written for so long does not work any more."""
FORGOTTEN_SECONDS: Final = 30.0
"""A supervisor writes once a second; after this long a silence it is another process that has its number."""
SUPERVISOR: Final = "supervisor"
SERVICE_NAME: Final = r"[a-z][a-z0-9-]{0,40}"
"""What a service may be called: its files in ``DIR/run`` have this name."""


class State(StrEnum):
    """How a service is."""

    HEALTHY = "healthy"
    """Runs and shows signs of life."""
    STARTING = "starting"
    """Runs, and has not yet said anything."""
    FAILED = "failed"
    """Ended by itself, or shows no sign of life; the supervisor starts it again."""
    STOPPED = "stopped"
    """Was told to end, or has done its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One line of ``footfall status``."""

    service: str
    state: State
    pid: int | None = None
    uptime_seconds: float | None = None
    events: int = 0
    events_per_second: float = 0.0
    lag: int | None = None
    offers: int | None = None
    cpu_percent: float | None = None
    memory_mb: float | None = None
    restarts: int = 0
    last_error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields as they are printed."""
        return asdict(self)


class Heartbeat:
    """What a service says of itself, in a file that is always whole.

    ``beat`` may be called as often as one likes; it writes at most every half second, and at once when
    the state changes. Writing must never stop the work: an error of the disk is left to those who need it.
    """

    def __init__(self, run_dir: Path, service: str, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._path = run_dir / f"{service}.json"
        self._fields: dict[str, Any] = {
            "service": service,
            "pid": os.getpid(),
            "started_ms": self._clock.now_ms(),
            "state": State.STARTING.value,
            "events": 0,
            "rate": 0.0,
            "lag": None,
            "error": "",
        }
        self._written = float("-inf")
        with contextlib.suppress(OSError):
            run_dir.mkdir(parents=True, exist_ok=True)
        self._write()

    def beat(self, *, state: State = State.HEALTHY, **fields: Any) -> None:
        """Take over the fields given (``events``, ``rate``, ``lag``, ``error``, …) and write when it is time."""
        changed = self._fields["state"] != state.value
        self._fields.update(fields, state=state.value)
        if changed or self._clock.monotonic() - self._written >= EVERY_SECONDS:
            self._write()

    def close(self, *, error: str = "") -> None:
        """The last word: stopped, or failed with this error."""
        self._fields["rate"] = 0.0
        self._fields["error"] = error or self._fields["error"]
        self._fields["state"] = (State.FAILED if error else State.STOPPED).value
        self._write()

    def _write(self) -> None:
        self._written = self._clock.monotonic()
        self._fields["updated_ms"] = self._clock.now_ms()
        with contextlib.suppress(OSError):
            write_json(self._path, self._fields)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step, so that a reader sees the old text or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """What the file says, or None if there is no such file or it is not ours."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def read_statuses(run_dir: Path, *, clock: Clock | None = None) -> list[ServiceStatus]:
    """How all services are that ever ran here and were not forgotten, by name."""
    now_ms = (clock or SystemClock()).now_ms()
    beats = {path.stem: beat for path in sorted(run_dir.glob("*.json")) if (beat := read_json(path)) is not None}
    supervised = supervised_by(beats.pop(SUPERVISOR, None), now_ms=now_ms)
    names = supervised or beats  # the supervisor's word on which services there are; without it, the services' own
    alone = [name for name in beats if name not in names and alive(beats[name].get("pid"))]
    return [status_of(name, beats.get(name), supervised.get(name), now_ms=now_ms) for name in [*names, *alone]]


def own_status(run_dir: Path, service: str, *, clock: Clock | None = None) -> ServiceStatus | None:
    """How one service is by its own word alone; None if it never said any."""
    beat = read_json(run_dir / f"{service}.json")
    return None if beat is None else status_of(service, beat, None, now_ms=(clock or SystemClock()).now_ms())


def lives(run_dir: Path, service: str, *, clock: Clock | None = None) -> bool:
    """Whether a service is still at it, well or not: what does not live is only helped by a new start."""
    beat = read_json(run_dir / f"{service}.json")
    if beat is None or not alive(beat.get("pid")):
        return False
    silent_ms = (clock or SystemClock()).now_ms() - int(beat.get("updated_ms", 0))
    return beat.get("state") == State.STARTING or silent_ms <= 1000 * SILENT_SECONDS


def supervised_by(content: Mapping[str, Any] | None, *, now_ms: int) -> dict[str, dict[str, Any]]:
    """What a living supervisor says of its processes, by name; nothing when it is gone."""
    if content is None or not alive(content.get("pid")):
        return {}
    if now_ms - int(content.get("updated_ms", 0)) > 1000 * FORGOTTEN_SECONDS:  # another process has its number now
        return {}
    return {str(entry["name"]): entry for entry in content.get("services", ())}


def status_of(
    name: str, beat: Mapping[str, Any] | None, entry: Mapping[str, Any] | None, *, now_ms: int
) -> ServiceStatus:
    """One service, from its own words (``beat``) and the supervisor's (``entry``)."""
    seen = entry or {}
    pid = seen.get("pid") if entry is not None else (beat or {}).get("pid")
    said = beat if beat is not None and beat.get("pid") == pid else {}
    running = alive(pid)
    silent = (now_ms - int(said.get("updated_ms", now_ms))) / 1000
    state, error = judge(said, seen, running=running, silent_seconds=silent)
    last = beat or {}
    return ServiceStatus(
        service=name,
        state=state,
        pid=pid if running else None,
        uptime_seconds=round((now_ms - said["started_ms"]) / 1000, 1) if running and "started_ms" in said else None,
        events=int(last.get("events") or 0),
        events_per_second=float(said.get("rate") or 0.0) if running else 0.0,
        lag=last.get("lag"),
        offers=last.get("offers"),
        cpu_percent=seen.get("cpu_percent"),
        memory_mb=seen.get("memory_mb"),
        restarts=int(seen.get("restarts") or 0),
        last_error=str(error or said.get("error") or seen.get("last_error") or ""),
    )


def judge(
    said: Mapping[str, Any], seen: Mapping[str, Any], *, running: bool, silent_seconds: float
) -> tuple[State, str]:
    """The state of a service, and an error if it follows from the state alone."""
    if not running:
        stopped = said.get("state") == State.STOPPED or seen.get("state") == State.STOPPED
        return (State.STOPPED, "") if stopped else (State.FAILED, "" if seen.get("last_error") else "it is gone")
    if not said or said.get("state") == State.STARTING:
        return State.STARTING, ""
    if silent_seconds > SILENT_SECONDS:
        return State.FAILED, f"no sign of life for {silent_seconds:.0f} s"
    return State(said.get("state", State.HEALTHY)), ""


def alive(pid: object) -> bool:
    """Whether a process of this number runs (a zombie does not)."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in {"Z", "X"}
