"""Turns the streams of offers, and of their showing, into what each visitor has still to see, as it comes."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from footfall.core.clock import Clock
from footfall.core.errors import FootfallError
from footfall.core.events import OFFERS
from footfall.engine.logs import logger
from footfall.engine.offers_held import Claim, Held, MatchedClick, Offer, offers_of
from footfall.engine.offers_shown import ShownOffers
from footfall.engine.offers_tail import Tail
from footfall.log.base import Log

__all__ = ["Claim", "MatchedClick", "Offer", "OfferFeed", "ShownOffers", "Subscription"]

Listener = Callable[[Offer], object]
"""Called on the feed's thread, so it must hand over and return."""

_LOOK_SECONDS: Final = 0.25
"""So long a stop may take to be heard."""
_AGAIN_SECONDS: Final = 1.0
"""After the log could not be read."""
_STOP_SECONDS: Final = 5.0
_TRACE: Final = 4_000
"""Characters of a traceback that are logged."""
_BYTES: Final = 64 << 20
"""What the offers held may take in memory, about."""


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """Somebody who waits for a visitor's offers."""

    visitor: str
    listener: Listener
    waiting: tuple[Offer, ...]
    """What was there already, oldest first: the listener hears of all others, and of none of these."""
    _feed: OfferFeed

    def close(self) -> None:
        """Wait no more. A call that is under way at this moment may still arrive."""
        self._feed.unsubscribe(self)


class OfferFeed:
    """Knows each visitor's latest offers, and which of them were shown. Safe for several threads.

    An offer is handed out while its clicks, and its place in the log, are younger than ``keep``. All is rebuilt from
    the log at the start, so a restart shows nothing twice and loses nothing.
    """

    def __init__(
        self,
        log: Log,
        *,
        clock: Clock,
        keep: timedelta = timedelta(minutes=30),
        per_visitor: int = 10,
        visitors: int = 100_000,
        max_bytes: int = _BYTES,
    ) -> None:
        self._log = log
        self._clock = clock
        self._keep = keep // timedelta(milliseconds=1)
        self._held = Held(keep_ms=self._keep, per_visitor=per_visitor, visitors=visitors, max_bytes=max_bytes)
        self._lock = threading.Lock()
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._offers: Tail | None = None
        self._shown: ShownOffers | None = None
        self.trouble: str | None = None
        """Why the log could not be read the last time; None if it could."""

    @property
    def listeners(self) -> int:
        """How many subscriptions are open."""
        with self._lock:
            return sum(map(len, self._subscriptions.values()))

    @property
    def alive(self) -> bool:
        """Whether offers are handed out."""
        return self._thread is not None and self._thread.is_alive() and self.trouble is None

    def start(self) -> None:
        """Take up what the log holds, then follow it in a thread. Raises what the log raises."""
        self._stop.clear()
        self.take()
        self._thread = threading.Thread(target=self._run, name="offers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Follow the log no more. What is held stays, and nobody is called."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    # -- for those who show offers ---------------------------------------------------------------------------

    def subscribe(self, visitor: str, listener: Listener, *, after: str | None = None) -> Subscription:
        """Hear of the visitor's offers from now on; those there already are in the answer.

        ``after``, the id of an offer, leaves out that one and what came before it.
        """
        with self._lock:
            waiting = tuple(self._held.waiting(visitor, after=after, now_ms=self._clock.now_ms()))
            subscription = Subscription(visitor, listener, waiting, self)
            self._subscriptions.setdefault(visitor, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """What ``Subscription.close`` does."""
        with self._lock:
            own = self._subscriptions.get(subscription.visitor, set())
            own.discard(subscription)
            if not own:
                self._subscriptions.pop(subscription.visitor, None)

    def waiting(self, visitor: str, *, after: str | None = None) -> list[Offer]:
        """What the visitor has still to see, oldest first; of ``after`` see ``subscribe``."""
        with self._lock:
            return self._held.waiting(visitor, after=after, now_ms=self._clock.now_ms())

    def claim(self, visitor: str, offer: str, *, by: str = "") -> tuple[Claim, Offer | None]:
        """Ask for the right to show this offer (its id). Of all who ask, one is granted it.

        Whoever is granted it writes it into ``offers-shown`` and then calls ``settle``. ``by``, if it is not empty,
        names the claimant: the same one may ask again, when it did not hear the answer.
        """
        with self._lock:
            return self._held.claim(visitor, offer, by=by, now_ms=self._clock.now_ms())

    def settle(self, visitor: str, offer: str, *, shown: bool) -> None:
        """Say whether the showing is written down; if it is not, the offer can be claimed again."""
        with self._lock:
            self._held.settle(visitor, offer, shown=shown)

    # -- the thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.take()
                self._wait()
            except Exception as error:  # noqa: BLE001 (if the thread ended, no visitor would get an offer any more)
                self._note(error)
                self._clock.wait(_AGAIN_SECONDS, self._stop)
            else:
                self.trouble = None

    def _note(self, error: Exception) -> None:
        expected = isinstance(error, FootfallError)
        why = str(error) if expected else f"{type(error).__name__}: {error}"
        if self.trouble is None:
            trace = {} if expected else {"traceback": "".join(traceback.format_exception(error))[-_TRACE:]}
            logger().error("offers_unreadable", error=why, **trace)
        self.trouble = why

    def take(self) -> None:
        """Take up what has come. The thread does this again and again."""
        now = self._clock.now_ms()
        offers, shown = self._tails(now - self._keep)
        # What was shown first: an offer's showing comes after the offer, so none is taken for one to be seen.
        shown.catch_up(tell=lambda visitor, offer: self._was_shown(visitor, offer, by=shown.claimant(offer)))
        for chunk in offers.take():
            for offer in offers_of(chunk, since_ms=now - self._keep):
                self._hand_out(offer, shown=offer.id in shown, by=shown.claimant(offer.id))
        with self._lock:
            self._held.forget_stale(now)

    def _tails(self, since_ms: int) -> tuple[Tail, ShownOffers]:
        if self._offers is None or self._shown is None:
            self._offers = Tail(self._log, OFFERS, since_ms=since_ms)
            self._shown = ShownOffers(self._log, since_ms=since_ms)
        return self._offers, self._shown

    def _wait(self) -> None:
        offers, shown = self._tails(0)
        self._log.wait({**offers.places, **shown.places}, timeout=_LOOK_SECONDS)

    def _was_shown(self, visitor: str, offer: str, *, by: str) -> None:
        with self._lock:
            self._held.was_shown(visitor, offer, by=by)

    def _hand_out(self, offer: Offer, *, shown: bool, by: str) -> None:
        with self._lock:
            new = self._held.add(offer, shown=shown, by=by)
            listening = [*self._subscriptions.get(offer.visitor, ())] if new and not shown else []
        for subscription in listening:
            try:
                subscription.listener(offer)
            except Exception as error:  # noqa: BLE001 (its event loop may have ended; others still want to hear)
                logger().warning("listener_gone", error=f"{type(error).__name__}: {error}")
                subscription.close()
