"""Counts equal a dictionary, whatever is added, dropped, saved and restored."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footfall.processors.counts import Counts, Ints

STEP: st.SearchStrategy[tuple[str, list[int]]] = st.one_of(
    st.tuples(st.just("count"), st.lists(st.integers(0, 20), max_size=8)),
    st.tuples(st.just("drop"), st.lists(st.integers(0, 20), min_size=1, max_size=1)),
    st.tuples(st.just("save"), st.just([])),
    st.tuples(st.just("restart"), st.just([])),
)


def held(counts: Counts) -> dict[int, int]:
    assert (np.diff(counts.keys) > 0).all()
    return dict(zip(counts.keys.tolist(), counts.values.tolist(), strict=True))


@given(st.lists(STEP, max_size=25))
def test_counts_equal_a_dictionary_through_any_save_and_restart(steps: list[tuple[str, list[int]]]) -> None:
    counts, saved = Counts(), list[tuple[Ints, Ints]]()
    plain: Counter[int] = Counter()
    dropped = 0
    for what, keys in steps:
        if what == "count":
            counts.count(np.array(keys, dtype=np.int64))
            plain.update(keys)
        elif what == "drop":
            dropped = max(dropped, keys[0])
            counts.drop_below(dropped)
        else:
            changes = counts.changes()
            if changes is not None:
                saved = [*([] if changes[2] else saved), changes[:2]]
            if what == "restart":
                counts = Counts()
                counts.restore(saved)
        counts.drop_below(dropped)
        plain = Counter({key: count for key, count in plain.items() if key >= dropped})
        assert held(counts) == plain


def test_nothing_new_is_nothing_to_save() -> None:
    counts = Counts()
    counts.count(np.zeros(0, dtype=np.int64))
    counts.add(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert counts.changes() is None
    counts.restore([(np.array([1]), np.array([2]))])
    assert counts.changes() is None


def test_an_increment_may_be_negative() -> None:
    counts = Counts()
    counts.add(np.array([1, 2]), np.array([3, 1]))
    counts.add(np.array([2]), np.array([-1]))
    assert held(counts) == {1: 3, 2: 0}


def test_what_is_saved_stays_in_proportion_to_what_is_held() -> None:
    counts, rows, saved = Counts(), 0, list[tuple[Ints, Ints]]()
    for n in range(12_000):
        counts.count(np.array([n]))
        counts.drop_below(n - 10)
        changes = counts.changes()
        assert changes is not None
        rows = len(changes[0]) + (0 if changes[2] else rows)
        if changes[2]:
            saved.clear()
        saved.append(changes[:2])
        assert rows <= 10_000 + 2 * 11
    restored = Counts()
    restored.restore(saved)
    restored.drop_below(11_989)
    assert held(restored) == held(counts)
