"""Turns a seed into visits, and visits into clicks in order of time, as columns of codes.

Visits are made in slices of the whole time; each slice has the same number of clicks and, where the shop is
quiet, is longer. A slice's clicks wait until no later slice can bring older ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.hashing import U64
from footfall.sources.generate_agents import load_agents
from footfall.sources.generate_behaviour import assortment, pauses, product_codes, visit_lengths
from footfall.sources.generate_draws import Bools, Draws, Ints, choices
from footfall.sources.generate_settings import GeneratorSettings
from footfall.sources.generate_visitors import Devices, address_codes, visitor_ids
from footfall.sources.lookups import ProductRow

_SLICE_CLICKS = 100_000
_BY_HOUR = (14, 9, 6, 5, 5, 7, 13, 24, 38, 50, 58, 62, 66, 62, 58, 58, 62, 70, 82, 96, 100, 88, 58, 30)
_BY_WEEKDAY = (9, 9, 9, 10, 11, 12, 11)
_EVENT_KINDS = choices({1: 6, 2: 1, 3: 3})


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks as columns of codes. ``second`` is Unix time."""

    second: Ints
    visitor: Ints
    product: Ints
    agent: Ints
    address: Ints
    kind: Ints

    def take(self, rows: Ints | Bools | slice) -> Clicks:
        """Some of the clicks."""
        return Clicks(*(column[rows] for column in self.columns()))

    def columns(self) -> tuple[Ints, ...]:
        """All columns, in the order in which they are declared."""
        return (self.second, self.visitor, self.product, self.agent, self.address, self.kind)

    def __len__(self) -> int:
        return len(self.second)

    @classmethod
    def joined(cls, parts: Sequence[Clicks]) -> Clicks:
        """The parts one after the other."""
        return cls(*(np.concatenate(columns) for columns in zip(*(p.columns() for p in parts), strict=True)))


