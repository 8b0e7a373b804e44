"""Turns a seed and numbers into shoppers, and their visits from the first look to the purchase.

Eight shoppers are in the shop at any time. The clicks of their visits take turns, so a visit is a few clicks of one
shopper, close together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from footfall.sources.generate_agents import load_agents
from footfall.sources.generate_draws import SLOTS, Draws, Ints, choices

LEVELS: Final = ("BRONZE", "SILVER", "GOLD", "PLATINUM")
ACTIONS: Final = ("vitrine_nav", "checkout", "product_detail", "products", "selection", "cart")
DEVICES: Final = ("mobile", "computer", "tablet")

_LEVELS: Final = choices({0: 40, 1: 30, 2: 18, 3: 12})
_DEVICES: Final = choices({0: 50, 1: 38, 2: 12})
_LOOKING: Final = choices({3: 35, 2: 40, 4: 20, 0: 5})
"""What a shopper does who neither comes nor buys."""
_BUYING: Final = 0.35
"""The share of visits that end with a purchase."""
_PAGES: Final = 100_000
_AT_ONCE: Final = 8
_PAIR: Final = 12
"""Two visits that follow one another in one of the eight places have so many clicks together."""
_SHORTEST: Final = 2
_LOWEST_ID: Final = 100_000_000
_IDS: Final = 900_000_000
_STRIDE: Final = 618_033_989
"""Shares no factor with the number of ids: so no two of them are the same until all are used."""

_FIRST: Final = (
    *("Adela", "Bram", "Celeste", "Dario", "Edda", "Fenno", "Gisla", "Harro", "Imke", "Joran", "Katla", "Lioba"),
    *("Marek", "Nilda", "Odo", "Pernilla", "Quirin", "Roswin", "Sunniva", "Tjark", "Ulla", "Veit", "Wanja", "Xenia"),
    *("Yorick", "Zita", "Alrun", "Berit", "Corvin", "Dunja", "Eskil", "Frauke"),
)
_LAST: Final = (
    *("Aldermoor", "Birkenstein", "Calloway", "Dornfeld", "Eichwald", "Farnhollow", "Grimsted", "Haverbeck"),
    *("Isenhart", "Jasperson", "Kettleby", "Lindqvist", "Mirabeau", "Norwick", "Oakhurst", "Pellworm", "Quendon"),
    *("Ravensworth", "Sandoval", "Thistlewood", "Umbridge", "Valdorf", "Wexcombe", "Yarrow", "Zandvoort", "Ambrose"),
    *("Blackwater", "Cromarty", "Dunmore", "Elverum", "Fallowfield", "Greywacke"),
)


@dataclass(frozen=True, slots=True)
class Visits:
    """Of each click: whose visit it belongs to, and what is done."""

    who: Ints
    actions: npt.NDArray[np.int32]


class Shoppers:
    """Who they are and what they do. Users have numbers in the order in which they come; clicks as well."""

    def __init__(self, seed: int, *, burst: int, clicks: int, changes: float) -> None:
        self._draws = Draws(seed)
        self._burst = burst
        self._clicks = clicks
        self._changes = changes
        known = load_agents()
        self.agents = (*known.mobiles, *known.desktops, *known.tablets)
        sizes = [len(known.mobiles), len(known.desktops), len(known.tablets)]
        self._agents = np.array([[sum(sizes[:kind]), size] for kind, size in enumerate(sizes)])
        self._first_id = int(self._draws.below("first id", np.zeros(1, np.int64), _IDS)[0])

    def who(self, numbers: Ints) -> Ints:
        """Who the users of these numbers are: themselves, or one who came in an earlier burst."""
        who = numbers.copy()
        while self._changes:
            again = self._draws.chance("change", who, self._changes) & (who >= self._burst)
            if not again.any():
                break
            earlier = who // self._burst * self._burst
            who = np.where(again, self._draws.bits("whom", who) % np.maximum(earlier, 1).astype(np.uint64), who)
            who = who.astype(np.int64)
        return who

    def ids(self, who: Ints) -> list[str]:
        """Like 407-41-3862; no two the same."""
        digits = _LOWEST_ID + (who % _IDS * _STRIDE + self._first_id) % _IDS
        return [f"{text[:3]}-{text[3:5]}-{text[5:]}" for text in map(str, digits.tolist())]

    def names(self, who: Ints) -> list[str]:
        """First and last names, which others may have, too."""
        first = self._draws.below("first name", who, len(_FIRST)).tolist()
        last = self._draws.below("last name", who, len(_LAST)).tolist()
        return [f"{_FIRST[one]} {_LAST[other]}" for one, other in zip(first, last, strict=True)]

    def levels(self, numbers: Ints) -> npt.NDArray[np.int32]:
        """The level with which the user of each number comes, an index into LEVELS."""
        return _LEVELS[self._draws.below("level", numbers, SLOTS)].astype(np.int32)

    def devices(self, who: Ints) -> npt.NDArray[np.int32]:
        """What each of them has, an index into DEVICES."""
        return _DEVICES[self._draws.below("device", who, SLOTS)].astype(np.int32)

    def agents_of(self, who: Ints) -> npt.NDArray[np.int32]:
        """The browser of each, an index into ``agents``."""
        first, size = self._agents[self.devices(who)].T
        drawn = self._draws.bits("agent", who) % size.astype(np.uint64)
        found: npt.NDArray[np.int32] = (first + drawn.astype(np.int64)).astype(np.int32)
        return found

    def pages(self, numbers: Ints) -> Ints:
        """The page of each click, from 1 up."""
        return 1 + self._draws.below("page", numbers, _PAGES)

    def visits(self, numbers: Ints) -> Visits:
        """The visits that these clicks belong to."""
        turn, place = np.divmod(numbers, _AT_ONCE)
        pair, step = np.divmod(turn, _PAIR)
        first_length = _SHORTEST + self._draws.below("length", pair * _AT_ONCE + place, _PAIR - 2 * _SHORTEST + 1)
        second = step >= first_length
        begin = np.where(second, first_length, 0)
        length = np.where(second, _PAIR - first_length, first_length)
        visit = (pair * _AT_ONCE + place) * 2 + second
        first_click = (pair * _PAIR + begin) * _AT_ONCE + place
        there = ((first_click // self._clicks + 1) * self._burst).astype(np.uint64)
        drawn = (self._draws.bits("visitor", visit) % there).astype(np.int64)
        return Visits(self.who(drawn), self._actions(numbers, visit, step - begin, length))

    def _actions(self, numbers: Ints, visit: Ints, step: Ints, length: Ints) -> npt.NDArray[np.int32]:
        looking = _LOOKING[self._draws.below("action", numbers, SLOTS)]
        buys = self._draws.chance("buys", visit, _BUYING)
        left = length - 1 - step
        actions = np.where(step == 0, ACTIONS.index("vitrine_nav"), looking)
        actions = np.where(buys & (left == 1) & (step > 0), ACTIONS.index("cart"), actions)
        return np.where(buys & (left == 0), ACTIONS.index("checkout"), actions).astype(np.int32)
