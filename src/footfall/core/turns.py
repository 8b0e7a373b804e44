"""Turns several processes at one directory into one after the other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Keep other threads and processes out of their block for the same directory; a dead one holds nobody up.

    Who lays out a new SQLite file needs it: two that switch its journal at the same moment are told that the file
    is busy, at once and however long they would have waited.
    """
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