class Shop:
    """The shop, its visitors, and until when each of them is busy.

    ``ids``, ``products`` and ``agents`` are the texts that the codes of clicks stand for.
    """

    def __init__(
        self, settings: GeneratorSettings, *, products: Sequence[ProductRow], users: Sequence[str] | None
    ) -> None:
        self._settings = settings
        self.draws = Draws(settings.seed)
        self._tables = assortment(products)
        agents = load_agents()
        self._devices = Devices(self.draws, agents, mobiles=settings.mobiles, tablets=settings.tablets)
        self.agents = pa.array(agents.all, type=pa.string())
        self.products = pa.array(self._tables.products, type=pa.string())
        known = visitor_ids(self.draws, settings.known_visitors) if users is None else _distinct(users)
        self._known = len(known)
        self._strangers = max(4, self._known // 20)
        strangers = visitor_ids(self.draws, self._strangers, purpose="stranger")
        self.ids = pa.concat_arrays([known, strangers])
        self._popularity = np.cumsum((1 << 32) // (np.arange(self._known, dtype=np.int64) + self._known // 50 + 10))
        self._busy = np.zeros(len(self.ids), dtype=np.int64)
        self._rhythm = _Rhythm(settings)

    def slices(self) -> Iterator[Clicks]:
        """The clicks in order of time, a slice of the time after the other."""
        events = self._settings.events
        count = max(1, -(-events // _SLICE_CLICKS))
        later: list[Clicks] = []
        for number in range(count):
            share = events * (number + 1) // count - events * number // count
            begin, end = (self._rhythm.whole * (number + i) // count for i in (0, 1))
            made = Clicks.joined([*later, self._slice(number, share, begin, end)])
            done = made.second < self._rhythm.seconds(np.array([end]))[0]
            if number == count - 1:
                done[:] = True
            ready = made.take(done)
            later = [made.take(~done)]
            yield ready.take(np.argsort(ready.second * len(self.ids) + ready.visitor))

    def _slice(self, number: int, clicks: int, begin: int, end: int) -> Clicks:
        """So many clicks of visits that begin in this part of the rhythm."""
        draws = self.draws
        visits, lengths, bots = self._visits(number, clicks)
        visitors = self._visitors(visits, bots)
        starts = self._rhythm.seconds(begin + draws.below("start", visits, max(1, end - begin)))
        products, again = product_codes(
            draws,
            visits,
            lengths,
            tables=self._tables,
            refreshes=self._settings.refreshes,
            elsewhere=self._settings.elsewhere,
        )
        of_visit = np.repeat(np.arange(len(visits)), lengths)
        first = np.cumsum(lengths) - lengths
        place = np.arange(clicks) - first[of_visit]
        names = visits[of_visit] * np.uint64(64) + place.astype(np.uint64)
        gaps = pauses(draws, names, bots=bots[of_visit], again=again)
        gaps[first] = 0
        run = np.cumsum(gaps)
        since = run - run[first][of_visit]
        starts = self._one_after_the_other(visitors, starts, since[first + lengths - 1])
        return Clicks(
            second=starts[of_visit] + since,
            visitor=visitors[of_visit],
            product=products,
            agent=self._devices.codes(visitors, visits, bots=bots)[of_visit],
            address=address_codes(draws, visitors, visits)[of_visit],
            kind=self._kinds(names),
        )

    def _visits(self, number: int, clicks: int) -> tuple[U64, Ints, Bools]:
        """Names of visits, their lengths (together exactly ``clicks``), and which are a bot's."""
        guess = clicks // 5 + 16
        while True:
            visits = (np.uint64(number) << np.uint64(32)) + np.arange(guess, dtype=np.uint64)
            bots = self.draws.chance("bot", visits, self._settings.bots)
            lengths = visit_lengths(self.draws, visits, bots=bots)
            reached = np.cumsum(lengths)
            if reached[-1] >= clicks:
                break
            guess *= 2
        used = int(np.searchsorted(reached, clicks)) + 1 if clicks else 0
        visits, lengths, bots = visits[:used], lengths[:used], bots[:used]
        if used:
            lengths[-1] -= reached[used - 1] - clicks
        return visits, lengths, bots

    def _visitors(self, visits: U64, bots: Bools) -> Ints:
        """Who makes each visit: some known visitors often, most rarely; half of the bots use a known id."""
        draws = self.draws
        ticket = draws.below("visitor", visits, int(self._popularity[-1]))
        known = np.searchsorted(self._popularity, ticket, side="right").astype(np.int64)
        stranger = self._known + draws.below("stranger", visits, self._strangers)
        unknown = draws.chance("unknown", visits, self._settings.unknown)
        machines = np.where(
            draws.chance("registered bot", visits, 0.5), draws.below("bot id", visits, self._known), stranger
        )
        who: Ints = np.where(bots, machines, np.where(unknown, stranger, known))
        return who

    def _one_after_the_other(self, visitors: Ints, starts: Ints, lasts: Ints) -> Ints:
        """Starts put off so that each visitor ends a visit (``lasts`` seconds) before beginning the next."""
        if not len(visitors):
            return starts
        order = np.lexsort((np.arange(len(starts)), starts, visitors))
        who, start, busy = visitors[order], starts[order], lasts[order] + 1
        fresh = np.append(True, who[1:] != who[:-1])
        group = np.cumsum(fresh)
        before = np.cumsum(busy) - busy
        before -= before[fresh][group - 1]
        start = np.maximum(start, self._busy[who])
        slack = start - before + (group << 40)
        start = np.maximum.accumulate(slack) - (group << 40) + before
        final = np.append(fresh[1:], True)
        self._busy[who[final]] = (start + busy)[final]
        moved: Ints = np.empty_like(start)
        moved[order] = start
        return moved

    def _kinds(self, names: U64) -> Ints:
        """An index into EVENT_TYPES for each click."""
        if not self._settings.carts:
            return np.zeros(len(names), dtype=np.int64)
        other = self.draws.chance("kind", names, self._settings.carts)
        slot = self.draws.below("which kind", names, len(_EVENT_KINDS))
        kinds: Ints = np.where(other, _EVENT_KINDS[slot], 0)
        return kinds


def _distinct(users: Sequence[str]) -> pa.StringArray:
    if not users:
        raise UsageError("There are no users to make clicks for.", remedy="Give a users file with at least one id.")
    return pa.array(list(dict.fromkeys(users)), type=pa.string())


class _Rhythm:
    """Maps even steps to the shop's time: many of them in the evening, few of them at night."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self._start = settings.start_second
        hours = self._start // 3600 + np.arange(settings.days * 24)
        weekday = (hours // 24 + 3) % 7  # 1970-01-01 was a Thursday
        self._weights = np.array(_BY_HOUR)[hours % 24] * np.array(_BY_WEEKDAY)[weekday]
        self._reached = np.cumsum(self._weights) * 3600

    @property
    def whole(self) -> int:
        """The number of steps in all."""
        return int(self._reached[-1])

    def seconds(self, steps: Ints) -> Ints:
        """The Unix second of each step; later for a later step."""
        hour = np.minimum(np.searchsorted(self._reached, steps, side="right"), len(self._weights) - 1)
        weight = self._weights[hour]
        into = (steps - (self._reached[hour] - weight * 3600)) // weight
        seconds: Ints = self._start + hour * 3600 + into
        return seconds
