"""Turns a table without a place into one on a Kafka topic: which topic, and the connector's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from footfall.core.errors import UsageError
from footfall.core.events import key_of
from footfall.sql.flink.tables import BROKERS, KAFKA, CreatedTable

TOPIC: Final = "topic"
"""The option by which a table in a file may name its stream: ``WITH ('topic' = 'click')``."""
_SETTLED: Final = ("connector", TOPIC, "format", "value.format")
"""What the log says, whatever the table does."""
_JSON: Final = {
    "format": "json",
    "json.timestamp-format.standard": "ISO-8601",
    "json.ignore-parse-errors": "true",  # one message that is none never stops the others
    "json.encode.ignore-null-fields": "true",
}
_PLAIN: Final = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM: Final = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule"
"""As Flink's own jar with Kafka's client, flink-sql-connector-kafka, calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPlace:
    """Where the streams are, as the log's address says."""

    brokers: str
    prefix: str = ""
    format: str = "json"
    """Of the messages: json or avro."""
    registry: str | None = None
    """The schema registry of messages in Avro, as the cluster reaches it."""
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further settings, as librdkafka names them; they may hold a password."""
    idle: timedelta = timedelta(seconds=30)
    """A partition that is silent for longer does not hold back the others' time."""

    def topic(self, stream: str) -> str:
        """The topic of a stream."""
        return self.prefix + stream

    def without_secrets(self) -> KafkaPlace:
        """The same place, to be shown."""
        shown = {name: "***" if _is_secret(name) else value for name, value in self.client.items()}
        return replace(self, client=shown)

    @property
    def properties(self) -> dict[str, str]:
        """What Flink's client of Kafka is told."""
        told = {BROKERS.removeprefix("properties."): self.brokers, **self.client}
        user, password = told.pop("sasl.username", None), told.pop("sasl.password", None)
        if user is not None:
            mechanism = told.setdefault("sasl.mechanism", told.pop("sasl.mechanisms", "PLAIN"))
            login = _PLAIN if mechanism == "PLAIN" else _SCRAM
            given = f'username="{_escaped(user)}" password="{_escaped(password or "")}"'
            told["sasl.jaas.config"] = f"{login} required {given};"
        if "ssl.ca.location" in told:
            told |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": told.pop("ssl.ca.location")}
        return {f"properties.{name}": value for name, value in told.items()}


def _is_secret(name: str) -> bool:
    return any(word in name for word in ("password", "secret", "key", "jaas", "oauth"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def stream_of(table: CreatedTable, named: Mapping[str, str]) -> str:
    """The stream that a table is: what the command line says, then ``topic`` in WITH, then its own name."""
    return named.get(table.name) or (table.options or {}).get(TOPIC) or table.name


def options(table: CreatedTable, stream: str, place: KafkaPlace, *, read: bool, written: bool) -> dict[str, str]:
    """The options of Flink's Kafka connector for a table; its own come last, and so win.

    Raises UsageError for a message format that Flink does not have, and for a primary key that is not the messages'.
    """
    own = {name: value for name, value in (table.options or {}).items() if name not in _SETTLED}
    found = {"connector": KAFKA[0], TOPIC: place.topic(stream), **place.properties}
    if table.key:
        found |= _keyed(table, stream, _format(table, place), read=read)
    else:
        found |= _format(table, place)
        if read:
            found["scan.startup.mode"] = "earliest-offset"
        if written and key_of(stream) in _texts(table):
            found |= {"key.format": "raw", "key.fields": key_of(stream)}
    if read and table.watermark:
        found["scan.watermark.idle-timeout"] = f"{round(place.idle.total_seconds() * 1000)} ms"
    return found | own


def _format(table: CreatedTable, place: KafkaPlace) -> Mapping[str, str]:
    """How messages are read and written."""
    if place.format == "json":
        return _JSON
    if place.format == "avro" and place.registry is not None:
        return {"format": "avro-confluent", "avro-confluent.url": place.registry}
    raise UsageError(
        f"Table {table.name} does not say where its rows are, and Flink cannot read the format {place.format}.",
        remedy="Write the connector's options in WITH, or use a log with the format json, or avro and a registry.",
    )


def _keyed(table: CreatedTable, stream: str, format_: Mapping[str, str], *, read: bool) -> dict[str, str]:
    """A table with a primary key holds the last message of each key."""
    if read and list(table.key) != [key_of(stream)]:
        raise UsageError(
            f"Table {table.name} has the primary key {', '.join(table.key)}, but the messages of stream {stream} are "
            f"keyed by {key_of(stream)}.",
            remedy="Leave out the key, and keep the last row by ROW_NUMBER() OVER (PARTITION BY … ORDER BY … DESC).",
        )
    is_text = len(table.key) == 1 and table.key[0] in _texts(table)
    values = {f"value.{name}": value for name, value in format_.items()}
    return {"connector": KAFKA[1], "key.format": "raw" if is_text else "json", **values}


def _texts(table: CreatedTable) -> set[str]:
    """The columns that are texts."""
    return {one.name for one in table.columns if one.type[0].keyword in {"STRING", "VARCHAR", "CHAR"}}
