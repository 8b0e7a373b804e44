"""Turns bytes into ranges of segment files, and ranges back into bytes that are checked.

A process writes to segments of its own, which it keeps locked. It never writes behind somebody else's tail.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import google_crc32c
import pyarrow as pa

from footfall.core.errors import Unavailable

DIRECTORY: Final = "segments"
SUFFIX: Final = ".seg"
ALIGNMENT: Final = 64
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PADDING: Final = bytes(ALIGNMENT)


@dataclass(frozen=True, slots=True)
class Range:
    """Where the bytes of a batch are, and their checksum."""

    path: str
    """Of the segment, below segments/."""
    position: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """The position after the last byte."""
        return self.position + self.length


class DamagedBytes(Exception):
    """The bytes of a range are not what was written; the text says why."""


def checksum(data: pa.Buffer) -> int:
    """CRC-32C, at some 20 GB/s."""
    return int(google_crc32c.value(data))


def sync_file(descriptor: int) -> None:
    """Wait until the file's bytes are on disk."""
    os.fdatasync(descriptor)


def sync_directory(directory: Path) -> None:
    """Wait until the names in a directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unavailable(action: str, path: Path, error: OSError) -> Unavailable:
    """What an error of the file system means for the caller."""
    if error.errno in _NO_SPACE:
        return Unavailable(
            f"{action} {path} failed: no space is left ({error.strerror}).",
            remedy="Nothing was appended. Free some space (or raise the limit), and it goes on.",
        )
    if error.errno == errno.EROFS:
        return Unavailable(
            f"{action} {path} failed: the file system is read-only.",
            remedy="Nothing was appended. Make it writable, and it goes on.",
        )
    return Unavailable(
        f"{action} {path} failed ({error.strerror}).",
        remedy="Nothing was appended. Check the disk and the file's rights.",
    )


class SegmentWriter:
    """An open segment that belongs to this process. Once a sync has failed it must not be used again."""

    def __init__(self, root: Path, path: str) -> None:
        """Make the file and lock it; FileExistsError if there is one, or if it was collected meanwhile."""
        self.path = path
        self.id: int | None = None
        """Its number in the manifest, once a batch in it is named."""
        self.end = 0
        self._file = root / path
        self._new = True
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        if os.fstat(self._descriptor).st_nlink == 0:
            os.close(self._descriptor)
            raise FileExistsError(errno.EEXIST, "removed while it was made", path)

    def write(self, frames: Sequence[tuple[pa.Buffer, int]]) -> list[Range]:
        """Write batches (bytes and checksum) behind one another, not yet synced."""
        ranges: list[Range] = []
        parts: list[pa.Buffer | bytes] = []
        position = self.end
        for data, crc in frames:
            ranges.append(Range(self.path, position, data.size, crc))
            padding = -data.size % ALIGNMENT
            parts += (data, _PADDING[:padding])
            position += data.size + padding
        try:
            _write_all(self._descriptor, parts, self.end)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.end)
            raise unavailable("Writing", self._file, error) from error
        self.end = position
        return ranges

    def sync(self) -> None:
        """Wait until all that was written is on disk, and the file's name too."""
        try:
            sync_file(self._descriptor)
            if self._new:
                sync_directory(self._file.parent)
                self._new = False
        except OSError as error:
            raise unavailable("Syncing", self._file, error) from error

    def close(self) -> None:
        """Let go of the file; it goes away if nothing in it was ever named."""
        if self.id is None:
            self._file.unlink(missing_ok=True)
        os.close(self._descriptor)


def _write_all(descriptor: int, parts: Sequence[pa.Buffer | bytes], position: int) -> None:
    for first in range(0, len(parts), 512):
        views = [memoryview(part).cast("B") for part in parts[first : first + 512] if len(part)]
        while views:
            written = os.pwritev(descriptor, views, position)
            position += written
            while views and written >= len(views[0]):
                written -= len(views.pop(0))
            if written:
                views[0] = views[0][written:]


class SegmentReader:
    """Reads ranges of segments. Keeps the latest files open."""

    def __init__(self, root: Path, *, keep_open: int = 64) -> None:
        self._root = root
        self._keep_open = keep_open
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def read(self, ranges: Sequence[Range]) -> pa.Buffer:
        """The bytes from the first range's start to the last range's end, all in one segment.

        Shorter if the file ends before. Raises FileNotFoundError when there is no such file.
        """
        start, end = ranges[0].position, ranges[-1].end
        handle = self._handle(ranges[0].path)
        buffer = pa.allocate_buffer(end - start)
        view = memoryview(buffer)
        done = 0
        while done < len(view):
            got = os.preadv(handle.descriptor, [view[done:]], start + done)
            if not got:
                break
            done += got
        return buffer.slice(0, done) if done < buffer.size else buffer

    def close(self) -> None:
        """Let go of all files."""
        self._open.clear()

    def _handle(self, path: str) -> _Open:
        handle = self._open.get(path)
        if handle is None:
            handle = _Open(self._root / path)
            for stale in [name for name, other in list(self._open.items()) if other.removed]:
                self._open.pop(stale, None)
            self._open[path] = handle
            while len(self._open) > self._keep_open:
                self._open.popitem(last=False)
        return handle


class _Open:
    """A file open for reading, closed when the last thread has let go of it."""

    __slots__ = ("descriptor",)

    def __init__(self, path: Path) -> None:
        self.descriptor = -1
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def removed(self) -> bool:
        return os.fstat(self.descriptor).st_nlink == 0

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def check(data: pa.Buffer, where: Range) -> None:
    """Raise DamagedBytes unless these are the bytes that were written."""
    if data.size < where.length:
        raise DamagedBytes(f"{where.length} bytes were written at byte {where.position}, only {data.size} are there")
    found = checksum(data)
    if found != where.crc:
        raise DamagedBytes(
            f"the {where.length} bytes at byte {where.position} have checksum {found:08x}, written was {where.crc:08x}"
        )
