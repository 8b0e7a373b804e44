"""The Arrow codec: what is written reads back, and no more is written than is shown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.codes import coded
from footfall.core.events import CODED
from footfall.log.codecs.arrow import compact, decode, encode


def visits(rows: int, users: int) -> pa.RecordBatch:
    codes = (np.arange(rows, dtype=np.int32) * 7) % users
    codes[::5] = -1
    return pa.RecordBatch.from_arrays(
        [
            coded(codes, [f"user-{i}" for i in range(users)]),
            pa.array(np.arange(rows)),
            pa.array(np.arange(rows) % 3 == 0),
        ],
        names=["user", "n", "flag"],
    )


@given(st.integers(0, 50), st.integers(1, 200), st.integers(0, 50), st.integers(0, 50))
def test_any_slice_reads_back_as_it_was(rows: int, users: int, start: int, length: int) -> None:
    batch = visits(rows, users).slice(min(start, rows), length)

    found = decode(encode(batch))

    assert found.schema == batch.schema
    assert found.to_pylist() == batch.to_pylist()
    found.validate(full=True)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_batches_read_back(compression: str) -> None:
    batch = visits(1000, 10)

    assert decode(encode(batch, compression=compression)).equals(batch)  # type: ignore[arg-type]


def test_a_small_slice_of_a_large_batch_is_small() -> None:
    whole = visits(10_000, 10_000)

    assert encode(whole.slice(500, 20)).size < 2_000


def test_small_dictionaries_are_left_alone() -> None:
    batch = visits(100, 200)

    assert compact(batch) is batch


def test_a_compacted_column_keeps_its_type() -> None:
    ordered = pa.DictionaryArray.from_arrays(pa.array([3, None], pa.int8()), pa.array(list("abcdefgh")), ordered=True)
    batch = compact(
        pa.RecordBatch.from_arrays([ordered, coded(np.array([-1, -1], np.int32), list("abcdef"))], ["a", "b"])
    )

    assert batch.schema.types == [ordered.type, CODED]
    assert [len(column.dictionary) for column in batch.columns] == [1, 0]
    assert batch.to_pylist() == [{"a": "d", "b": None}, {"a": None, "b": None}]


@pytest.mark.parametrize("data", [b"", b"no arrow", encode(visits(3, 3)).to_pybytes()[:200]])
def test_other_bytes_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an Arrow batch"):
        decode(data)
