"""Turns a file into the promise that one supervisor alone works on a data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from footfall.core.errors import Failure


@contextmanager
def only_one(run_dir: Path) -> Iterator[None]:
    """Hold ``up.lock``; the kernel gives it back when this process ends, however it ends."""
    path = run_dir / "up.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Failure(
                f"`footfall up` already runs on {run_dir.parent} (process {pid}).",
                remedy="See it with `footfall status`, end it with Ctrl-C there, or use another --data-dir.",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
