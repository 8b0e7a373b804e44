"""Turns what services print into log files of bounded size, and picks out what people must see."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LIMIT: Final = 5 * 1024 * 1024
"""A log file is set aside at this size; one older file is kept beside it."""
LONGEST_LINE: Final = 64 * 1024
LOUD: Final = frozenset({"warning", "error", "critical"})


class LogFile:
    """A service's log: ``<service>.log``, and ``<service>.log.1`` before it."""

    def __init__(self, path: Path, *, limit: int = LIMIT) -> None:
        self._path = path
        self._limit = limit
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def write(self, line: bytes) -> None:
        """Add one line. A full disk loses log lines, not the services."""
        with contextlib.suppress(OSError):
            self._file.write(line + b"\n")
            self._size += len(line) + 1
            if self._size >= self._limit:
                self._rotate()

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _rotate(self) -> None:
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file.close()
        self._file = self._path.open("ab", buffering=0)
        self._size = 0


class Lines:
    """Cuts the bytes of a pipe into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from (line for line in lines if line)
        if len(self._rest) > LONGEST_LINE:
            yield from self.flush()

    def flush(self) -> Iterator[bytes]:
        """What stands after the last line end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield rest


def loud(line: bytes) -> str | None:
    """What a person should see of this line: warnings, errors, and all that is not a log entry of ours."""
    text = line.decode("utf-8", errors="replace").rstrip()
    entry: object = None
    if text.startswith("{"):
        with contextlib.suppress(ValueError):
            entry = json.loads(text)
    if not isinstance(entry, dict):
        return text or None
    level = entry.pop("level", "info")
    if level not in LOUD:
        return None
    entry.pop("timestamp", None)
    event = entry.pop("event", "")
    fields = " ".join(f"{name}={value}" for name, value in entry.items())
    return f"{level}: {event} {fields}".rstrip()


def read_available(descriptor: int) -> bytes | None:
    """What stands in a non-blocking pipe: b"" at its end, None when there is nothing just now."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None
