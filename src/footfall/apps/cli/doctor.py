"""Turns this machine and a data directory into a list of checks: is it fit for Footfall?"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from footfall.apps.cli.options import DATA_DIR, AsJson, DataDir, may_name_servers
from footfall.apps.cli.output import print_json, print_table
from footfall.core.clock import SystemClock

FILES: Final = 1_024
FSYNC_SECONDS: Final = 0.1
DISK_GB: Final = 1.0
MEMORY_MB: Final = 1_024
SQLITE: Final = (3, 51, 3)
PYTHON: Final = (3, 11)
BUILT: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that shows an earlier time is wrong."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def doctor(data_dir: DataDir = DATA_DIR, as_json: AsJson = False) -> None:
    """Check whether this machine and the data directory are fit. Exit code 1 when they are not."""
    place = nearest(data_dir)
    checks = [*(one(place) for one in CHECKS), *servers()]
    if as_json:
        print_json({"ok": all(one.ok for one in checks), "checks": [asdict(one) for one in checks]})
    else:
        rows = ([one.name, "ok" if one.ok else "NOT OK", one.found, "" if one.ok else one.remedy] for one in checks)
        print_table(("check", "", "found", "what to do"), rows)
    if not all(one.ok for one in checks):
        raise typer.Exit(1)


def nearest(path: Path) -> Path:
    """The directory itself, or the one that it would be made in."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def python_version(_place: Path) -> Check:
    """Python is new enough."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", sys.version_info >= PYTHON, found, "Install Python 3.11 or newer.")


def sqlite_version(_place: Path) -> Check:
    """SQLite has the fixes that the log relies on."""
    from importlib import metadata

    try:
        found = metadata.version("apsw")
    except metadata.PackageNotFoundError:
        return Check("sqlite", ok=False, found="missing", remedy="Install Footfall with all its parts: make setup.")
    version = tuple(int(part) for part in found.split(".")[:3])
    return Check("sqlite", version >= SQLITE, found, "Update the package apsw to 3.51.3 or newer.")


def open_files(_place: Path) -> Check:
    """Segments, sockets and pipes fit under the limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fits = soft == resource.RLIM_INFINITY or soft >= FILES
    return Check("open files", fits, str(soft), f"Raise the limit: ulimit -n {4 * FILES}.")


def rights(place: Path) -> Check:
    """The data directory can be written."""
    fits = os.access(place, os.R_OK | os.W_OK | os.X_OK)
    return Check("data directory", fits, str(place), "Give this user the right to write there, or use --data-dir.")


def fsync(place: Path) -> Check:
    """Writing to disk works, and does not take for ever."""
    import tempfile

    clock = SystemClock()
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            begun = clock.monotonic()
            file.write(b"footfall")
            file.flush()
            os.fsync(file.fileno())
            seconds = clock.monotonic() - begun
    except OSError as error:
        return Check(
            "fsync", ok=False, found=error.strerror or str(error), remedy="Use a local disk that can be written."
        )
    found = f"{1000 * seconds:.1f} ms"
    return Check("fsync", seconds < FSYNC_SECONDS, found, "Use a faster disk: every acknowledged event waits for this.")


def free_disk(place: Path) -> Check:
    """There is room for the log."""
    free = shutil.disk_usage(place).free / 1e9
    return Check("free disk", free >= DISK_GB, f"{free:.1f} GB", f"Free at least {DISK_GB:.0f} GB.")


def memory(_place: Path) -> Check:
    """There is memory for all services."""
    import psutil

    free = psutil.virtual_memory().available / 2**20
    return Check("free memory", free >= MEMORY_MB, f"{free:,.0f} MB", f"Free at least {MEMORY_MB} MB.")


def clock_sane(_place: Path) -> Check:
    """The clock shows a time that can be true."""
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, tz=UTC)
    return Check("clock", now >= BUILT, now.isoformat(timespec="seconds"), "Set the machine's clock.")


def servers() -> list[Check]:
    """The servers that the settings name can be used. What it takes to ask them is loaded only if there may be some."""
    if not may_name_servers():
        return []
    from footfall import wiring

    return [
        Check(part, found is None, found or "answers", "See what is found, and the address in footfall.yaml.")
        for part, found in wiring.trouble().items()
    ]


CHECKS: Final[tuple[Callable[[Path], Check], ...]] = (
    python_version,
    sqlite_version,
    clock_sane,
    open_files,
    rights,
    fsync,
    free_disk,
    memory,
)
