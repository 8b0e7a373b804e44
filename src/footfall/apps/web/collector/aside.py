"""Turns events that cannot be used into what is kept of them: each once, and not more than the disk bears."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import msgspec

from footfall.core.clock import Clock
from footfall.core.events import Batch
from footfall.engine.failed import failed_batch, failed_id
from footfall.sources.collect import SOURCE, BadEvent, Collected

CUT_TO: Final = 1 << 10
LEAST: Final = 64
"""Bytes of an event that are kept beyond the budget, and when twice as much has come."""
BURST: Final = 16 << 20
A_SECOND: Final = 1 << 20
"""Bytes of events that are kept whole: at once, and a second in the long run."""
_BESIDE: Final = 200
"""About how many bytes are written beside an event's own: its id, its time, what is wrong with it."""
_REMEMBERED: Final = 50_000
_OWN_ADDRESS: Final = re.compile(
    rb"""("(?:i|\\u0069)(?:p|\\u0070)"\s*:\s*)(?:"(?:[^"\\]|\\.)*+"?|\[[^\]]*\]?|\{[^}]*\}?|[^\s,}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)
_IN_QUERY: Final = re.compile(rb"(?<![^&])ip=[^&]*", re.IGNORECASE)


class _Named(msgspec.Struct):
    event_id: str = ""


_named = msgspec.json.Decoder(_Named).decode


class Aside:
    """What is kept of events that cannot be used. For one thread."""

    def __init__(self, clock: Clock, *, mask_ip: bool) -> None:
        self._clock = clock
        self._mask_ip = mask_ip
        self._kept: dict[bytes, None] = {}
        """The ids of those kept last, the oldest first."""
        self._budget = float(BURST)
        self._filled = clock.monotonic()

    def batch(self, collected: Collected) -> Batch | None:
        """A request's unusable events as FAILED_SCHEMA, without those that are kept already; None if there are none.

        Beyond the budget of bytes only an event's beginning is kept, and its detail says so.
        """
        bad = [replace(event, raw=self._masked(event.raw)) for event in collected.bad if event.raw]
        if not bad:
            return None
        layout = collected.layout
        fresh = {event_id: event for event_id, event in _with_ids(bad, layout) if event_id not in self._kept}
        if not fresh:
            return None
        return failed_batch(
            [self._within_budget(event) for event in fresh.values()],
            source=SOURCE,
            layout=layout,
            now_ms=collected.sender.received_ms,
            ids=list(fresh),
        )

    def remember(self, batch: Batch) -> None:
        """These are on disk: they need not be kept once more."""
        for event_id in batch.column("event_id").to_pylist():
            self._kept.pop(event_id, None)
            self._kept[event_id] = None
        for event_id in list(islice(self._kept, max(0, len(self._kept) - _REMEMBERED))):
            del self._kept[event_id]

    def _within_budget(self, event: BadEvent) -> BadEvent:
        now, size = self._clock.monotonic(), len(event.raw)
        self._budget = min(float(BURST), self._budget + A_SECOND * (now - self._filled))
        self._filled = now
        most = size if size <= self._budget else CUT_TO if self._budget > -BURST else LEAST
        self._budget -= min(size, most) + _BESIDE
        if size <= most:
            return event
        rule = f"cut to {most:,} of {size:,} bytes, as too much is refused just now; {event.detail}"
        return BadEvent(event.index, "", event.reason, rule, event.raw[:most])

    def _masked(self, raw: bytes) -> bytes:
        """The event without an address that its sender claims, where addresses are masked."""
        if not self._mask_ip:
            return raw
        found = _OWN_ADDRESS.sub(rb'\1""', raw)
        return found if raw[:1] in {b"{", b"["} else _IN_QUERY.sub(b"ip=", found)


def _with_ids(bad: Sequence[BadEvent], layout: str) -> Iterator[tuple[bytes, BadEvent]]:
    """The events with the ids that failed events get.

    One with an event_id of its own is the same whenever it is sent. Any other is one by itself: the same mistake of
    another visitor, or of the same one later, is another event.
    """
    for event in bad:
        same = _names_itself(event.raw)
        yield failed_id("" if same else layout, 0 if same else event.line, event.raw), event


def _names_itself(raw: bytes) -> bool:
    if b'"event_id"' not in raw:
        return False
    try:
        return bool(_named(raw).event_id)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False
