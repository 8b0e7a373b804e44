"""De-duplication equals a dictionary, however the clicks are cut into batches and wherever it restarts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from footfall.core.events import Batch
from footfall.processors.dedupe import SeenIds
from tests.unit.streams import clicks

EVENTS = st.lists(st.tuples(st.integers(0, 25), st.sampled_from("aaab")), max_size=60)
CUTS = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=8)
"""Where a batch ends, and whether the operator is saved and restored there."""


def plain(events: list[tuple[int, str]]) -> list[str]:
    """What becomes of each event, one at a time."""
    seen: dict[int, str] = {}
    found = []
    for number, content in events:
        first = number not in seen
        found.append("fresh" if first else "duplicate" if seen[number] == content else "conflict")
        seen.setdefault(number, content)
    return found


def sifted(events: list[tuple[int, str]], cuts: list[tuple[int, bool]], capacity: int) -> list[str]:
    batch = clicks([{"id": number, "productId": content} for number, content in events])
    edges = dict([(0, False), *sorted(cuts), (len(events), False)])
    seen, saved = SeenIds(capacity=capacity), list[Batch]()
    found = [""] * len(events)
    for start, stop in pairwise(sorted(edge for edge in edges if edge <= len(events))):
        if edges[start]:
            changes = seen.changes()
            if changes is not None:
                saved = [*([] if changes[1] else saved), changes[0]]
            seen = SeenIds(capacity=capacity)
            seen.restore(saved)
        result = seen.sift(batch.slice(start, stop - start))
        for name, rows in (("fresh", result.fresh), ("duplicate", result.duplicates), ("conflict", result.conflicts)):
            assert sorted(rows.tolist()) == rows.tolist()
            for row in rows.tolist():
                assert not found[start + row]
                found[start + row] = name
    return found


@given(EVENTS, CUTS)
def test_any_cut_and_any_restart_tell_fresh_duplicate_and_conflict_like_a_dictionary(
    events: list[tuple[int, str]], cuts: list[tuple[int, bool]]
) -> None:
    assert sifted(events, cuts, capacity=1_000) == plain(events)


@given(EVENTS, CUTS, st.integers(1, 12))
def test_an_id_that_was_new_within_capacity_new_ids_is_never_taken_for_a_new_one(
    events: list[tuple[int, str]], cuts: list[tuple[int, bool]], capacity: int
) -> None:
    found = sifted(events, cuts, capacity)
    fresh: list[int] = []
    for (number, _), what in zip(events, found, strict=True):
        if number in fresh[-capacity:]:
            assert what != "fresh"
        if what == "fresh":
            fresh.append(number)
