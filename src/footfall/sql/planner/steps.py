"""Turns inputs and settings into steps: what their columns are, and whether rows may be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from footfall.sql import plan
from footfall.sql.errors import At
from footfall.sql.expressions import Call, Column, Expression
from footfall.sql.plan import Field, Step
from footfall.sql.planner.walking import columns_of, columns_of_all, conjunction, conjuncts, is_settled, substituted
from footfall.sql.types import BIGINT, Family, SqlType

CHANGING_FORMATS: Final = ("debezium", "canal", "maxwell", "ogg", "changelog")
_MILLIS: Final = 3


@dataclass(frozen=True, slots=True)
class Numbered(plan.One):
    """ROW_NUMBER() in a column: only in a plan that is not finished. A condition on the number makes a Rank of it."""

    partition: tuple[str, ...]
    order: tuple[plan.Order, ...]
    number: str
    at: At


def names(step: Step) -> list[str]:
    """The names of a step's columns."""
    return [one.name for one in step.output]


def field_named(step: Step, name: str) -> Field:
    """A column of a step."""
    return next(one for one in step.output if one.name == name)


def column(field: Field, at: At | None = None) -> Column:
    """A column's value."""
    return Column(field.type, field.name, at=at or At())


def field_of(name: str, value: Expression, step: Step) -> Field:
    """The column that an expression over a step's rows makes."""
    if isinstance(value, Column):
        return replace(field_named(step, value.name), name=name)
    arrival = isinstance(value, Call) and value.function == "PROCTIME"
    return Field(name, value.type, is_arrival=arrival)


def calc(step: Step, columns: Iterable[tuple[str, Expression]], where: Expression | None = None) -> Step:
    """Columns computed from a step's."""
    pairs = list(columns)
    return calc_as(step, [field_of(name, value, step) for name, value in pairs], [value for _, value in pairs], where)


def calc_as(step: Step, output: Sequence[Field], values: Sequence[Expression], where: Expression | None) -> Step:
    """Columns computed from a step's, with what they are known to be. Two Calcs in a row become one where they can."""
    if where is None and [one.name for one in output] == names(step) and _plain(values) == names(step):
        return step if tuple(output) == step.output else replace(step, output=tuple(output))
    if isinstance(step, plan.Calc) and _can_merge(step, [*values, *conjuncts(where)]):
        inner = dict(zip(names(step), step.columns, strict=True))
        values = [substituted(one, inner) for one in values]
        outer = [substituted(one, inner) for one in conjuncts(where)]
        where = conjunction([*conjuncts(step.where), *outer])
        return calc_as(step.input, output, values, where)
    return plan.Calc(tuple(output), step.changes, step, tuple(values), where)


def _plain(values: Sequence[Expression]) -> list[str]:
    return [one.name if isinstance(one, Column) else "" for one in values]


def _can_merge(step: plan.Calc, users: Sequence[Expression]) -> bool:
    uses: dict[str, int] = {}
    for user in users:
        for name in columns_of(user):
            uses[name] = uses.get(name, 0) + 1
    for name, value in zip(names(step), step.columns, strict=True):
        if isinstance(value, Call) and (uses.get(name, 0) > 1 or not is_settled(value)) and uses.get(name, 0) > 0:
            return False
    return True


def kept(step: Step, wanted: Iterable[str]) -> Step:
    """These columns of a step, in this order."""
    return calc(step, [(name, column(field_named(step, name))) for name in wanted])


def filtered(step: Step, conditions: Sequence[Expression]) -> Step:
    """The rows of a step for which all conditions are true."""
    if not conditions:
        return step
    return calc_as(step, step.output, [column(one) for one in step.output], conjunction(conditions))


def with_columns(step: Step, extra: Iterable[tuple[str, Expression]]) -> Step:
    """A step's columns, and further ones."""
    return calc(step, [*((one.name, column(one)) for one in step.output), *extra])


def scan(table: plan.Table) -> plan.Scan:
    """All rows of a table."""
    connector, form = table.options.get("connector", ""), table.options.get("format", "")
    upserts = connector.startswith("upsert") or form.startswith(CHANGING_FORMATS)
    return plan.Scan(table.columns, upserts, table)


def watermark(step: Step, name: str, expression: Expression) -> Step:
    """A step with its time attribute."""
    output = tuple(replace(one, is_time=one.name == name or one.is_time) for one in step.output)
    return plan.Watermark(output, step.changes, step, name, expression)


def materialized(fields: Iterable[Field], *, nullable: bool = False, times: bool = False) -> list[Field]:
    """Columns that are no time attributes and edges of windows any more; with ``times`` they stay what they are."""
    return [
        replace(
            one,
            type=one.type.with_null() if nullable else one.type,
            is_time=times and one.is_time,
            is_arrival=times and one.is_arrival,
            edge=one.edge if times else "",
        )
        for one in fields
    ]


