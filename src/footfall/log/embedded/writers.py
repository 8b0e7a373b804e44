"""Turns frames into synced ranges: the segments that this process writes to, and the removal of dead ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from footfall.log.embedded.frames import Frame
from footfall.log.embedded.manifest import Manifest
from footfall.log.embedded.segments import SUFFIX, Range, SegmentWriter, sync_directory, unavailable


class Writers:
    """This process's open segments, one a stream. Used by one thread at a time."""

    def __init__(self, root: Path, *, roll_at: int) -> None:
        self._root = root
        self._roll_at = roll_at
        self._token = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._made = 0
        self._open: dict[str, SegmentWriter] = {}

    def write(self, frames: Mapping[str, Sequence[Frame]]) -> dict[str, list[Range]]:
        """Write each stream's frames and sync them. After an error no byte of them will ever be named.

        A segment that failed is given up: after a failed sync nobody knows what is on disk,
        and a second sync would report success.
        """
        ranges: dict[str, list[Range]] = {}
        try:
            for stream, parts in frames.items():
                ranges[stream] = self._segment(stream).write([(frame.data, frame.crc) for frame in parts])
            for stream in frames:
                self._open[stream].sync()
        except BaseException:
            for stream in frames:
                self._give_up(stream)
            raise
        return ranges

    def add(self, stream: str, frame: Frame) -> Range:
        """Write and sync one frame more, while those of the latest write wait to be named: in the same segment."""
        segment = self._open[stream]
        try:
            where = segment.write([(frame.data, frame.crc)])[0]
            segment.sync()
        except BaseException:
            self._give_up(stream)
            raise
        return where

    def segment(self, stream: str) -> SegmentWriter:
        """The segment of the latest write."""
        return self._open[stream]

    def close(self) -> None:
        """Let go of all segments."""
        for stream in list(self._open):
            self._give_up(stream)

    def _segment(self, stream: str) -> SegmentWriter:
        segment = self._open.get(stream)
        if segment is not None and segment.end >= self._roll_at:
            self._give_up(stream)
            segment = None
        if segment is None:
            segment = self._open[stream] = self._new(stream)
        return segment

    def _new(self, stream: str) -> SegmentWriter:
        directory = self._root / stream
        try:
            if not directory.is_dir():
                directory.mkdir(parents=True, exist_ok=True)
                sync_directory(self._root)
            while True:
                self._made += 1
                with contextlib.suppress(FileExistsError):
                    return SegmentWriter(self._root, f"{stream}/{self._token}-{self._made:06d}{SUFFIX}")
        except OSError as error:
            raise unavailable("Making a segment in", directory, error) from error

    def _give_up(self, stream: str) -> None:
        segment = self._open.pop(stream, None)
        if segment is not None:
            with contextlib.suppress(OSError):
                segment.close()


def collect(manifest: Manifest, root: Path, paths: Iterable[str] | None = None) -> int:
    """Remove segments that the manifest does not name and no living process writes to; how many went.

    Without ``paths``, looks at all files.
    """
    if paths is None:
        named = {path for (path,) in manifest.rows("SELECT path FROM segments WHERE named > 0")}
        paths = [p for file in root.glob(f"*/*{SUFFIX}") if (p := file.relative_to(root).as_posix()) not in named]
    return sum(_collect_one(manifest, root, path) for path in paths)


def collect_unnamed(manifest: Manifest, root: Path) -> int:
    """Remove segments in which nothing is named any more; how many went."""
    return collect(manifest, root, [path for (path,) in manifest.rows("SELECT path FROM segments WHERE named = 0")])


def _collect_one(manifest: Manifest, root: Path, path: str) -> bool:
    """Remove one segment, unless its writer lives or somebody named it meanwhile."""
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with manifest.transaction():
            if manifest.one("SELECT 1 FROM segments WHERE path = ? AND named > 0", (path,)):
                return False
            manifest.rows("DELETE FROM segments WHERE path = ?", (path,))
        (root / path).unlink()
    except OSError:  # locked by its living writer, or removed by somebody else
        return False
    finally:
        os.close(descriptor)
    return True
