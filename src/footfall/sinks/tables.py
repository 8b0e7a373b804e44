"""Turns streams into rows of tables elsewhere: what a table is, and what every target of rows promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

import pyarrow as pa

from footfall.core.errors import Reason
from footfall.core.events import Batch
from footfall.sinks.columns import Column, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that Footfall makes and fills. Each target has its definition in ``sinks/schema``."""

    name: str
    columns: Sequence[Column]
    key: Sequence[str]
    """A second row that agrees with another one in these columns is not written."""

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> pa.Schema:
        """What batches of its rows look like."""
        return pa.schema([column.field for column in self.columns])

    def rows(self, events: Batch) -> Batch:
        """The rows that these events of a stream make: one each, in order."""
        return Batch.from_arrays(
            [column.filled(events.column(column.name)) for column in self.columns], schema=self.schema
        )

    def fault(self, row: dict[str, Any], otherwise: str) -> tuple[Reason, str]:
        """Why the target refused the row: our words, or ``otherwise`` what it said itself."""
        found = (column.fault(row[column.name]) for column in self.columns)
        return next((fault for fault in found if fault), (Reason.BAD_VALUE, f"{self.name}: {otherwise}"))


CLICKSTREAM_DATA: Final = Table(
    name="clickstream_data",
    columns=(
        Column(name="username", longest=32, required=True),
        Column(name="creation_timestamp", kind=Kind.LOCAL_TIME, required=True),
        Column(name="category", longest=10),
        Column(name="gender", longest=10),
        Column(name="style", longest=20),
        Column(name="size", longest=5),
        Column(name="hex_color", longest=8),
    ),
    key=("username", "creation_timestamp"),
)
"""What visitors put into the cart."""

_EVENT: Final = (
    Column(name="timestamp", kind=Kind.TIME, required=True),
    Column(name="event_id", kind=Kind.UUID, required=True),
    Column(name="userId", required=True),
)
"""What all events have."""

ENRICHED_CLICKS: Final = Table(
    name="enriched_clicks",
    columns=(
        *_EVENT,
        Column(name="productId", required=True),
        Column(name="event_type", required=True),
        Column(name="original_timestamp", kind=Kind.BIGINT),
        Column(name="ip"),
        Column(name="userAgent"),
        Column(name="age", kind=Kind.INTEGER),
        Column(name="gender"),
        Column(name="sessionId"),
        Column(name="page"),
        Column(name="referrer"),
        Column(name="late", kind=Kind.BOOLEAN, required=True),
        Column(name="category", required=True),
        Column(name="title", required=True),
        Column(name="birthdate", kind=Kind.DATE),
        Column(name="country", required=True),
        Column(name="deviceType", required=True),
        Column(name="is_bot", kind=Kind.BOOLEAN, required=True),
        Column(name="is_refresh", kind=Kind.BOOLEAN, required=True),
    ),
    key=("event_id",),
)
"""The stream ``enriched-click-data``."""

SESSIONS: Final = Table(
    name="sessions",
    columns=(
        *_EVENT,
        Column(name="start", kind=Kind.TIME, required=True),
        Column(name="end", kind=Kind.TIME, required=True),
        Column(name="clicks", kind=Kind.INTEGER, required=True),
        Column(name="refreshes", kind=Kind.INTEGER, required=True),
        Column(name="views", kind=Kind.INTEGER, required=True),
        Column(name="carts", kind=Kind.INTEGER, required=True),
        Column(name="first_product", required=True),
        Column(name="last_product", required=True),
        Column(name="country", required=True),
        Column(name="deviceType", required=True),
        Column(name="is_bot", kind=Kind.BOOLEAN, required=True),
    ),
    key=("event_id",),
)
"""The stream ``sessions``."""

OFFERS: Final = Table(
    name="offers",
    columns=(
        *_EVENT,
        Column(name="offer", required=True),
        Column(name="pattern", required=True),
        Column(name="matched", kind=Kind.JSON, required=True),
    ),
    key=("event_id",),
)
"""The stream ``special-offers``."""

TABLES: Final = (CLICKSTREAM_DATA, ENRICHED_CLICKS, SESSIONS, OFFERS)
"""All tables. Those of events have the columns of their stream, under the same names."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where to read on in a partition of a log: the next offset, and the log's own number of the next batch."""

    offset: int
    sequence: int
    log: str
    """Which log that is. In another one the same place means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Moves a group's bookmark in a partition from ``expected`` to ``to``, or fails with Fenced."""

    group: str
    stream: str
    partition: int
    expected: Bookmark | None
    """None: the group has no bookmark there yet."""
    to: Bookmark


class RowsRefused(Exception):
    """The target does not take some of the rows, however often it is tried. Nothing was written."""

    def __init__(self, refused: dict[int, str]) -> None:
        super().__init__(f"{len(refused)} rows refused")
        self.refused = refused
        """Index of the row in its batch, to what the target has against it."""


class TableSink(Protocol):
    """Tables in one target, and how far the streams are in them. For one thread at a time.

    All methods raise Unavailable when the target cannot be used now; the same call may go through later. After an
    Unavailable of ``write``, either all was written or nothing, and ``place`` tells which.
    """

    def prepare(self, table: Table) -> None:
        """Make the table if it is not there. Raises UsageError when there is one with other columns."""
        ...

    def place(self, group: str, stream: str, partition: int) -> Bookmark | None:
        """The group's bookmark; None if it never wrote. Waits for a write that is on its way there."""
        ...

    def write(self, table: Table, batch: Batch, move: Move) -> int:
        """Insert rows (of ``table.schema``) and move the bookmark, in one transaction of the target.

        A row whose key is there already is left out. Returns how many rows are new.
        Raises Fenced when the bookmark is not where it was expected, and RowsRefused for rows that do not fit:
        then nothing was written.
        """
        ...

    def read(self, table: Table) -> Iterator[Batch]:
        """All rows, in the order of the key; nothing if the table was never made."""
        ...

    def close(self) -> None:
        """Let go of the target."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def offenders(rows: int, put: Callable[[range], str | None]) -> dict[int, str]:
    """Which of so many rows are refused, and with what words: found by halving what is refused as a whole.

    ``put`` inserts a range of rows, all or none, and returns None; or why it is refused. Ranges come in order, and
    what was put in stays, so that rules about several rows are judged as they will be without the refused ones.
    """
    refused: dict[int, str] = {}
    waiting = [range(rows)] if rows else []
    while waiting:
        part = waiting.pop()
        words = put(part)
        if words is None:
            continue
        if len(part) == 1:
            refused[part[0]] = words
        else:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return refused
