"""Turns staged files into files in their days' folders, where any tool finds them, whole and for good."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from footfall.sinks.parquet.manifest import STAGED, Manifest, staged_path, sync


def remove_leftovers(folder: Path, manifest: Manifest) -> None:
    """Delete staged files that never counted, or do not any more. Nobody of ours may read."""
    named = {staged_path(folder, held) for held in manifest.files}
    for path in [*(folder / STAGED).glob("*"), *folder.glob("_*.tmp")]:
        if path not in named:
            path.unlink()


def publish(folder: Path, manifest: Manifest) -> None:
    """Bring the files whose time has come into their places. Nobody of ours may read."""
    due = [one for one in manifest.files if one.published_ms is not None and staged_path(folder, one).exists()]
    folders = {held.folder for held in due}
    _make(folder, folders)
    for held in due:
        staged_path(folder, held).rename(folder / held.folder / held.name)
    for name in folders:
        sync(folder / name)


def _make(folder: Path, names: Iterable[str]) -> None:
    missing = [name for name in names if not (folder / name).is_dir()]
    for name in missing:
        (folder / name).mkdir()
    if missing:
        sync(folder)
