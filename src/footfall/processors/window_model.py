"""Turns what a user wants to know of time windows into checked settings: how time is cut, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import pyarrow as pa

from footfall.core.errors import UsageError
from footfall.core.events import ENRICHED_SCHEMA, EVENT_ID, TIME

_MS: Final = timedelta(milliseconds=1)
_SECOND_MS: Final = 1_000
FIXED: Final = ("timestamp", "event_id", "window_start", "window_end")
"""The columns that every window has."""


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Windows of the same size, one after the other, counted from 1970-01-01 UTC."""

    size: timedelta


@dataclass(frozen=True, slots=True)
class Hopping:
    """Windows of the same size that overlap: a new one begins ``every`` so often."""

    size: timedelta
    every: timedelta
    """A whole fraction of ``size``."""


@dataclass(frozen=True, slots=True)
class Session:
    """Windows that last as long as events of the same keys follow one another."""

    gap: timedelta
    """Events further apart than this belong to two windows; exactly this far, to one."""
    longest: timedelta | None = None
    """An event later than this after a window's first one begins a new window."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many events."""


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of a column of numbers or flags; nulls do not count."""

    column: str


@dataclass(frozen=True, slots=True)
class Min:
    """The smallest value of a column of numbers, dates or times; null if there is none."""

    column: str


@dataclass(frozen=True, slots=True)
class Max:
    """The largest value of a column of numbers, dates or times; null if there is none."""

    column: str


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different values a column has; nulls do not count. Values are told apart by 64-bit hashes."""

    column: str


@dataclass(frozen=True, slots=True)
class Top:
    """Of each window, only the ``n`` groups with the largest ``by``; those that come first by key, if equal."""

    n: int
    by: str
    """The name of an aggregate."""


