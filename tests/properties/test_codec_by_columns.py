"""The JSON codec works by columns, and gives exactly what the row-by-row functions give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.core.codes import coded, constant
from footfall.core.events import CLICK_SCHEMA, Batch
from footfall.log.codecs import json
from footfall.log.codecs.json import JsonCodec
from tests.properties.test_codecs import SCHEMAS, batches, names, scalars, texts

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CODEC = JsonCodec()
STREAM = "any"

moments = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - zones are added where wanted
whole = st.integers(-(2**63), 2**63 - 1)
fractions = st.floats(allow_nan=False)
TYPES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int8(): st.integers(-128, 127),
    pa.int64(): whole,
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): fractions,
    pa.bool_(): st.booleans(),
    pa.string(): st.just("") | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
    pa.large_string(): st.just("") | texts,
    pa.dictionary(pa.int32(), pa.string()): st.just("") | texts,
    pa.dictionary(pa.int8(), pa.int64()): whole,
    pa.binary(): st.binary(max_size=9),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.binary(16): st.binary(min_size=16, max_size=16),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - has no zone
    pa.timestamp("us", tz="UTC"): moments.map(lambda each: each.replace(tzinfo=UTC)),
    pa.timestamp("s"): moments.map(lambda each: each.replace(microsecond=0)),
    pa.timestamp("ns"): st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - has no zone
    pa.time64("us"): st.times(),
    pa.duration("us"): st.timedeltas(timedelta(-1000), timedelta(1000)),
    pa.decimal128(9, 2): st.integers(-999_999_999, 999_999_999).map(lambda each: Decimal(each).scaleb(-2)),
    pa.list_(pa.uint64()): st.lists(st.integers(0, 2**64 - 1), max_size=3),
    pa.list_(pa.struct([("k", pa.int64()), ("b", pa.binary()), ("f", pa.float64())])): st.lists(
        st.fixed_dictionaries({"k": st.none() | whole, "b": st.none() | st.binary(max_size=3), "f": fractions}),
        max_size=3,
    ),
    pa.struct([("t", pa.string()), ("d", pa.date32())]): st.fixed_dictionaries({"t": texts, "d": st.dates()}),
}


@st.composite
def users_batches(draw: st.DrawFn) -> Batch:
    """Batches of streams that users' functions make: any columns, in any order, with nulls."""
    kinds = draw(st.lists(st.sampled_from([*TYPES]), min_size=1, max_size=6))
    rows = draw(st.integers(0, 5))
    columns = []
    for kind in kinds:
        values = draw(st.lists(st.none() | TYPES[kind], min_size=rows, max_size=rows))
        plain = pa.types.is_dictionary(kind)
        array = pa.array(values, kind.value_type).dictionary_encode().cast(kind) if plain else pa.array(values, kind)
        columns.append(array)
    return Batch.from_arrays(columns, names=[f'field "{place}" ü' for place in range(len(kinds))])


any_batch = st.sampled_from([*SCHEMAS.values()]).flatmap(batches) | users_batches()


@few
@given(any_batch, st.data())
def test_messages_are_those_of_the_rows_byte_for_byte(batch: Batch, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, batch.num_rows))
    part = batch.slice(start, data.draw(st.integers(0, batch.num_rows - start)))

    assert list(CODEC.encode(STREAM, part)) == json.encode(part)


@few
@given(any_batch)
def test_what_was_written_is_read_back(batch: Batch) -> None:
    found = CODEC.decode(STREAM, CODEC.encode(STREAM, batch), schema=batch.schema)

    found.batch.validate(full=True)
    assert found.bad == []
    assert found.batch.schema == batch.schema
    assert found.batch.to_pylist() == batch.to_pylist()
    assert found.origins.tolist() == list(range(batch.num_rows))


@st.composite
def messages(draw: st.DrawFn, schema: pa.Schema) -> list[bytes]:
    """Good messages, good ones with a field or two of any other value, and any bytes, mixed."""
    good = json.encode(draw(batches(schema)))
    anything: st.SearchStrategy[Any] = scalars | st.text(max_size=4) | st.just([{}])
    odd = st.dictionaries(names | st.sampled_from(schema.names), anything, max_size=2)
    found = []
    for message in good:
        changed: dict[str, Any] = msgspec.json.decode(message) | draw(st.just({}) | odd)
        without = draw(st.none() | st.sampled_from(schema.names))
        changed.pop(without or "", None)
        found += [
            draw(st.just(message) | st.just(msgspec.json.encode(changed)) | st.binary(max_size=9) | twice(message, odd))
        ]
    return draw(st.permutations(found)) if draw(st.booleans()) else found


def twice(message: bytes, odd: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[bytes]:
    """A message with some keys that stand in it twice."""
    return odd.map(lambda fields: message[:-1] + b"," + msgspec.json.encode(fields)[1:] if fields else message)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@few
@given(data=st.data())
def test_any_messages_give_what_they_give_row_by_row(schema: pa.Schema, data: st.DataObject) -> None:
    some = data.draw(messages(schema))
    expected, bad = json.decode(some, schema)

    found = CODEC.decode(STREAM, some, schema=schema)

    found.batch.validate(full=True)
    assert found.batch.schema == schema
    assert found.batch.to_pylist() == expected.to_pylist()
    assert found.bad == bad
    refused = {each.index for each in bad}
    assert found.origins.tolist() == [place for place in range(len(some)) if place not in refused]


def test_bad_messages_in_several_pieces_leave_the_others_in_their_order() -> None:
    rows = [{"timestamp": 1_700_000_000_000 + at, "userId": f"u{at}", "productId": "p"} for at in range(3_500)]
    some = [b"no" if at % 1_000 == 7 else msgspec.json.encode(row) for at, row in enumerate(rows)]
    some[1_200] = msgspec.json.encode(rows[1_200] | {"timestamp": 1_700_000_001_200.0, "unheard_of": {}})

    found = CODEC.decode(STREAM, some, schema=CLICK_SCHEMA)

    places = [at for at in range(3_500) if at % 1_000 != 7]
    assert [each.index for each in found.bad] == [7, 1_007, 2_007, 3_007]
    assert found.origins.tolist() == places
    assert found.batch.column("userId").to_pylist() == [f"u{at}" for at in places]
    assert found.batch.to_pylist() == json.decode(some, CLICK_SCHEMA)[0].to_pylist()


def test_a_batch_of_a_log_is_read_back_as_it_was() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "user": coded(np.array([0, 2, -1, 1]), ["ada", "bob", "cyd"]),
            "same": constant("x", 4),
            "flag": [True, None, False, True],
            "text": ["a", None, "", "ü"],
            "list": [[{"k": 1}], [], None, [{"k": 2}, {"k": None}]],
            "id": pa.array([bytes([i]) * 16 for i in range(4)], pa.binary(16)),
        }
    )

    for piece in (batch, batch.slice(1, 2), batch.slice(3), batch.slice(0, 0)):
        found = CODEC.decode(STREAM, CODEC.encode(STREAM, piece), schema=batch.schema)

        assert (found.batch.to_pylist(), found.bad, found.batch.schema) == (piece.to_pylist(), [], batch.schema)


def test_a_fraction_that_is_no_number_is_read_back() -> None:
    batch = pa.RecordBatch.from_pydict({"ratio": [float("nan"), float("inf"), float("-inf"), 0.1, None]})

    found = CODEC.decode(STREAM, CODEC.encode(STREAM, batch), schema=batch.schema)

    assert str(found.batch.to_pylist()) == str(batch.to_pylist())
    assert CODEC.encode(STREAM, batch)[1] == b'{"ratio":"Infinity"}'
