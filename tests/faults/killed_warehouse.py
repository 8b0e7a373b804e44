"""Refreshes a warehouse and is killed before a step of it, with or without a bug planted in it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from footfall.core.clock import ManualClock
from footfall.sinks.parquet import manifest as manifests
from footfall.sinks.parquet import merging, warehouse
from footfall.sinks.parquet.manifest import Manifest
from tests.unit.numbered import Numbers
from tests.unit.numbered import warehouse as numbered

FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pyarrow.parquet", "pyarrow.dataset", "msgspec"])
STEPS: Final = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.chmod"})
"""What changes a folder, as audit hooks hear of it before it happens; and the change of rights after each sync."""


def on_each_step(directory: Path, do: Callable[[], None]) -> None:
    """Call this before each change of a file in the directory, from now on."""

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STEPS and (isinstance(arguments[0], int) or str(directory) in str(arguments[0])):
            do()

    sys.addaudithook(heard)


def refresh_killed_at(directory: Path, step: int, ends: list[int], bug: str | None = None, now_ms: int = 0) -> None:
    """Refresh, and be killed just before the ``step``-th change of a file (never, for 0)."""
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if bug is not None:
        BUGS[bug]()
    on_each_step(directory, count)
    numbered(directory, clock=ManualClock(now_ms)).refresh(Numbers(ends))


# ---------------------------------------------------------------- planted bugs


def place_before_files() -> None:
    """The manifest says that a range is converted, and then its files are written: a kill in between loses them."""
    commit = warehouse._Writer._commit

    def early(self: Any, partition: int, held: Any, seen: Any) -> None:
        progress = manifests.Progress(held.end, held.bookmark)
        manifests.write_manifest(self.folder, self.manifest.after(partition, progress, []))
        commit(self, partition, held, seen)

    warehouse._Writer._commit = early  # type: ignore[method-assign]


def published_before_committed() -> None:
    """Each file goes into its day's folder at once: a kill leaves a part of a range there that nobody committed."""
    stage = warehouse._Writer._stage

    def early(self: Any, partition: int, held: Any, day: str, rows: Any) -> Any:
        one = stage(self, partition, held, day, rows)
        (self.folder / one.folder).mkdir(exist_ok=True)
        manifests.staged_path(self.folder, one).rename(self.folder / one.folder / one.name)
        return one

    warehouse._Writer._stage = early  # type: ignore[method-assign]


def deleted_before_merged() -> None:
    """Small files are deleted when the large one is there, and the manifest hears of it later: a kill loses them."""
    merge = merging.merge

    def early(folder: Path, several: Any) -> Any:
        into = merge(folder, several)
        for one in several:
            manifests.path_of(folder, one).unlink()
        return into

    merging.merge = early


def merged_is_not_committed() -> None:
    """Put together without a word in the manifest: the large file and the small ones all count."""

    def replaced(self: Manifest, gone: Any, by: Any) -> Manifest:
        kept = [one for one in self.files if one.name != by.name or one.day != by.day]
        return msgspec.structs.replace(self, files=(*kept, by))

    Manifest.replaced = replaced  # type: ignore[method-assign]


BUGS: Final[dict[str, Callable[[], None]]] = {
    "place_before_files": place_before_files,
    "published_before_committed": published_before_committed,
    "deleted_before_merged": deleted_before_merged,
    "merged_is_not_committed": merged_is_not_committed,
}
