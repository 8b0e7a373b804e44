"""Tables of events have the columns of their streams, and take their values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from footfall.core.events import CART, OFFER_SCHEMA, SCHEMAS
from footfall.engine.sinking import SINKS, Sink
from footfall.sinks.columns import Kind, from_hex, hex_texts
from footfall.sinks.tables import OFFERS, TABLES

EVENTS = [sink for sink in SINKS.values() if sink.stream != CART]


@pytest.mark.parametrize("sink", EVENTS, ids=lambda sink: sink.name)
def test_a_table_has_its_stream_s_fields_in_order(sink: Sink) -> None:
    stream = SCHEMAS[sink.stream]

    assert sink.table.names == stream.names
    assert [column.required for column in sink.table.columns] == [not field.nullable for field in stream]


def test_every_table_has_its_sink() -> None:
    assert [sink.table for sink in SINKS.values()] == list(TABLES)


def test_names_differ_also_without_regard_to_case() -> None:
    for table in TABLES:
        assert len({name.lower() for name in table.names}) == len(table.names)


def test_the_clicks_of_an_offer_are_json_with_times_as_in_messages() -> None:
    time = datetime(2026, 11, 22, 15, 40, 0, 123_000, UTC)
    row: dict[str, Any] = {
        "timestamp": time,
        "event_id": bytes(16),
        "userId": "ada",
        "offer": "offer2",
        "pattern": "clothes",
        "matched": [{"timestamp": time, "productId": 'a "b"', "category": "sch\u00f6n"}],
    }
    columns = [pa.array([row[field.name]], field.type) for field in OFFER_SCHEMA]

    made = OFFERS.rows(pa.RecordBatch.from_arrays(columns, schema=OFFER_SCHEMA))

    assert made.schema == OFFERS.schema
    assert made.column("matched").to_pylist() == [
        '[{"timestamp":1795362000123,"productId":"a \\"b\\"","category":"sch\u00f6n"}]'
    ]


@pytest.mark.parametrize("ids", [[], [bytes(range(16))], [bytes(16), b"\xff" * 16, bytes(range(16))]], ids=len)
def test_ids_become_hex_digits_and_back(ids: list[bytes]) -> None:
    values = pa.array(ids, pa.binary(16))

    assert hex_texts(values).to_pylist() == [one.hex() for one in ids]
    assert from_hex(hex_texts(values)) == values
    assert hex_texts(values.slice(1)).to_pylist() == [one.hex() for one in ids[1:]]


def test_an_escaped_nul_in_json_is_found_and_an_escaped_backslash_is_none() -> None:
    [matched] = [column for column in OFFERS.columns if column.kind is Kind.JSON]

    assert matched.fault('["\\u0000"]') is not None
    assert matched.fault('["\\\\\\u0000"]') is not None
    assert matched.fault('["\\\\u0000"]') is None
