"""Turns lock files into turns: one writer a stream at a time, and files that stay while one of ours reads."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only writer. Waits until the one before is through."""
    handle = _lock(folder / "_writer.lock", fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def nobody_reading(folder: Path) -> Iterator[bool]:
    """Keep our readers out, if there is none just now; whether that is so."""
    try:
        handle = _lock(folder / "_readers.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(handle)


def lock_to_read(folder: Path) -> int:
    """Keep all files in their places until this handle is closed."""
    return _lock(folder / "_readers.lock", fcntl.LOCK_SH)


def _lock(path: Path, how: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, how)
    except BaseException:
        os.close(handle)
        raise
    return handle
