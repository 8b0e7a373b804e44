"""Numbers on disk stay the same for ever: ids, fingerprints, partitions."""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import hashing
from footfall.core.events import CODED, TIME

TEXTS = st.lists(st.none() | st.sampled_from(["", "a", "b", "Zoë"]), min_size=1, max_size=12)


def coded(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, type=CODED)


def test_published_numbers_never_change() -> None:
    # XXH3-64 of "ada"; the finaliser of SplitMix64 from state 0; CRC-32 of "ada".
    assert hashing.text_hash("") == 0x2D06800538D394C2
    assert hashing.mix(np.zeros(1, dtype=np.uint64))[0] == 0xE220A8397B1DCDAF
    assert hashing.id_from_text("").hex() == "99aa06d3014798d86001c324468d497f"
    assert zlib.crc32(b"123456789") == 0xCBF43926
    assert hashing.partition_of("123456789", 1_000) == 0xCBF43926 % 1_000


@given(TEXTS, st.integers(0, 11))
def test_a_rows_number_does_not_depend_on_the_batch_it_is_in(texts: list[str | None], start: int) -> None:
    whole = hashing.column_hashes(coded(texts))
    part = hashing.column_hashes(coded(texts).slice(start))
    assert part.tolist() == whole[start:].tolist()
    assert whole.tolist() == hashing.text_hashes(texts).tolist()


@given(st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1, max_size=9))
def test_integers_and_times_count_as_themselves_and_nothing_as_absent(values: list[int | None]) -> None:
    expected = [hashing.ABSENT if v is None else v % 2**64 for v in values]
    assert hashing.column_hashes(pa.array(values, type=pa.int64())).tolist() == expected
    assert hashing.column_hashes(pa.array(values, type=pa.int64()).cast(TIME)).tolist() == expected


@given(TEXTS, TEXTS)
def test_columns_do_not_commute_and_lanes_are_independent(one: list[str | None], two: list[str | None]) -> None:
    size = min(len(one), len(two))
    left, right = hashing.text_hashes(one[:size]), hashing.text_hashes(two[:size])
    forth, back = hashing.row_hashes([left, right]), hashing.row_hashes([right, left])
    assert ((forth == back) == (left == right)).all()
    assert (hashing.row_hashes([left], lane=0) != hashing.row_hashes([left], lane=1)).all()


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8), st.integers(0, 7))
def test_ids_and_lanes_are_each_others_inverse_in_any_slice(numbers: list[int], start: int) -> None:
    ids = hashing.ids_of([np.array(numbers, dtype=np.uint64)])
    ids.validate(full=True)
    lanes = hashing.lanes_of(ids.slice(start))
    assert hashing.ids_from_lanes(np.ascontiguousarray(lanes)).to_pylist() == ids.to_pylist()[start:]
    assert [one.hex() for one in ids.to_pylist()] == [
        (int(a).to_bytes(8, "little") + int(b).to_bytes(8, "little")).hex() for a, b in hashing.lanes_of(ids)
    ]


def test_ids_of_no_rows_are_no_ids() -> None:
    assert hashing.lanes_of(pa.array([], type=pa.binary(16))).shape == (0, 2)
    assert len(hashing.ids_of([np.zeros(0, dtype=np.uint64)])) == 0


@pytest.mark.parametrize("partitions", [1, 2, 64])
def test_every_key_has_a_partition(partitions: int) -> None:
    assert {hashing.partition_of(f"user-{n}", partitions) for n in range(1_000)} == set(range(partitions))
