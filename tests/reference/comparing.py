"""Turns what the pipeline put out, and what the reference says, into a list of differences (empty: they are equal).

Works on plain JSON rows as `footfall tail … --format json` and `footfall query … --json` print them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from tests.reference.model import Offer, Result, Session
from tests.reference.views import enriched_row, moment

Row = Mapping[str, Any]
SHOWN = 3


@dataclass(slots=True)
class Observed:
    """What was read from a data directory."""

    enriched: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    failed: list[dict[str, Any]] = field(default_factory=list)
    views: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


def differences(expected: Result, observed: Observed) -> list[str]:
    """Everything in which the pipeline's results are not those of the reference."""
    found = figures_differ(expected, observed.figures) if observed.figures else []
    found += rows_differ("enriched", map(enriched_row, expected.clicks), observed.enriched)
    found += order_differs(expected, observed.enriched)
    found += rows_differ("sessions", map(session_row, expected.closed), map(_session, observed.sessions))
    found += rows_differ("offers", map(offer_row, expected.offers), map(_offer, observed.offers))
    found += ids_repeated(observed)
    if observed.views:
        found += views_differ(expected, observed.views)
    if expected.rejected:
        found += failed_differ(expected, observed.failed)
    return found


def figures_differ(expected: Result, observed: Row) -> list[str]:
    """Figures of ``backfill --json`` that are wrong or missing."""
    wanted = asdict(expected.figures)
    wanted["offers"] = {name: count for name, count in wanted["offers"].items() if count}
    got = {name: observed.get(name) for name in wanted}
    got["offers"] = {name: count for name, count in (got["offers"] or {}).items() if count}
    return [f"figure {n}: expected {wanted[n]}, got {got[n]}" for n in wanted if wanted[n] != got[n]]


def rows_differ(what: str, expected: Iterable[Row], observed: Iterable[Row]) -> list[str]:
    """Rows lost, and rows that are there too often or should not be there at all."""
    wanted, got = Counter(map(canonical, expected)), Counter(map(canonical, observed))
    found = []
    for kind, rows in (("lost or different", wanted - got), ("duplicated or different", got - wanted)):
        if rows:
            some = "; ".join(sorted(rows)[:SHOWN])
            found.append(f"{what}: {rows.total()} of {wanted.total()} {kind}, for example {some}")
    return found


def canonical(row: Row) -> str:
    """A row as a text. What is null, and a late that is false, may be left out of a message."""
    return json.dumps({k: v for k, v in row.items() if v is not None and (k, v) != ("late", False)}, sort_keys=True)


def order_differs(expected: Result, enriched: Iterable[Row]) -> list[str]:
    """Visitors whose punctual clicks are not in the order of event time of the reference's log."""
    wanted: dict[str, list[int]] = {}
    got: dict[str, list[int]] = {}
    for click in expected.clicks:
        if not click.late:
            wanted.setdefault(click.user_id, []).append(click.timestamp)
    for row in enriched:
        if not row.get("late"):
            got.setdefault(row["userId"], []).append(row["timestamp"])
    wrong = [user for user in wanted if got.get(user) != wanted[user]]
    return [f"order: clicks of {len(wrong)} visitors, for example {wrong[0]}"] if wrong else []


def ids_repeated(observed: Observed) -> list[str]:
    """Event ids that occur more than once in a stream."""
    found = []
    for name in ("enriched", "sessions", "offers", "failed"):
        rows: list[dict[str, Any]] = getattr(observed, name)
        again = [i for i, n in Counter(row["event_id"] for row in rows).items() if n > 1]
        found += [f"{name}: {len(again)} event ids occur twice, for example {again[0]}"] if again else []
    return found


def views_differ(expected: Result, views: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Views whose rows, or their order, are wrong."""
    found = []
    for name, rows in expected.views.items():
        wanted, got = [canonical(row) for row in rows], [canonical(_view_row(row)) for row in views[name]]
        if wanted != got:
            pairs = [f"expected {w}, got {g}" for w, g in zip(wanted, got, strict=False) if w != g][:SHOWN]
            found.append(f"view {name}: {len(wanted)} rows expected, {len(got)} there; {'; '.join(pairs)}")
    if "state_logs" in views:
        found += _lines_differ(expected, views["state_logs"])
    return found


def _lines_differ(expected: Result, rows: list[dict[str, Any]]) -> list[str]:
    """The latest 100 lines. Among lines of the oldest time shown, any of that time will do."""
    got = [(iso(row["timestamp"]), str(row["line"])) for row in rows]
    lines = [(moment(time), line) for time, line in expected.lines]
    wanted = sorted(lines, key=lambda pair: pair[0], reverse=True)[:100]
    if [t for t, _ in got] != [t for t, _ in wanted]:
        return [f"view state_logs: times differ: expected {wanted[:SHOWN]}, got {got[:SHOWN]}"]
    strange = Counter(got) - Counter(lines)
    return [f"view state_logs: {strange.total()} lines, for example {next(iter(strange))}"] if strange else []


def failed_differ(expected: Result, failed: Iterable[Row]) -> list[str]:
    """Rejected rows that are not set aside with their line, their reason and their bytes."""
    wanted = [{"line": r.line, "reason": r.reason} for r in expected.rejected]
    return rows_differ("failed", wanted, [{"line": r["line"], "reason": r["reason"]} for r in failed])


def session_row(session: Session) -> dict[str, Any]:
    """A closed session as a message, without its id."""
    row = asdict(session)
    row["userId"] = row.pop("user_id")
    row["deviceType"] = row.pop("device_type")
    return {**row, "timestamp": session.end}


def offer_row(offer: Offer) -> dict[str, Any]:
    """An offer as a message, without its id and the name of its pattern."""
    matched = [{"timestamp": t, "productId": p, "category": c} for t, p, c in offer.matched]
    return {"timestamp": offer.timestamp, "userId": offer.user_id, "offer": offer.offer, "matched": matched}


def iso(value: int | str) -> str:
    """A time, given in ms or as ISO text, as the reference writes it."""
    return moment(milliseconds(value))


def milliseconds(value: int | str) -> int:
    """A time in ms, given so or as ISO text."""
    if isinstance(value, int):
        return value
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def digest(observed: Observed) -> dict[str, str]:
    """A fingerprint of each result that does not depend on the order of rows, for comparing two runs."""
    parts = {"enriched": observed.enriched, "sessions": observed.sessions, "offers": observed.offers, **observed.views}
    return {
        name: hashlib.sha256("\n".join(sorted(map(canonical, rows))).encode()).hexdigest()
        for name, rows in parts.items()
    }


def _session(row: Row) -> Row:
    times = {name: milliseconds(row[name]) for name in ("timestamp", "start", "end")}
    return {**{k: v for k, v in row.items() if k != "event_id"}, **times}


def _offer(row: Row) -> Row:
    matched = [{**part, "timestamp": milliseconds(part["timestamp"])} for part in row["matched"]]
    plain = {k: v for k, v in row.items() if k not in ("event_id", "pattern")}
    return {**plain, "timestamp": milliseconds(row["timestamp"]), "matched": matched}


def _view_row(row: Row) -> Row:
    times = {name: iso(row[name]) for name in ("timestamp", "minute", "start") if name in row}
    return {**row, **times}
