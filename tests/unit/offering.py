"""Builds offers, and news of their showing, in a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from footfall.core.events import OFFER_SCHEMA, OFFERS, SHOWN, SHOWN_SCHEMA, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.engine.offers import Offer
from footfall.log.base import Append, Log
from tests.unit.streams import START

PARTITIONS: Final = 2


def key(name: str) -> str:
    """The id of the offer that the tests call by this name."""
    return id_from_text(name).hex()


def ids(offers: Sequence[Offer]) -> list[str]:
    """The ids of offers, in their order."""
    return [offer.id for offer in offers]


def offer_batch(
    visitor: str, names: Sequence[str], *, at: int = START, product: str = "C1", called: str = "offer2"
) -> Batch:
    """Offers to a visitor, each made after one click on a piece of clothing two seconds before."""
    rows = [
        {
            "timestamp": at,
            "event_id": id_from_text(name),
            "userId": visitor,
            "offer": called,
            "pattern": "clothes-shoes-clothes",
            "matched": [{"timestamp": at - 2000, "productId": product, "category": "clothing"}],
        }
        for name in names
    ]
    return Batch.from_pylist(rows, schema=OFFER_SCHEMA)


def make(log: Log, visitor: str, *names: str, at: int = START, product: str = "C1", called: str = "offer2") -> None:
    """Append offers to a visitor, all in one batch."""
    batch = offer_batch(visitor, names, at=at, product=product, called=called)
    log.append([Append(OFFERS, partition_of(visitor, PARTITIONS), batch)])


def show(log: Log, visitor: str, name: str, *, at: int = START) -> None:
    """Append that the visitor has seen an offer."""
    row = {"timestamp": at, "event_id": id_from_text(name), "userId": visitor, "offer": "offer2"}
    batch = Batch.from_pylist([row], schema=SHOWN_SCHEMA)
    log.append([Append(SHOWN, partition_of(visitor, PARTITIONS), batch)])
