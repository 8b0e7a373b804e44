"""Turns a snapshot and the time into one line: of when the data are, how old that is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from footfall.apps.dashboard.reading import Snapshot
from footfall.stores.composing import ago, iso

OLD_SECONDS: Final = 10
"""Data older than this are no longer called live."""

BEGIN: Final = "Start `footfall up`: it brings clicks of its own. Or bring in yours: `footfall replay FILE`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What the line below the title says."""

    live: bool
    state: str
    """One word for it."""
    text: str
    """Of when the data are."""
    advice: str = ""
    """What is wrong, and what to do."""


def freshness(snapshot: Snapshot, *, now_ms: int) -> Freshness:
    """How fresh the data are, by the wall clock. Its texts hold nothing from outside but ``snapshot.error``."""
    if snapshot.as_of is None:
        state, advice = ("error", snapshot.error) if snapshot.error else ("empty", BEGIN)
        return Freshness(live=False, state=state, text="No data yet.", advice=advice)
    text = f"Data as of {moment(snapshot.as_of, now_ms=now_ms)}, {age(now_ms - snapshot.as_of)}."
    if snapshot.error:
        return Freshness(live=False, state="error", text=text, advice=snapshot.error)
    if snapshot.silent_seconds > OLD_SECONDS:
        advice = "Nobody is working on the clicks. Start `footfall up`, or see what `footfall status` says."
        return Freshness(live=False, state="stopped", text=text, advice=advice)
    if now_ms - snapshot.as_of > OLD_SECONDS * 1000:
        advice = "No new clicks. Visit the shop, or bring some in with `footfall replay FILE`."
        return Freshness(live=False, state="quiet", text=text, advice=advice)
    return Freshness(live=True, state="live", text=text)


def moment(ms: int, *, now_ms: int) -> str:
    """``15:04:05 UTC``, with the date when it is not today's."""
    text = iso(ms)
    day, clock = text[:10], text[11:19]
    return f"{clock} UTC" if day == iso(now_ms)[:10] else f"{day} {clock} UTC"


def age(ms: int) -> str:
    """A duration as people say it, with seconds written short: ``1 s ago``, ``3 minutes ago``."""
    return f"{max(ms, 0) // 1000} s ago" if ms < 60_000 else ago(ms)
