"""Turns a seed into the two streams of the streaming-SQL sample: users in bursts, and clicks that name them.

The rows of both streams have one order: a burst of users, some clicks, the next burst, and so on for ever. A row
follows from the settings and its number in that order, so a number is all that a generator has to remember.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from footfall.core.codes import coded
from footfall.core.errors import UsageError
from footfall.core.events import CODED, EVENT_ID, SHOP_CLICKS, SHOP_USERS, TIME, Batch
from footfall.core.hashing import ids_of, text_hash
from footfall.sources.generate_draws import Ints
from footfall.sources.generate_shoppers import ACTIONS, DEVICES, LEVELS, Shoppers

USER_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),
        pa.field("event_id", EVENT_ID, nullable=False),
        pa.field("user_id", CODED, nullable=False),  # the key
        pa.field("name", CODED, nullable=False),
        pa.field("level", CODED, nullable=False),  # one of LEVELS
    ]
)
CLICK_SCHEMA: Final = pa.schema(
    [
        pa.field("timestamp", TIME, nullable=False),
        pa.field("event_id", EVENT_ID, nullable=False),
        pa.field("user_id", CODED, nullable=False),  # the key
        pa.field("page", pa.int32(), nullable=False),  # 1 to 100,000
        pa.field("action", CODED, nullable=False),  # one of ACTIONS
        pa.field("device", CODED, nullable=False),  # one of DEVICES
        pa.field("agent", CODED, nullable=False),
    ]
)
SAMPLE_SCHEMAS: Final = {SHOP_USERS: USER_SCHEMA, SHOP_CLICKS: CLICK_SCHEMA}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """How many users and clicks come, and which."""

    seed: int = 0
    burst: int = 100
    """Users that come at once."""
    clicks: int = 200
    """Clicks between one burst of users and the next."""
    changes: float = 0.0
    """The share of users, after the first burst, that are there already and come with a level drawn anew."""

    def __post_init__(self) -> None:
        if self.burst < 1 or self.clicks < 1 or not 0 <= self.changes <= 1:
            raise UsageError(
                f"Cannot make bursts of {self.burst} users, each before {self.clicks} clicks, {self.changes} of them "
                "known.",
                remedy="Users and clicks are at least 1; a share is between 0 and 1.",
            )

    @property
    def known_as(self) -> str:
        """What tells these two streams from those of other settings."""
        return f"vip {self.seed} {self.burst} {self.clicks} {self.changes}"

    def rows(self, clicks: int) -> int:
        """How many rows there are by the time that so many clicks have come, the burst that is due then included."""
        return clicks + (clicks // self.clicks + 1) * self.burst

    def clicks_in(self, rows: int) -> int:
        """How many of the first rows are clicks."""
        whole, rest = divmod(rows, self.burst + self.clicks)
        return whole * self.clicks + max(0, rest - self.burst)


class Sample:
    """The rows of both streams, by number."""

    def __init__(self, settings: SampleSettings) -> None:
        self.settings = settings
        self._shoppers = Shoppers(settings.seed, burst=settings.burst, clicks=settings.clicks, changes=settings.changes)

    def batches(self, first: int, end: int, *, at_ms: int) -> dict[str, Batch]:
        """The rows from ``first`` up to ``end``, as if all of them happened at the same time (ms)."""
        users, clicks = self._numbers(first, end)
        return {
            SHOP_USERS: self._users(users, np.full(len(users), at_ms)),
            SHOP_CLICKS: self._clicks(clicks, np.full(len(clicks), at_ms)),
        }

    def users(self, clicks: int, *, start_ms: int, interval_ms: int, rows: int = 50_000) -> Iterator[Batch]:
        """The users that come before the click of this number (and those due by then), each at its time."""
        settings = self.settings
        last = max(0, clicks - 1) // settings.clicks + 1
        step = max(1, rows // settings.burst)
        for burst in range(0, last, step):
            numbers = np.arange(burst * settings.burst, min(burst + step, last) * settings.burst)
            yield self._users(numbers, start_ms + numbers // settings.burst * settings.clicks * interval_ms)

    def clicks(self, clicks: int, *, start_ms: int, interval_ms: int, rows: int = 50_000) -> Iterator[Batch]:
        """So many clicks, one an interval; the first comes an interval after the first users."""
        for first in range(0, clicks, rows):
            numbers = np.arange(first, min(first + rows, clicks))
            yield self._clicks(numbers, start_ms + (numbers + 1) * interval_ms)

    def _numbers(self, first: int, end: int) -> tuple[Ints, Ints]:
        """Which users and which clicks these rows are."""
        burst, clicks = self.settings.burst, self.settings.clicks
        whole, rest = np.divmod(np.arange(first, end), burst + clicks)
        is_user = rest < burst
        return (whole * burst + rest)[is_user], (whole * clicks + rest - burst)[~is_user]

    def _users(self, numbers: Ints, times: Ints) -> Batch:
        who = self._shoppers.who(numbers)
        columns = [
            *self._head(SHOP_USERS, numbers, times),
            _texts(who, self._shoppers.ids),
            _texts(who, self._shoppers.names),
            coded(self._shoppers.levels(numbers), LEVELS),
        ]
        return pa.record_batch(columns, schema=USER_SCHEMA)

    def _clicks(self, numbers: Ints, times: Ints) -> Batch:
        visits = self._shoppers.visits(numbers)
        columns = [
            *self._head(SHOP_CLICKS, numbers, times),
            _texts(visits.who, self._shoppers.ids),
            pa.array(self._shoppers.pages(numbers), pa.int32()),
            coded(visits.actions, ACTIONS),
            coded(self._shoppers.devices(visits.who), DEVICES),
            coded(self._shoppers.agents_of(visits.who), self._shoppers.agents),
        ]
        return pa.record_batch(columns, schema=CLICK_SCHEMA)

    def _head(self, stream: str, numbers: Ints, times: Ints) -> list[pa.Array]:
        source = np.full(len(numbers), text_hash(f"{self.settings.known_as} {stream}"), dtype=np.uint64)
        return [pa.array(times, pa.int64()).cast(TIME), ids_of([source, numbers.astype(np.uint64)])]


def _texts(who: Ints, texts: Callable[[Ints], Sequence[str]]) -> pa.DictionaryArray:
    """A coded column with a text for each of them, made once each."""
    distinct, codes = np.unique(who, return_inverse=True)
    found = pa.array(texts(distinct), pa.string()).dictionary_encode()
    return coded(found.indices.to_numpy()[codes].astype(np.int32), found.dictionary)
