"""Turns the small files of a day into one, and says when it may go into its day's folder, where it never changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from footfall.sinks.parquet.files import name_of, read_groups, stage
from footfall.sinks.parquet.manifest import Held, Manifest, path_of

WAIT_MS: Final = 3_600_000
"""An hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long events of a day wait for others, so that its folder gets few files."""

    rows: int = 100_000
    """So many need not wait."""
    wait_ms: int = WAIT_MS
    """So long after the last file that went into its day's folder, the next one goes, however small it is."""
    many: int = 8
    """More files than this do not wait one by one; they are put together."""


def settled(
    folder: Path, manifest: Manifest, patience: Patience, *, now_ms: int, before: Collection[Held] | None
) -> Manifest:
    """The same manifest, with waiting files put together and marked to be published when their time has come.

    ``before`` are the files that were there before what came just now; None while more is to come: then only the number
    of rows counts.
    """
    for files in _days(manifest.files):
        waiting = [one for one in files if one.published_ms is None]
        due = sum(one.rows for one in waiting) >= patience.rows
        if before is not None:
            published = [one.published_ms for one in files if one.published_ms is not None and one in before]
            due = due or now_ms - max(published, default=now_ms - patience.wait_ms) >= patience.wait_ms
        if waiting and (due or len(waiting) > patience.many):
            one = merge(folder, waiting) if len(waiting) > 1 else waiting[0]
            published_ms = now_ms if due else None
            manifest = manifest.replaced(waiting, by=msgspec.structs.replace(one, published_ms=published_ms))
    return manifest


def _days(files: Sequence[Held]) -> Iterator[list[Held]]:
    """The files of each partition and day, by offset."""

    def place(one: Held) -> tuple[int, str]:
        return one.partition, one.day

    for _, group in groupby(sorted(files, key=lambda one: (*place(one), one.first)), key=place):
        yield list(group)


def merge(folder: Path, several: Sequence[Held]) -> Held:
    """Stage one file with the rows of several, in their order."""
    first, last = several[0], several[-1]
    into = Held(
        partition=first.partition,
        first=first.first,
        end=last.end,
        day=first.day,
        rows=sum(one.rows for one in several),
        name=name_of(first.partition, first.first, last.end),
    )
    stage(folder, into, read_groups([path_of(folder, one) for one in several]))
    return into
