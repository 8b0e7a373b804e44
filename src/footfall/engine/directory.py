"""Turns a path into a data directory that may be used: made, writable, and nobody else's for the time being."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from footfall.core.errors import Failure, UsageError


def usable(data_dir: Path) -> None:
    """Make the directory if need be. Raises UsageError when it is not one, or Failure without the rights."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        msg = f"{data_dir} is a file, not a directory."
        raise UsageError(msg, remedy="Choose another place with --data-dir.") from error
    except OSError as error:
        msg = f"The data directory {data_dir} cannot be made: {error.strerror}."
        raise Failure(msg, remedy="Choose another place with --data-dir, or mend its rights.") from error
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        msg = f"No rights to write in the data directory {data_dir}."
        raise Failure(msg, remedy="Choose another place with --data-dir, or mend its rights.")


def fingerprint(file: Path) -> str:
    """What tells a file from another one that takes its place, but not from itself when it has grown.

    16 hex digits, made of its first two lines.
    """
    with file.open("rb") as content:
        begin = content.read(4096).split(b"\n", 2)[:2]
    return f"{xxhash.xxh3_64_intdigest(b'|'.join(begin)):016x}"


@contextmanager
def in_use(run: Path, by: str, *, shared: bool = False) -> Iterator[None]:
    """Keep others from running processors on the data directory around ``run``, unless both share it.

    Raises Failure naming who does.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / "processors.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise Failure(
                f"The data directory {run.parent} is in use by {holder}.",
                remedy="Stop it first, or choose another place with --data-dir.",
            ) from None
        lock.truncate(0)
        lock.write(f"footfall {by} (process {os.getpid()})")
        lock.flush()
        yield
