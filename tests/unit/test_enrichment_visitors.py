"""Visitors packed many at a time are what they are one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from footfall.processors.enrichment.visitor import all_packed, packed

BIRTHDAYS = st.one_of(st.none(), st.dates().map(str), st.sampled_from(["", "1980", "1980-02", "1980-2-3", "x", "NaT"]))
GENDERS = st.sampled_from([None, "", "M", "f", "Female", "U", "x"])


@given(st.lists(st.one_of(st.none(), st.tuples(GENDERS, BIRTHDAYS))))
def test_many_visitors_are_packed_like_each(found: list[tuple[str | None, str | None] | None]) -> None:
    assert all_packed(found).tolist() == [0 if each is None else packed(*each) for each in found]
