"""Turns visits into clicks: how long people stay, where they look next, how long they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from footfall.core.hashing import U64
from footfall.sources.generate_draws import Bools, Draws, Ints, choices, field, hits, quantiles
from footfall.sources.lookups import ProductRow

LONGEST: Final = 20
"""Clicks in the longest visit."""
MOST_PRODUCTS: Final = 256
"""So many products of each category are looked at."""
NO_PRODUCT: Final = (
    "http://shop.example/",
    "http://shop.example/basket/",
    "http://shop.example/search/",
    "http://shop.example/help/delivery/",
)
"""Pages of the shop that show no product."""

_LENGTHS: Final = quantiles([(0, 1), (180, 1), (420, 4), (720, 8), (920, 14), (1023, LONGEST)])
_BOT_LENGTHS: Final = quantiles([(0, 8), (600, LONGEST), (1023, LONGEST)])
_GAPS: Final = quantiles([(0, 2), (150, 5), (450, 14), (750, 45), (920, 150), (1000, 600), (1023, 1500)])
_OPENING: Final = {"clothing": 26, "shoes": 15, "handbags": 14, "electronics": 8, "computers": 6, "accessories": 6}
_STAY: Final = 34
_STAY_IN_SMALL: Final = 5
"""Nobody stays where there is nothing else to see."""
_LINKS: Final[Mapping[str, Mapping[str, int]]] = {
    "clothing": {"shoes": 30, "handbags": 14, "accessories": 10},
    "shoes": {"clothing": 34, "handbags": 16, "accessories": 6},
    "handbags": {"clothing": 16, "shoes": 14, "accessories": 12},
    "accessories": {"handbags": 22, "clothing": 16, "shoes": 12},
    "electronics": {"computers": 24, "games": 16, "accessories": 6},
    "computers": {"electronics": 24, "games": 20},
    "games": {"computers": 16, "electronics": 14, "movies": 16},
    "movies": {"books": 22, "games": 18},
    "books": {"movies": 24, "games": 8},
    "home&garden": {"tools": 24, "grocery": 12},
    "tools": {"home&garden": 22, "automotive": 20},
    "automotive": {"tools": 26, "electronics": 8},
    "grocery": {"home&garden": 18, "books": 6},
}


@dataclass(frozen=True, slots=True)
class Assortment:
    """A catalogue as tables of choices, by category number."""

    products: tuple[str, ...]
    """What a product code stands for: the ids, then the pages without a product."""
    opening: Ints
    """(SLOTS,) the category that a visit begins with."""
    following: Ints
    """(categories, SLOTS) the category after one of this category."""
    within: Ints
    """(categories, SLOTS) the product code looked at in this category."""

    @property
    def catalogued(self) -> int:
        """How many product codes are products."""
        return len(self.products) - len(NO_PRODUCT)


def assortment(products: Sequence[ProductRow]) -> Assortment:
    """The tables for this catalogue. Earlier products of a category are more popular."""
    names = sorted({product.category or "" for product in products})
    ids = list(dict.fromkeys(product.id for product in products))
    code = {product_id: i for i, product_id in enumerate(ids)}
    shelves: dict[str, list[int]] = {name: [] for name in names}
    for product in products:
        shelves[product.category or ""].append(code[product.id])
    return Assortment(
        products=(*ids, *NO_PRODUCT),
        opening=choices({i: _OPENING.get(name, 4) for i, name in enumerate(names)}),
        following=np.stack([_following(name, shelves) for name in names]),
        within=np.stack([_shelf(shelves[name]) for name in names]),
    )


def _following(name: str, shelves: Mapping[str, Sequence[int]]) -> Ints:
    links = _LINKS.get(name, {})
    stay = _STAY if len(shelves[name]) > 2 else _STAY_IN_SMALL
    return choices({i: stay if other == name else links.get(other, 2) for i, other in enumerate(shelves)})


def _shelf(codes: Sequence[int]) -> Ints:
    popular = sorted(set(codes))[:MOST_PRODUCTS]
    return choices({code: 100_000 // (rank + 3) for rank, code in enumerate(popular)})


def visit_lengths(draws: Draws, visits: U64, *, bots: Bools) -> Ints:
    """How many clicks each visit has: 1 to LONGEST."""
    slot = field(draws.bits("length", visits), shift=0, width=10)
    return np.where(bots, _BOT_LENGTHS[slot], _LENGTHS[slot])


def product_codes(
    draws: Draws, visits: U64, lengths: Ints, *, tables: Assortment, refreshes: float, elsewhere: float
) -> tuple[Ints, Bools]:
    """The product code of every click, visit by visit, and which clicks reload the page before.

    One step for each place in a visit, over all visits that are long enough.
    """
    order = np.argsort(-lengths, kind="stable")
    ordered, longest = visits[order], int(lengths.max(initial=0))
    codes = np.zeros((len(visits), longest), dtype=np.int64)
    again = np.zeros((len(visits), longest), dtype=np.bool_)
    category = tables.opening[field(draws.bits("opening", ordered), shift=0, width=10)]
    shown = np.zeros(len(visits), dtype=np.int64)
    for place in range(longest):
        active = int(np.count_nonzero(lengths > place))
        bits = draws.bits("click", ordered[:active] * np.uint64(LONGEST) + np.uint64(place))
        category, shown = category[:active], shown[:active]
        reload = hits(bits, refreshes, shift=20) & (place > 0)
        following = tables.following[category, field(bits, shift=0, width=10)] if place else category
        category = np.where(reload, category, following)
        fresh = tables.within[category, field(bits, shift=10, width=10)]
        fresh = np.where(fresh == shown, tables.within[category, field(bits, shift=42, width=10)], fresh)
        page = tables.catalogued + field(bits, shift=52, width=8) % len(NO_PRODUCT)
        fresh = np.where(hits(bits, elsewhere, shift=36), page, fresh)
        shown = np.where(reload, shown, fresh)
        codes[order[:active], place] = shown
        again[order[:active], place] = reload
    taken = np.arange(longest) < lengths[:, None]
    return codes[taken], again[taken]


def pauses(draws: Draws, clicks: U64, *, bots: Bools, again: Bools) -> Ints:
    """Seconds between each click and the one before it in its visit, if it is not the first.

    Mostly seconds to minutes; a few are exactly 1800 or 1801 s, and a few are longer.
    """
    bits = draws.bits("pause", clicks)
    gap = _GAPS[field(bits, shift=0, width=10)]
    odd = field(bits, shift=10, width=16)
    gap = np.where(odd < 60, 1800, gap)
    gap = np.where((odd >= 60) & (odd < 120), 1801, gap)
    gap = np.where((odd >= 120) & (odd < 500), 1802 + field(bits, shift=26, width=13), gap)
    gap = np.where(again, 1 + field(bits, shift=40, width=4), gap)
    return np.where(bots, 1 + field(bits, shift=44, width=1), gap)
