"""Turns the serving store into the catalogue that pages show, read again when its look-up data change."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import Final

import pyarrow as pa
from starlette.concurrency import run_in_threadpool

from footfall.apps.web.shop.products import SCHEMA, Catalogue
from footfall.core.clock import Clock
from footfall.core.events import Batch
from footfall.sources.catalogue import load_catalogue
from footfall.stores.base import ServingStore

_REST: Final = 10
"""While a large file is being loaded, its products change each moment. A reading that took a second is used for ten."""


class Shelves:
    """The products of the serving store; those of the packaged catalogue while it holds none."""

    def __init__(self, store: ServingStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._reading = asyncio.Lock()
        self._catalogue: Catalogue | None = None
        self._version = -1
        self._rest_until = 0.0

    async def catalogue(self) -> Catalogue:
        """The products as they are now; while they are read again, as they were. Raises Failure as the store does."""
        if self._catalogue is None or (not self._reading.locked() and self._is_old()):
            async with self._reading:
                if self._catalogue is None or self._is_old():
                    self._catalogue = await run_in_threadpool(self._read)
        return self._catalogue

    def _is_old(self) -> bool:
        return self._clock.monotonic() >= self._rest_until and self._store.version() != self._version

    def _read(self) -> Catalogue:
        begun, version = self._clock.monotonic(), self._store.version()
        catalogue = Catalogue([*self._store.all_products()])
        if not len(catalogue):
            catalogue = Catalogue([packaged()])
        self._version = version
        self._rest_until = begun + _REST * (self._clock.monotonic() - begun)
        return catalogue


def packaged() -> Batch:
    """The products of the packaged catalogue, by id."""
    rows = [{name: getattr(product, name) for name in SCHEMA.names} for product in load_catalogue()]
    return pa.RecordBatch.from_pylist(sorted(rows, key=itemgetter("id")), schema=SCHEMA)
