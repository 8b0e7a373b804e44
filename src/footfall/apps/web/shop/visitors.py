"""Turns a counter that never gives a number twice into visitor ids of three words, and the cookie back into an id.

A number is scattered over all triples of words by a permutation that depends on the key (a Feistel network), so that
ids do not tell how many visitors there are or who came next, and yet no two are the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from typing import Final

import pyarrow as pa

from footfall.apps.web.shop.signing import derived, signed, text_of
from footfall.apps.web.shop.words import ADJECTIVES, GERUNDS, NOUNS
from footfall.core.errors import Fenced, Unavailable
from footfall.core.events import CLICKS
from footfall.log.base import Commit, DurableLog, Place, Position, StateWrite

COOKIE: Final = "visitor"
GROUP: Final = "shop"
"""Under this name a log keeps how many visitor ids were reserved."""
TABLE: Final = "visitors"
SPACE: Final = 1 << 24
"""How many triples there are: 256 words in each list."""
BLOCK: Final = 256
"""How many numbers are reserved at once. Those that a stop leaves over are never given out."""
EARLY: Final = 64
"""With so many left the next block is reserved, so that a visitor seldom waits for it."""
_HALF_BITS: Final = 12
_HALF: Final = (1 << _HALF_BITS) - 1
_ROUNDS: Final = 6
_PURPOSE: Final = "visitor"
_ATTEMPTS: Final = 100
"""Each one that fails is a block that another process got."""


class VisitorIds:
    """Gives out ids, none twice, also when several processes do so on one log or one was killed.

    For one event loop. At most one thread waits for the log, however many visitors do.
    """

    def __init__(self, log: DurableLog, *, key: bytes) -> None:
        self._log = log
        self._key = derived(key, "visitor ids")
        self._numbers: deque[int] = deque()
        self._reserving: asyncio.Task[None] | None = None

    async def new(self) -> str:
        """An id that nobody has. Waits for the log when no number is left; raises what the log raises then."""
        if len(self._numbers) <= EARLY:
            self._reservation()
        while not self._numbers:  # more may have waited than a block has numbers
            await asyncio.shield(self._reservation())  # others wait for it, too
        return three_words(self._numbers.popleft(), key=self._key)

    def _reservation(self) -> asyncio.Task[None]:
        """The one that is under way, or a new one."""
        if self._reserving is None or self._reserving.done():
            self._reserving = asyncio.create_task(self._reserve_next())
            self._reserving.add_done_callback(_taken_note_of)
        return self._reserving

    async def _reserve_next(self) -> None:
        first = await asyncio.to_thread(self._reserve)
        self._numbers.extend(range(first, first + BLOCK))

    def _reserve(self) -> int:
        """The first number of a block that is ours alone from now on."""
        for _ in range(_ATTEMPTS):
            expected = self._log.position(GROUP, CLICKS, 0)
            first = max((n for batch in self._log.state(GROUP, 0).get(TABLE, ()) for n in _numbers(batch)), default=0)
            taken = pa.RecordBatch.from_pydict({"next": [first + BLOCK]})
            # The position counts the blocks: it is what lets only one of two processes have this one.
            moved = Position(GROUP, CLICKS, 0, expected, Place(0, expected.sequence + 1))
            try:
                self._log.commit(Commit(positions=[moved], state=[StateWrite(GROUP, 0, TABLE, taken, reset=True)]))
            except Fenced:
                continue
            return first
        raise Unavailable("Too many others ask for visitor ids.", remedy="Try again.")


def _taken_note_of(reserving: asyncio.Task[None]) -> None:
    """A block that could not be reserved early is nobody's trouble yet: whoever needs one tries again."""
    if not reserving.cancelled():
        reserving.exception()


def _numbers(batch: pa.RecordBatch) -> list[int]:
    return [int(number) for number in batch.column("next").to_pylist()]


def three_words(number: int, *, key: bytes) -> str:
    """The id of the visitor of this number: ``sad-music-boxing``.

    When all triples are used up, the next ones carry a number: ``sad-music-boxing-2``.
    """
    turn, place = divmod(number, SPACE)
    scattered = _scattered(place, key=key)
    words = ADJECTIVES[scattered >> 16], NOUNS[scattered >> 8 & 255], GERUNDS[scattered & 255]
    return "-".join([*words, *([str(turn + 1)] if turn else [])])


def _scattered(number: int, *, key: bytes) -> int:
    """Another number of 24 bits, a different one for each."""
    left, right = number >> _HALF_BITS, number & _HALF
    for turn in range(_ROUNDS):
        digest = hashlib.blake2b(bytes([turn]) + right.to_bytes(2), key=key, digest_size=2).digest()
        left, right = right, left ^ (int.from_bytes(digest) & _HALF)
    return left << _HALF_BITS | right


def cookie_of(key: bytes, visitor: str) -> str:
    """What a browser keeps, so that the visitor is known again and cannot pass for another."""
    return signed(key, _PURPOSE, visitor)


def visitor_of(key: bytes, cookie: str | None) -> str | None:
    """The visitor whom the cookie names; None when it is not one of ours."""
    return text_of(key, _PURPOSE, cookie)
