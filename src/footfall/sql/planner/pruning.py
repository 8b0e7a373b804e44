"""Turns a plan into the same plan that carries no column that nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from footfall.sql import plan
from footfall.sql.plan import Field, Step
from footfall.sql.planner import steps
from footfall.sql.planner.steps import names
from footfall.sql.planner.walking import columns_of, columns_of_all
from footfall.sql.types import Family


def pruned(step: Step) -> Step:
    """The plan with all columns of its last step, and below only those that lead to them."""
    return _narrow(step, set(names(step)))


def _narrow(step: Step, wanted: set[str]) -> Step:
    """A step with at least the wanted columns, in their order."""
    wanted = wanted & set(names(step)) or {_cheapest(step.output)}
    match step:
        case plan.Calc():
            return _calc(step, wanted)
        case plan.Scan():
            return _scan(step, wanted)
        case plan.Values():
            return _values(step, wanted)
        case plan.Union():
            return _union(step, wanted)
        case plan.Join() | plan.IntervalJoin() | plan.WindowJoin() | plan.TemporalJoin():
            return _two(step, wanted)
        case plan.One():
            return _one(step, wanted)
    return step


def _cheapest(output: Sequence[Field]) -> str:
    """A column to count rows by."""
    small = [one.name for one in output if one.type.family not in {Family.STRING, Family.BYTES} and not one.type.inner]
    return small[0] if small else output[0].name


def _of(fields: Iterable[Field], wanted: set[str]) -> tuple[Field, ...]:
    return tuple(one for one in fields if one.name in wanted)


def _calc(step: plan.Calc, wanted: set[str]) -> Step:
    pairs = [(field, value) for field, value in zip(step.output, step.columns, strict=True) if field.name in wanted]
    values = [value for _, value in pairs]
    input_ = _narrow(step.input, columns_of_all(values) | columns_of(step.where))
    return steps.calc_as(input_, [field for field, _ in pairs], values, step.where)


def _scan(step: plan.Scan, wanted: set[str]) -> Step:
    keys = set(step.table.primary_key) if step.changes else set()
    return replace(step, output=_of(step.output, wanted | keys))


def _values(step: plan.Values, wanted: set[str]) -> Step:
    places = [place for place, name in enumerate(names(step)) if name in wanted]
    rows = tuple(tuple(row[place] for place in places) for row in step.rows)
    return replace(step, output=_of(step.output, wanted), rows=rows)


def _union(step: plan.Union, wanted: set[str]) -> Step:
    places = [place for place, name in enumerate(names(step)) if name in wanted]
    inputs = []
    for one in step.of:
        some = [names(one)[place] for place in places]
        inputs.append(steps.kept(_narrow(one, set(some)), some))
    return replace(step, output=_of(step.output, wanted), of=tuple(inputs))


def _two(step: plan.Join | plan.IntervalJoin | plan.WindowJoin | plan.TemporalJoin, wanted: set[str]) -> Step:
    needed = wanted | columns_of(step.condition)
    ours, theirs = needed | set(step.left_keys), needed | set(step.right_keys)
    match step:
        case plan.IntervalJoin() | plan.TemporalJoin():
            ours |= {step.left_time or ""}
            theirs |= {step.right_time or ""}
        case plan.WindowJoin():
            ours |= set(step.left_window)
            theirs |= set(step.right_window)
    left, right = _narrow(step.left, ours), _narrow(step.right, theirs)
    there = {*names(left), *names(right)}
    return replace(step, output=_of(step.output, there), left=left, right=right)


def _one(step: plan.One, wanted: set[str]) -> Step:
    match step:
        case plan.Watermark():
            input_ = _narrow(step.input, wanted | {step.column} | columns_of(step.expression))
            return replace(step, output=_of(step.output, set(names(input_))), input=input_)
        case plan.Aggregate() | plan.WindowAggregate():
            return _aggregate(step, wanted)
        case plan.WindowTable():
            edges = {"window_start", "window_end", "window_time"}
            input_ = _narrow(step.input, (wanted - edges) | {step.window.time} | set(step.window.partition))
            return replace(step, output=_of(step.output, set(names(input_)) | edges), input=input_)
        case plan.Rank() | plan.WindowRank():
            return _rank(step, wanted)
        case plan.Deduplicate():
            input_ = _narrow(step.input, wanted | set(step.partition) | {step.time or ""})
            return replace(step, output=_of(step.output, set(names(input_))), input=input_)
        case plan.Sort():
            input_ = _narrow(step.input, wanted | {one.column for one in step.order})
            return replace(step, output=_of(step.output, set(names(input_))), input=input_)
        case plan.Over():
            return _over(step, wanted)
        case plan.Match():
            return _match(step, wanted)
    return replace(step, input=_narrow(step.input, set(names(step.input))))


def _aggregate(step: plan.Aggregate | plan.WindowAggregate, wanted: set[str]) -> Step:
    calls = tuple(one for one in step.aggregates if one.name in wanted) or step.aggregates[:1]
    needed = set(step.keys)
    for one in calls:
        needed |= {one.argument or "", one.where or ""}
    edges = {"window_start", "window_end", "window_time"} if isinstance(step, plan.WindowAggregate) else set()
    if isinstance(step, plan.WindowAggregate):
        needed |= {step.window.time, *step.window.partition} if step.window else edges
    there = {*step.keys, *(one.name for one in calls), *edges}
    input_ = _narrow(step.input, needed)
    return replace(step, output=_of(step.output, there), input=input_, aggregates=calls)


def _over(step: plan.Over, wanted: set[str]) -> Step:
    calls = tuple(one for one in step.aggregates if one.name in wanted) or step.aggregates[:1]
    needed = wanted | set(step.partition) | {step.time} | {one.argument or "" for one in calls}
    input_ = _narrow(step.input, needed)
    there = {*names(input_), *(one.name for one in calls)}
    return replace(step, output=_of(step.output, there), input=input_, aggregates=calls)


def _rank(step: plan.Rank | plan.WindowRank, wanted: set[str]) -> Step:
    number = step.number if step.number in wanted else None
    needed = wanted | set(step.partition) | {one.column for one in step.order}
    if isinstance(step, plan.WindowRank):
        needed |= {one.name for one in step.input.output if one.edge}
    input_ = _narrow(step.input, needed)
    there = set(names(input_)) | ({number} if number else set())
    return replace(step, output=_of(step.output, there), input=input_, number=number)


def _match(step: plan.Match, wanted: set[str]) -> Step:
    fields = step.output[len(step.partition) :]
    pairs = [(one, value) for one, value in zip(fields, step.measures, strict=True) if one.name in wanted]
    pairs = pairs or list(zip(fields, step.measures, strict=True))[:1]
    needed = set(step.partition) | {one.column for one in step.order} | columns_of_all(step.define.values())
    needed |= columns_of_all(value for _, value in pairs)
    output = (*step.output[: len(step.partition)], *(one for one, _ in pairs))
    input_ = _narrow(step.input, needed)
    return replace(step, output=output, input=input_, measures=tuple(value for _, value in pairs))
