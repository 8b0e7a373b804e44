"""Programs of others read our messages, and we read theirs: kcat, and Confluent's client with its serializers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from footfall.core.errors import Reason
from footfall.core.events import CLICKS
from footfall.log.base import Append, StreamSettings
from tests.integration.kafkas import chunks, column, consume, make_topic, opened, produce
from tests.servers.kafka import Kafka
from tests.servers.process import not_here
from tests.servers.registry import Registry
from tests.unit.streams import START, clicks

ONE: Final = StreamSettings(partitions=1)
THEIRS: Final = {
    "type": "record",
    "name": "Klick",
    "namespace": "org.example",
    "fields": [
        {"name": "productId", "type": "string"},
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "userId", "type": "string"},
        {"name": "basket", "type": "int"},
    ],
}
"""Fields in another order, one that we do not know, and not all of ours."""


def kcat(kafka: Kafka, *arguments: str, given: str = "") -> str:
    """What kcat prints."""
    program = shutil.which("kcat")
    if program is None:
        not_here("kcat", "on Debian, install the package kcat")
    line = [str(program), "-b", kafka.address, "-q", *arguments]
    return subprocess.run(line, input=given, capture_output=True, text=True, check=True, timeout=60).stdout


def two_clicks() -> Any:
    return clicks(
        [{"userId": "ada", "id": "a"}, {"userId": "böb", "productId": "ü", "timestamp": START + 1, "id": "b"}]
    )


def test_kcat_shows_key_time_and_json_of_our_messages(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, two_clicks(), START)])

    lines = kcat(
        kafka, "-C", "-t", f"{tmp_path.name}.{CLICKS}", "-o", "beginning", "-e", "-f", "%k %T %s\n"
    ).splitlines()

    (user, time, first), (_, _, second) = [line.split(" ", 2) for line in lines[:2]]
    assert (user, int(time)) == ("ada", START)
    assert json.loads(first)["timestamp"] == START
    assert json.loads(second)["productId"] == "ü"
    assert lines[2].strip().split(" ")[0].lstrip("-").isdecimal(), "a mark has neither key nor value"


def test_what_kcat_produces_is_read(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create(CLICKS, ONE)
        said = [{"timestamp": START + number, "userId": "ada", "productId": f"C{number}"} for number in range(3)]
        lines = "".join(f"ada\t{json.dumps(one)}\n" for one in said)
        kcat(kafka, "-P", "-t", f"{tmp_path.name}.{CLICKS}", "-p", "0", "-K", "\t", given=lines)

        found = chunks(log)

    assert column(found, "productId") == ["C0", "C1", "C2"]
    assert len(set(column(found, "event_id"))) == 3


def test_confluents_deserializer_reads_our_avro(kafka: Kafka, registry: Registry, tmp_path: Path) -> None:
    with opened(kafka, tmp_path, options=f"&format=avro&registry={registry.url}") as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, two_clicks())])
    topic = f"{tmp_path.name}.{CLICKS}"
    with SchemaRegistryClient({"url": registry.url}) as client:
        read = AvroDeserializer(client)
        found = [read(m.value(), SerializationContext(topic, MessageField.VALUE)) for m in consume(kafka, topic, 2)]

    assert [(one["userId"], one["productId"], one["event_type"]) for one in found] == [
        ("ada", "C1", "view"),
        ("böb", "ü", "view"),
    ]
    assert found[0]["timestamp"].timestamp() * 1000 == START
    assert found[0]["age"] == 40


def test_kcat_reads_our_avro(kafka: Kafka, registry: Registry, tmp_path: Path) -> None:
    version = subprocess.run([str(shutil.which("kcat")), "-V"], capture_output=True, text=True, check=True).stdout
    if "Avro" not in version:
        pytest.skip("this kcat was built without Avro")
    with opened(kafka, tmp_path, options=f"&format=avro&registry={registry.url}") as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, two_clicks())])

    reading = ("-C", "-t", f"{tmp_path.name}.{CLICKS}", "-o", "beginning", "-e", "-s", "value=avro", "-r", registry.url)
    found = [json.loads(line) for line in kcat(kafka, *reading).splitlines()]

    assert [one["userId"] for one in found] == ["ada", "böb"]


def test_we_read_what_confluents_serializer_writes(kafka: Kafka, registry: Registry, tmp_path: Path) -> None:
    topic = f"{tmp_path.name}.{CLICKS}"
    with (
        SchemaRegistryClient({"url": registry.url}) as client,
        opened(kafka, tmp_path, options=f"&format=avro&registry={registry.url}") as log,
    ):
        write = AvroSerializer(client, json.dumps(THEIRS))
        log.create(CLICKS, ONE)
        said = [{"productId": f"P{n}", "timestamp": START + n, "userId": "zoe", "basket": n} for n in range(3)]
        produce(kafka, topic, [write(one, SerializationContext(topic, MessageField.VALUE)) for one in said])

        found = chunks(log)

    assert column(found, "productId") == ["P0", "P1", "P2"]
    assert column(found, "event_type") == ["view"] * 3
    assert [time.timestamp() * 1000 for time in column(found, "timestamp")] == [START, START + 1, START + 2]


def test_the_templates_envelope_is_read_and_written(kafka: Kafka, tmp_path: Path) -> None:
    theirs = {
        "Epoch": 0,
        "Timestamps": [START * 1_000_000, (START + 1) * 1_000_000],
        "NumericValues": {"original_timestamp": [1, None]},
        "StringValues": {"userId": ["ada", "bob"], "productId": ["C1", "C2"]},
        "BinaryValues": {},
        "TagValues": {},
    }
    with opened(kafka, tmp_path, options="&format=quix") as log:
        log.create(CLICKS, ONE)
        produce(kafka, f"{tmp_path.name}.{CLICKS}", [json.dumps(theirs).encode()])
        log.append([Append(CLICKS, 0, two_clicks())])

        assert column(chunks(log), "userId") == ["ada", "bob", "ada", "böb"]

    *_, ours = consume(kafka, f"{tmp_path.name}.{CLICKS}", 3)
    envelope = json.loads(ours.value() or b"")
    assert (envelope["Timestamps"], envelope["StringValues"]["userId"]) == ([(START + 1) * 1_000_000], ["böb"])


def test_transactions_of_others_are_read_when_they_are_committed(kafka: Kafka, tmp_path: Path) -> None:
    topic = f"{tmp_path.name}.{CLICKS}"
    make_topic(kafka, topic)
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": tmp_path.name})
    producer.init_transactions(60)
    with opened(kafka, tmp_path) as log:
        place = log.place(CLICKS, 0)
        for number, keep in enumerate([True, False, True]):
            producer.begin_transaction()
            said = {"timestamp": START + number, "userId": "ada", "productId": f"C{number}"}
            producer.produce(topic, json.dumps(said).encode(), partition=0)
            producer.flush(30)
            assert not log.read(CLICKS, 0, place).chunks, "what is not committed is not read"
            (producer.commit_transaction if keep else producer.abort_transaction)(30)
            if keep:
                assert log.wait({(CLICKS, 0): place}, timeout=20)
                read = log.read(CLICKS, 0, place)
                assert column(read.chunks, "productId") == [f"C{number}"]
                place = read.place
        assert not log.read(CLICKS, 0, place).chunks
        assert column(chunks(log), "productId") == ["C0", "C2"]


def test_a_gap_in_the_offsets_is_passed(kafka: Kafka, tmp_path: Path) -> None:
    with opened(kafka, tmp_path) as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, two_clicks())])
        log._topics.forget(CLICKS, {0: 1})

        assert log.place(CLICKS, 0).offset == 1
        assert column(chunks(log), "userId") == ["böb"]


def test_what_is_no_event_is_set_aside_with_its_offset_and_bytes(kafka: Kafka, tmp_path: Path) -> None:
    bad = [b"{", b"[1]", b"\xff", b'{"userId": "ada"}', b""]
    with opened(kafka, tmp_path) as log:
        log.create(CLICKS, ONE)
        log.append([Append(CLICKS, 0, two_clicks())])
        produce(kafka, f"{tmp_path.name}.{CLICKS}", bad)
        log.append([Append(CLICKS, 0, two_clicks())])

        found = chunks(log)

    unreadable = [one for chunk in found for one in chunk.unreadable]
    assert [(one.line, one.raw) for one in unreadable] == list(zip(range(2, 7), bad, strict=True))
    assert unreadable[0].reason is Reason.BAD_SYNTAX
    assert column(found, "userId") == ["ada", "böb", "ada", "böb"]
    assert [int(offset) for chunk in found for offset in chunk.offsets] == [0, 1, 7, 8]
