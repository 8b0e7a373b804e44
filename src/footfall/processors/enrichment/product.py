"""Turns a click's ``productId`` into the product's category and title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from footfall.core.codes import coded
from footfall.core.events import UNKNOWN
from footfall.processors.base import Frame
from footfall.processors.enrichment.memo import Memo
from footfall.processors.enrichment.step import Catalogue, Columns, Context, gather, numbered, texts_of


@dataclass(frozen=True, slots=True)
class AttachProduct:
    """Adds ``category`` and ``title``; Unknown where the catalogue has none."""

    def start(self, context: Context) -> RunningAttachProduct:
        return RunningAttachProduct(context.lookups)


class RunningAttachProduct:
    """Looks each product up once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._memo = Memo(self._look_up)

    def _look_up(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        return [
            (UNKNOWN, UNKNOWN) if found is None else (found[0] or UNKNOWN, found[1] or UNKNOWN)
            for found in self._catalogue.products(ids)
        ]

    def columns(self, frame: Frame) -> Columns:
        indices, ids = texts_of(frame, "productId")
        products = self._memo.answers(ids)
        result = {}
        for column, texts in (("category", [c for c, _ in products]), ("title", [t for _, t in products])):
            numbers, distinct = numbered(texts)
            result[column] = coded(gather(numbers, indices, missing=0).astype("int32"), distinct)
        return result

    def forget(self) -> None:
        self._memo.clear()