Window = Tumbling | Hopping | Session
Aggregate = Count | Sum | Min | Max | Distinct
Kind = Literal["sum", "min", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings as the operators need them: whole milliseconds (ms), and aggregates by the way they add up."""

    name: str
    keys: tuple[str, ...]
    pane: int
    """Events are first put together in panes of this many ms."""
    tick: int
    """Time moves on in steps of this many ms."""
    size: int
    """Of a tumbling or hopping window; 0 for sessions."""
    gap: int
    """Of sessions; 0 otherwise."""
    longest: int | None
    grace: int
    columns: tuple[str | None, ...]
    """What each additive aggregate reads; None counts rows."""
    kinds: tuple[Kind, ...]
    """How it adds up."""
    sets: tuple[str, ...]
    """The columns whose distinct values are counted."""
    names: tuple[tuple[str, int], ...]
    """Each aggregate's name, and its place in ``kinds``, or beyond them in ``sets``."""
    top: Top | None
    schema: pa.Schema
    """Of the output."""

    @property
    def shape(self) -> str:
        """What saved state depends on."""
        cut = (self.pane, self.size, self.gap, self.longest, self.grace)
        return repr((self.keys, cut, self.columns, self.kinds, self.sets))


def plan_of(
    name: str,
    *,
    window: Window,
    keys: Sequence[str],
    aggregates: Mapping[str, Aggregate],
    grace: timedelta,
    top: Top | None,
) -> Plan:
    """Check the settings. Raises UsageError saying what is wrong and what there is."""
    if not aggregates:
        raise UsageError(f"The windows {name!r} count nothing.", remedy='Give aggregates={"events": Count()}.')
    pane, size, gap, longest = _cut(name, window)
    additive = {one: how for one, how in aggregates.items() if not isinstance(how, Distinct)}
    distinct = {one: how for one, how in aggregates.items() if isinstance(how, Distinct)}
    place = {one: index for index, one in enumerate([*additive, *distinct])}
    fields = [
        pa.field(one, kind, nullable=False) for one, kind in zip(FIXED, (TIME, EVENT_ID, TIME, TIME), strict=True)
    ]
    fields += [pa.field(key, _key_type(name, key)) for key in keys]
    fields += [pa.field(one, _type_of(name, how)) for one, how in aggregates.items()]
    named = [field.name for field in fields]
    twice = [one for one in named if named.count(one) > 1]
    if twice:
        raise UsageError(f"The windows {name!r} have two columns {twice[0]!r}.", remedy="Rename the aggregate.")
    if top is not None and (top.by not in aggregates or top.n < 1):
        raise UsageError(
            f"The windows {name!r} cannot have the top {top.n} by {top.by!r}.",
            remedy=f"Name one of the aggregates ({', '.join(aggregates)}), and at least 1.",
        )
    return Plan(
        name=name,
        keys=tuple(keys),
        pane=pane,
        tick=pane if size else _SECOND_MS,
        size=size,
        gap=gap,
        longest=longest,
        grace=_whole(name, "grace", grace, least=0),
        columns=tuple(getattr(how, "column", None) for how in additive.values()),
        kinds=tuple(_kind(how) for how in additive.values()),
        sets=tuple(how.column for how in distinct.values()),
        names=tuple((one, place[one]) for one in aggregates),
        top=top,
        schema=pa.schema(fields),
    )


def _cut(name: str, window: Window) -> tuple[int, int, int, int | None]:
    """Pane, size, gap and longest, in ms."""
    match window:
        case Tumbling(size):
            whole = _whole(name, "size", size)
            return whole, whole, 0, None
        case Hopping(size, every):
            step, whole = _whole(name, "every", every), _whole(name, "size", size)
            if whole % step:
                raise UsageError(
                    f"The windows {name!r} of {size} cannot begin every {every}.",
                    remedy="`size` must be a whole multiple of `every`.",
                )
            return step, whole, 0, None
        case Session(gap, longest):
            limit = None if longest is None else _whole(name, "longest", longest)
            return 1, 0, _whole(name, "gap", gap), limit


def _whole(name: str, what: str, length: timedelta, *, least: int = 1) -> int:
    if length % _MS or length // _MS < least:
        raise UsageError(
            f"The windows {name!r} cannot have {what} {length}.",
            remedy=f"Give a timedelta of whole milliseconds, at least {least}.",
        )
    return length // _MS


def _field(name: str, column: str) -> pa.DataType:
    if column not in ENRICHED_SCHEMA.names:
        raise UsageError(
            f"The windows {name!r} ask for a column {column!r}.",
            remedy=f"There are: {', '.join(ENRICHED_SCHEMA.names)}.",
        )
    return ENRICHED_SCHEMA.field(column).type


def _key_type(name: str, key: str) -> pa.DataType:
    kind = _field(name, key)
    if pa.types.is_timestamp(kind) or kind == EVENT_ID:
        raise UsageError(
            f"The windows {name!r} cannot have the key {key!r}.", remedy="Every event has another; take other columns."
        )
    return kind


def _type_of(name: str, aggregate: Aggregate) -> pa.DataType:
    """Of the output's column."""
    if isinstance(aggregate, Count):
        return pa.int64()
    kind = _field(name, aggregate.column)
    summed, ordered = isinstance(aggregate, Sum), isinstance(aggregate, Min | Max)
    if ordered and pa.types.is_temporal(kind):
        return kind
    number = pa.types.is_integer(kind) or (summed and pa.types.is_boolean(kind))
    if number or isinstance(aggregate, Distinct):
        return pa.int64()
    raise UsageError(
        f"The windows {name!r} cannot have {type(aggregate).__name__}({aggregate.column!r}): its values are {kind}.",
        remedy="Sum takes numbers and flags, Min and Max numbers, dates and times; Distinct takes all.",
    )


def _kind(aggregate: Count | Sum | Min | Max) -> Kind:
    match aggregate:
        case Min():
            return "min"
        case Max():
            return "max"
        case _:
            return "sum"
