"""Turns window table functions into steps, and an aggregate over one into a single step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlglot import exp

from footfall.sql import plan
from footfall.sql.errors import At, SqlError
from footfall.sql.expressions import Column, Constant, Expression
from footfall.sql.plan import Field, Step, Window, WindowKind
from footfall.sql.planner import steps
from footfall.sql.planner.steps import column, field_named, fresh, names
from footfall.sql.planner.translating import Translator
from footfall.sql.planner.walking import columns_of, columns_of_all
from footfall.sql.syntax.nodes import Descriptor, PartitionedTable, WindowCall
from footfall.sql.types import Family

_ARGUMENTS: Final = {
    "TUMBLE": ("DATA", "TIMECOL", "SIZE", "OFFSET"),
    "HOP": ("DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"),
    "CUMULATE": ("DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"),
    "SESSION": ("DATA", "TIMECOL", "GAP"),
}
_FORMS: Final = {
    "TUMBLE": "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
    "HOP": "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)",
    "CUMULATE": "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR)",
    "SESSION": "SESSION(TABLE t PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL '30' MINUTE)",
}
EDGES: Final = ("window_start", "window_end", "window_time")


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a window table function."""

    name: str
    at: At
    values: dict[str, Any]

    @property
    def data(self) -> PartitionedTable:
        """The table that it windows."""
        found = self.values.get("DATA")
        if not isinstance(found, PartitionedTable):
            raise self.wrong(f"{self.name} needs a table first")
        return found

    def wrong(self, message: str, at: At | None = None) -> SqlError:
        """The error that shows how it is written."""
        return SqlError(message, at=at or self.at, remedy=f"Write {_FORMS[self.name]}.")


def given(call: WindowCall, at: At) -> Given:
    """The arguments of a call, by name. Raises SqlError."""
    known = _ARGUMENTS[call.this]
    found = Given(call.this, at, {})
    for place, one in enumerate(call.args["arguments"]):
        if isinstance(one, exp.Kwarg):
            name, value = one.this.name, one.expression
        elif place < len(known):
            name, value = known[place], one
        else:
            raise found.wrong(f"{call.this} takes {len(known)} arguments")
        if name not in known or name in found.values:
            raise found.wrong(f"{call.this} has no argument {name} here")
        found.values[name] = value
    missing = [one for one in known if one not in found.values and one != "OFFSET"]
    if missing:
        raise found.wrong(f"{call.this} lacks {' and '.join(missing)}")
    return found


def windowed(step: Step, arguments: Given, translator: Translator) -> Step:
    """A step whose rows are in windows. Raises SqlError."""
    time = _time(step, arguments, translator)
    taken = [one for one in EDGES if one in names(step)]
    if taken:
        raise SqlError(
            f"The table has a column {taken[0]} already",
            at=arguments.at,
            remedy=f"Rename it in a query below: SELECT {taken[0]} AS {taken[0].replace('window', 'inner')}, ….",
        )
    if step.changes:
        raise SqlError(
            "Rows that can be taken back cannot be put into windows",
            at=arguments.at,
            remedy="Put the window table function directly over a stream, before grouping, ranking or outer joins.",
        )
    sizes = {name: _size(arguments, name, translator) for name in arguments.values if name not in {"DATA", "TIMECOL"}}
    size = sizes.get("SIZE", sizes.get("GAP", 0))
    slide, offset = sizes.get("SLIDE", sizes.get("STEP", 0)), sizes.get("OFFSET", 0)
    if slide and size % slide:
        raise arguments.wrong("The size of a window must be a multiple of how far it moves on")
    if abs(offset) >= (slide or size) and offset:
        raise arguments.wrong("The offset of a window must be less than how far it moves on")
    partition = tuple(_column(one, translator).name for one in arguments.data.args.get("partition") or ())
    if partition and arguments.name != "SESSION":
        raise arguments.wrong("Only SESSION takes PARTITION BY")
    window = Window(WindowKind(arguments.name), time.name, size, slide, offset, partition)
    return steps.window_table(step, window)


def _time(step: Step, arguments: Given, translator: Translator) -> Field:
    described = arguments.values["TIMECOL"]
    if not isinstance(described, Descriptor) or len(described.expressions) != 1:
        raise arguments.wrong("The second argument must be DESCRIPTOR(column)")
    found = _column(described.expressions[0], translator)
    field = field_named(step, found.name)
    if not field.is_time and not field.is_arrival:
        raise SqlError(
            f"{found.name} is no time attribute, so windows over it would never end",
            at=found.at,
            remedy=f"Declare WATERMARK FOR {found.name} AS {found.name} - INTERVAL '30' SECOND in its CREATE TABLE, "
            "and use it before any GROUP BY or regular join.",
        )
    return field


def _column(node: Any, translator: Translator) -> Column:
    found = translator.of(node)
    if not isinstance(found, Column):
        raise SqlError("A column is expected here", at=found.at, remedy="Compute it in a query below.")
    return found


def _size(arguments: Given, name: str, translator: Translator) -> int:
    value = translator.of(arguments.values[name])
    if not isinstance(value, Constant) or value.type.family is not Family.INTERVAL_SECOND:
        raise arguments.wrong(f"{name} must be an INTERVAL of days or less", value.at)
    if value.value <= 0 and name != "OFFSET":
        raise arguments.wrong(f"{name} must be more than nothing", value.at)
    return int(value.value)


def merged(step: Step, wanted: Sequence[str]) -> tuple[Step, Window] | None:
    """What lies below a window table function, with the wanted columns and its time, and its window.

    None when a column or condition on the way looks at the windows themselves.
    """
    if isinstance(step, plan.WindowTable):
        if set(wanted) & set(EDGES):
            return None
        return step.input, step.window
    if not isinstance(step, plan.Calc):
        return None
    pairs = [(one, value) for one, value in zip(step.output, step.columns, strict=True) if one.name in wanted]
    below = columns_of_all(value for _, value in pairs) | columns_of(step.where)
    found = merged(step.input, sorted(below))
    if found is None or (found[1].kind is WindowKind.SESSION and step.where is not None):
        return None
    input_, window = found
    values: dict[str, Expression] = {one.name: value for one, value in pairs}
    time = _passed(input_, values, window.time)
    partition = tuple(_passed(input_, values, one) for one in window.partition)
    output = [steps.field_of(name, value, input_) for name, value in values.items()]
    moved = steps.calc_as(input_, output, list(values.values()), step.where)
    return moved, replace(window, time=time, partition=partition)


def _passed(step: Step, values: dict[str, Expression], name: str) -> str:
    """The name under which a column goes on; it is added if it does not."""
    known = next((one for one, value in values.items() if isinstance(value, Column) and value.name == name), None)
    if known is not None:
        return known
    new = fresh(values, name)
    values[new] = column(field_named(step, name))
    return new
