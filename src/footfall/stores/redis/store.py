"""Turns the serving store's promises into keys of one Redis database, that many processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from footfall.core.events import Batch
from footfall.core.progress import unheard
from footfall.servers.redis import RedisServer, RedisSettings
from footfall.stores.base import (
    Counts,
    Loaded,
    ProductFacts,
    ProductRow,
    Progress,
    Published,
    PutViews,
    Row,
    UserRow,
    VisitorFacts,
)
from footfall.stores.redis.keys import LOOKUPS_VERSION
from footfall.stores.redis.live import LiveKeys
from footfall.stores.redis.lookups import PRODUCT, VISITOR, LookupHashes, counts

_SETTINGS: Final = RedisSettings()


class RedisStore:
    """The serving store in a Redis database. See ``stores.base.ServingStore`` for what it promises.

    Whatever it is asked, it raises Emptied when the server has lost what it held, Unavailable when it cannot be reached
    in time or has no memory left (then the same may be tried again), and UsageError when it does not let us in.
    """

    def __init__(self, server: RedisServer) -> None:
        """Use ``open``."""
        self._server = server
        self._products = LookupHashes(server, PRODUCT)
        self._visitors = LookupHashes(server, VISITOR)
        self._live = LiveKeys(server)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        random: Callable[[int], bytes],
        known: str | None = None,
        settings: RedisSettings = _SETTINGS,
        warn: Callable[[str], None] = unheard,
        follow: bool = False,
    ) -> Self:
        """Connect. See ``RedisServer.open`` for the arguments and errors."""
        return cls(RedisServer.open(url, random=random, known=known, settings=settings, warn=warn, follow=follow))

    @property
    def generation(self) -> str:
        """What to give as ``known`` at the next start, so that a server emptied in between is noticed."""
        return self._server.generation

    def accept_emptied(self) -> str:
        """Begin a new generation, once look-up data were loaded again; it. All who have the old one are told."""
        return self._server.accept_emptied()

    def load_products(self, rows: Iterable[ProductRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace products."""
        values = ((r.id, (r.category, r.title, r.price, r.description, r.image)) for r in rows)
        return self._products.load(values, progress)

    def load_users(self, rows: Iterable[UserRow], *, progress: Progress | None = None) -> Loaded:
        """Add or replace visitors."""
        return self._visitors.load(((r.userId, (r.gender, r.birthday)) for r in rows), progress)

    def products(self, ids: Sequence[str]) -> list[ProductFacts | None]:
        """The category and title of each of these products."""
        return self._products.find(ids)

    def visitors(self, user_ids: Sequence[str]) -> list[VisitorFacts | None]:
        """The gender and birthday of each of these visitors."""
        return self._visitors.find(user_ids)

    def all_products(self) -> Iterator[Batch]:
        """All products, by id."""
        return self._products.export()

    def all_visitors(self) -> Iterator[Batch]:
        """All visitors, by id."""
        return self._visitors.export()

    def version(self) -> int:
        """Grows with each change of look-up data. Raises Emptied also when the server has evicted something."""
        [number] = self._server.ask(("GET", LOOKUPS_VERSION))
        self._server.check_evictions()
        return int(number or 0)

    def counts(self) -> Counts:
        """How many products and visitors there are."""
        return counts(self._server)

    def turn(self) -> int:
        """See ``LiveViews.turn``."""
        return self._live.turn()

    def publish(self, partition_key: str, partials: Mapping[str, Batch], *, as_of: int, turn: int = 0) -> None:
        """Replace a partition's partials of these views, unless somebody has done so whose turn was later."""
        self._live.publish(partition_key, partials, as_of, turn)

    def partials(self) -> Published:
        """The newest partials of all partitions, as they stand together."""
        return self._live.partials()

    def put_views(self, views: Mapping[str, Sequence[Row]], *, as_of: int, publication: int) -> None:
        """Replace these views together, unless newer ones are there."""
        self._live.put(views, as_of, publication)

    def view(self, name: str) -> list[dict[str, object]]:
        """The rows of a view."""
        return self._live.view(name)

    def views(self) -> list[str]:
        """The names of the views that were put."""
        return self._live.names()

    def all_views(self, *, known: int | None = None) -> PutViews | None:
        """All views together, unless their publication is the one that is known."""
        return self._live.all(known)

    def close(self) -> None:
        """Release the connections."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
