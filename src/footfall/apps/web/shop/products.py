"""Turns columns of products into what pages show: one product, a category, a page of a list.

The columns stay as they came: hundreds of thousands of products cost little more than their texts.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.events import UNKNOWN, Batch

PAGE_SIZE: Final = 60
SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("category", pa.string()),
        ("title", pa.string()),
        ("price", pa.float64()),
        ("description", pa.string()),
        ("image", pa.string()),
    ]
)
_PART: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product. What its file did not say is None."""

    id: str
    category: str
    """UNKNOWN if there is none."""
    title: str | None = None
    price: float | None = None
    description: str | None = None
    image: str | None = None

    @property
    def name(self) -> str:
        """Its title, or what stands in for one."""
        return self.title or self.id


@dataclass(frozen=True, slots=True)
class Category:
    """A category and how many products are in it."""

    name: str
    products: int

    @property
    def words(self) -> str:
        """As a heading: ``home&garden`` is ``Home & garden``."""
        return heading(self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list of products. Pages are numbered from 1; there is always a first one."""

    products: Sequence[Product]
    number: int
    pages: int
    total: int
    """How many products all pages have together."""


class Catalogue:
    """The products of one moment."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        """Take batches of SCHEMA, sorted by id."""
        self._rows = pa.Table.from_batches(batches, SCHEMA).combine_chunks()
        self._ids = self._rows.column("id")
        coded = self._rows.column("category").fill_null(UNKNOWN).combine_chunks().dictionary_encode()
        codes: npt.NDArray[np.int32] = coded.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable").astype(np.int32)
        names = [str(name) for name in coded.dictionary.to_pylist()]
        ends = np.cumsum(np.bincount(codes, minlength=len(names)))
        self._places = dict(zip(names, np.split(order, ends[:-1]), strict=True)) if names else {}
        self.categories = sorted(
            (Category(name, len(places)) for name, places in self._places.items()),
            key=lambda one: (one.name == UNKNOWN, -one.products, one.name),
        )
        """The largest first; what has no category comes last."""

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def find(self, product: str) -> Product | None:
        """The product of this id."""
        place = bisect_left(range(len(self)), product, key=self._id_at)
        return self._at(place) if place < len(self) and self._id_at(place) == product else None

    def listing(self, number: int = 1, *, category: str | None = None) -> Listing | None:
        """A page of all products, or of a category's; None when there is no such category or page."""
        places = range(len(self)) if category is None else self._places.get(category)
        if places is None:
            return None
        pages = max(1, math.ceil(len(places) / PAGE_SIZE))
        if not 1 <= number <= pages:
            return None
        shown = places[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return Listing([self._at(int(place)) for place in shown], number, pages, len(places))

    def beside(self, product: Product, *, most: int) -> list[Product]:
        """Other products of the same category: those that follow it, then the first ones again."""
        places = self._places[product.category]
        own = int(np.searchsorted(places, bisect_left(range(len(self)), product.id, key=self._id_at)))
        following = [places[(own + step) % len(places)] for step in range(1, min(most, len(places) - 1) + 1)]
        return [self._at(int(place)) for place in following]

    def _id_at(self, place: int) -> str:
        return str(self._ids[place].as_py())

    def _at(self, place: int) -> Product:
        [row] = self._rows.slice(place, 1).to_pylist()
        fields: dict[str, Any] = {**row, "category": row["category"] or UNKNOWN}
        return Product(**fields)


def heading(category: str) -> str:
    """A category's name as it stands above a page."""
    if category == UNKNOWN:
        return "Everything else"
    text = category.replace("&", " & ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def file_part(category: str) -> str:
    """A category's name as part of a file's name: ``home&garden`` is ``home-garden``."""
    return _PART.sub("-", category.lower()).strip("-")
