"""Turns the partials of all partitions into the rows of each live view: its name, its shape, how parts merge.

``as_of`` is event time in ms. A window ends with, and includes, the minute (or half hour) that ``as_of`` is in.
Counts of partitions add up, because all clicks of a visitor are in one partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.events import CODED, ENRICHED_SCHEMA, TIME, Batch
from footfall.stores import composing
from footfall.stores.base import LiveViews, Row

_INT: Final = pa.int64()
_TEXT: Final = pa.string()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One live view."""

    key: str
    """Its name, and its key in key-value stores."""
    about: str
    partial: pa.Schema
    """What a partition publishes. A coded text will do where a text stands."""
    rows: pa.Schema
    """What readers get. Times are ISO 8601 texts in UTC in the store, and times in queries."""
    compose: Callable[[pa.Table, int], list[dict[str, Any]]]
    """Partials of all partitions, one below the other in the order of the partitions, and ``as_of``, to rows."""


def _shown(field: pa.Field) -> pa.Field:
    """How a field of the enriched stream looks in ``raw_data``."""
    if field.name == "event_id" or field.type == CODED:
        return pa.field(field.name, _TEXT)
    return field


VIEWS: Final[Mapping[str, View]] = {
    view.key: view
    for view in (
        View(
            key="last_15_minutes",
            about="visits and distinct visitors per minute, oldest first; empty minutes are 0",
            partial=pa.schema([("minute", _INT), ("visits", _INT), ("visitors", _INT)]),
            rows=pa.schema([("minute", TIME), ("visits", _INT), ("visitors", _INT)]),
            compose=composing.last_15_minutes,
        ),
        View(
            key="sessions",
            about="sessions by the half hour in which they began, last 8 hours; empty ones are 0",
            partial=pa.schema([("bucket", _INT), ("sessions", _INT), ("bots", _INT)]),
            rows=pa.schema([("start", TIME), ("sessions", _INT), ("bots", _INT)]),
            compose=composing.sessions,
        ),
        View(
            key="visits_by_day",
            about="what visitors did in their sessions, by the day on which these began; the last 7 days, oldest first",
            partial=pa.schema([("day", _INT), *((name, _INT) for name in composing.VISITS)]),
            rows=pa.schema([("day", pa.date32()), *((name, _INT) for name in composing.VISITS)]),
            compose=composing.visits_by_day,
        ),
        View(
            key="device_type_popularity",
            about="distinct visitors by device type, last 10 minutes; the last row is their total",
            partial=pa.schema([("device", _TEXT), ("minute", _INT), ("visitors", _INT)]),
            rows=pa.schema([("deviceType", _TEXT), ("visitors", _INT)]),
            compose=composing.device_type_popularity,
        ),
        View(
            key="products_last_hour",
            about="the ten most viewed products of the last hour",
            partial=pa.schema(
                [("minute", _INT), ("productId", _TEXT), ("category", _TEXT), ("title", _TEXT), ("count", _INT)]
            ),
            rows=pa.schema([("productId", _TEXT), ("category", _TEXT), ("title", _TEXT), ("count", _INT)]),
            compose=composing.products_last_hour,
        ),
        View(
            key="latest_visitors",
            about="the ten visitors who clicked last",
            partial=pa.schema([("timestamp", _INT), ("userId", _TEXT), ("ip", _TEXT), ("country", _TEXT)]),
            rows=pa.schema([("ago", _TEXT), ("timestamp", TIME), ("userId", _TEXT), ("ip", _TEXT), ("country", _TEXT)]),
            compose=composing.latest_visitors,
        ),
        View(
            key="category_popularity",
            about="pages and products seen, by category, last hour",
            partial=pa.schema([("minute", _INT), ("category", _TEXT), ("count", _INT)]),
            rows=pa.schema([("category", _TEXT), ("count", _INT)]),
            compose=composing.category_popularity,
        ),
        View(
            key="raw_data",
            about="the latest 100 enriched clicks, late ones too",
            partial=ENRICHED_SCHEMA,
            rows=pa.schema([_shown(field) for field in ENRICHED_SCHEMA]),
            compose=composing.raw_data,
        ),
        View(
            key="state_logs",
            about="the latest 100 lines of the behaviour detector, newest first",
            partial=pa.schema([("timestamp", _INT), ("line", _TEXT)]),
            rows=pa.schema([("timestamp", TIME), ("line", _TEXT)]),
            compose=composing.state_logs,
        ),
    )
}
"""All live views, in the order in which the dashboard shows them."""


def view_named(name: str) -> View:
    """The view of this name. Raises UsageError, naming those there are, when there is none."""
    try:
        return VIEWS[name]
    except KeyError:
        raise UsageError(f"There is no view named {name}.", remedy=f"Views: {', '.join(VIEWS)}.") from None


def compose(name: str, partials: Sequence[Batch], as_of: int) -> list[dict[str, Any]]:
    """The rows of a view at ``as_of``, from the partials of all partitions, in the order of the partitions.

    A partial without rows may also be without columns.
    """
    view = view_named(name)
    plain = [_plain(view, batch) for batch in partials if batch.num_rows]
    return view.compose(pa.Table.from_batches(plain, schema=_plain_schema(view)), as_of)


def refresh(store: LiveViews, as_of: int | None = None) -> int | None:
    """Compose all views from what the partitions published, put them together, and return their ``as_of``.

    Without ``as_of``, the newest event time of all partitions is taken. Any worker may call this at any time:
    the views composed from the newest partials win. Nothing happens before the first publication.
    """
    published = store.partials()
    at = published.as_of if as_of is None else as_of
    if at is None:
        return None
    views: dict[str, Sequence[Row]] = {name: compose(name, published.batches.get(name, ()), at) for name in VIEWS}
    store.put_views(views, as_of=at, publication=published.number)
    return at


def _plain_schema(view: View) -> pa.Schema:
    return pa.schema([pa.field(f.name, _TEXT if f.type == CODED else f.type) for f in view.partial])


def _plain(view: View, batch: Batch) -> Batch:
    """A partial with its texts spelled out, and nothing but the view's columns."""
    try:
        columns = [batch.column(f.name).cast(f.type) for f in _plain_schema(view)]
    except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        msg = f"a partial of {view.key} must have the columns {', '.join(view.partial.names)}: {error}"
        raise ValueError(msg) from error
    return pa.RecordBatch.from_arrays(columns, schema=_plain_schema(view))
