"""Turns one visitor's clicks, in any order, into sessions: the plain way, click by click."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Session:
    """One open session, on the plain path."""

    start: int
    end: int
    clicks: int
    refreshes: int
    views: int
    carts: int
    first_product: int
    last_product: int
    country: int
    device: int
    bot: bool


def fold(sessions: list[Session], click: Session, *, gap: int, longest: int) -> None:
    """Put one click (a session of one click) where it belongs among a visitor's sessions, sorted by start."""
    following = next((i for i, s in enumerate(sessions) if s.start > click.start), len(sessions))
    before = sessions[following - 1] if following else None
    after = sessions[following] if following < len(sessions) else None
    if before and click.start - before.end <= gap and click.start - before.start <= longest:
        _extend(before, click)
        if after and after.start - before.end <= gap and after.end - before.start <= longest:
            _extend(before, after)
            del sessions[following]
    elif after and after.start - click.start <= gap and after.end - click.start <= longest:
        _extend(click, after)
        sessions[following] = click
    else:
        sessions.insert(following, click)


def _extend(session: Session, later: Session) -> None:
    if later.end >= session.end:
        session.end = later.end
        session.last_product = later.last_product
    session.clicks += later.clicks
    session.refreshes += later.refreshes
    session.views += later.views
    session.carts += later.carts
