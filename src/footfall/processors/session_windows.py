"""Turns a frame's clicks into open and closed sessions, a column at a time, with a plain fold for the odd ones.

Most visitors' clicks come in order: their clicks of one frame are cut where the gap is too long, and the first
piece may go on with the visitor's open session. The others (a click before the last one known, a session that
would last too long) are folded click by click, by ``fold``. Both give the same sessions.

One exception to "order does not matter": when a click out of order fills the gap between two sessions and both
together would be longer than the limit, they stay two, cut at the gap instead of at the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, Dictionary, grown
from footfall.core.events import CARTING, SHOWING
from footfall.processors.base import NO_TIME, Codebook, Flags, Frame, Times
from footfall.processors.session_fold import Session, fold

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Columns:
    """Sessions, one a row: arrays of the same length."""

    visitor: Codes
    start: Times
    end: Times
    clicks: npt.NDArray[np.int32]
    refreshes: npt.NDArray[np.int32]
    views: npt.NDArray[np.int32]
    carts: npt.NDArray[np.int32]
    first_product: Codes
    last_product: Codes
    country: npt.NDArray[np.int16]
    device: npt.NDArray[np.int16]
    bot: Flags

    def rows(self, which: npt.NDArray[Any] | slice) -> Columns:
        """Some of the sessions."""
        return Columns(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(slots=True)
class Begun:
    """Sessions that began (weight 1) or turned out to have begun elsewhere (weight -1)."""

    start: Times
    bot: npt.NDArray[np.int64]
    weight: Ints


class SessionWindows:
    """The open sessions of one partition: each visitor's latest in arrays by visitor code, the rest in lists."""

    def __init__(self, *, gap_ms: int, longest_ms: int, book: Codebook) -> None:
        self._gap = gap_ms
        self._longest = longest_ms
        self._book = book
        self.countries = Dictionary()
        self.devices = Dictionary()
        self.newest = NO_TIME
        self._now = _no_sessions(0)
        self._touched = np.zeros(0, dtype=np.bool_)
        self._saved = np.zeros(0, dtype=np.bool_)
        self._older: dict[int, list[Session]] = {}
        """Sessions that have a successor but that the watermark has not closed yet, by visitor."""
        self._scanned_at = NO_TIME

    # -- taking clicks ------------------------------------------------------------------------------------

    def process(self, frame: Frame) -> tuple[Begun | None, Columns | None]:
        """Take a frame; return the sessions that began, and those that its watermark closed."""
        begun: list[tuple[Columns, int]] = []
        closed: list[Columns] = []
        rows = frame.by_visitor
        self._make_room()
        if len(rows):
            self.newest = max(self.newest, frame.high)
            pieces, first, last = self._pieces(frame, rows)
            odd = self._odd(pieces, first)
            if odd.any():
                strange = np.isin(pieces.visitor, np.unique(pieces.visitor[odd]))
                begun += self._fold_odd(frame, rows, pieces.visitor[strange])
                pieces, first, last = pieces.rows(~strange), first[~strange], last[~strange]
            closed += self._place(pieces, first, last, frame.watermark, begun)
        closed += self._expire(frame.watermark)
        return _begun(begun), _joined(closed)

    def _make_room(self) -> None:
        length = len(self._book.visitors)
        if len(self._touched) < length:
            for f in fields(self._now):
                column = getattr(self._now, f.name)
                setattr(self._now, f.name, grown(column, length, fill=NO_TIME if f.name == "end" else 0))
            self._touched = grown(self._touched, length)
            self._saved = grown(self._saved, length)

    def _pieces(self, frame: Frame, rows: Ints) -> tuple[Columns, Flags, Flags]:
        """The frame's clicks cut into sessions, as if nothing were open; which are a visitor's first and last."""
        visitors, times = frame.visitors[rows], frame.times[rows]
        same = visitors[1:] == visitors[:-1]
        steps = np.diff(times)
        if (same & (steps < 0)).any():
            rows = rows[np.lexsort((times, visitors))]
            visitors, times = frame.visitors[rows], frame.times[rows]
            steps = np.diff(times)
        begins = np.flatnonzero(np.concatenate([[True], ~same | (steps > self._gap)]))
        ends = np.append(begins[1:], len(rows)) - 1
        heads, tails = rows[begins], rows[ends]
        views, carts = frame.is_type(SHOWING), frame.is_type(CARTING)

        def counted(which: Flags) -> npt.NDArray[np.int32]:
            sums = np.concatenate([[0], np.cumsum(which[rows])])
            found: npt.NDArray[np.int32] = (sums[ends + 1] - sums[begins]).astype(np.int32)
            return found

        pieces = Columns(
            visitor=visitors[begins],
            start=times[begins],
            end=times[ends],
            clicks=(ends - begins + 1).astype(np.int32),
            refreshes=counted(frame.flag("is_refresh")),
            views=counted(views),
            carts=counted(carts),
            first_product=frame.products[heads],
            last_product=frame.products[tails],
            country=self._coded(frame, "country", self.countries)[heads],
            device=self._coded(frame, "deviceType", self.devices)[heads],
            bot=frame.flag("is_bot")[heads],
        )
        changed = pieces.visitor[1:] != pieces.visitor[:-1]
        return pieces, np.concatenate([[True], changed]), np.concatenate([changed, [True]])

    @staticmethod
    def _coded(frame: Frame, column: str, dictionary: Dictionary) -> npt.NDArray[np.int16]:
        return dictionary.encode(frame.batch.column(column)).astype(np.int16)

    def _odd(self, pieces: Columns, first: Flags) -> Flags:
        """Pieces that the columnar way cannot place: out of order, or making a session too long."""
        known_end = self._now.end[pieces.visitor]
        goes_on = first & (known_end != NO_TIME) & (pieces.start - known_end <= self._gap)
        begin = np.where(goes_on, self._now.start[pieces.visitor], pieces.start)
        odd: Flags = (first & (pieces.start < known_end)) | (pieces.end - begin > self._longest)
        return odd

    def _place(
        self, pieces: Columns, first: Flags, last: Flags, watermark: int, begun: list[tuple[Columns, int]]
    ) -> list[Columns]:
        """Go on with open sessions, set the last piece of each visitor as open, and put the others aside."""
        now, visitor = self._now, pieces.visitor
        if not len(visitor):
            return []
        known = first & (now.end[visitor] != NO_TIME)
        joins = known & (pieces.start - now.end[visitor] <= self._gap)
        begun.append((pieces.rows(~joins), 1))
        replaced = now.rows(visitor[known & ~joins])
        replaced.visitor = visitor[known & ~joins]
        at = visitor[joins]
        pieces.start[joins] = now.start[at]
        for name in ("clicks", "refreshes", "views", "carts"):
            getattr(pieces, name)[joins] += getattr(now, name)[at]
        for name in ("first_product", "country", "device", "bot"):
            getattr(pieces, name)[joins] = getattr(now, name)[at]
        latest = pieces.rows(last)
        for f in fields(now):
            getattr(now, f.name)[latest.visitor] = getattr(latest, f.name)
        self._touched[latest.visitor] = True
        return self._put_aside(_joined([replaced, pieces.rows(~last)]), watermark)

    def _put_aside(self, sessions: Columns | None, watermark: int) -> list[Columns]:
        """Return those that are closed, and keep the others until they are."""
        if sessions is None:
            return []
        done = sessions.end + self._gap < watermark
        for session, visitor in _plain(sessions.rows(~done)):
            held = self._older.setdefault(visitor, [])
            held.append(session)
            held.sort(key=lambda s: s.start)
        return [sessions.rows(done)]

    def _fold_odd(self, frame: Frame, rows: Ints, visitors: Codes) -> list[tuple[Columns, int]]:
        """Fold the clicks of these visitors one by one, and return what began and what was counted wrongly."""
        counted: list[tuple[Columns, int]] = []
        odd = rows[np.isin(frame.visitors[rows], visitors)]
        for visitor in np.unique(visitors).tolist():
            sessions = self._take(visitor)
            counted.append((_columns([(s, visitor) for s in sessions]), -1))
            for click in self._clicks(frame, odd[frame.visitors[odd] == visitor]):
                fold(sessions, click, gap=self._gap, longest=self._longest)
            counted.append((_columns([(s, visitor) for s in sessions]), 1))
            self._give_back(visitor, sessions)
        return counted

    def _clicks(self, frame: Frame, rows: Ints) -> list[Session]:
        countries = self._coded(frame, "country", self.countries)[rows].tolist()
        devices = self._coded(frame, "deviceType", self.devices)[rows].tolist()
        products, times = frame.products[rows].tolist(), frame.times[rows].tolist()
        refreshes, bots = frame.flag("is_refresh")[rows].tolist(), frame.flag("is_bot")[rows].tolist()
        views, carts = (frame.is_type(types)[rows].tolist() for types in (SHOWING, CARTING))
        return [
            Session(t, t, 1, int(refresh), int(view), int(cart), product, product, country, device, bot)
            for t, refresh, view, cart, product, country, device, bot in zip(
                times, refreshes, views, carts, products, countries, devices, bots, strict=True
            )
        ]

    def _take(self, visitor: int) -> list[Session]:
        """A visitor's open sessions, by start, taken out of the arrays and lists."""
        sessions = self._older.pop(visitor, [])
        if self._now.end[visitor] != NO_TIME:
            sessions += [s for s, _ in _plain(self._now.rows(np.array([visitor])))]
        self._now.end[visitor] = NO_TIME
        return sessions

    def _give_back(self, visitor: int, sessions: list[Session]) -> None:
        *older, latest = sessions
        row = _columns([(latest, visitor)])
        for f in fields(self._now):
            getattr(self._now, f.name)[visitor] = getattr(row, f.name)[0]
        if older:
            self._older[visitor] = older
        self._touched[visitor] = True

    # -- closing ------------------------------------------------------------------------------------------

    def _expire(self, watermark: int) -> list[Columns]:
        """Take out what the watermark closes."""
        if watermark <= self._scanned_at:
            return []
        self._scanned_at = watermark
        now = self._now
        due = np.flatnonzero((now.end != NO_TIME) & (now.end + self._gap < watermark)).astype(np.int32)
        closed = now.rows(due)
        closed.visitor = due
        now.end[due] = NO_TIME
        self._touched[due] = True
        expired = []
        for visitor in list(self._older):
            held = self._older[visitor]
            done = [s for s in held if s.end + self._gap < watermark]
            if done:
                expired += [(s, visitor) for s in done]
                self._older[visitor] = [s for s in held if s.end + self._gap >= watermark]
                self._touched[visitor] = True
            if not self._older[visitor]:
                del self._older[visitor]
        return [closed, _columns(expired)]

    # -- state --------------------------------------------------------------------------------------------

    @property
    def open_sessions(self) -> int:
        """How many sessions are open."""
        return int((self._now.end != NO_TIME).sum()) + sum(map(len, self._older.values()))

    def live(self) -> Flags:
        """Visitors with an open session, or with saved state that says so."""
        held = (self._now.end != NO_TIME) | self._touched | self._saved
        held[list(self._older)] = True
        alive: Flags = held
        return alive

    def take_touched(self) -> Codes:
        """Visitors whose saved state is out of date; from now on it counts as saved."""
        touched = np.flatnonzero(self._touched).astype(np.int32)
        self._touched[touched] = False
        holds = self._now.end[touched] != NO_TIME
        if self._older:
            holds |= np.isin(touched, np.fromiter(self._older, dtype=np.int32))
        needed = holds | self._saved[touched]
        self._saved[touched] = holds
        outdated: Codes = touched[needed]
        return outdated

    def visitors_with_sessions(self) -> Codes:
        """All visitors that have an open session."""
        latest = np.flatnonzero(self._now.end != NO_TIME).astype(np.int32)
        return np.union1d(latest, np.fromiter(self._older, dtype=np.int32))

    def all_open(self) -> Columns:
        """All open sessions."""
        return self.sessions_of(self.visitors_with_sessions())

    def sessions_of(self, visitors: Codes) -> Columns:
        """The open sessions of these visitors."""
        latest = visitors[self._now.end[visitors] != NO_TIME]
        held = self._now.rows(latest)
        held.visitor = latest
        older = [(s, v) for v in visitors.tolist() if v in self._older for s in self._older[v]] if self._older else []
        joined = _joined([held, _columns(older)])
        return joined if joined is not None else held

    def put(self, saved: pa.RecordBatch) -> None:
        """Take in saved sessions: a row each, with the names of ``Session``'s fields, products and places as texts."""
        visitors = self._book.visitors.add(saved.column("userId").to_pylist())
        self._make_room()
        products = self._book.products
        held = Columns(
            visitor=visitors,
            start=saved.column("start").to_numpy().copy(),
            end=saved.column("end").to_numpy().copy(),
            clicks=saved.column("clicks").to_numpy().copy(),
            refreshes=saved.column("refreshes").to_numpy().copy(),
            views=saved.column("views").to_numpy().copy(),
            carts=saved.column("carts").to_numpy().copy(),
            first_product=products.add(saved.column("first_product").to_pylist()),
            last_product=products.add(saved.column("last_product").to_pylist()),
            country=self.countries.add(saved.column("country").to_pylist()).astype(np.int16),
            device=self.devices.add(saved.column("device").to_pylist()).astype(np.int16),
            bot=saved.column("bot").to_numpy(zero_copy_only=False).copy(),
        )
        _, which, times = np.unique(visitors, return_inverse=True, return_counts=True)
        alone = (times[which] == 1) & (self._now.end[visitors] == NO_TIME)
        only = held.rows(alone)
        for f in fields(self._now):
            getattr(self._now, f.name)[only.visitor] = getattr(only, f.name)
        for session, visitor in _plain(held.rows(~alone)):
            self._give_back(visitor, sorted([*self._take(visitor), session], key=lambda s: s.start))
        self._touched[visitors] = False
        self._saved[visitors] = True


