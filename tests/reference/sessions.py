"""Turns the punctual clicks of each visitor into sessions, by sorting them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference.model import DAY, HALF_HOUR, Click, Session


def sessions_of(clicks: Iterable[Click]) -> list[Session]:
    """All sessions, open or closed, by visitor and time."""
    visitors: dict[str, list[Click]] = {}
    for click in clicks:
        if not click.late:
            visitors.setdefault(click.user_id, []).append(click)
    sessions = []
    for visitor in sorted(visitors):
        sessions += [_session(visit) for visit in _visits(visitors[visitor])]
    return sessions


def is_closed(session: Session, watermark: int) -> bool:
    """Whether no punctual click can belong to the session any more."""
    return watermark > session.end + HALF_HOUR


def _visits(clicks: list[Click]) -> list[list[Click]]:
    visits: list[list[Click]] = []
    for click in sorted(clicks, key=lambda c: c.timestamp):
        if (
            visits
            and click.timestamp - visits[-1][-1].timestamp <= HALF_HOUR
            and click.timestamp - visits[-1][0].timestamp <= DAY
        ):
            visits[-1].append(click)
        else:
            visits.append([click])
    return visits


def _session(visit: list[Click]) -> Session:
    first, last = visit[0], visit[-1]
    return Session(
        user_id=first.user_id,
        start=first.timestamp,
        end=last.timestamp,
        clicks=len(visit),
        refreshes=sum(click.is_refresh for click in visit),
        views=sum(click.event_type in {"view", "page"} for click in visit),
        carts=sum(click.event_type == "cart" for click in visit),
        first_product=first.product_id,
        last_product=last.product_id,
        country=first.country,
        device_type=first.device_type,
        is_bot=first.is_bot,
    )
