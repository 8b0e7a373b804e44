"""Turns the serving store into snapshots of all views, which all open pages share.

However many pages are open, the store is asked four times a second at most, and what is new is read, and made into
tables, once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from footfall.apps.dashboard.shapes import SHAPES, Content
from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import FootfallError
from footfall.stores.base import PutViews, Row, ServingStore

EVERY_SECONDS: Final = 0.25
"""What is younger than this is not asked for again; an answer that nothing has changed costs next to nothing."""
REOPEN_SECONDS: Final = 10.0
"""When nothing has changed for so long, the store is opened again: its file may be another one now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a page shows."""

    views: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    """A view's name to what its panel draws."""
    as_of: int | None = None
    """The newest event time, in ms; None before the first views were put."""
    silent_seconds: float = 0.0
    """How long ago the views were last seen to be put."""
    error: str = ""
    """Why the newest views could not be read; what is here are the last ones that could."""


class Reader:
    """One connection to the store of a data directory, for all pages of this process."""

    def __init__(
        self, data_dir: Path, *, open_store: Callable[[Path], ServingStore], clock: Clock | None = None
    ) -> None:
        self.data_dir = data_dir
        self._open = open_store
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._store: ServingStore | None = None
        self._snapshot = Snapshot()
        self._known: int | None = None
        self._last: tuple[int, int] | None = None
        self._read_at = float("-inf")
        self._changed_at = self._opened_at = self._clock.monotonic()

    def now_ms(self) -> int:
        """The time by the wall clock, to say how old the data are."""
        return self._clock.now_ms()

    def snapshot(self) -> Snapshot:
        """The views as they are, or were within the last second. Never raises an error of ours."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._read_at >= EVERY_SECONDS:
                self._read_at = now
                self._snapshot = replace(self._refreshed(now), silent_seconds=now - self._changed_at)
            return self._snapshot

    def close(self) -> None:
        """Release the connection."""
        with self._lock:
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refreshed(self, now: float) -> Snapshot:
        try:
            put = self._connected(now).all_views(known=self._known)
            if put is None:
                return replace(self._snapshot, error="")
            taken = self._taken(put)
        except (FootfallError, ValueError) as error:  # ValueError: a row of a damaged file that is no JSON
            self._disconnect()
            return replace(self._snapshot, error=str(error))
        except (KeyError, TypeError) as error:
            self._disconnect()
            return replace(self._snapshot, error=f"The views were written by another version of Footfall ({error!r}).")
        if self._last != (put.publication, put.as_of):  # the same is read again when the store was opened again
            self._last, self._changed_at = (put.publication, put.as_of), now
        self._known = put.publication
        return taken

    def _taken(self, put: PutViews) -> Snapshot:
        """Views into what pages draw; a view that has not changed keeps its content."""
        before = self._snapshot
        contents = {
            name: before.contents[name]
            if name in before.contents and rows == before.views[name]
            else SHAPES[name](rows)
            for name, rows in put.rows.items()
            if name in SHAPES
        }
        return Snapshot(views=put.rows, contents=contents, as_of=put.as_of)

    def _connected(self, now: float) -> ServingStore:
        if not self.data_dir.is_dir():  # opening a store would make it
            self._disconnect()
            raise FootfallError(
                f"There is no data directory {self.data_dir}.",
                remedy="Start with `footfall up`, or name another one with --data-dir.",
            )
        if self._store is not None and now - max(self._changed_at, self._opened_at) >= REOPEN_SECONDS:
            self._disconnect()
        if self._store is None:
            self._opened_at = now
            self._store = self._open(self.data_dir)
        return self._store

    def _disconnect(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = self._known = None
