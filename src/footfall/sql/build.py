"""Turns the steps of a plan into nodes at work: expressions compiled, operators started from their saved state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatchmethod
from typing import Any

import numpy as np
import pyarrow as pa

from footfall.core.events import Batch
from footfall.processors.base import State
from footfall.processors.relational.calls import AggregateCall
from footfall.processors.relational.join import JoinKind
from footfall.processors.relational.match_order import Order as MatchOrder
from footfall.processors.relational.match_pattern import PatternItem
from footfall.processors.relational.matching import OfMatch
from footfall.processors.relational.ordering import Order
from footfall.processors.relational.rows import Compute, Relation, Rows
from footfall.processors.relational.slices import Window
from footfall.sql import plan
from footfall.sql.evaluate.compile import compile_columns, compile_expression, predicate
from footfall.sql.evaluate.matched import compile_matched, condition
from footfall.sql.expressions import Expression
from footfall.sql.functions.user import UserFunctions
from footfall.sql.nodes import Computing, Giving, Leaf, Node, Operating, Reject, Uniting
from footfall.sql.timing import Timing


class Building:
    """Builds the nodes of one query. Their numbers, from the leaves up, name their state."""

    def __init__(
        self, *, state: Mapping[int, State], reject: Reject, functions: UserFunctions | None, ttl: int | None
    ) -> None:
        """See ``Dataflow``; ``state`` by the number of the node."""
        self._state = state
        self._reject = reject
        self._functions = functions
        self._ttl = ttl
        self._every_change = False
        """Whether what is built now must put out each change: it makes versions, of which none may be left out."""
        self.nodes: list[Node] = []
        self.tables: dict[str, plan.Table] = {}

    def node(self, step: plan.Step) -> Node:
        """The step at work, and all below it."""
        inputs = [self._input(step, side, below) for side, below in enumerate(step.inputs)]
        made = self._made(step, inputs)
        self.nodes.append(made)
        return made

    def _input(self, step: plan.Step, side: int, below: plan.Step) -> Node:
        before = self._every_change
        if isinstance(step, plan.TemporalJoin) and side == 1:
            self._every_change = step.right_time is not None
        node = self.node(below)
        self._every_change = before
        return node

    @property
    def _own_state(self) -> State:
        return self._state.get(len(self.nodes), {})

    @singledispatchmethod
    def _made(self, step: plan.Step, inputs: Sequence[Node]) -> Node:
        settings = self._settings(step)
        running = settings.start(self._own_state)
        return Operating(inputs, running, getattr(settings, "delay", 0), self._one_by_one(step))

    def _one_by_one(self, step: plan.Step) -> tuple[str, ...]:
        """The columns by which rows may replace each other, if each change is to come out."""
        if not self._every_change:
            return ()
        if isinstance(step, plan.Aggregate):
            return step.keys
        return step.partition if isinstance(step, plan.Deduplicate | plan.Rank) else ()

    @_made.register
    def _(self, step: plan.Scan, inputs: Sequence[Node]) -> Node:  # noqa: ARG002 - it has none
        self.tables[step.table.name] = step.table
        return Leaf(step.table.name, tuple(field.name for field in step.output))

    @_made.register
    def _(self, step: plan.Calc, inputs: Sequence[Node]) -> Node:
        columns = compile_columns(step.columns, functions=self._functions)
        where = None if step.where is None else predicate(step.where, functions=self._functions)
        return Computing(inputs, columns, where, schema_of(step), self._reject)

    @_made.register
    def _(self, step: plan.Watermark, inputs: Sequence[Node]) -> Node:
        timing = Timing(inputs, step.column, self._compiled(step.expression), self._reject)
        timing.restore(self._own_state)
        return timing

    @_made.register
    def _(self, step: plan.Union, inputs: Sequence[Node]) -> Node:
        return Uniting(inputs, schema_of(step))

    @_made.register
    def _(self, step: plan.Values, inputs: Sequence[Node]) -> Node:  # noqa: ARG002 - it has none
        rows = [compile_columns(row, functions=self._functions) for row in step.rows]
        schema = schema_of(step)

        def given(now: int) -> Batch:
            one = Rows(pa.RecordBatch.from_pydict({"": [None]}), np.zeros(1, dtype=np.int64), None, now)
            columns = zip(*(row(one) for row in rows), strict=True)
            arrays = [pa.concat_arrays([plain(array) for array in column]) for column in columns]
            return pa.RecordBatch.from_arrays(arrays, schema=schema)

        giving = Giving(given)
        giving.restore(self._own_state)
        return giving

    # -- operators ----------------------------------------------------------------------------------------

    @singledispatchmethod
    def _settings(self, step: plan.Step) -> Relation:
        raise NotImplementedError(type(step).__name__)

    @_settings.register
    def _(self, step: plan.Aggregate) -> Relation:
        from footfall.processors.relational.aggregate import Aggregate

        return Aggregate(
            input=schema_of(step.input),
            output=schema_of(step),
            keys=step.keys,
            aggregates=calls_of(step.aggregates),
            ttl=self._ttl,
            updating=step.input.changes,
        )

    @_settings.register
    def _(self, step: plan.WindowAggregate) -> Relation:
        from footfall.processors.relational.window_aggregate import WindowAggregate

        return WindowAggregate(
            input=schema_of(step.input),
            output=schema_of(step),
            window=None if step.window is None else window_of(step.window, step.input),
            keys=step.keys,
            aggregates=calls_of(step.aggregates),
        )

    @_settings.register
    def _(self, step: plan.WindowTable) -> Relation:
        from footfall.processors.relational.window_table import WindowTable

        return WindowTable(
            input=schema_of(step.input), output=schema_of(step), window=window_of(step.window, step.input)
        )

    @_settings.register
    def _(self, step: plan.Rank) -> Relation:
        from footfall.processors.relational.rank import Rank

        return Rank(
            input=schema_of(step.input),
            output=schema_of(step),
            partition=step.partition,
            order=orders_of(step.order),
            first=step.first,
            last=step.last,
            number=step.number,
            ttl=self._ttl,
            updating=step.input.changes,
        )

    @_settings.register
    def _(self, step: plan.WindowRank) -> Relation:
        from footfall.processors.relational.window_rank import WindowRank

        return WindowRank(
            input=schema_of(step.input),
            output=schema_of(step),
            partition=step.partition,
            order=orders_of(step.order),
            first=step.first,
            last=step.last,
            number=step.number,
        )

    @_settings.register
    def _(self, step: plan.Deduplicate) -> Relation:
        from footfall.processors.relational.deduplicate import Deduplicate

        return Deduplicate(
            input=schema_of(step.input),
            output=schema_of(step),
            partition=step.partition,
            time=step.time,
            keep=step.keep,
            ttl=self._ttl,
        )

    @_settings.register
    def _(self, step: plan.Join) -> Relation:
        from footfall.processors.relational.join import Join

        return Join(
            **self._pairs(step),
            ttl=self._ttl,
        )

    @_settings.register
    def _(self, step: plan.IntervalJoin) -> Relation:
        from footfall.processors.relational.interval_join import IntervalJoin

        return IntervalJoin(
            **self._pairs(step),
            left_time=step.left_time,
            right_time=step.right_time,
            lower=step.lower,
            upper=step.upper,
        )

    @_settings.register
    def _(self, step: plan.TemporalJoin) -> Relation:
        from footfall.processors.relational.temporal_join import TemporalJoin

        return TemporalJoin(
            **self._pairs(step),
            left_time=step.left_time,
            right_time=step.right_time,
        )

    @_settings.register
    def _(self, step: plan.WindowJoin) -> Relation:
        from footfall.processors.relational.window_join import WindowJoin

        return WindowJoin(
            **self._pairs(step),
            left_window=step.left_window,
            right_window=step.right_window,
        )

    @_settings.register
    def _(self, step: plan.Sort) -> Relation:
        from footfall.processors.relational.sort import Sort

        return Sort(output=schema_of(step), order=orders_of(step.order))

    @_settings.register
    def _(self, step: plan.Over) -> Relation:
        from footfall.processors.relational.over import Over

        return Over(
            input=schema_of(step.input),
            output=schema_of(step),
            partition=step.partition,
            time=step.time,
            by_rows=step.by_rows,
            preceding=step.preceding,
            aggregates=calls_of(step.aggregates),
            arrival=arrives(step.time, step.input),
            ttl=self._ttl,
        )

    @_settings.register
    def _(self, step: plan.Match) -> Relation:
        from footfall.processors.relational.match import Match

        return Match(
            input=schema_of(step.input),
            output=schema_of(step),
            partition=step.partition,
            time=step.order[0].column,
            order=tuple(MatchOrder(one.column, one.descending, one.nulls_first) for one in step.order[1:]),
            pattern=pattern_of(step.pattern),
            define={
                variable: condition(variable, of, functions=self._functions) for variable, of in step.define.items()
            },
            measures=tuple(
                (field.name, OfMatch(compile_matched(measure, functions=self._functions)))
                for field, measure in zip(step.output[len(step.partition) :], step.measures, strict=True)
            ),
            skip=step.skip,
            skip_to=step.skip_to,
            within=step.within,
        )

    def _pairs(self, step: plan.Join | plan.IntervalJoin | plan.TemporalJoin | plan.WindowJoin) -> dict[str, Any]:
        """What all joins are told: which rows make a pair."""
        return {
            "left": schema_of(step.left),
            "right": schema_of(step.right),
            "output": schema_of(step),
            "kind": JoinKind(step.kind),
            "left_keys": step.left_keys,
            "right_keys": step.right_keys,
            "condition": self._condition(step.condition),
        }

    def _compiled(self, expression: Expression) -> Compute:
        return compile_expression(expression, functions=self._functions)

    def _condition(self, expression: Expression | None) -> Compute | None:
        return None if expression is None else self._compiled(expression)


def schema_of(step: plan.Step) -> pa.Schema:
    """What the batches of a step's rows look like; texts may be coded."""
    return pa.schema([pa.field(field.name, field.type.arrow, field.type.nullable) for field in step.output])


