"""Avro: what other clients read and write, how schemas evolve, and which messages are refused."""

from __future__ import annotations

import io
import json as stdlib_json
from contextlib import nullcontext
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.core.errors import Reason, Unavailable, UsageError
from footfall.core.events import CLICK_SCHEMA, CLICKS, ENRICHED, ENRICHED_SCHEMA, SCHEMAS, Batch
from footfall.log.codecs import json
from footfall.log.codecs.avro import AvroCodec, Registry
from footfall.log.codecs.avro.schemas import record_name, written
from footfall.log.codecs.avro.values import to_avro
from footfall.log.codecs.choosing import codec
from tests.properties.test_codec_by_columns import any_batch

MOMENT = 1_699_973_201_619
CLICK = {"timestamp": MOMENT, "event_id": "0" * 31 + "1", "userId": "ada", "productId": "P1"}
CONTEXT = SerializationContext(CLICKS, MessageField.VALUE)


def in_memory(client: SchemaRegistryClient) -> Registry:
    return Registry(lambda: nullcontext(client), where="mock")


SHARED = in_memory(SchemaRegistryClient.new_client({"url": "mock://"}))


@pytest.fixture
def client() -> SchemaRegistryClient:
    """A registry in memory, which comes with Confluent's client."""
    return SchemaRegistryClient.new_client({"url": "mock://"})


@pytest.fixture
def avro(client: SchemaRegistryClient) -> AvroCodec:
    return AvroCodec(in_memory(client))


def clicks(*fields: dict[str, Any]) -> Batch:
    """Clicks with these fields, and others that every click has."""
    raws = [stdlib_json.dumps(CLICK | each).encode() for each in fields or [{}]]
    batch, bad = json.decode(raws, CLICK_SCHEMA)
    assert bad == []
    return batch


def message(client: SchemaRegistryClient, schema: dict[str, Any], event: dict[str, Any]) -> bytes:
    """What another client writes with a schema of its own."""
    number = client.register_schema(f"{CLICKS}-value", Schema(stdlib_json.dumps(schema), "AVRO"))
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), event)
    return b"\0" + number.to_bytes(4) + out.getvalue()


def record(*fields: dict[str, Any], name: str = "com.example.Click") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


MINIMAL = [
    {"name": "timestamp", "type": "long"},
    {"name": "userId", "type": "string"},
    {"name": "productId", "type": "string"},
]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.dictionary(pa.int8(), pa.int64())], ids=str)
def test_integers_that_json_would_not_hold_exactly_are_read_back(kind: pa.DataType) -> None:
    values = pa.array([2**53 + 1, 1, None], kind.value_type if pa.types.is_dictionary(kind) else kind)
    column = values.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else values
    batch = pa.RecordBatch.from_arrays([column], names=["n"])
    avro = AvroCodec(SHARED)

    found = avro.decode("large-integers", avro.encode("large-integers", batch), schema=batch.schema)

    assert (found.batch.to_pylist(), found.bad) == (batch.to_pylist(), [])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_batch)
def test_what_was_written_is_read_back(batch: Batch) -> None:
    avro = AvroCodec(SHARED)

    found = avro.decode("any-stream", avro.encode("any-stream", batch), schema=batch.schema)

    found.batch.validate(full=True)
    assert found.bad == []
    assert found.batch.schema == batch.schema
    assert found.batch.to_pylist() == batch.to_pylist()
    assert found.origins.tolist() == list(range(batch.num_rows))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_batch)
def test_messages_are_what_fastavro_writes_byte_for_byte(batch: Batch) -> None:
    schema = written("any-stream", batch.schema)
    columns = [to_avro(field, column) for field, column in zip(batch.schema, batch.columns, strict=True)]
    names = [each["name"] for each in schema["fields"]]

    for raw, values in zip(AvroCodec(SHARED).encode("any-stream", batch), zip(*columns, strict=True), strict=True):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), dict(zip(names, values, strict=True)))
        assert raw[5:] == out.getvalue()


@pytest.mark.parametrize("stream", SCHEMAS)
def test_every_stream_has_a_sound_schema_under_its_name(stream: str) -> None:
    schema = written(stream, SCHEMAS[stream])

    fastavro.parse_schema(schema)
    assert (schema["namespace"], schema["name"]) == ("footfall", record_name(stream))
    assert [each["default"] for each in schema["fields"] if isinstance(each["type"], list)].count(None) == sum(
        field.nullable for field in SCHEMAS[stream]
    )


