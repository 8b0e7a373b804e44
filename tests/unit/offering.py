"""Builds offers, and news of their showing, in a log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from footfall.core.clock import Clock
from footfall.core.errors import Unavailable
from footfall.core.events import OFFER_SCHEMA, OFFERS, SHOWN, SHOWN_SCHEMA, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.engine.offers import Offer
from footfall.log.base import Append, Log, Place, Read
from footfall.log.embedded import EmbeddedLog
from tests.unit.streams import START, open_log

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


def show(log: Log, visitor: str, name: str, *, at: int = START, by: str | None = None) -> None:
    """Append that the visitor has seen an offer, on the page that called itself ``by``."""
    row = {"timestamp": at, "event_id": id_from_text(name), "userId": visitor, "offer": "offer2", "claimant": by}
    batch = Batch.from_pylist([row], schema=SHOWN_SCHEMA)
    log.append([Append(SHOWN, partition_of(visitor, PARTITIONS), batch)])


def shown_batch(names: Sequence[str], *, at: int) -> Batch:
    """That these offers were seen, each by a visitor of its own."""
    rows = [{"timestamp": at, "event_id": id_from_text(n), "userId": f"of {n}", "offer": "offer1"} for n in names]
    return Batch.from_pylist(rows, schema=SHOWN_SCHEMA)


class Shaky(EmbeddedLog):
    """A log some of whose reads fail once."""

    failing: list[tuple[str, int]]
    """The streams' partitions whose next read fails."""

    def read(
        self, stream: str, partition: int, place: Place, *, max_rows: int = 100_000, before: int | None = None
    ) -> Read:
        if (stream, partition) in self.failing:
            self.failing.remove((stream, partition))
            raise Unavailable("The disk is away.")
        return super().read(stream, partition, place, max_rows=max_rows, before=before)


def shaky_log(directory: Path, *, clock: Clock) -> Shaky:
    """A log with the pipeline's streams, whose reads do not fail yet."""
    open_log(directory, partitions=PARTITIONS, clock=clock).close()
    log = Shaky.open(directory, clock=clock)
    log.failing = []
    return log
