"""Turns one small file a stream into what its Parquet files hold: what the manifest does not name does not count.

``_manifest.json`` is replaced as a whole. It says how far each partition is converted, and which file holds which
events. Its name, like all names here that are no folders of days, begins with ``_``: tools that look for Parquet
files leave such names out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from footfall.core.errors import Failure

STAGED: Final = "_staged"
"""The folder of files that are not in their day's folder yet, or will never be."""
_READY: Final = ".ready"
"""How a staged file's name ends. No search for ``*.parquet`` finds it."""
_NAME: Final = "_manifest.json"
_VERSION: Final = 1


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and the events that it holds: those of one day in a range of offsets of one partition."""

    partition: int
    first: int
    end: int
    day: str
    rows: int
    name: str
    published_ms: int | None = None
    """When it was to go into its day's folder, where it stays as it is; None if it waits for others of its day."""

    @property
    def folder(self) -> str:
        """Its day's folder."""
        return f"day={self.day}"


class Progress(msgspec.Struct, frozen=True):
    """How far a partition is converted."""

    end: int
    bookmark: int | None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream's folder holds."""

    version: int = _VERSION
    progress: dict[int, Progress] = {}
    files: tuple[Held, ...] = ()

    def after(self, partition: int, progress: Progress, added: Iterable[Held]) -> Manifest:
        """The same with one more range."""
        files = (*self.files, *added)
        return msgspec.structs.replace(self, progress={**self.progress, partition: progress}, files=files)

    def replaced(self, gone: Sequence[Held], by: Held) -> Manifest:
        """The same with one file in the place of several, or of what was known of it."""
        left = set(gone)
        return msgspec.structs.replace(self, files=(*(one for one in self.files if one not in left), by))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a stream's folder; an empty one if nothing was ever converted. Raises Failure if it is no use."""
    path = folder / _NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        if next(folder.glob("*.parquet"), None) or next(folder.glob("day=*/*.parquet"), None):
            raise Failure(
                f"{folder} has Parquet files that no manifest names: they were written by an older Footfall, "
                "or its _manifest.json was removed.",
                remedy=_REBUILD,
            ) from None
        return Manifest()
    except msgspec.DecodeError as error:
        raise Failure(f"{path} is damaged: {error}.", remedy=_REBUILD) from error
    if found.version != _VERSION:
        raise Failure(f"{path} was written by another Footfall (version {found.version}).", remedy=_REBUILD)
    return found


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest. When this returns, it is on disk."""
    temporary = folder / f"{_NAME}.tmp"
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / _NAME)
    sync(folder)


def staged_path(folder: Path, held: Held) -> Path:
    """Where the file is before it goes into its day's folder."""
    return folder / STAGED / f"{held.folder}-{held.name}{_READY}"


def path_of(folder: Path, held: Held) -> Path:
    """Where the file is now. It stays there as long as the readers' lock is held."""
    staged = staged_path(folder, held)
    return staged if staged.exists() else folder / held.folder / held.name


def sync(folder: Path) -> None:
    """Make a folder's names safe on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_REBUILD: Final = "Delete this folder: it is made again from what the log keeps."