def _no_sessions(length: int) -> Columns:
    kinds = {"start": np.int64, "end": np.int64, "country": np.int16, "device": np.int16, "bot": np.bool_}
    empty: list[Any] = [np.zeros(length, dtype=kinds.get(f.name, np.int32)) for f in fields(Columns)]
    return Columns(*empty)


def _columns(sessions: Sequence[tuple[Session, int]]) -> Columns:
    """Sessions of the plain path as columns."""
    columns = _no_sessions(len(sessions))
    for row, (session, visitor) in enumerate(sessions):
        columns.visitor[row] = visitor
        for f in fields(session):
            getattr(columns, f.name)[row] = getattr(session, f.name)
    return columns


def _plain(columns: Columns) -> list[tuple[Session, int]]:
    """Columns as sessions of the plain path, each with its visitor."""
    visitors = columns.visitor.tolist()
    values = zip(*(getattr(columns, f.name).tolist() for f in fields(Session)), strict=True)
    return [(Session(*row), visitor) for row, visitor in zip(values, visitors, strict=True)]


def _joined(parts: Sequence[Columns]) -> Columns | None:
    """All parts in one, or None if they hold nothing."""
    held = [part for part in parts if len(part.visitor)]
    if len(held) < 2:
        return held[0] if held else None
    return Columns(*(np.concatenate([getattr(part, f.name) for part in held]) for f in fields(Columns)))


def _begun(parts: Sequence[tuple[Columns, int]]) -> Begun | None:
    held = [(part, weight) for part, weight in parts if len(part.visitor)]
    if not held:
        return None
    return Begun(
        start=np.concatenate([part.start for part, _ in held]),
        bot=np.concatenate([part.bot.astype(np.int64) for part, _ in held]),
        weight=np.concatenate([np.full(len(part.start), weight, dtype=np.int64) for part, weight in held]),
    )
