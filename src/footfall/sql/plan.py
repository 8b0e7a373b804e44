"""Turns a query into a tree of steps over change streams: what is done, not yet how.

Column names are unique in each step's ``output``. Keys, arguments and times are columns by name: what is computed is
computed in a ``Calc`` below. Durations are in ms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from footfall.sql.errors import At
from footfall.sql.expressions import Expression
from footfall.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a step's rows."""

    name: str
    type: SqlType
    is_time: bool = False
    """Whether watermarks speak of it: an event-time attribute."""
    is_arrival: bool = False
    """Whether it is PROCTIME()."""
    edge: Literal["", "start", "end", "time"] = ""
    """Of which window's edge it is a copy: ``window_start``, ``window_end`` or ``window_time``, under any name."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as declared, or a stream of the pipeline by its name."""

    name: str
    columns: tuple[Field, ...]
    """Those that are stored or come with the message: not the computed ones."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Of columns that come with the message: what of it (``timestamp``, ``partition``, ``offset``, ``headers``)."""
    primary_key: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    """What stands in WITH."""
    stream: str = ""
    """The stream of the log that it is, if it is one."""
    at: At = field(default_factory=At)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that puts out rows."""

    output: tuple[Field, ...]
    changes: bool
    """Whether rows may be taken back; else all are inserts."""

    @property
    def inputs(self) -> tuple[Step, ...]:
        """What it takes rows from."""
        return ()


@dataclass(frozen=True, slots=True)
class Scan(Step):
    """All rows of a table; of its declared columns those in ``output``, the only ones that anyone needs.

    With a primary key on an upsert source, ``changes`` is true.
    """

    table: Table


@dataclass(frozen=True, slots=True)
class Values(Step):
    """Rows that the query gives itself, all there are: an expression without columns for each column of each row."""

    rows: tuple[tuple[Expression, ...], ...]


@dataclass(frozen=True, slots=True)
class One(Step):
    """A step over another one."""

    input: Step

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The one."""
        return (self.input,)


@dataclass(frozen=True, slots=True)
class Two(Step):
    """A step over two others; ``output`` is the columns of both unless it says otherwise."""

    left: Step
    right: Step

    @property
    def inputs(self) -> tuple[Step, ...]:
        """Left and right."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Calc(One):
    """Keep the rows for which ``where`` is true, and compute the columns, in the order of ``output``."""

    columns: tuple[Expression, ...]
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Watermark(One):
    """Time comes as far as the largest value of ``expression`` so far; ``column`` becomes the time attribute."""

    column: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate; its result is a column of this name."""

    name: str
    function: str
    """COUNT, SUM, AVG, MIN, MAX, FIRST_VALUE, LAST_VALUE, LISTAGG, STDDEV_POP, … as in ``sql.functions``."""
    argument: str | None
    """A column; None for COUNT(*)."""
    type: SqlType
    distinct: bool = False
    where: str | None = None
    """A boolean column: rows for which it is not true do not count (FILTER)."""
    extra: tuple[Any, ...] = ()
    """Further constant arguments: LISTAGG's separator."""


@dataclass(frozen=True, slots=True)
class Aggregate(One):
    """A row a key, kept up to date. Without ``keys`` it is one row; without ``aggregates`` it is DISTINCT."""

    keys: tuple[str, ...]
    aggregates: tuple[AggregateCall, ...]


class WindowKind(StrEnum):
    """How windows lie."""

    TUMBLE = "TUMBLE"
    HOP = "HOP"
    CUMULATE = "CUMULATE"
    SESSION = "SESSION"


@dataclass(frozen=True, slots=True)
class Window:
    """Which windows a row is in. Times in ms."""

    kind: WindowKind
    time: str
    """The column; processing time if that is ``is_arrival``."""
    size: int
    """Of a SESSION its gap; of CUMULATE the largest size."""
    slide: int = 0
    """Of HOP, and the step of CUMULATE."""
    offset: int = 0
    partition: tuple[str, ...] = ()
    """Of SESSION."""


@dataclass(frozen=True, slots=True)
class WindowTable(One):
    """Each row once a window that it is in, with ``window_start``, ``window_end``, ``window_time`` (the last three)."""

    window: Window


