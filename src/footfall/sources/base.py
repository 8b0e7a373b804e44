"""Turns a file, or a generator, into blocks of clicks and the rows that could not be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from footfall.core.errors import Reason
from footfall.core.events import Batch


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be used."""

    line: int
    """1 is the file's first line (the header, where there is one). For Parquet: the row number, from 1."""
    reason: Reason
    detail: str
    """For people: the field, its value, the rule."""
    raw: bytes
    """The row as it stands in the file, without its line end."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of a file: those that are clicks, in the file's order, and those that are not.

    ``clicks`` has CLICK_SCHEMA; ``timestamp`` is the time of the interaction, ``late`` false throughout.
    """

    clicks: Batch
    bad: Sequence[BadRow] = field(default_factory=tuple)
    last_line: int = 0
    """The number of the last line that this block covers."""
    others: Sequence[tuple[str, Batch]] = ()
    """Events that are no clicks, each batch with its stream: only requests have such, files do not."""

    @property
    def rows(self) -> int:
        """How many rows were read, good and bad."""
        return int(self.clicks.num_rows) + len(self.bad)


class Reader(Protocol):
    """A file of clicks."""

    @property
    def layout(self) -> str:
        """A text from which `sources.again.parse_row` can parse a raw row of this file again."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The file's rows, from its beginning. May be called again."""
        ...
