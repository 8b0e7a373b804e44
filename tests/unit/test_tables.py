"""Tables of events have the columns of their streams, and take their values."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.events import CART, OFFER_SCHEMA, SCHEMAS
from footfall.engine.sinking import SINKS, Sink
from footfall.sinks.columns import Column, Kind, from_hex, hex_texts
from footfall.sinks.tables import OFFERS, TABLES, Table
from tests.observing import environment

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


texts = st.none() | st.text(st.sampled_from('a\0\\\\u0\U0001f45f "'), max_size=12)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_what_is_said_of_one_row_is_said_of_all_at_once(some: list[tuple[str | None, str | None]]) -> None:
    table = Table(
        name="any",
        columns=(Column(name="short", longest=5, required=True), Column(name="json", kind=Kind.JSON)),
        key=("short",),
    )
    rows = [{"short": short, "json": text} for short, text in some]

    found = table.misfits(pa.RecordBatch.from_pylist(rows, schema=table.schema))

    assert found == [n for n, row in enumerate(rows) if any(c.fault(row[c.name]) for c in table.columns)]


def test_an_escaped_nul_in_json_is_found_and_an_escaped_backslash_is_none() -> None:
    [matched] = [column for column in OFFERS.columns if column.kind is Kind.JSON]

    assert matched.fault('["\\u0000"]') is not None
    assert matched.fault('["\\\\\\u0000"]') is not None
    assert matched.fault('["\\\\u0000"]') is None


WITHOUT = """
import sys
from pathlib import Path
sys.modules["psycopg"] = None
from footfall import wiring
from footfall.core.errors import UsageError
wiring.open_tables(Path("nowhere")).close()
try:
    wiring.open_tables(Path("nowhere"), settings=Path(sys.argv[1]))
except UsageError as error:
    print(error)
"""


def test_without_its_client_all_but_postgresql_works_and_the_remedy_is_said(tmp_path: Path) -> None:
    settings = tmp_path / "footfall.yaml"
    settings.write_text("warehouse: postgresql://ada:hush@h/shop\n")
    line = [sys.executable, "-c", WITHOUT, str(settings)]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, check=True)

    assert "pip install 'footfall[postgres]'" in done.stdout
    assert "hush" not in done.stdout
