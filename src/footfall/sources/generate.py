"""Turns a seed into a realistic clickstream: the same clicks for the same settings, on every machine.

The stream is in order of time and made in memory that does not grow with its length, as long as there are
visitors enough: a visitor is never in two visits at once, so few visitors and many clicks stretch the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from footfall.core.codes import coded, constant
from footfall.core.events import CLICK_SCHEMA, EVENT_TYPES, TIME, Batch
from footfall.core.hashing import column_hashes, ids_of
from footfall.sources.catalogue import load_catalogue
from footfall.sources.generate_draws import Ints
from footfall.sources.generate_settings import GeneratorSettings
from footfall.sources.generate_visitors import ADDRESSES, address_texts, make_users
from footfall.sources.generate_visits import Clicks, Shop
from footfall.sources.lookups import ProductRow

__all__ = ["GeneratorSettings", "generate", "make_users"]


def generate(
    settings: GeneratorSettings,
    *,
    products: Sequence[ProductRow] | None = None,
    users: Sequence[str] | None = None,
    batch_rows: int = 100_000,
) -> Iterator[Batch]:
    """The clickstream as batches of CLICK_SCHEMA, in order of time, ``settings.events`` rows in all.

    ``products`` and ``users`` (ids) are those of our own catalogue and of `make_users` unless given.
    A visitor never clicks twice in one second. How the rows are cut into batches changes none of them.
    """
    shop = Shop(settings, products=products or load_catalogue(), users=users)
    waiting: list[Clicks] = []
    rows, carts = 0, settings.carts > 0
    for part in shop.slices():
        waiting.append(part)
        rows += len(part)
        if rows < batch_rows:
            continue
        joined = Clicks.joined(waiting)
        whole = rows - rows % batch_rows
        for at in range(0, whole, batch_rows):
            yield _batch(shop, joined.take(slice(at, at + batch_rows)), carts=carts)
        waiting, rows = [joined.take(slice(whole, rows))], rows - whole
    if rows:
        yield _batch(shop, Clicks.joined(waiting), carts=carts)


def _batch(shop: Shop, clicks: Clicks, *, carts: bool) -> Batch:
    """The clicks as a batch of CLICK_SCHEMA."""
    rows = len(clicks)
    time = pa.array(clicks.second * 1000).cast(TIME)
    user = _compact(clicks.visitor, len(shop.ids), lambda used: shop.ids.take(pa.array(used)))
    product = coded(clicks.product.astype(np.int32), shop.products)
    kind = coded(clicks.kind.astype(np.int32), EVENT_TYPES) if carts else constant("view", rows)
    ip = _compact(clicks.address, len(shop.ids) * ADDRESSES, lambda used: address_texts(shop.draws, used))
    agent = coded(clicks.agent.astype(np.int32), shop.agents)
    ids = ids_of([column_hashes(column) for column in (time, user, product, kind, ip, agent)])
    seconds = pa.array(clicks.second)
    nothing = [pa.nulls(rows, CLICK_SCHEMA.field(name).type) for name in CLICK_SCHEMA.names[8:-1]]
    late = pa.array(np.zeros(rows, dtype=np.bool_))
    return pa.record_batch([time, ids, user, product, kind, seconds, ip, agent, *nothing, late], schema=CLICK_SCHEMA)


def _compact(codes: Ints, size: int, texts: Callable[[Ints], pa.StringArray]) -> pa.DictionaryArray:
    """A coded column whose dictionary has the texts that occur, each once."""
    occurs = np.zeros(size, dtype=np.bool_)
    occurs[codes] = True
    used = np.flatnonzero(occurs)
    values = texts(used).dictionary_encode()
    places = np.zeros(size, dtype=np.int32)
    places[used] = values.indices.to_numpy()
    return coded(places[codes], values.dictionary)
