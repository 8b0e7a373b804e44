"""Turns what the web part works with into one record that every page and endpoint is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from footfall.apps.web.settings import WebSettings
from footfall.core.clock import Clock
from footfall.engine.intake import Intake
from footfall.engine.offers import OfferFeed
from footfall.log.base import DurableLog
from footfall.processors.pattern_model import PatternSet
from footfall.stores.base import ServingStore


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What collector, shop and offers share. Whoever makes it closes log and store."""

    data_dir: Path
    log: DurableLog
    store: ServingStore
    clock: Clock
    settings: WebSettings
    intake: Intake
    feed: OfferFeed
    key: bytes
    """32 random bytes that this data directory's signatures are made with."""
    random: Callable[[int], bytes]
    """So many random bytes."""
    dashboard: Callable[[], str]
    """The dashboard's address, for links; empty if it has none."""
    patterns: Callable[[], PatternSet]
    """Which behaviour gets which offer, as of now."""