def window_of(window: plan.Window, step: plan.Step) -> Window:
    """A window as operators want it."""
    return Window(
        kind=window.kind.value,
        time=window.time,
        size=window.size,
        slide=window.slide,
        offset=window.offset,
        partition=window.partition,
        arrival=arrives(window.time, step),
    )


def arrives(time: str, step: plan.Step) -> bool:
    """Whether this column of a step is the time of arrival."""
    return next(field.is_arrival for field in step.output if field.name == time)


def orders_of(order: Sequence[plan.Order]) -> tuple[Order, ...]:
    """An ORDER BY as operators want it."""
    return tuple(Order(one.column, one.descending, one.nulls_first) for one in order)


def pattern_of(item: plan.PatternItem) -> PatternItem:
    """A pattern as the operator wants it."""
    return PatternItem(
        item.variable, tuple(map(pattern_of, item.items)), item.choice, item.least, item.most, item.reluctant
    )


def calls_of(calls: Sequence[plan.AggregateCall]) -> tuple[AggregateCall, ...]:
    """Aggregates as operators want them."""
    return tuple(
        AggregateCall(
            name=call.name,
            function=call.function,
            argument=call.argument,
            type=call.type.arrow,
            distinct=call.distinct,
            where=call.where,
            extra=call.extra,
        )
        for call in calls
    )


def plain(array: pa.Array) -> pa.Array:
    """A column of texts that is not coded."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
