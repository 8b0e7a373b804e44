"""Keys keep their codes, give their values back, and are the same after a restart."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from footfall.processors.base import Change
from footfall.processors.relational.keys import KeyIndex

KINDS: Final[dict[str, tuple[pa.DataType, list[Any] | None]]] = {
    "text": (pa.string(), [None, "a", "b", "", "c"]),
    "coded": (pa.dictionary(pa.int32(), pa.string()), [None, "a", "b", "", "c"]),
    "long": (pa.int64(), [None, 0, -1, 2**62, -(2**63)]),
    "small": (pa.int8(), [None, 0, 1]),
    "flag": (pa.bool_(), [None, True, False]),
    "time": (pa.timestamp("ms", "UTC"), None),
    "date": (pa.date32(), [None, date(1969, 1, 1), date(2024, 2, 29)]),
    "clock": (pa.time32("ms"), None),
    "float": (pa.float32(), [None, 0.5, -2.0, float("inf")]),
    "decimal": (pa.decimal128(38, 2), [None, Decimal("1.10"), Decimal("-3.00")]),
    "bytes": (pa.binary(), [None, b"", b"\x00"]),
    "list": (pa.list_(pa.int32()), [None, [], [1, None]]),
    "row": (pa.struct([("x", pa.int32())]), [None, {"x": 1}, {"x": None}]),
}


def some(name: str, count: int, draw: random.Random) -> pa.Array:
    kind, values = KINDS[name]
    if values is None:
        return (
            pa.array([draw.choice([None, 1, 86_399_999]) for _ in range(count)], type=pa.int32())
            .cast(pa.int64() if pa.types.is_timestamp(kind) else pa.int32())
            .cast(kind)
        )
    plain = pa.array(
        [draw.choice(values) for _ in range(count)], type=getattr(kind, "value_type", kind) if name == "coded" else kind
    )
    return plain.dictionary_encode() if name == "coded" else plain


def saved_into(state: dict[str, list[Any]], changes: list[Change]) -> None:
    for change in changes:
        if change.reset:
            state[change.table] = []
        state.setdefault(change.table, []).append(change.batch)


@pytest.mark.parametrize(
    "names",
    [(), *((name,) for name in KINDS), ("text", "long"), ("coded", "date", "decimal"), ("flag", "row", "text", "time")],
)
def test_codes_mean_the_same_key_until_released_and_after_a_restart(names: tuple[str, ...]) -> None:
    draw = random.Random(5)
    types = [KINDS[name][0] for name in names]
    state: dict[str, list[Any]] = {}
    index, known = KeyIndex(types, "keys"), dict[Any, int]()
    for _ in range(60):
        rows = draw.randint(0, 30)
        arrays = [some(name, rows, draw) for name in names]
        keys = list(zip(*(map(repr, array.to_pylist()) for array in arrays), strict=True)) if names else [()] * rows

        codes = index.encode_arrays(arrays, rows)

        for key, code in zip(keys, codes.tolist(), strict=True):
            assert known.setdefault(key, code) == code
        assert len(set(known.values())) == len(known)
        assert [column.to_pylist() for column in index.columns(codes)] == [array.to_pylist() for array in arrays]
        assert [column.type for column in index.columns(codes)] == types
        gone = [key for key in known if draw.random() < 0.2 and key not in {(), ("None",)}]
        index.release(np.array([known.pop(key) for key in gone], dtype=np.int32))
        if draw.random() < 0.3:
            saved_into(state, index.changes())
            index = KeyIndex(types, "keys", state)


def test_many_keys_that_come_and_go_leave_no_values_behind() -> None:
    index = KeyIndex([pa.string(), pa.int64(), pa.int64()], "keys")
    for step in range(20):
        numbers = pa.array(np.arange(1_000) + step * 1_000)
        codes = index.encode_arrays([numbers.cast(pa.string()), numbers, numbers], 1_000)
        index.release(codes)

    assert len(index) <= 2_000
    assert max(len(column) for column in index._columns) < 6_000
