"""Turns look-up files and partial results into what is read while events flow: the serving store's promises.

It holds look-up data (products, visitors) and live views. Everything in it can be loaded or computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from footfall.core.events import Batch

PIPELINE: Final = 1_000
"""How many look-up rows are written together."""

Row = Mapping[str, object]
"""One row of a view: JSON-able values by column."""

Progress = Callable[[int], None]
"""Called with the number of rows loaded so far."""

ProductFacts = tuple[str | None, str | None]
"""category, title."""

VisitorFacts = tuple[str | None, str | None]
"""gender, birthday as ``YYYY-MM-DD``."""


def product_key(product: str) -> str:
    """The name under which key-value stores keep a product (a hash with ``cat``, ``title``, …)."""
    return f"product:{product}"


def visitor_key(user: str) -> str:
    """The name under which key-value stores keep a visitor (a hash with ``birthday``, ``gender``)."""
    return f"visitor:{user}"


class ProductRow(Protocol):
    """A product, as its file gives it. Missing values are None."""

    @property
    def id(self) -> str: ...
    @property
    def category(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def price(self) -> float | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def image(self) -> str | None: ...


class UserRow(Protocol):
    """A visitor, as the users' file gives it. Missing values are None."""

    @property
    def userId(self) -> str: ...  # noqa: N802 - the field's name on all streams
    @property
    def gender(self) -> str | None: ...
    @property
    def birthday(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did, in rows."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.new + other.new, self.updated + other.updated, self.unchanged + other.unchanged)

    @property
    def rows(self) -> int:
        """All rows that were looked at."""
        return self.new + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Counts:
    """How much look-up data there is."""

    products: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Published:
    """The newest partials of all partitions, as they stood at one moment."""

    number: int
    """Grows with each publication."""
    as_of: int | None
    """The newest event time (ms) of all partitions; None before the first publication."""
    batches: Mapping[str, Sequence[Batch]]
    """A view's name to its partials, in the order of their partition keys."""


@dataclass(frozen=True, slots=True)
class PutViews:
    """All views, as they stood at one moment."""

    publication: int
    """The number of the newest partials that they were composed from."""
    as_of: int
    """The newest event time, in ms."""
    rows: Mapping[str, list[dict[str, object]]]
    """A view's name to its rows."""


class Lookups(Protocol):
    """Products and visitors."""

    def load_products(self, rows: Iterable[ProductRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace products, in pipelines of 1,000; each one is whole or not there.

        The last row of an id wins. Loading the same rows again changes nothing; so a load that broke off is
        simply started again.
        """
        ...

    def load_users(self, rows: Iterable[UserRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace visitors, like ``load_products``."""
        ...

    def products(self, ids: Sequence[str]) -> list[ProductFacts | None]:
        """What is known of each of these products, in their order; None for one that is not known."""
        ...

    def visitors(self, user_ids: Sequence[str]) -> list[VisitorFacts | None]:
        """What is known of each of these visitors, in their order; None for one that is not known."""
        ...

    def all_products(self) -> Iterator[Batch]:
        """All products by id: id, category, title, price, description, image."""
        ...

    def all_visitors(self) -> Iterator[Batch]:
        """All visitors by id: userId, gender, birthday (text)."""
        ...

    def version(self) -> int:
        """A number that grows when look-up data changes, in whatever process. Cheap to ask for."""
        ...

    def counts(self) -> Counts:
        """How many products and visitors there are."""
        ...


class LiveViews(Protocol):
    """Views, and the partials that they are composed from (see ``stores.views``)."""

    def turn(self) -> int:
        """A number for whoever begins to work on a partition, greater than all before; 0 from a store without any."""
        ...

    def publish(self, partition_key: str, partials: Mapping[str, Batch], *, as_of: int, turn: int = 0) -> None:
        """Replace a partition's partials of these views. ``as_of`` is its newest event time, in ms.

        Raises Fenced, and replaces nothing, when somebody with a greater ``turn`` has published one of them.
        """
        ...

    def partials(self) -> Published:
        """The newest partials of all partitions."""
        ...

    def put_views(self, views: Mapping[str, Sequence[Row]], *, as_of: int, publication: int) -> None:
        """Replace these views together. A view composed from newer partials than ``publication`` stays."""
        ...

    def view(self, name: str) -> list[dict[str, object]]:
        """The rows of a view; none before it was first put."""
        ...

    def views(self) -> list[str]:
        """The names of the views that were put, sorted."""
        ...

    def all_views(self, *, known: int | None = None) -> PutViews | None:
        """All views together; None before any was put, and while their publication is still the one ``known``."""
        ...


class ServingStore(Lookups, LiveViews, Protocol):
    """Look-up data and live views. Safe to use from several threads; open one a process."""

    def close(self) -> None:
        """Release files and connections. What was written stays."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
