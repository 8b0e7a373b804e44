"""Clicks come out by event time, and late ones are marked, however the input is cut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.codes import coded, constant
from footfall.core.events import CLICK_SCHEMA, CODED, TIME, Batch
from footfall.core.hashing import ids_of
from footfall.sources.order import Orderer

LATENESS = 10
Row = tuple[int, int, bool]


def clicks(times: Sequence[int], *, first: int = 0) -> Batch:
    """A click for each time (ms); ``original_timestamp`` numbers the rows."""
    rows = len(times)
    numbers = np.arange(first, first + rows, dtype=np.int64)
    texts = coded(np.arange(rows, dtype=np.int32), [f"user-{n}" for n in numbers])
    return pa.RecordBatch.from_arrays(
        [
            pa.array(times, type=pa.int64()).view(TIME),
            ids_of([numbers.view(np.uint64)]),
            texts,
            texts,
            constant("view", rows),
            pa.array(numbers),
            pa.nulls(rows, CODED),
            pa.nulls(rows, CODED),
            pa.nulls(rows, pa.int16()),
            *[pa.nulls(rows, CODED)] * 4,
            pa.repeat(pa.scalar(False), rows),
        ],
        schema=CLICK_SCHEMA,
    )


def rows_of(batches: Sequence[Batch]) -> list[Row]:
    """Time, number and lateness of each row; checks that texts stayed with their rows."""
    found: list[Row] = []
    for batch in batches:
        assert batch.schema == CLICK_SCHEMA
        times = batch.column("timestamp").view(pa.int64()).to_pylist()
        numbers = batch.column("original_timestamp").to_pylist()
        assert batch.column("userId").to_pylist() == [f"user-{n}" for n in numbers]
        assert batch.column("late").null_count == 0
        found += zip(times, numbers, batch.column("late").to_pylist(), strict=True)
    return found


def by_the_rule(times: Sequence[int], high: int | None) -> tuple[list[Row], list[Row]]:
    """The rule of the module, row by row: what is put out before the end, and at the end."""
    out: list[Row] = []
    held: list[Row] = []
    newest = -(1 << 60) if high is None else high
    for number, ts in enumerate(times):
        if ts < newest - LATENESS:
            out.append((ts, number, True))
            continue
        newest = max(newest, ts)
        held = sorted([*held, (ts, number, False)])
        out += [row for row in held if row[0] < newest - LATENESS]
        held = [row for row in held if row[0] >= newest - LATENESS]
    return out, held


def ordered(times: Sequence[int], cuts: Sequence[int], high: int | None) -> tuple[list[Row], list[Row]]:
    """What our code puts out before the end and at the end, for an input cut at these places."""
    ordering = Orderer(timedelta(milliseconds=LATENESS)).start(high)
    out: list[Batch] = []
    edges = [0, *sorted(c % (len(times) + 1) for c in cuts), len(times)]
    for start, stop in pairwise(edges):
        out += ordering.push(clicks(times[start:stop], first=start))
    return rows_of(out), rows_of(ordering.flush())


@given(
    st.lists(st.integers(0, 60), max_size=60),
    st.lists(st.integers(0, 60), max_size=12),
    st.none() | st.integers(0, 40),
)
def test_any_input_cut_anywhere_comes_out_by_the_rule(times: list[int], cuts: list[int], high: int | None) -> None:
    assert ordered(times, cuts, high) == by_the_rule(times, high)


@given(st.lists(st.integers(0, 8), max_size=200))
def test_slightly_disordered_input_comes_out_sorted_and_punctual(jumps: list[int]) -> None:
    times = [3 * i + jump for i, jump in enumerate(jumps)]

    out, rest = ordered(times, range(0, len(times), 7), None)

    assert [r[0] for r in out + rest] == sorted(times)
    assert not any(late for _, _, late in out + rest)


def test_one_row_at_a_time_gives_the_same_as_all_at_once() -> None:
    times = [int(t) for t in np.random.default_rng(1).integers(0, 300, 400)]

    assert ordered(times, range(400), None) == ordered(times, [], None)


def test_sorted_input_is_passed_on_without_a_copy() -> None:
    ordering = Orderer(timedelta(milliseconds=LATENESS)).start()
    batch = clicks(list(range(100)))

    (due,) = ordering.push(batch)

    assert due.num_rows == 89
    assert due.column("event_id").buffers()[1].address == batch.column("event_id").buffers()[1].address
    assert ordering.held == 11


def test_the_newest_time_is_known_before_and_after_the_first_row() -> None:
    ordering = Orderer().start()
    assert ordering.high is None

    ordering.push(clicks([5, 3]))

    assert ordering.high == 5
    assert Orderer().start(9).high == 9


def test_many_small_pieces_do_not_pile_up() -> None:
    ordering = Orderer(timedelta(seconds=10)).start()

    for number in range(2_000):
        ordering.push(clicks([number], first=number))

    assert ordering.held == 2_000
    assert len(ordering._held) <= 65
    assert [row[1] for row in rows_of(ordering.flush())] == list(range(2_000))


def test_a_row_that_stays_behind_does_not_keep_the_texts_of_its_batch() -> None:
    ordering = Orderer(timedelta(milliseconds=LATENESS)).start()
    ordering.push(clicks(list(range(1_000))))

    (held,) = ordering.flush()

    assert len(held.column("userId").dictionary) == held.num_rows == 11
