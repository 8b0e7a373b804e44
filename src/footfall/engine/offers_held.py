"""Turns offers as they come, and news of their showing, into what each visitor has still to see."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Final

import pyarrow as pa

from footfall.log.base import Chunk
from footfall.log.codecs.rows import rows

_FIXED: Final = 600
_EACH: Final = 250
"""Bytes that an offer and a matched click take in memory, less their texts."""


@dataclass(frozen=True, slots=True)
class MatchedClick:
    """A click that led to an offer."""

    timestamp_ms: int
    product: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An offer to one visitor, and why it was made."""

    id: str
    """32 hex digits: the ``event_id``."""
    visitor: str
    offer: str
    """Its name, as the pattern file gives it."""
    pattern: str
    timestamp_ms: int
    """Of the click that completed the pattern."""
    matched: tuple[MatchedClick, ...]
    """Oldest first."""
    partition: int
    offset: int
    """Where it stands in ``special-offers``."""
    appended_ms: int

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        return _FIXED + sum(_EACH + len(click.product) + len(click.category) for click in self.matched)


class Claim(StrEnum):
    """The answer to who wants to show an offer."""

    GRANTED = "granted"
    """Write it down, then show it."""
    AGAIN = "again"
    """It was granted to the same claimant before, here or before a restart, and is written down: show it."""
    PENDING = "pending"
    """It was granted to the same claimant, and is being written down at this moment: ask again."""
    SHOWN = "shown"
    """Somebody else shows it, or has shown it."""
    UNKNOWN = "unknown"
    """There is no such offer to this visitor, or it is too old."""


class _State(Enum):
    WAITING = auto()
    CLAIMED = auto()
    SHOWN = auto()


@dataclass(slots=True)
class _Entry:
    offer: Offer
    state: _State = _State.WAITING
    by: str = ""


@dataclass(slots=True, kw_only=True)
class Held:
    """The latest offers of each visitor: bounded in visitors, in offers of each, in age and in bytes.

    Those that were shown stay as long, so that a reader who has seen one can be told what came after it.
    Not safe for several threads.
    """

    keep_ms: int
    per_visitor: int
    visitors: int
    max_bytes: int
    bytes: int = 0
    _entries: OrderedDict[str, deque[_Entry]] = field(default_factory=OrderedDict)
    """By visitor; the one with the newest offer is last."""

    def __len__(self) -> int:
        """How many visitors have offers."""
        return len(self._entries)

    def add(self, offer: Offer, *, shown: bool, by: str = "") -> bool:
        """Hold an offer, with who showed it; False if it is held already."""
        own = self._entries.setdefault(offer.visitor, deque())
        if any(entry.offer.id == offer.id for entry in own):
            return False
        own.append(_Entry(offer, _State.SHOWN if shown else _State.WAITING, by))
        self._entries.move_to_end(offer.visitor)
        self.bytes += offer.bytes
        if len(own) > self.per_visitor:
            self.bytes -= own.popleft().offer.bytes
        while len(self._entries) > self.visitors or (self.bytes > self.max_bytes and len(self._entries) > 1):
            self._forget_oldest()
        return True

    def forget_stale(self, now_ms: int) -> None:
        """Let go of visitors whose newest offer has become too old."""
        while self._entries:
            newest = next(iter(self._entries.values()))[-1].offer
            if newest.appended_ms > now_ms - self.keep_ms:
                return
            self._forget_oldest()

    def waiting(self, visitor: str, *, after: str | None, now_ms: int) -> list[Offer]:
        """What the visitor has still to see, oldest first; only what came after the offer ``after``, if it is held."""
        own = self._entries.get(visitor, ())
        seen = next((i for i, entry in enumerate(own) if entry.offer.id == after), -1)
        return [
            entry.offer
            for i, entry in enumerate(own)
            if i > seen and entry.state is _State.WAITING and self._fresh(entry.offer, now_ms)
        ]

    def claim(self, visitor: str, offer: str, *, by: str, now_ms: int) -> tuple[Claim, Offer | None]:
        """Ask for the right to show an offer; ``settle`` must follow when it is granted."""
        entry = self._find(visitor, offer)
        if entry is None or not self._fresh(entry.offer, now_ms):
            return Claim.UNKNOWN, None
        if entry.state is _State.WAITING:
            entry.state, entry.by = _State.CLAIMED, by
            return Claim.GRANTED, entry.offer
        if by and entry.by == by:
            return (Claim.PENDING if entry.state is _State.CLAIMED else Claim.AGAIN), entry.offer
        return Claim.SHOWN, entry.offer

    def settle(self, visitor: str, offer: str, *, shown: bool) -> None:
        """Say whether what was granted is written down; if not, the next one may claim it."""
        entry = self._find(visitor, offer)
        if entry is None:
            return
        if shown:
            entry.state = _State.SHOWN
        elif entry.state is _State.CLAIMED:
            entry.state = _State.WAITING

    def was_shown(self, visitor: str, offer: str, *, by: str) -> None:
        """Take note of a showing that stands in the log, and of who showed it.

        It may be one of ours that was said not to be written. But if somebody else has been granted the offer since,
        that one shows it.
        """
        entry = self._find(visitor, offer)
        if entry is None:
            return
        if entry.state is _State.WAITING:
            entry.by = by
        entry.state = _State.SHOWN

    def _find(self, visitor: str, offer: str) -> _Entry | None:
        own = self._entries.get(visitor, ())
        return next((entry for entry in own if entry.offer.id == offer), None)

    def _fresh(self, offer: Offer, now_ms: int) -> bool:
        return min(offer.timestamp_ms, offer.appended_ms) > now_ms - self.keep_ms

    def _forget_oldest(self) -> None:
        _, gone = self._entries.popitem(last=False)
        self.bytes -= sum(entry.offer.bytes for entry in gone)


def offers_of(chunk: Chunk, *, since_ms: int) -> Iterator[Offer]:
    """The offers of a chunk of ``special-offers`` whose clicks are not older than this (event time, ms), in order."""
    times = chunk.batch.column("timestamp").view(pa.int64()).to_numpy()
    fresh = (times > since_ms).nonzero()[0]
    if not len(fresh):
        return
    batch = chunk.batch if len(fresh) == len(times) else chunk.batch.take(pa.array(fresh))
    for row, place in zip(rows(batch), fresh.tolist(), strict=True):
        yield Offer(
            id=row["event_id"],
            visitor=row["userId"],
            offer=row["offer"],
            pattern=row["pattern"],
            timestamp_ms=row["timestamp"],
            matched=tuple(MatchedClick(c["timestamp"], c["productId"], c["category"]) for c in row["matched"]),
            partition=chunk.partition,
            offset=chunk.offset + place,
            appended_ms=chunk.appended_ms,
        )
