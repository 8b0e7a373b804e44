"""Whatever is written in a message format is read back the same, and no message brings a decoder down."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.events import (
    CLICK_SCHEMA,
    EARLIEST_MS,
    ENRICHED_SCHEMA,
    EVENT_TYPES,
    FAILED_SCHEMA,
    LATEST_MS,
    OFFER_SCHEMA,
    SESSION_SCHEMA,
    Batch,
)
from footfall.log.codecs import json, quix

SCHEMAS = [CLICK_SCHEMA, ENRICHED_SCHEMA, SESSION_SCHEMA, OFFER_SCHEMA, FAILED_SCHEMA]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def values(field: pa.Field) -> st.SearchStrategy[Any]:
    """Values that the field may have."""
    some = _present(field)
    return st.none() | some if field.nullable else some


def _present(field: pa.Field) -> st.SearchStrategy[Any]:
    kind = field.type
    by_name: dict[str, st.SearchStrategy[Any]] = {
        "event_type": st.sampled_from(EVENT_TYPES),
        "ip": st.ip_addresses().map(str),
        "age": st.integers(0, 130),
        "detail": st.just("") | texts,
    }
    if field.name in by_name:
        return by_name[field.name]
    if pa.types.is_timestamp(kind):
        return st.integers(EARLIEST_MS, LATEST_MS)
    if pa.types.is_integer(kind):
        bits = min(kind.bit_width - 1, 53)
        return st.integers(-(2**bits), 2**bits - 1)
    if pa.types.is_boolean(kind):
        return st.booleans()
    if pa.types.is_date(kind):
        return st.dates(date(1900, 1, 1))
    if pa.types.is_fixed_size_binary(kind):
        return st.binary(min_size=16, max_size=16)
    if pa.types.is_binary(kind):
        return st.binary(max_size=20)
    if pa.types.is_list(kind):
        return st.lists(st.fixed_dictionaries({each.name: values(each) for each in kind.value_type}), max_size=3)
    return texts


def batches(schema: pa.Schema) -> st.SearchStrategy[Batch]:
    row = st.fixed_dictionaries({field.name: values(field) for field in schema})
    return st.lists(row, max_size=6).map(lambda rows: Batch.from_pylist(rows, schema=schema))


any_batch = st.sampled_from(SCHEMAS).flatmap(batches)
enveloped = st.sampled_from([CLICK_SCHEMA, ENRICHED_SCHEMA, SESSION_SCHEMA, FAILED_SCHEMA]).flatmap(batches)

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts
names = st.sampled_from(
    [*ENRICHED_SCHEMA.names, *OFFER_SCHEMA.names, "Timestamps", "NumericValues", "StringValues", "Id", "Epoch", "raw"]
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=20
)
garbage = st.binary(max_size=60) | trees.map(msgspec.json.encode)


@given(any_batch)
def test_json_reads_back_what_it_wrote(batch: Batch) -> None:
    read, bad = json.decode(json.encode(batch), batch.schema)

    read.validate(full=True)
    assert bad == []
    assert read.to_pylist() == batch.to_pylist()


@given(enveloped, st.integers(1, 4))
def test_quix_reads_back_what_it_wrote_however_many_rows_a_message(batch: Batch, rows_per_message: int) -> None:
    read, bad = quix.decode(quix.encode(batch, rows_per_message=rows_per_message), batch.schema)

    read.validate(full=True)
    assert bad == []
    assert read.to_pylist() == batch.to_pylist()


@pytest.mark.parametrize("schema", SCHEMAS, ids=["clicks", "enriched", "sessions", "offers", "failed"])
@given(messages=st.lists(garbage, max_size=6))
def test_every_message_is_an_event_or_a_bad_message(schema: pa.Schema, messages: list[bytes]) -> None:
    for batch, bad in (json.decode(messages, schema), quix.decode(messages, schema, keys=["ada"] * len(messages))):
        batch.validate(full=True)
        assert batch.schema == schema
        assert all(each.raw == messages[each.index] for each in bad)

    batch, bad = json.decode(messages, schema)
    assert batch.num_rows + len(bad) == len(messages)
