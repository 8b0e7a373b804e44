"""Whatever is written in a message format is read back the same, and no message brings a decoder down."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.errors import Reason
from footfall.core.events import (
    CART_SCHEMA,
    CLICK_SCHEMA,
    CUSTOM_SCHEMA,
    EARLIEST_MS,
    ENRICHED_SCHEMA,
    EVENT_TYPES,
    FAILED_SCHEMA,
    LATEST_MS,
    OFFER_SCHEMA,
    SESSION_SCHEMA,
    SHOWN_SCHEMA,
    Batch,
)
from footfall.log.codecs import json, quix

SCHEMAS = {
    "clicks": CLICK_SCHEMA,
    "enriched": ENRICHED_SCHEMA,
    "sessions": SESSION_SCHEMA,
    "offers": OFFER_SCHEMA,
    "failed": FAILED_SCHEMA,
    "cart": CART_SCHEMA,
    "custom": CUSTOM_SCHEMA,
    "shown": SHOWN_SCHEMA,
}
ENVELOPED = [schema for name, schema in SCHEMAS.items() if name != "offers"]

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
        scale = 1_000 if kind.unit == "us" else 1
        return st.integers(EARLIEST_MS * scale, LATEST_MS * scale)
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


any_batch = st.sampled_from([*SCHEMAS.values()]).flatmap(batches)
enveloped = st.sampled_from(ENVELOPED).flatmap(batches)

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts
envelope = ["Timestamps", "NumericValues", "StringValues", "Id", "Epoch", "raw"]
names = st.sampled_from([*ENRICHED_SCHEMA.names, *OFFER_SCHEMA.names, *CART_SCHEMA.names, *envelope])
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


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(messages=st.lists(garbage, max_size=6))
def test_every_message_is_an_event_or_a_bad_message(schema: pa.Schema, messages: list[bytes]) -> None:
    for batch, bad in (json.decode(messages, schema), quix.decode(messages, schema, keys=["ada"] * len(messages))):
        batch.validate(full=True)
        assert batch.schema == schema
        assert all(each.raw == messages[each.index] for each in bad)

    batch, bad = json.decode(messages, schema)
    assert batch.num_rows + len(bad) == len(messages)


def selection(creation_timestamp: object) -> bytes:
    """A message of ``cart-data``."""
    fields = {"timestamp": EARLIEST_MS, "event_id": "a", "username": "ada", "creation_timestamp": creation_timestamp}
    return msgspec.json.encode(fields)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 - such times have no zone
def test_a_time_without_a_zone_is_iso_text_with_microseconds(moment: datetime) -> None:
    text = moment.isoformat(timespec="microseconds")
    batch, bad = json.decode([selection(text), selection(moment.isoformat())], CART_SCHEMA)

    assert bad == []
    assert batch.column("creation_timestamp").to_pylist() == [moment, moment]
    for encoded in (json.encode(batch), quix.encode(batch)):
        assert text.encode() in encoded[0]


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-11-22",
        "2026-11-22 15:40:00.123456",
        "2026-11-22T15:40:00.1234567",
        "2026-11-22T15:40:00Z",
        "2026-11-22T15:40:00+01:00",
        "2026-02-30T15:40:00",
        "20261122T154000",
        "\uff12026-11-22T15:40:00",
        "",
        1_795_362_000_123_456,
        True,
        ["2026-11-22T15:40:00"],
    ],
)
def test_any_other_form_of_such_a_time_is_refused(wrong: object) -> None:
    batch, bad = json.decode([selection(wrong)], CART_SCHEMA)

    assert (batch.num_rows, [each.reason for each in bad]) == (0, [Reason.BAD_TIMESTAMP])


@pytest.mark.parametrize("wrong", ["1989-12-31T23:59:59.999999", "2100-01-01T00:00:00.000001", "9999-12-31T00:00:00"])
def test_such_a_time_outside_of_all_sense_is_refused(wrong: str) -> None:
    _, bad = json.decode([selection(wrong)], CART_SCHEMA)

    assert [each.reason for each in bad] == [Reason.TIMESTAMP_OUT_OF_RANGE]