def test_the_schema_is_registered_under_the_topic_s_value_once(client: SchemaRegistryClient) -> None:
    avro = AvroCodec(in_memory(client), topic=lambda stream: f"shop.{stream}")

    first, second = avro.encode(CLICKS, clicks())[0], avro.encode(CLICKS, clicks({"ip": "10.0.0.1"}))[0]

    assert client.get_subjects() == [f"shop.{CLICKS}-value"]
    assert first[:5] == second[:5]


def test_confluent_s_deserializer_reads_our_messages(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    (raw,) = avro.encode(CLICKS, clicks({"ip": "10.0.0.1", "age": 30}))

    event: Any = AvroDeserializer(client)(raw, CONTEXT)

    assert event["timestamp"].timestamp() * 1000 == MOMENT
    names = ("event_id", "userId", "event_type", "ip", "age", "gender", "late")
    assert [event[name] for name in names] == [CLICK["event_id"], "ada", "view", "10.0.0.1", 30, None, False]


def test_we_read_what_confluent_s_serializer_writes(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    serializer = AvroSerializer(client, stdlib_json.dumps(written(CLICKS, CLICK_SCHEMA)))
    event = dict.fromkeys(CLICK_SCHEMA.names) | CLICK | {"event_type": "cart", "late": False}
    raw = serializer(event, CONTEXT)
    assert raw is not None

    found = avro.decode(CLICKS, [raw], schema=CLICK_SCHEMA)

    assert found.bad == []
    assert found.batch.to_pylist() == clicks({"event_type": "cart"}).to_pylist()


def test_raw_fastavro_reads_our_messages_with_the_registered_schema(client: SchemaRegistryClient) -> None:
    avro = AvroCodec(in_memory(client))
    (raw,) = avro.encode(CLICKS, clicks())

    schema = client.get_schema(int.from_bytes(raw[1:5])).schema_str
    event: Any = fastavro.schemaless_reader(io.BytesIO(raw[5:]), stdlib_json.loads(schema or ""), None)

    assert (event["userId"], event["event_type"]) == ("ada", "view")


def test_a_writer_may_leave_out_reorder_promote_and_add_fields(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    schema = record(
        {"name": "unheard_of", "type": {"type": "map", "values": "long"}},
        *reversed(MINIMAL),
        {"name": "original_timestamp", "type": "int"},
        {"name": "age", "type": ["null", "int"]},
    )
    event = CLICK | {"unheard_of": {"x": 1}, "original_timestamp": 7, "age": 30}

    found = avro.decode(CLICKS, [message(client, schema, event)], schema=CLICK_SCHEMA)

    assert found.bad == []
    expected = {name: value for name, value in CLICK.items() if name != "event_id"}
    as_json = [stdlib_json.dumps(expected | {"original_timestamp": 7, "age": 30}).encode()]
    assert found.batch.to_pylist() == json.decode(as_json, CLICK_SCHEMA)[0].to_pylist()


def test_readers_of_an_older_schema_read_a_newer_one(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    older = stdlib_json.dumps(written(CLICKS, CLICK_SCHEMA))
    names = [name for name in CLICK_SCHEMA.names if name not in {"page", "late"}]
    newer = CLICK_SCHEMA.append(ENRICHED_SCHEMA.field("birthdate"))
    batch = clicks()
    columns = [*batch.columns, batch.column("age").cast("int32").cast("date32")]

    (raw,) = avro.encode(CLICKS, Batch.from_arrays(columns, schema=newer))
    event: Any = AvroDeserializer(client, older)(raw, CONTEXT)

    assert event["userId"] == "ada"
    assert {*names} <= {*event}


def refusal(avro: AvroCodec, raw: bytes) -> tuple[Reason, str]:
    found = avro.decode(CLICKS, [raw, *avro.encode(CLICKS, clicks()), raw], schema=CLICK_SCHEMA)
    assert found.origins.tolist() == [1]
    assert [(each.index, each.raw) for each in found.bad] == [(0, raw), (2, raw)]
    return found.bad[0].reason, found.bad[0].detail


def test_an_unknown_schema_is_a_reason_of_its_own(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    assert refusal(avro, b"\0\0\0\1\0rest") == (
        Reason.UNKNOWN_SCHEMA,
        "the registry has no Avro schema 256 that can be used",
    )


@pytest.mark.parametrize("raw", [b"", b"\0\0\0", b'{"userId":"ada"}', b"\1\0\0\0\1"])
def test_bytes_that_are_not_in_the_wire_format_are_refused(avro: AvroCodec, raw: bytes) -> None:
    reason, detail = refusal(avro, raw)

    assert reason is Reason.BAD_SYNTAX
    assert "Correct the producer's serializer" in detail


@pytest.mark.parametrize("cut", [slice(5, 6), slice(5, -1), slice(5, 12)])
def test_an_event_that_is_cut_off_is_refused(avro: AvroCodec, cut: slice) -> None:
    (raw,) = avro.encode(CLICKS, clicks())

    assert refusal(avro, raw[:5] + raw[cut])[0] is Reason.BAD_SYNTAX
    assert refusal(avro, raw + b"\0")[0] is Reason.BAD_SYNTAX


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_bring_the_decoder_down(tails: list[bytes]) -> None:
    avro = AvroCodec(SHARED)
    (good,) = avro.encode(CLICKS, clicks())
    raws = [*(good[:5] + tail for tail in tails), good]

    found = avro.decode(CLICKS, raws, schema=CLICK_SCHEMA)

    assert found.batch.num_rows + len(found.bad) == len(raws)
    assert found.origins.tolist()[-1] == len(tails)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": 12}, Reason.TIMESTAMP_OUT_OF_RANGE),
        ({"userId": ""}, Reason.MISSING_FIELD),
        ({"userId": "a\0b"}, Reason.BAD_ENCODING),
        ({"ip": "999.1.1.1"}, Reason.BAD_IP),
        ({"event_type": "stare"}, Reason.BAD_VALUE),
        ({"age": 900}, Reason.BAD_VALUE),
        ({"page": "x" * 8_193}, Reason.FIELD_TOO_LONG),
    ],
)
def test_values_keep_the_rules_of_json(client: Any, avro: AvroCodec, fields: dict[str, Any], reason: Reason) -> None:
    optional = [
        {"name": name, "type": ["null", kind], "default": None}
        for name, kind in [("ip", "string"), ("event_type", "string"), ("age", "int"), ("page", "string")]
    ]
    raw = message(client, record(*MINIMAL, *optional), CLICK | fields)
    _, (expected,) = json.decode([stdlib_json.dumps(CLICK | fields).encode()], CLICK_SCHEMA)

    assert refusal(avro, raw) == (reason, expected.detail)


def test_a_schema_that_lacks_what_a_click_needs_is_the_message_s_fault(client: Any, avro: AvroCodec) -> None:
    assert refusal(avro, message(client, record(*MINIMAL[:2]), CLICK)) == (
        Reason.MISSING_FIELD,
        "productId: missing",
    )
    text = [{"name": "timestamp", "type": "string"}, *MINIMAL[1:]]
    reason, detail = refusal(avro, message(client, record(*text), CLICK | {"timestamp": "now"}))
    assert (reason, "does not go with that of click-data" in detail) == (Reason.BAD_SYNTAX, True)


def test_a_registry_that_is_away_is_nobody_s_fault() -> None:
    avro = codec("avro", registry="http://user:secret@127.0.0.1:9", registry_settings={"max.retries": 0})

    for call in (
        lambda: avro.encode(CLICKS, clicks()),
        lambda: avro.decode(CLICKS, [b"\0\0\0\0\1x"], schema=CLICK_SCHEMA),
    ):
        with pytest.raises(Unavailable, match="cannot be reached") as caught:
            call()
        assert "secret" not in str(caught.value)


def test_a_codec_is_chosen_by_its_name() -> None:
    assert [codec(name, registry="http://127.0.0.1:9").name for name in ("json", "quix", "avro")] == [
        "json",
        "quix",
        "avro",
    ]
    with pytest.raises(UsageError, match="no message format 'xml'"):
        codec("xml")
    with pytest.raises(UsageError, match="needs a schema registry"):
        codec("avro")
    with pytest.raises(UsageError, match="settings are not usable") as caught:
        codec("avro", registry="http://127.0.0.1:9", registry_settings={"basic.auth.user.info": "a:b", "no.such": 1})
    assert "a:b" not in str(caught.value)


def test_an_enriched_click_s_day_of_birth_is_an_avro_date(client: SchemaRegistryClient, avro: AvroCodec) -> None:
    fields = {"category": "hats", "title": "A hat", "birthdate": "1981-11-14", "country": "France"}
    raw = stdlib_json.dumps(CLICK | fields | {"deviceType": "Other", "is_bot": False, "is_refresh": True}).encode()
    batch, _ = json.decode([raw], ENRICHED_SCHEMA)

    event: Any = AvroDeserializer(client)(avro.encode(ENRICHED, batch)[0], CONTEXT)

    assert event["birthdate"].isoformat() == "1981-11-14"
