"""Avro with a real schema registry: numbers, compatibility, other clients, and an outage."""

from __future__ import annotations

import io
import json as stdlib_json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from footfall.core.errors import Reason, UsageError
from footfall.core.events import CLICK_SCHEMA, CLICKS, ENRICHED_SCHEMA, SCHEMAS, Batch
from footfall.log.codecs import json
from footfall.log.codecs.avro.schemas import written
from footfall.log.codecs.choosing import codec
from tests.servers.registry import Registry

CLICK = {"timestamp": 1_699_973_201_619, "event_id": "0" * 31 + "1", "userId": "ada", "productId": "P1"}


@pytest.fixture
def client(registry: Registry) -> Iterator[SchemaRegistryClient]:
    """Confluent's client."""
    with closing(SchemaRegistryClient({"url": registry.url})) as client:
        yield client


def clicks() -> Batch:
    batch, bad = json.decode([stdlib_json.dumps(CLICK).encode()], CLICK_SCHEMA)
    assert bad == []
    return batch


def named(prefix: str) -> Callable[[str], str]:
    """Topics of a test's own: the registry is shared."""
    return lambda stream: f"{prefix}.{stream}"


def test_many_may_register_the_same_schema_at_the_same_moment(registry: Registry) -> None:
    numbers: list[tuple[int, bytes]] = []

    def write(turn: int, together: threading.Barrier) -> None:
        avro = codec("avro", registry=registry.url, topic=named(f"race-{turn}"))
        together.wait()
        numbers.append((turn, avro.encode(CLICKS, clicks())[0][:5]))

    for turn in range(10):
        together = threading.Barrier(4)
        writers = [threading.Thread(target=write, args=(turn, together)) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    assert len(numbers) == 40
    assert len(set(numbers)) == 10


def test_confluent_s_clients_and_ours_read_each_other(registry: Registry, client: SchemaRegistryClient) -> None:
    avro = codec("avro", registry=registry.url, topic=named("both"))
    context = SerializationContext(f"both.{CLICKS}", MessageField.VALUE)

    (ours,) = avro.encode(CLICKS, clicks())
    event: Any = AvroDeserializer(client)(ours, context)
    serializer = AvroSerializer(client, stdlib_json.dumps(written(CLICKS, CLICK_SCHEMA)))
    theirs = serializer(event | {"event_type": "cart"}, context)
    assert theirs is not None
    found = avro.decode(CLICKS, [theirs, ours], schema=CLICK_SCHEMA)

    assert theirs[:5] == ours[:5]
    assert event["userId"] == "ada"
    assert list(found.bad) == []
    assert found.batch.column("event_type").to_pylist() == ["cart", "view"]


def test_another_process_knows_the_numbers_of_the_first(registry: Registry) -> None:
    first, second = (codec("avro", registry=registry.url, topic=named("again")) for _ in range(2))
    messages = first.encode(CLICKS, clicks())

    assert second.decode(CLICKS, messages, schema=CLICK_SCHEMA).batch.to_pylist() == clicks().to_pylist()
    assert list(second.encode(CLICKS, clicks())) == list(messages)


@pytest.mark.parametrize("stream", SCHEMAS)
def test_the_registry_takes_the_schema_of_every_stream(client: SchemaRegistryClient, stream: str) -> None:
    schema = Schema(stdlib_json.dumps(written(stream, SCHEMAS[stream])), "AVRO")

    assert client.register_schema(f"every.{stream}-value", schema) > 0


def test_a_newer_schema_with_optional_fields_goes_with_the_older_one(
    registry: Registry, client: SchemaRegistryClient
) -> None:
    subject = f"newer.{CLICKS}-value"
    client.register_schema(subject, Schema(stdlib_json.dumps(written(CLICKS, CLICK_SCHEMA)), "AVRO"))
    client.set_compatibility(subject_name=subject, level="FULL")
    newer = CLICK_SCHEMA.append(ENRICHED_SCHEMA.field("birthdate"))
    batch = clicks()
    columns = [*batch.columns, batch.column("age").cast("int32").cast("date32")]

    avro = codec("avro", registry=registry.url, topic=named("newer"))
    messages = avro.encode(CLICKS, Batch.from_arrays(columns, schema=newer))
    found = avro.decode(CLICKS, messages, schema=CLICK_SCHEMA)

    assert found.batch.to_pylist() == batch.to_pylist()


def test_a_subject_of_somebody_else_s_is_a_usage_error(registry: Registry, client: SchemaRegistryClient) -> None:
    subject = f"taken.{CLICKS}-value"
    client.register_schema(subject, Schema('{"type":"record","name":"Other","fields":[]}', "AVRO"))
    client.set_compatibility(subject_name=subject, level="BACKWARD")

    with pytest.raises(UsageError, match="answered 409"):
        codec("avro", registry=registry.url, topic=named("taken")).encode(CLICKS, clicks())


def test_a_schema_that_the_registry_does_not_have_is_the_message_s_fault(registry: Registry) -> None:
    avro = codec("avro", registry=registry.url, topic=named("unknown"))
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema({"type": "record", "name": "R", "fields": []}), {})
    unknown = b"\0" + (1 << 30).to_bytes(4) + out.getvalue()

    found = avro.decode(CLICKS, [unknown, *avro.encode(CLICKS, clicks())], schema=CLICK_SCHEMA)

    assert [(each.index, each.reason) for each in found.bad] == [(0, Reason.UNKNOWN_SCHEMA)]
    assert found.origins.tolist() == [1]
