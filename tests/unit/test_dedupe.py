"""Each event id comes through once; the same id with another content is a conflict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from footfall.core.events import Batch
from footfall.processors.dedupe import SeenIds, SeenKeys
from tests.unit.streams import clicks


def batch(*texts: str, **more: Any) -> Batch:
    """A click for each text: its id is the text's first part, its product the whole text."""
    return clicks([{"id": text.partition("/")[0], "productId": text, **more} for text in texts])


def sift(seen: SeenIds, *texts: str, **more: Any) -> tuple[list[int], list[int], list[int]]:
    sifted = seen.sift(batch(*texts, **more))
    return sifted.fresh.tolist(), sifted.duplicates.tolist(), sifted.conflicts.tolist()


def restored(seen: SeenIds, capacity: int) -> SeenIds:
    again = SeenIds(capacity=capacity)
    changes = seen.changes()
    again.restore([changes[0]] if changes else [])
    return again


def ids(start: int, stop: int) -> Sequence[str]:
    return [f"id-{n}" for n in range(start, stop)]


def test_a_repeated_event_is_a_duplicate_in_one_batch_and_in_the_next() -> None:
    seen = SeenIds()
    assert sift(seen, "a", "b", "a") == ([0, 1], [2], [])
    assert sift(seen, "b", "c") == ([1], [0], [])
    assert len(seen) == 3


def test_the_same_id_with_another_content_is_a_conflict_and_the_first_one_counts() -> None:
    seen = SeenIds()
    assert sift(seen, "a/1", "a/2", "a/1") == ([0], [2], [1])
    assert sift(seen, "a/2", "a/1") == ([], [1], [0])


@pytest.mark.parametrize("field", ["userId", "event_type", "original_timestamp"])
def test_each_field_of_the_content_counts(field: str) -> None:
    seen = SeenIds()
    sift(seen, "a", userId="ada", event_type="view", original_timestamp=1)
    other = {"userId": "ada", "event_type": "view", "original_timestamp": 1}
    assert sift(seen, "a", **other) == ([], [0], [])
    assert sift(seen, "a", **other | {field: 2 if field == "original_timestamp" else "cart"}) == ([], [], [0])


def test_time_address_and_lateness_are_no_content() -> None:
    seen = SeenIds()
    sift(seen, "a")
    assert sift(seen, "a", timestamp=5, ip=None, late=True, userAgent="x") == ([], [0], [])


@pytest.mark.parametrize("restart", [False, True])
def test_an_id_is_remembered_for_at_least_capacity_further_events(restart: bool) -> None:
    for position in range(12):
        seen = SeenIds(capacity=10)
        sift(seen, *ids(100, 100 + position), "x")
        if restart:
            seen = restored(seen, 10)
        for n in range(9):
            sift(seen, f"id-{n}")
        assert sift(seen, "x") == ([], [0], [])


def test_memory_is_bounded_because_old_ids_are_forgotten() -> None:
    seen = SeenIds(capacity=10)
    for n in range(200):
        sift(seen, f"id-{n}")
        assert len(seen) <= 20
    assert sift(seen, "id-0", "id-199") == ([0], [1], [])


def test_a_turn_over_replaces_what_was_saved() -> None:
    seen = SeenIds(capacity=4)
    sift(seen, *ids(0, 3))
    changes = seen.changes()
    assert changes is not None
    assert (changes[0].num_rows, changes[1]) == (3, False)
    sift(seen, *ids(3, 6))
    sift(seen, *ids(6, 10))
    changes = seen.changes()
    assert changes is not None
    assert (changes[0].num_rows, changes[1]) == (4, True)
    assert seen.changes() is None


def test_tables_grow_without_losing_an_id() -> None:
    seen = SeenIds()
    rows = 50_000
    assert len(sift(seen, *ids(0, rows))[0]) == rows
    assert len(sift(seen, *ids(rows // 2, 2 * rows))[0]) == rows
    assert len(sift(seen, *ids(0, 2 * rows))[1]) == 2 * rows


def test_an_empty_batch_changes_nothing() -> None:
    seen = SeenIds()
    assert sift(seen) == ([], [], [])
    assert seen.changes() is None


def test_numbers_are_counted_once_through_a_restart() -> None:
    keys = SeenKeys()
    keys.add(np.array([3, 3, 0, 2**64 - 1], dtype=np.uint64))
    changes = keys.changes()
    assert changes is not None
    again = SeenKeys()
    again.restore([changes[0]])
    again.add(np.array([3, 0, 7], dtype=np.uint64))
    assert (len(keys), len(again), changes[1]) == (3, 4, False)
    more = again.changes()
    assert more is not None
    assert more[0].column("key").to_pylist() == [7]


@pytest.mark.parametrize("form", ["{:032x}", "{:016x}0000000000000000", "0190a5e0{:08x}7000800000000000"])
def test_ids_that_count_up_are_told_apart(form: str) -> None:
    numbers = range(20_000)
    seen = SeenIds()

    sifted = seen.sift(clicks([{"event_id": bytes.fromhex(form.format(n))} for n in numbers]))

    assert len(sifted.fresh) == len(numbers)
    assert len(seen.sift(clicks([{"event_id": bytes.fromhex(form.format(n))} for n in numbers])).duplicates) == 20_000
