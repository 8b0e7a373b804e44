"""Turns files of clicks into everything that the pipeline must hold afterwards."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.reference.detection import Detector, Rule
from tests.reference.enrichment import Enrichment
from tests.reference.model import MINUTE, BadRow, Click, Figures, Product, Result, Session, User
from tests.reference.reading import read_products, read_template, read_users
from tests.reference.sessions import is_closed, sessions_of
from tests.reference.views import views_of

LATENESS = 10 * MINUTE
FAST_CLOCK = 5 * MINUTE


class Reference:
    """The pipeline: load one file after the other, then ask for the result."""

    def __init__(
        self,
        products: Mapping[str, Product],
        users: Mapping[str, User],
        *,
        partitions: int = 2,
        lateness: int = LATENESS,
        rule: Rule | None = None,
        announced: bool = True,
        now: int | None = None,
    ) -> None:
        """``announced``: the source tells all partitions how far it has come, as files do; else each goes by its own.

        ``now`` is the time of the append in ms, for events of the future; None if there are none.
        """
        self.partitions = partitions
        self.lateness = lateness
        self.announced = announced
        self.now = now
        self.enrichment = Enrichment(products, users)
        self.detector = Detector(rule or Rule())
        self.highest: int | None = None
        self.seen: dict[object, tuple[object, ...]] = {}
        self.clicks: list[Click] = []
        self.rejected: list[BadRow] = []

    def load(self, path: Path) -> Result:
        """Take in a file."""
        clicks, bad = read_template(path)
        return self.take(clicks, bad)

    def take(self, clicks: list[Click], bad: Iterable[BadRow] = ()) -> Result:
        """Take in rows in the order of a file."""
        self._mark_late(clicks)
        return self.take_logged(in_log_order(clicks), bad)

    def take_logged(self, clicks: list[Click], bad: Iterable[BadRow] = ()) -> Result:
        """Take in clicks in the order of the log, already marked late where they are."""
        bad = list(bad)
        events = len(clicks) + len(bad)
        conflicts = 0
        accepted: list[Click] = []
        for click in clicks:
            match self._seen_before(click):
                case "new":
                    accepted.append(click)
                case "conflict":
                    conflicts += 1
        for click in accepted:
            self.enrichment.enrich(click)
            self.detector.look_at(click)
        self.clicks += accepted
        self.rejected += bad
        rejected = len(bad) + conflicts
        return self._result(events=events, rejected=rejected, accepted=accepted)

    def _mark_late(self, clicks: list[Click]) -> None:
        """A row is late when it is older than the newest one before it by more than the lateness."""
        for click in clicks:
            if self.highest is not None and click.timestamp < self.highest - self.lateness:
                click.late = True
            if self.highest is None or click.timestamp > self.highest:
                self.highest = click.timestamp

    def _seen_before(self, click: Click) -> str:
        """Whether a click is new, a duplicate, or another click under an id that was used."""
        content = (click.user_id, click.product_id, click.event_type, click.original_timestamp)
        key: object = click.event_id
        if key is None:
            key = (click.timestamp, *content[:3], click.ip, click.user_agent)
        if key not in self.seen:
            self.seen[key] = content
            return "new"
        return "duplicate" if self.seen[key] == content else "conflict"

    def _partition(self, user_id: str) -> int:
        return zlib.crc32(user_id.encode()) % self.partitions

    def _newest(self) -> dict[int, int]:
        """The newest event time that moved time on, a partition."""
        newest: dict[int, int] = {}
        for click in self.clicks:
            if not click.late and not self._ahead_of_time(click):
                partition = self._partition(click.user_id)
                newest[partition] = max(newest.get(partition, click.timestamp), click.timestamp)
        if self.announced and newest:
            return dict.fromkeys(range(self.partitions), max(newest.values()))
        return newest

    def _ahead_of_time(self, click: Click) -> bool:
        return self.now is not None and click.timestamp > self.now + FAST_CLOCK

    def _result(self, *, events: int, rejected: int, accepted: list[Click]) -> Result:
        sessions = sessions_of(self.clicks)
        newest = self._newest()
        closed: list[Session] = []
        still_open: list[Session] = []
        for session in sessions:
            watermark = newest.get(self._partition(session.user_id), session.end) - self.lateness
            (closed if is_closed(session, watermark) else still_open).append(session)
        as_of = max(newest.values()) if newest else None
        figures = Figures(
            events=events,
            accepted=len(accepted),
            rejected=rejected,
            duplicates=events - rejected - len(accepted),
            late=sum(click.late for click in accepted),
            enriched=len(accepted),
            visitors=len({click.user_id for click in self.clicks}),
            sessions=len(sessions),
            open_sessions=len(still_open),
            offers=dict(Counter(offer.offer for offer in self.detector.offers)),
        )
        return Result(
            figures=figures,
            clicks=self.clicks,
            rejected=self.rejected,
            closed=closed,
            open=still_open,
            offers=self.detector.offers,
            views=views_of(self.clicks, sessions, as_of) if as_of is not None else {},
            as_of=as_of,
            lines=self.detector.lines,
        )


def in_log_order(clicks: list[Click]) -> list[Click]:
    """The order in which a source appends: by event time, rows of the same time as in the file.

    Late rows stay between their neighbours in the file; no result depends on where exactly.
    """
    return sorted(clicks, key=lambda click: click.timestamp)


def reference(
    path: Path,
    products: Path | None = None,
    users: Path | None = None,
    *,
    partitions: int = 2,
    lateness: int = LATENESS,
) -> Result:
    """What one backfill of a file must result in."""
    pipeline = Reference(
        read_products(products) if products else {},
        read_users(users) if users else {},
        partitions=partitions,
        lateness=lateness,
    )
    return pipeline.load(path)


def reference_of_clicks(
    rows: Iterable[Mapping[str, Any]],
    products: Mapping[str, Product],
    users: Mapping[str, User],
    *,
    partitions: int = 2,
    lateness: int = LATENESS,
) -> Result:
    """What must come of the stream click-data, given as ``footfall tail click-data --format json`` prints it.

    The rows of a visitor are in the order of the log, and say themselves whether they are late.
    """
    pipeline = Reference(products, users, partitions=partitions, lateness=lateness)
    clicks = [
        Click(
            timestamp=int(row["timestamp"]),
            user_id=row["userId"],
            product_id=row["productId"],
            event_type=row.get("event_type", "view"),
            original_timestamp=row.get("original_timestamp"),
            ip=row.get("ip"),
            user_agent=row.get("userAgent"),
            age=row.get("age"),
            gender=row.get("gender"),
            event_id=row.get("event_id"),
            late=bool(row.get("late", False)),
        )
        for row in rows
    ]
    return pipeline.take_logged(clicks)
