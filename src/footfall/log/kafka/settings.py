"""Turns an address, ``kafka://host:9092,other:9092?format=avro``, into settings of the clients.

    kafka://broker:9092                               JSON messages
    kafka://a:9092,b:9092?format=avro&registry=http://registry:8081
    kafka://broker:9093?security.protocol=SASL_SSL&sasl.mechanism=SCRAM-SHA-512&sasl.username=ann&sasl.password=…

What is not one of our own words is handed to the client as it is: names with a dot are those of librdkafka.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from footfall.core.errors import UsageError

SCHEME: Final = "kafka"
_OURS: Final = ("format", "registry", "prefix", "replication", "session_seconds")
_SETTLED: Final = ("bootstrap.servers", "group.id", "enable.idempotence", "acks", "enable.auto.commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """How to reach a cluster, and how messages look there."""

    brokers: str
    """``host:port``, several with commas."""
    format: str = "json"
    """The codec of all messages: json, avro or quix."""
    registry: str | None = None
    """The address of a schema registry, for avro."""
    prefix: str = ""
    """What the names of all topics, and of consumer groups, begin with."""
    replication: int = -1
    """Copies of each partition of new topics; -1: what the cluster does by default."""
    session: timedelta = timedelta(seconds=10)
    """A worker that is silent for longer loses its partitions to others."""
    delivery: timedelta = timedelta(seconds=8)
    """How long a message is tried again. Shorter than ``session``: who wakes up late has nothing left to send."""
    client: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the client, as librdkafka names them."""

    @classmethod
    def parse(cls, address: str) -> KafkaSettings:
        """Read an address. Raises UsageError, without showing its secrets."""
        parts = urlsplit(address)
        if parts.scheme != SCHEME or not parts.netloc or parts.path not in {"", "/"}:
            raise UsageError(
                f"{shown(address)} is not the address of a Kafka cluster.",
                remedy="Write kafka://HOST:PORT, several brokers with commas, options after a question mark.",
            )
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        user, _, brokers = parts.netloc.rpartition("@")
        if user:
            name, _, password = user.partition(":")
            options.setdefault("sasl.username", unquote(name))
            options.setdefault("sasl.password", unquote(password))
            options.setdefault("sasl.mechanism", "PLAIN")
            options.setdefault("security.protocol", "SASL_SSL")
        return cls._of(brokers, options)

    @classmethod
    def _of(cls, brokers: str, options: dict[str, str]) -> KafkaSettings:
        ours: dict[str, str] = {name: options.pop(name) for name in _OURS if name in options}
        for name in options:
            if "." not in name or name in _SETTLED:
                raise UsageError(
                    f"{name} is no option of a Kafka address.",
                    remedy=f"There are {', '.join(_OURS)}, and the settings of librdkafka, as sasl.username.",
                )
        seconds = float(_number(ours, "session_seconds", "10"))
        return cls(
            brokers=brokers,
            format=ours.get("format", "json"),
            registry=ours.get("registry"),
            prefix=ours.get("prefix", ""),
            replication=int(_number(ours, "replication", "-1")),
            session=timedelta(seconds=seconds),
            delivery=timedelta(seconds=seconds * 0.8),
            client=options,
        )

    def __repr__(self) -> str:
        return f"KafkaSettings(brokers={self.brokers!r}, format={self.format!r}, prefix={self.prefix!r})"

    def topic(self, stream: str) -> str:
        """The topic of a stream."""
        return self.prefix + stream

    @property
    def common(self) -> dict[str, str | int]:
        """What every client of the cluster is told."""
        return {"bootstrap.servers": self.brokers, "client.id": "footfall", "log_level": 0, **self.client}


def shown(address: str) -> str:
    """An address without what may be secret: user, password and options."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else "The text"


def _number(options: Mapping[str, str], name: str, default: str) -> str:
    text = options.get(name, default)
    try:
        float(text)
    except ValueError:
        raise UsageError(
            f"Kafka address: {name}={text} is not a number.", remedy=f"Write, for example, {name}=10."
        ) from None
    return text