@dataclass(frozen=True, slots=True)
class WindowAggregate(One):
    """A row a key and window, once the window is over. Output: keys, aggregates, then the three of the window.

    ``window`` None: the rows have columns of a window before (``window_start``, ``window_end``, ``window_time``).
    """

    window: Window | None
    keys: tuple[str, ...]
    aggregates: tuple[AggregateCall, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One item of ORDER BY."""

    column: str
    descending: bool = False
    nulls_first: bool = True
    """By default NULL is the smallest, as in Flink: first when ascending, last when descending."""


@dataclass(frozen=True, slots=True)
class Rank(One):
    """The rows numbered ``first`` to ``last`` in each partition, by ROW_NUMBER, whose column ``number`` names.

    Without ``order`` rows are numbered as they come (LIMIT).
    """

    partition: tuple[str, ...]
    order: tuple[Order, ...]
    first: int
    last: int
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Sort(One):
    """Rows in the order of a time attribute (the first of ``order``, ascending), once time has passed them.

    Late rows are dropped.
    """

    order: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Deduplicate(One):
    """One row a partition: the first or the last by ``time``, or by arrival if that is None."""

    partition: tuple[str, ...]
    time: str | None
    keep: Literal["first", "last"]


@dataclass(frozen=True, slots=True)
class WindowRank(One):
    """Rank within a window and partition, once the window is over; the input has the window's columns."""

    partition: tuple[str, ...]
    order: tuple[Order, ...]
    first: int
    last: int
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Over(One):
    """Each row, once time has passed it, with aggregates over it and those before it. Late rows are dropped.

    Output: the input's columns, then the aggregates. Rows of the same time count as one in a RANGE.
    """

    partition: tuple[str, ...]
    time: str
    """The column; processing time if that is ``is_arrival``."""
    by_rows: bool
    """ROWS; else RANGE."""
    preceding: int | None
    """How many rows, or how many ms, before it; None for all."""
    aggregates: tuple[AggregateCall, ...]


class JoinKind(StrEnum):
    """Which rows without a partner stay."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"
    SEMI = "SEMI"
    """Rows of the left that have a partner; output is the left's."""
    ANTI = "ANTI"
    """Rows of the left that have none; output is the left's."""


@dataclass(frozen=True, slots=True)
class Join(Two):
    """All pairs with equal keys for which ``condition`` is true; NULL equals nothing."""

    kind: JoinKind
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]
    condition: Expression | None = None
    """Over the columns of both."""


@dataclass(frozen=True, slots=True)
class IntervalJoin(Two):
    """Pairs whose times are near: right time + ``lower`` <= left time <= right time + ``upper`` (ms, inclusive)."""

    kind: JoinKind
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]
    left_time: str
    right_time: str
    lower: int
    upper: int
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class WindowJoin(Two):
    """Pairs of rows of the same window with equal keys, once the window is over. Late rows are dropped.

    The columns are those that hold each side's ``window_start`` and ``window_end``.
    """

    kind: JoinKind
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]
    left_window: tuple[str, str]
    right_window: tuple[str, str]
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class TemporalJoin(Two):
    """Each left row with the version of the right's row (by primary key) that held at the left's time.

    INNER or LEFT. ``left_time`` None: with the version there is when it arrives.
    """

    kind: JoinKind
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]
    left_time: str | None
    right_time: str | None
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class Union(Step):
    """All rows of all inputs; columns by position, names are the first's."""

    of: tuple[Step, ...]

    @property
    def inputs(self) -> tuple[Step, ...]:
        """All of them."""
        return self.of


@dataclass(frozen=True, slots=True)
class PatternItem:
    """A variable, or items in a row or to choose from, so often."""

    variable: str = ""
    items: tuple[PatternItem, ...] = ()
    choice: bool = False
    """Whether one of ``items`` is enough, instead of all in a row."""
    least: int = 1
    most: int | None = 1
    """None: any number."""
    reluctant: bool = False


@dataclass(frozen=True, slots=True)
class Match(One):
    """MATCH_RECOGNIZE, ONE ROW PER MATCH. Output: the partition's columns, then the measures."""

    partition: tuple[str, ...]
    order: tuple[Order, ...]
    """The time attribute, ascending, first."""
    pattern: PatternItem
    define: dict[str, Expression]
    """Of variables that are not here, any row will do."""
    measures: tuple[Expression, ...]
    skip: Literal["past last row", "to next row", "to first", "to last"]
    skip_to: str = ""
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """What is to be run: rows of ``source`` go to ``target``; without one (a SELECT) they are shown."""

    source: Step
    target: Table | None
    at: At = field(default_factory=At)


@dataclass(frozen=True, slots=True)
class Script:
    """A file of statements, planned."""

    inserts: tuple[Insert, ...]
    tables: dict[str, Table] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """From SET."""
    explain: bool = False
    """Whether the last statement is EXPLAIN: nothing is run."""