def aggregate(step: Step, keys: Sequence[str], calls: Sequence[plan.AggregateCall]) -> plan.Aggregate:
    """Groups, kept up to date."""
    fields = materialized(field_named(step, name) for name in keys)
    output = (*fields, *(Field(one.name, one.type) for one in calls))
    return plan.Aggregate(output, step.changes or bool(calls), step, tuple(keys), tuple(calls))


def window_fields(kind: SqlType, *, times: bool = True) -> tuple[Field, ...]:
    """``window_start``, ``window_end`` and ``window_time``, over a time column of this type."""
    edge = SqlType(Family.TIMESTAMP, nullable=False, precision=_MILLIS)
    moment = replace(kind, nullable=False, precision=_MILLIS)
    return (
        Field("window_start", edge, edge="start"),
        Field("window_end", edge, edge="end"),
        Field("window_time", moment, is_time=times, edge="time"),
    )


def _window_fields(step: Step, window: plan.Window | None) -> tuple[Field, ...]:
    if window is None:
        return tuple(field_named(step, name) for name in ("window_start", "window_end", "window_time"))
    time = field_named(step, window.time)
    start, end, moment = window_fields(time.type)
    return start, end, replace(moment, is_time=time.is_time, is_arrival=time.is_arrival)


def window_table(step: Step, window: plan.Window) -> plan.WindowTable:
    """Each row once a window."""
    output = (*materialized(step.output), *_window_fields(step, window))
    return plan.WindowTable(output, False, step, window)


def window_aggregate(
    step: Step, window: plan.Window | None, keys: Sequence[str], calls: Sequence[plan.AggregateCall]
) -> plan.WindowAggregate:
    """Groups within windows."""
    fields = materialized(field_named(step, name) for name in keys)
    output = (*fields, *(Field(one.name, one.type) for one in calls), *_window_fields(step, window))
    return plan.WindowAggregate(output, False, step, window, tuple(keys), tuple(calls))


def numbered(step: Step, partition: Sequence[str], order: Sequence[plan.Order], number: str, at: At) -> Numbered:
    """ROW_NUMBER() in a column."""
    output = (*step.output, Field(number, BIGINT.without_null()))
    return Numbered(output, step.changes, step, tuple(partition), tuple(order), number, at)


def _with_number(step: Step, number: str | None) -> tuple[Field, ...]:
    return (*step.output, *([Field(number, BIGINT.without_null())] if number else []))


def rank(
    step: Step,
    partition: Sequence[str],
    order: Sequence[plan.Order],
    rows: tuple[int, int],
    number: str | None = None,
) -> plan.Rank:
    """The first rows of each partition."""
    changes = step.changes or bool(order)
    return plan.Rank(_with_number(step, number), changes, step, tuple(partition), tuple(order), *rows, number)


def window_rank(
    step: Step,
    partition: Sequence[str],
    order: Sequence[plan.Order],
    rows: tuple[int, int],
    number: str | None = None,
) -> plan.WindowRank:
    """The first rows of each partition of each window."""
    return plan.WindowRank(_with_number(step, number), False, step, tuple(partition), tuple(order), *rows, number)


def deduplicate(
    step: Step, partition: Sequence[str], time: str | None, keep: Literal["first", "last"]
) -> plan.Deduplicate:
    """One row of each partition."""
    changes = step.changes or not (keep == "first" and time is None)
    return plan.Deduplicate(step.output, changes, step, tuple(partition), time, keep)


def unique_key(step: Step) -> tuple[str, ...] | None:
    """Columns of which no two rows that hold at the same time have the same values; None if none are known."""
    match step:
        case plan.Scan(table=table):
            return table.primary_key or None
        case plan.Watermark() | plan.WindowTable():
            return unique_key(step.input) if isinstance(step, plan.Watermark) else None
        case plan.Calc():
            key = unique_key(step.input)
            pairs = zip(names(step), step.columns, strict=True)
            plain = {one.name: name for name, one in pairs if isinstance(one, Column)}
            return tuple(plain[one] for one in key) if key and all(one in plain for one in key) else None
        case plan.Aggregate(keys=keys):
            return keys or None
        case plan.Deduplicate(partition=partition):
            return partition or None
        case plan.Rank(partition=partition, first=1, last=1):
            return partition or None
    return None


def fresh(taken: Iterable[str] | Mapping[str, object], name: str) -> str:
    """A name that is not taken."""
    used = set(taken)
    if name not in used:
        return name
    number = 0
    while f"{name}{number}" in used:
        number += 1
    return f"{name}{number}"


def needed_by(step: plan.Calc) -> set[str]:
    """The columns that a Calc reads."""
    return columns_of_all(step.columns) | columns_of(step.where)
