"""Turns ``offers-shown`` into how many offers were shown on each of the last days, read at most once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from footfall.apps.dashboard.reading import EVERY_SECONDS, REOPEN_SECONDS
from footfall.core.clock import Clock, SystemClock
from footfall.core.errors import FootfallError
from footfall.engine.offers import ShownOffers
from footfall.log.base import DurableLog
from footfall.pipeline import DataDirectory

DAYS: Final = timedelta(days=8)
"""How far back is read: the seven days that are shown, and the rest of the oldest."""


class OfferCounts:
    """One reader of the log of a data directory, for all pages of this process."""

    def __init__(self, data_dir: Path, *, open_log: Callable[[Path], DurableLog], clock: Clock | None = None) -> None:
        self._data_dir = data_dir
        self._open = open_log
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._log: DurableLog | None = None
        self._shown: ShownOffers | None = None
        self._read_at = self._opened_at = float("-inf")
        self._opened: tuple[int, int] | None = None

    def by_day(self) -> Mapping[str, int] | None:
        """Offers shown by UTC day ``YYYY-MM-DD``; None while the log cannot be read."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._read_at >= EVERY_SECONDS:
                self._read_at = now
                self._catch_up(now)
            return self._shown.by_day if self._shown is not None else None

    def close(self) -> None:
        """Release the log."""
        with self._lock:
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _catch_up(self, now: float) -> None:
        """Read what is new. A log that could not be read is opened again after a while, another one at once."""
        try:
            folder = self._folder()
            if folder != self._opened:
                self._disconnect()
                self._opened, self._opened_at = folder, float("-inf")
            if self._shown is None and now - self._opened_at >= REOPEN_SECONDS:
                self._opened_at = now
                self._log = self._open(self._data_dir)
                since = self._clock.now_ms() - DAYS // timedelta(milliseconds=1)
                self._shown = ShownOffers(self._log, since_ms=since)
            if self._shown is not None:
                self._shown.catch_up()
        except FootfallError:  # the page says why: its views cannot be read either
            self._disconnect()

    def _folder(self) -> tuple[int, int] | None:
        """What tells the log's folder from another one in its place."""
        try:
            found = DataDirectory(self._data_dir).log.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _disconnect(self) -> None:
        self._shown = None
        if self._log is not None:
            self._log.close()
            self._log = None
