"""Turns stream names into what the manifest knows of them: settings, partitions, offsets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from footfall.core.errors import UsageError
from footfall.core.events import is_internal
from footfall.log.base import StreamInfo, StreamSettings
from footfall.log.embedded.manifest import Manifest

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")


class Streams:
    """Looks streams up; remembers them, since their partitions never change."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._known: dict[str, tuple[int, int]] = {}

    def find(self, stream: str) -> tuple[int, int]:
        """A stream's number and how many partitions it has. Raises UsageError if there is no such stream."""
        found = self._known.get(stream)
        if found is None:
            row = self._manifest.one("SELECT id, partitions FROM streams WHERE name = ?", (stream,))
            if row is None:
                there = self._manifest.rows("SELECT name FROM streams ORDER BY name")
                names = [name for (name,) in there if not is_internal(name)]
                raise UsageError(
                    f"There is no stream {stream!r}.",
                    remedy=f"There are: {', '.join(names)}." if names else "There are no streams yet.",
                )
            found = self._known[stream] = (row[0], row[1])
        return found

    def number(self, stream: str, partition: int) -> int:
        """The number of a stream that has this partition; UsageError otherwise."""
        number, partitions = self.find(stream)
        if not 0 <= partition < partitions:
            raise UsageError(
                f"Stream {stream!r} has no partition {partition}.", remedy=f"It has 0 to {partitions - 1}."
            )
        return number


def create(manifest: Manifest, stream: str, settings: StreamSettings) -> None:
    """Make a stream; one that is there keeps its partitions, and is kept as long as the settings say from now on."""
    if not _NAME.fullmatch(stream):
        raise UsageError(
            f"{stream!r} cannot be a stream's name.",
            remedy="Use 1 to 127 letters, digits, dots, dashes and underscores; begin with a letter or digit.",
        )
    if settings.partitions < 1:
        raise UsageError(
            f"Stream {stream!r} cannot have {settings.partitions} partitions.", remedy="Give it 1 or more."
        )
    keep_for = None if settings.keep_for is None else settings.keep_for // timedelta(milliseconds=1)
    kept = (keep_for, settings.keep_bytes)
    there = manifest.one("SELECT keep_for_ms, keep_bytes FROM streams WHERE name = ?", (stream,))
    if there is not None:
        if tuple(there) != kept:
            with manifest.transaction():
                manifest.many("UPDATE streams SET keep_for_ms = ?, keep_bytes = ? WHERE name = ?", [(*kept, stream)])
        return
    with manifest.transaction():
        made = manifest.one(
            "INSERT INTO streams (name, partitions, keep_for_ms, keep_bytes) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO NOTHING RETURNING id",
            (stream, settings.partitions, *kept),
        )
        if made is not None:
            manifest.many(
                "INSERT INTO partitions (stream, partition) VALUES (?, ?)",
                [(made[0], partition) for partition in range(settings.partitions)],
            )


def describe(manifest: Manifest, number: int | None = None) -> Sequence[StreamInfo]:
    """All streams by name, or only that with this number."""
    rows = manifest.rows(
        "SELECT s.name, s.partitions, s.keep_for_ms, s.keep_bytes, p.start_offset, p.end_offset, p.bytes "
        "FROM streams s JOIN partitions p ON p.stream = s.id WHERE ? IS NULL OR s.id = ? "
        "ORDER BY s.name, p.partition",
        (number, number),
    )
    infos: list[StreamInfo] = []
    while rows:
        name, partitions, keep_for_ms, keep_bytes = rows[0][:4]
        own, rows = rows[:partitions], rows[partitions:]
        infos.append(
            StreamInfo(
                name=name,
                settings=StreamSettings(
                    partitions=partitions,
                    keep_for=None if keep_for_ms is None else timedelta(milliseconds=keep_for_ms),
                    keep_bytes=keep_bytes,
                ),
                starts=tuple(row[4] for row in own),
                ends=tuple(row[5] for row in own),
                bytes=sum(row[6] for row in own),
            )
        )
    return infos
