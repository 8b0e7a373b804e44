"""Turns clicks, grouped by visitor, into completed patterns and moves: one pattern, state as arrays by visitor code.

Most clicks change nothing: those of visitors without an attempt that begin none. They are found and dropped first,
a column at a time. What is left is worked off in rounds, the next click of every visitor at once, and where only few
visitors are left, click by click.

Each state of an attempt has the click that entered it. Going back to a state keeps its click and forgets those of the
states after it, in the file's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from footfall.core.codes import Codes
from footfall.processors.base import NO_TIME, Flags
from footfall.processors.pattern_clicks import Clicks, Hit, Moves, Rows
from footfall.processors.pattern_model import Pattern
from footfall.processors.pattern_table import BEGIN, DONE, MOVED, TARGET, Table, compile_pattern

_Scalar = TypeVar("_Scalar", bound=np.generic)

FEW: Final = 48
"""Below this many visitors, a plain loop is faster than a round of array operations."""
BY_VISITOR: Final = (
    *("state", "entered", "first_time", "first_product", "last_product"),
    *("entry_time", "entry_product", "entry_category", "saved"),
)
SWEEP: Final = 60_000
"""How far the watermark moves before attempts that are out of time are looked for, in ms."""


class Machine:
    """The attempts of all visitors at one pattern."""

    def __init__(self, pattern: Pattern, *, products: Codes) -> None:
        """``products`` are the codes of the products that the pattern names."""
        self.pattern = pattern
        self.table: Table = compile_pattern(pattern)
        self.within = pattern.within_ms
        self.state = np.zeros(0, dtype=np.int8)
        self.entered = np.zeros(0, dtype=np.uint16)  # a bit a state
        self.first_time = np.zeros(0, dtype=np.int64)
        self.first_product = np.zeros(0, dtype=np.int32)
        self.last_product = np.zeros(0, dtype=np.int32)
        self.entry_time = np.zeros((0, self.table.states), dtype=np.int64)
        self.entry_product = np.zeros((0, self.table.states), dtype=np.int32)
        self.entry_category = np.zeros((0, self.table.states), dtype=np.int32)
        self.saved = np.zeros(0, dtype=np.bool_)  # the saved state knows an attempt of the visitor
        self._touched: list[Codes] = []
        self._swept = NO_TIME
        self._leading = np.zeros(0, dtype=np.bool_)  # by product: was ever clicked in a class that leads on
        self._product_class = np.zeros(0, dtype=np.int32)
        if len(products):
            self.grow(visitors=0, products=int(products.max()) + 1)
            self._product_class[products] = np.arange(1, len(products) + 1)

    def grow(self, *, visitors: int, products: int) -> None:
        """Make room for codes below these."""
        if visitors > len(self.state):
            for name in BY_VISITOR:
                setattr(self, name, _grown(getattr(self, name), visitors))
        if products > len(self._leading):
            self._leading = _grown(self._leading, products)
            self._product_class = _grown(self._product_class, products)

    def classes(self, categories: Codes, texts: Sequence[str | None], products: Codes) -> Codes:
        """The class of each click, from its category (an index of ``texts``) and its product."""
        known = self.table.categories
        width = len(self.table.products) + 1
        table = np.fromiter((known.get(t or "", 0) * width for t in texts), dtype=np.int32, count=len(texts))
        classes: Codes = table[categories]
        return classes + self._product_class[products] if width > 1 else classes

    def lead(self, products: Codes) -> None:
        """Note that these products may be some attempt's last one."""
        self._leading[products] = True

    def advance(self, clicks: Clicks) -> Moves:
        """Take the next clicks of the visitors: those that ``effective`` chose."""
        moves = Moves()
        if len(clicks.rows):
            run = _Run(self, clicks, moves)
            run.work()
            self._store(run)
        return moves

    def running(self) -> Flags:
        """By visitor code: whether an attempt runs."""
        return self.state > 0

    def touched(self) -> Codes:
        """Visitors whose attempt may have changed since the last call."""
        touched, self._touched = self._touched, []
        return np.unique(np.concatenate(touched)) if touched else np.zeros(0, dtype=np.int32)

    def sweep(self, watermark: int) -> None:
        """Forget the attempts that no click can go on with: all that come are too late for them."""
        if watermark - self._swept < SWEEP:
            return
        self._swept = watermark
        running = np.flatnonzero(self.state)
        over = running[self.first_time[running] + self.within < watermark].astype(np.int32)
        if len(over):
            self.state[over] = 0
            self._touched.append(over)

    def effective(self, *, visitors: Codes, products: Codes, classes: Codes) -> Rows:
        """Positions of the clicks that may change something, of clicks grouped by visitor in log order.

        After a click that surely ends any attempt, and at first if no attempt runs, all clicks change nothing
        until one begins an attempt. An inert click surely ends any attempt unless it may be a refresh.
        """
        size = len(visitors)
        if not size:
            return np.zeros(0, dtype=np.int64)
        inert = self.table.inert[classes]
        begins = self.table.begins[classes]
        self._leading[products[~inert]] = True
        ends = inert & ~self._leading[products] if self.pattern.ignore_refresh else inert
        starts = np.empty(size, dtype=np.bool_)
        starts[0] = True
        np.not_equal(visitors[1:], visitors[:-1], out=starts[1:])
        idle = np.zeros(size, dtype=np.bool_)  # no attempt runs before the visitor's first click
        first = np.flatnonzero(starts)
        idle[first] = self.state[visitors[first]] == 0
        known = begins | ends | starts
        latest = np.maximum.accumulate(np.where(known, np.arange(size), 0))
        idle_after = (ends | (idle & ~begins))[latest]
        idle[1:] |= ~starts[1:] & idle_after[:-1]
        return np.flatnonzero(begins | ~idle)

    def _store(self, run: _Run) -> None:
        visitors = run.visitors
        self.state[visitors] = run.state
        self.first_time[visitors] = run.first_time
        self.first_product[visitors] = run.first_product
        self.last_product[visitors] = run.last_product
        self.entered[visitors] = run.entered
        group, state = np.nonzero((run.entry >= 0) & (run.state > 0)[:, None])
        position = run.entry[group, state]
        self.entry_time[visitors[group], state] = run.clicks.times[position]
        self.entry_product[visitors[group], state] = run.clicks.products[position]
        self.entry_category[visitors[group], state] = run.clicks.categories[position]
        self._touched.append(visitors[(run.before > 0) | (run.state > 0)])


