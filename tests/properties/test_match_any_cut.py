"""MATCH_RECOGNIZE finds what a naive search finds that goes by Flink's rules, however rows are cut and come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.errors import Failure
from footfall.processors.relational import join_side
from footfall.processors.relational.match import Match
from footfall.processors.relational.match_order import Order
from footfall.processors.relational.match_pattern import PatternItem
from footfall.processors.relational.matching import Bindings, Condition, OfBoth, OfMatch, OfRow
from footfall.processors.relational.rows import END_OF_TIME, Kind
from tests.properties.relational_rows import Driver, Event, as_rows
from tests.properties.relational_times import drive, watermarked

TIME: Final = pa.timestamp("ms", tz="UTC")
SCHEMA: Final = pa.schema([("k", pa.string()), ("letter", pa.string()), ("n", pa.int64()), ("t", TIME)])
OUTPUT: Final = pa.schema([("k", pa.string()), ("first", pa.int64()), ("last", pa.int64())])
START: Final = datetime(2026, 3, 1, tzinfo=UTC)

Row = tuple[str | None, str, int, datetime]
Taken = list[tuple[str, Row]]


def letter(*wanted: str) -> OfRow:
    """A condition on the letter of a row."""
    return OfRow(lambda rows: pc.is_in(rows.batch.column("letter").cast(pa.string()), pa.array(wanted)))


@dataclass(frozen=True)
class Rule:
    """A variable's condition, in the operator's form and as the naive search looks at it."""

    condition: Condition
    holds: Callable[[Taken], bool]
    """Of what was taken, the row in question included."""


def of_letters(*wanted: str) -> Rule:
    return Rule(letter(*wanted), lambda taken: taken[-1][1][1] in wanted)


def rises(bindings: Bindings) -> bool | None:
    first, last = bindings.value("", "n", "first", 0), bindings.value("", "n", "last", 0)
    return None if first is None or last is None else bool(last >= first)


def rising(taken: Taken) -> bool:
    return taken[-1][1][2] >= taken[0][1][2]


def few(bindings: Bindings) -> bool:
    return sum(bindings.values("B", "n")) < 5 and len(bindings.values("B", None)) < 4


def are_few(taken: Taken) -> bool:
    mine = [row[2] for of, row in taken if of == "B"]
    return sum(mine) < 5 and len(mine) < 4


RULES: Final = {
    "A": [of_letters("a"), of_letters("a", "b"), Rule(OfMatch(rises), rising)],
    "B": [
        of_letters("b"),
        of_letters("a", "b", "c"),
        Rule(OfMatch(few), are_few),
        Rule(OfBoth(letter("b").compute, rises), lambda taken: taken[-1][1][1] == "b" and rising(taken)),
    ],
    "C": [of_letters("c"), of_letters("a", "c"), Rule(OfMatch(rises), rising)],
}


def items(least: int, most: int | None, *, reluctant: bool) -> PatternItem:
    inner = (
        PatternItem(variable="A"),
        PatternItem(variable="B", least=least, most=most, reluctant=reluctant),
        PatternItem(items=(PatternItem(variable="C"),)),
    )
    return PatternItem(items=inner)


PATTERNS: Final = [
    items(1, 1, reluctant=False),
    items(0, None, reluctant=False),
    items(1, None, reluctant=False),
    items(2, None, reluctant=False),
    items(0, 1, reluctant=False),
    items(1, 3, reluctant=False),
    items(0, 2, reluctant=False),
    items(0, None, reluctant=True),
    items(1, 3, reluctant=True),
    PatternItem(items=(PatternItem(variable="A", most=None), PatternItem(variable="C"))),
    PatternItem(items=(PatternItem(variable="A"), PatternItem(variable="C", most=None, reluctant=True))),
    PatternItem(items=(PatternItem(variable="A", most=None), PatternItem(variable="C", least=0))),
    PatternItem(variable="A"),
]


class Search:
    """All ways through a pattern from one row on, tried one after the other."""

    def __init__(self, match: Match, rules: dict[str, Rule], rows: Sequence[Row]) -> None:
        inner = match.pattern.items or (match.pattern,)
        self._items = [one.items[0] if one.items else one for one in inner]
        self._rules = rules
        self._rows = rows
        self._within = match.within

    def _holds(self, variable: str, taken: Taken, row: Row) -> bool:
        return self._rules[variable].holds([*taken, (variable, row)])

    def _barred(self, item: int, count: int, taken: Taken, row: Row) -> bool:
        """Whether the greedy variable before would take this row."""
        if item == 0 or count:
            return False
        before = self._items[item - 1]
        greedy = not before.reluctant and before.most not in {max(before.least, 1), 1}
        return greedy and self._holds(before.variable, taken, row)

    def _is_complete(self, item: int, count: int, taken: Taken, row: Row, before: Taken) -> bool:
        """Whether nothing more is needed after this row."""
        if item == len(self._items):
            return True
        if count < self._items[item].least or self._barred(item, count, before, row):
            return False
        return self._is_complete(item + 1, 0, taken, row, before)

    def from_row(self, first: int) -> tuple[int | None, bool]:
        """The last row of the first match that is complete, and whether rows to come could complete another one."""
        ends: list[int] = []
        open_ends: list[bool] = []
        for end in self._ways(0, 0, [], first, first):
            if end is None:
                open_ends.append(True)
            else:
                ends.append(end)
        return min(ends, default=None), bool(open_ends)

    def _ways(self, item: int, count: int, taken: Taken, at: int, first: int) -> Iterator[int | None]:
        if item == len(self._items):
            return
        if at == len(self._rows):
            yield None
            return
        row, one = self._rows[at], self._items[item]
        if self._within is not None and row[3] - self._rows[first][3] >= timedelta(milliseconds=self._within):
            return
        if self._barred(item, count, taken, row):
            return
        if (one.most is None or count < one.most) and self._holds(one.variable, taken, row):
            more = [*taken, (one.variable, row)]
            if self._is_complete(item, count + 1, more, row, taken):
                yield at
            full = count + 1 == one.most
            yield from self._ways(item + full, 0 if full else count + 1, more, at + 1, first)
        if count >= one.least:
            yield from self._ways(item + 1, 0, taken, at, first)


def expected(match: Match, rules: dict[str, Rule], events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """Matches of all partitions: the key, and the numbers of the first and last row."""
    found = []
    for key in {row[0] for _, row in events}:
        rows = sorted((row for _, row in events if row[0] == key), key=lambda row: row[3])
        search = Search(match, rules, rows)
        limit = 0
        for first in range(len(rows)):
            if first < limit:
                continue
            last, is_open = search.from_row(first)
            if last is not None:
                found.append((key, rows[first][2], rows[last][2]))
                limit = first + 1 if match.skip == "to next row" else last + 1
            elif is_open and match.within is None:
                break  # as long as this can become a match, those that began later wait for it
    return found


def setting(pattern: PatternItem, rules: dict[str, Rule], **more: Any) -> Match:
    return Match(
        input=SCHEMA,
        output=OUTPUT,
        partition=("k",),
        time="t",
        pattern=pattern,
        define={name: rule.condition for name, rule in rules.items()},
        measures=(
            ("first", OfMatch(lambda bindings: bindings.value("", "n", "first", 0))),
            ("last", OfMatch(lambda bindings: bindings.value("", "n", "last", 0))),
        ),
        **more,
    )


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def ms(event: Event) -> int:
    return int(event[1][3].timestamp() * 1000 + 0.5)


@st.composite
def letters(draw: st.DrawFn) -> list[Event]:
    """Rows of two partitions; ``n`` are different numbers, and rise a little more often than not."""
    size = draw(st.integers(0, 16))
    times = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size))
    numbers = draw(st.permutations(range(size)))
    return [
        (Kind.INSERT, (draw(st.sampled_from(["x", "x", None])), draw(st.sampled_from("aabbc")), n, at(time)))
        for n, time in zip(numbers, times, strict=True)
    ]


@pytest.mark.parametrize("skip", ["past last row", "to next row"])
@given(
    events=letters(),
    pattern=st.sampled_from(PATTERNS),
    picks=st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 2)),
    within=st.sampled_from([None, None, 5, 15]),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_the_matches_are_those_of_a_naive_search(
    skip: Any,
    events: list[Event],
    pattern: PatternItem,
    picks: tuple[int, int, int],
    within: int | None,
    data: Any,
) -> None:
    rules = {name: RULES[name][pick] for name, pick in zip("ABC", picks, strict=True)}
    match = setting(pattern, rules, skip=skip, within=within)
    stream = data.draw(watermarked(events, ms))

    with patch.object(join_side, "_FEW", data.draw(st.sampled_from([0, 4096]))):
        driver = drive(match, [stream], [SCHEMA], data)

    assert sorted(driver.out, key=repr) == sorted(
        ((Kind.INSERT, row) for row in expected(match, rules, events)), key=repr
    )
    last = {row[2]: ms((kind, row)) for kind, row in events}
    assert all(mark < last[row[2]] for mark, (_, row) in zip(driver.marks, driver.out, strict=True))


ABC: Final = {name: RULES[name][0] for name in "ABC"}
STAR: Final = PATTERNS[1]


def row(key: str, value: str, n: int, time: int) -> Event:
    return Kind.INSERT, (key, value, n, at(time))


def moment(time: int) -> int:
    return ms(row("", "", 0, time))


def test_what_is_looked_at_row_by_row_is_only_where_a_match_can_be() -> None:
    driver = Driver(setting(STAR, ABC, within=1000))
    events = [row(str(n), "abz"[n % 3], n, 0) for n in range(3000)]
    seen: list[int] = []
    followed = driver.running._machine.row  # type: ignore[attr-defined]

    def count(*given: Any) -> Any:
        seen.append(1)
        return followed(*given)

    driver.running._machine.row = count  # type: ignore[attr-defined]
    driver.process(as_rows(SCHEMA, events))
    driver.advance(moment(0))

    assert len(seen) == 1000


def test_a_late_row_is_dropped() -> None:
    driver = Driver(setting(STAR, ABC))
    driver.process(as_rows(SCHEMA, [row("x", "a", 1, 5), row("x", "b", 2, 6)], marks=[moment(0), moment(6)]))
    driver.process(as_rows(SCHEMA, [row("x", "c", 3, 7)], marks=[moment(6)]))
    driver.advance(END_OF_TIME)

    assert [values for _, values in driver.out] == [("x", 1, 3)]


def test_matches_come_in_the_order_of_their_last_rows() -> None:
    driver = Driver(setting(STAR, ABC))
    events = [row("x", "a", 1, 0), row("y", "a", 2, 1), row("y", "c", 3, 2), row("x", "c", 4, 3)]
    driver.process(as_rows(SCHEMA, events))
    driver.advance(END_OF_TIME)

    assert [values for _, values in driver.out] == [("y", 2, 3), ("x", 1, 4)]


def test_rows_of_the_same_time_are_taken_in_the_further_order() -> None:
    driver = Driver(setting(STAR, ABC, order=(Order("n", descending=True),)))
    driver.process(as_rows(SCHEMA, [row("x", "c", 1, 0), row("x", "a", 3, 0), row("x", "b", 2, 0)]))
    driver.advance(END_OF_TIME)

    assert [values for _, values in driver.out] == [("x", 3, 1)]


def test_state_is_freed_when_partial_matches_end() -> None:
    driver = Driver(setting(STAR, ABC, within=10))
    with patch.object(join_side, "_FEW", 0):
        for n in range(200):
            driver.process(as_rows(SCHEMA, [row(f"user {n}", "a", n, n)]))
            driver.advance(moment(n))
            driver.commit()
        driver.advance(moment(1000))
        driver.commit()

    assert sum(batch.num_rows for batch in driver._saved["kept_rows"]) <= 24
    assert not len(driver.running._state.live_codes)  # type: ignore[attr-defined]


def test_a_match_cannot_skip_to_its_own_first_row() -> None:
    driver = Driver(setting(STAR, ABC, skip="to first", skip_to="A"))
    driver.process(as_rows(SCHEMA, [row("x", "a", 1, 0), row("x", "c", 2, 1)]))

    with pytest.raises(Failure, match="never end"):
        driver.advance(END_OF_TIME)


def test_a_match_waits_for_those_that_began_earlier_and_goes_if_they_take_its_rows() -> None:
    rules = {"A": RULES["A"][0], "B": RULES["B"][1], "C": RULES["C"][2]}
    driver = Driver(setting(items(0, None, reluctant=True), rules))
    driver.process(as_rows(SCHEMA, [row("x", "a", 5, 0), row("x", "a", 1, 1), row("x", "c", 3, 2)]))
    driver.advance(moment(2))
    assert not driver.out
    driver.process(as_rows(SCHEMA, [row("x", "c", 6, 3)]))
    driver.advance(moment(3))

    assert [values for _, values in driver.out] == [("x", 5, 6)]


def test_a_later_beginning_goes_on_when_an_earlier_one_took_too_long() -> None:
    rules = {**ABC, "B": Rule(letter("a", "b"), lambda taken: taken[-1][1][1] in "ab")}
    driver = Driver(setting(STAR, rules, within=10))
    driver.process(as_rows(SCHEMA, [row("x", "a", 1, 0), row("x", "a", 2, 6)]))
    driver.advance(moment(6))
    driver.process(as_rows(SCHEMA, [row("x", "b", 3, 11), row("x", "c", 4, 12)]))
    driver.advance(moment(12))

    assert [values for _, values in driver.out] == [("x", 2, 4)]


def test_patterns_that_flink_does_not_know_are_refused() -> None:
    inner = PatternItem(items=(PatternItem(variable="A"), PatternItem(variable="B")), most=None)

    with pytest.raises(ValueError, match="repeat several"):
        setting(inner, ABC).start({})
    with pytest.raises(ValueError, match="at least one row"):
        setting(PatternItem(variable="A", least=0), ABC).start({})


def test_the_look_ahead_goes_on_where_it_stops_counting() -> None:
    events = [row("x", "a", 0, 0), *(row("x", "b", n, n) for n in range(1, 1000)), row("x", "c", 1000, 1000)]
    driver = Driver(setting(STAR, ABC))
    driver.process(as_rows(SCHEMA, events))
    driver.advance(END_OF_TIME)

    assert [values for _, values in driver.out] == [("x", 0, 1000)]
