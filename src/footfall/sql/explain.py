"""Turns a plan into text: a step a line, each above what it takes rows from, with expressions as SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from footfall.sql import plan
from footfall.sql.expressions import Call, Column, Constant, Expression, Matched, MatchedAggregate
from footfall.sql.plan import Field, Order, PatternItem, Script, Step
from footfall.sql.types import Family

_INFIX: Final = {
    *("=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||"),
    *("AND", "OR", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "LIKE", "SIMILAR TO"),
}
_UNITS: Final = (("DAY", 86_400_000), ("HOUR", 3_600_000), ("MINUTE", 60_000), ("SECOND", 1000))


def explained(script: Script) -> str:
    """What a file of statements does."""
    lines: list[str] = []
    for insert in script.inserts:
        lines.append(f"INSERT INTO {insert.target.name}" if insert.target is not None else "SELECT")
        lines.extend(f"  {line}" for line in step_lines(insert.source))
    return "\n".join(lines) + "\n"


def step_lines(step: Step) -> Iterator[str]:
    """A step and all below it, indented."""
    mark = " [changes]" if step.changes else ""
    details = "; ".join(_details(step))
    yield f"{type(step).__name__}{mark}: {_columns(step.output)}" + (f" | {details}" if details else "")
    for one in step.inputs:
        yield from (f"  {line}" for line in step_lines(one))


def _columns(fields: Sequence[Field]) -> str:
    return ", ".join(_name(one.name) + ("*" if one.is_time else "~" if one.is_arrival else "") for one in fields)


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else "`" + name.replace("`", "``") + "`"


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))


def _details(step: Step) -> Iterator[str]:
    match step:
        case plan.Scan(table=table):
            yield f"of {table.name}"
        case plan.Values(rows=rows):
            yield f"{len(rows)} row{'s' * (len(rows) != 1)}"
        case plan.Calc():
            yield from _calc(step)
        case plan.Watermark():
            yield f"{_name(step.column)} as {shown(step.expression)}"
        case plan.Aggregate(keys=keys, aggregates=calls):
            yield from _grouped(keys, calls)
        case plan.WindowTable(window=window):
            yield _window(window)
        case plan.WindowAggregate():
            yield _window(step.window) if step.window is not None else "windows as they come"
            yield from _grouped(step.keys, step.aggregates)
        case plan.Rank() | plan.WindowRank():
            yield f"rows {step.first} to {step.last}" + (f" as {_name(step.number)}" if step.number else "")
            yield from _partition(step.partition)
            yield from _order(step.order)
        case plan.Sort(order=order):
            yield from _order(order)
        case plan.Deduplicate():
            yield f"{step.keep} by {_name(step.time) if step.time else 'arrival'}"
            yield from _partition(step.partition)
        case plan.Over():
            yield from _over(step)
        case plan.Match():
            yield from _match(step)
        case plan.Join() | plan.IntervalJoin() | plan.WindowJoin() | plan.TemporalJoin():
            yield from _join(step)


def _calc(step: plan.Calc) -> Iterator[str]:
    pairs = zip(step.output, step.columns, strict=True)
    computed = [
        f"{_name(one.name)} = {shown(value)}"
        for one, value in pairs
        if not isinstance(value, Column) or value.name != one.name
    ]
    if computed:
        yield ", ".join(computed)
    if step.where is not None:
        yield f"where {shown(step.where)}"


def _grouped(keys: Sequence[str], calls: Sequence[plan.AggregateCall]) -> Iterator[str]:
    if keys:
        yield f"by {_names(keys)}"
    for one in calls:
        argument = "*" if one.argument is None else _name(one.argument)
        extra = "".join(f", {_text(each)}" for each in one.extra)
        where = f" where {_name(one.where)}" if one.where else ""
        yield f"{_name(one.name)} = {one.function}({'DISTINCT ' * one.distinct}{argument}{extra}){where}"


def _window(window: plan.Window) -> str:
    sizes = [duration(one) for one in (window.slide, window.size) if one]
    offset = f", offset {duration(window.offset)}" if window.offset else ""
    partition = f" of {_names(window.partition)}" if window.partition else ""
    return f"{window.kind} {', '.join(sizes)}{offset} over {_name(window.time)}{partition}"


def _partition(partition: Sequence[str]) -> Iterator[str]:
    if partition:
        yield f"of {_names(partition)}"


def _order(order: Sequence[Order]) -> Iterator[str]:
    if order:
        yield f"order {', '.join(map(_ordered, order))}"


def _over(step: plan.Over) -> Iterator[str]:
    yield from _grouped((), step.aggregates)
    yield from _partition(step.partition)
    before = "all" if step.preceding is None else step.preceding if step.by_rows else duration(step.preceding)
    yield f"{'rows' if step.by_rows else 'range'}: {before} before, by {_name(step.time)}"


def _ordered(one: Order) -> str:
    usual = one.nulls_first != one.descending
    nulls = "" if usual else " NULLS FIRST" if one.nulls_first else " NULLS LAST"
    return _name(one.column) + " DESC" * one.descending + nulls


def _join(step: plan.Join | plan.IntervalJoin | plan.WindowJoin | plan.TemporalJoin) -> Iterator[str]:
    yield str(step.kind)
    for ours, theirs in zip(step.left_keys, step.right_keys, strict=True):
        yield f"{_name(ours)} = {_name(theirs)}"
    match step:
        case plan.IntervalJoin():
            pair = f"{_name(step.left_time)} - {_name(step.right_time)}"
            yield f"{pair} from {duration(step.lower)} to {duration(step.upper)}"
        case plan.WindowJoin():
            yield f"windows {_names(step.left_window)} and {_names(step.right_window)}"
        case plan.TemporalJoin():
            yield f"as of {_name(step.left_time)} by {_name(step.right_time or '')}" if step.left_time else "as of now"
    if step.condition is not None:
        yield f"where {shown(step.condition)}"


def _match(step: plan.Match) -> Iterator[str]:
    yield from _partition(step.partition)
    yield from _order(step.order)
    yield f"pattern {_pattern(step.pattern)}"
    for name, condition in step.define.items():
        yield f"{_name(name)} is {shown(condition)}"
    measured = zip(step.output[len(step.partition) :], step.measures, strict=True)
    yield from (f"{_name(one.name)} = {shown(value)}" for one, value in measured)
    yield f"then {step.skip}" + (f" {step.skip_to}" if step.skip_to else "")
    if step.within is not None:
        yield f"within {duration(step.within)}"


def _pattern(item: PatternItem) -> str:
    inner = item.variable or (" | " if item.choice else " ").join(map(_pattern, item.items))
    times = {(1, 1): "", (0, None): "*", (1, None): "+", (0, 1): "?"}.get((item.least, item.most))
    if times is None:
        times = f"{{{item.least},{'' if item.most is None else item.most}}}"
    if times and not item.variable:
        inner = f"({inner})"
    return inner + times + "?" * item.reluctant


def duration(milliseconds: int) -> str:
    """A time in its largest whole unit: ``5 MINUTE``."""
    for unit, size in _UNITS:
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds} MILLISECOND" if milliseconds else "0 SECOND"


# ---------------------------------------------------------------- expressions


def shown(expression: Expression) -> str:
    """An expression as SQL."""
    match expression:
        case Column(name=name):
            return _name(name)
        case Constant():
            return _constant(expression)
        case Matched():
            place = f"{_name(expression.variable)}." * bool(expression.variable) + _name(expression.name)
            offset = f", {expression.offset}" if expression.offset else ""
            return f"{expression.which.upper()}({place}{offset})"
        case MatchedAggregate():
            of = "*" if expression.argument is None else shown(expression.argument)
            variable = f" of {_name(expression.variable)}" if expression.variable else ""
            return f"{expression.function}({of}{variable})"
        case Call():
            return _call(expression)
    return repr(expression)


def _call(call: Call) -> str:
    name, given = call.function, call.arguments
    inside = [shown(one) for one in given]
    if name in {"CAST", "TRY_CAST"}:
        return f"{name}({inside[0]} AS {call.type.with_null()})"
    if name in _INFIX and len(given) > 1:
        wrapped = [f"({text})" if _is_infix(one) else text for text, one in zip(inside, given, strict=True)]
        escape = f" ESCAPE {wrapped.pop()}" if name in {"LIKE", "SIMILAR TO"} and len(given) == 3 else ""
        return f" {name} ".join(wrapped) + escape
    if name.startswith("IS "):
        return f"{f'({inside[0]})' if _is_infix(given[0]) else inside[0]} {name}"
    if name in {"NOT", "-"}:
        return f"{name} ({inside[0]})" if _is_infix(given[0]) else f"{name} {inside[0]}"
    if name == "IN":
        return f"{inside[0]} IN ({', '.join(inside[1:])})"
    if name == "CASE":
        cases = zip(inside[:-1:2], inside[1::2], strict=True)
        return f"CASE {' '.join(f'WHEN {one} THEN {two}' for one, two in cases)} ELSE {inside[-1]} END"
    if name == "[]":
        return f"{inside[0]}[{inside[1]}]"
    if name == "." and isinstance(given[1], Constant):
        return f"{inside[0]}.{_name(given[1].value)}"
    return f"{name}({', '.join(inside)})"


def _is_infix(value: Expression) -> bool:
    return isinstance(value, Call) and (
        (value.function in _INFIX and len(value.arguments) > 1) or value.function.startswith("IS ")
    )


def _constant(constant: Constant) -> str:
    value = constant.value
    match constant.type.family:
        case _ if value is None:
            return "NULL"
        case Family.INTERVAL_SECOND:
            return f"INTERVAL {duration(value)}"
        case Family.INTERVAL_MONTH:
            return f"INTERVAL {value} MONTH"
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).upper()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case bytes():
            return f"x'{value.hex()}'"
        case dt.datetime():
            return f"TIMESTAMP '{value.isoformat(' ')}'"
        case dt.date():
            return f"DATE '{value}'"
        case dt.time():
            return f"TIME '{value}'"
    return str(value)