class _Run:
    """One frame's work: the state of the visitors that occur, a line each, most clicks first."""

    def __init__(self, machine: Machine, clicks: Clicks, moves: Moves) -> None:
        self.machine, self.clicks, self.moves = machine, clicks, moves
        first = np.flatnonzero(np.diff(clicks.visitors, prepend=-1))
        counts = np.diff(first, append=len(clicks.rows))
        order = np.argsort(-counts, kind="stable")
        self.first: Rows = first[order]
        self.counts: Rows = counts[order]
        self.visitors: Codes = clicks.visitors[self.first]
        self.state = machine.state[self.visitors]
        self.before = self.state.copy()
        self.entered = machine.entered[self.visitors]
        self.first_time = machine.first_time[self.visitors]
        self.first_product = machine.first_product[self.visitors]
        self.last_product = machine.last_product[self.visitors]
        self.entry = np.full((len(first), machine.table.states), -1, dtype=np.int32)
        """Position of the click that entered each state; -1: before this frame, or never."""

    def work(self) -> None:
        """Take all clicks, a round for the next one of every visitor."""
        done = 0
        while (active := int(np.searchsorted(-self.counts, -done))) >= FEW:
            self._round(active, self.first[:active] + done)
            done += 1
        for line in range(active):
            self._visitor(line, done)

    def _round(self, active: int, at: Rows) -> None:
        """The next click, ``at`` these positions, of the first ``active`` lines."""
        machine, table = self.machine, self.machine.table
        times, products = self.clicks.times[at], self.clicks.products[at]
        state = self.state[:active].astype(np.int64)
        first_time, first_product = self.first_time[:active], self.first_product[:active]
        state[times - first_time >= machine.within] = 0
        index = (products != first_product) * table.states + state
        index *= table.classes
        index += self.clicks.classes[at]
        actions = table.actions[index]
        if machine.pattern.ignore_refresh:
            refresh = (state > 0) & (products == self.last_product[:active])
            np.copyto(actions, state, where=refresh, casting="unsafe")
        np.bitwise_and(actions, TARGET, out=self.state[:active], casting="unsafe")
        self.last_product[:active] = products
        moved = np.flatnonzero(actions >= MOVED)
        if not len(moved):
            return
        actions, at = actions[moved], at[moved]
        self._record(self.clicks.rows[at], actions)
        begun = (actions & BEGIN) > 0
        begins = moved[begun]
        first_time[begins] = times[begins]
        first_product[begins] = products[begins]
        self.entered[begins] = 0
        for i in np.flatnonzero(actions & DONE):
            self._hit(int(moved[i]), int(at[i]))
        target = actions & TARGET
        bit = np.left_shift(1, target, dtype=np.uint16)
        entered = self.entered[moved]
        self.entered[moved] = (entered & (bit - 1)) | bit
        fresh = (entered & bit) == 0
        self.entry[moved[fresh], target[fresh]] = at[fresh]

    def _visitor(self, line: int, done: int) -> None:
        """All clicks of one visitor but the first ``done``: the same as ``_round``, for few."""
        machine, table = self.machine, self.machine.table
        begin, end = int(self.first[line]) + done, int(self.first[line] + self.counts[line])
        state, first_time = int(self.state[line]), int(self.first_time[line])
        first_product, last_product = int(self.first_product[line]), int(self.last_product[line])
        entered, entry = int(self.entered[line]), self.entry[line]
        ignore_refresh, within, actions, classes = (
            *(machine.pattern.ignore_refresh, machine.within),
            *(table.action_bytes, table.classes),
        )
        span = slice(begin, end)
        clicks = zip(
            range(begin, end),
            self.clicks.times[span].tolist(),
            self.clicks.products[span].tolist(),
            self.clicks.classes[span].tolist(),
            strict=True,
        )
        rows: list[int] = []
        moves: list[int] = []
        for at, time, product, kind in clicks:
            if time - first_time >= within:
                state = 0
            if ignore_refresh and state and product == last_product:
                continue
            action = actions[((product != first_product) * table.states + state) * classes + kind]
            state = action & TARGET
            last_product = product
            if action < MOVED:
                continue
            rows.append(at)
            moves.append(action)
            if action & BEGIN:
                first_time, first_product, entered = time, product, 0
            if action & DONE:
                self.entered[line] = entered
                self._hit(line, at)
            if not entered >> state & 1:
                entry[state] = at
            entered = entered & ((1 << state) - 1) | 1 << state
        self.state[line], self.first_time[line], self.entered[line] = state, first_time, entered
        self.first_product[line], self.last_product[line] = first_product, last_product
        if rows:
            self._record(self.clicks.rows[rows], np.array(moves, dtype=np.uint8))

    def _record(self, rows: Rows, actions: npt.NDArray[np.uint8]) -> None:
        self.moves.rows.append(rows)
        self.moves.actions.append(actions)

    def _hit(self, line: int, at: int) -> None:
        """Note a completed pattern: ``entered`` and ``entry`` are as they were before the click."""
        machine, clicks = self.machine, self.clicks
        entered, visitor = int(self.entered[line]), int(self.visitors[line])
        matched = []
        for state in range(1, machine.table.states):
            if not entered >> state & 1:
                continue
            position = int(self.entry[line, state])
            if position >= 0:
                matched.append(_click(clicks, position))
            else:
                place = (visitor, state)
                known = (machine.entry_time[place], machine.entry_product[place], machine.entry_category[place])
                matched.append((int(known[0]), int(known[1]), int(known[2])))
        matched.append(_click(clicks, at))
        self.moves.hits.append(Hit(int(clicks.rows[at]), int(clicks.audience[at]), matched))


def _click(clicks: Clicks, at: int) -> tuple[int, int, int]:
    return int(clicks.times[at]), int(clicks.products[at]), int(clicks.categories[at])


def _grown(array: npt.NDArray[_Scalar], needed: int) -> npt.NDArray[_Scalar]:
    """The array with room for at least ``needed`` lines; new ones are zero."""
    larger = np.zeros((max(needed, 2 * len(array), 1024), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
