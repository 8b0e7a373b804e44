"""Turns addresses into the servers behind them, for Compose: Kafka in KRaft mode, Redis, PostgreSQL.

A server is made where its address is a name of the deployment's own network; another one is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from footfall.apps.export.addresses import LOG, STORE, WAREHOUSE, Address, Kind
from footfall.apps.export.deployment import Size

KAFKA_IMAGE: Final = "apache/kafka:4.1.1"
REDIS_IMAGE: Final = "redis:8.2.3-bookworm"
POSTGRES_IMAGE: Final = "postgres:17.7-bookworm"
PASSWORD: Final = "POSTGRES_PASSWORD"  # noqa: S105 - the variable's name
_PASSWORD_NEEDED: Final = f"${{{PASSWORD}:?Write a password for PostgreSQL into .env (letters and digits)}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that comes with the deployment."""

    name: str
    volume: str
    service: Mapping[str, Any]


def kafka(address: Address) -> Server:
    """One broker that is its own controller, with what it keeps in a volume."""
    name, port = address.host, address.port or 9092
    listeners = {"PLAINTEXT": port, "CONTROLLER": 9093 if port != 9093 else 9094}
    return Server(
        name=name,
        volume=f"{name}-data",
        service={
            "image": KAFKA_IMAGE,
            "environment": {
                "KAFKA_NODE_ID": "1",
                "KAFKA_PROCESS_ROLES": "broker,controller",
                "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@{name}:{listeners['CONTROLLER']}",
                "KAFKA_LISTENERS": ",".join(f"{one}://:{at}" for one, at in listeners.items()),
                "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{name}:{port}",
                "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
                "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
                "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
                # There is one broker, so there can be one copy.
                "KAFKA_DEFAULT_REPLICATION_FACTOR": "1",
                "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
                "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
                # Footfall makes its topics itself, with the right partitions.
                "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
                "KAFKA_HEAP_OPTS": "-Xms512m -Xmx512m",
            },
            "volumes": [volume(f"{name}-data", "/var/lib/kafka/data")],
            # Its start writes a configuration into its own file system, which therefore cannot be read-only.
            "healthcheck": check("CMD", "bash", "-c", f"echo > /dev/tcp/127.0.0.1/{port}", start_seconds=60),
            "stop_grace_period": "60s",
            "deploy": limits(Size(cpus=2, memory_mb=1536)),
        },
    )


def redis(address: Address) -> Server:
    """A store that writes everything down, and refuses rather than forgets when it is full."""
    name, port = address.host, address.port or 6379
    arguments = ["--port", str(port), "--appendonly", "yes", "--maxmemory", "768mb"]
    return Server(
        name=name,
        volume=f"{name}-data",
        service={
            "image": REDIS_IMAGE,
            "command": ["redis-server", *arguments, "--maxmemory-policy", "noeviction"],
            "user": "redis",
            "read_only": True,
            "tmpfs": ["/tmp:size=16m"],  # noqa: S108 - in a container
            "volumes": [volume(f"{name}-data", "/data")],
            "healthcheck": check("CMD", "redis-cli", "-p", str(port), "ping", start_seconds=60),
            "stop_grace_period": "30s",
            "deploy": limits(Size(cpus=1, memory_mb=1536)),  # a rewrite of its file may take as much again
        },
    )


def postgres(address: Address) -> Server:
    """A database with one user of ours; the password is in the environment of who starts it."""
    name, port = address.host, address.port or 5432
    user, database = address.user or "footfall", address.database or "clickstream"
    # Over the network: while the database is made, it listens on its socket alone.
    ready = (
        "pg_isready",
        "--quiet",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--username",
        user,
        "--dbname",
        database,
    )
    return Server(
        name=name,
        volume=f"{name}-data",
        service={
            "image": POSTGRES_IMAGE,
            "command": ["postgres", "-c", f"port={port}"],
            "user": "postgres",
            "environment": {
                "POSTGRES_USER": user,
                PASSWORD: _PASSWORD_NEEDED,
                "POSTGRES_DB": database,
                "POSTGRES_INITDB_ARGS": "--auth-host=scram-sha-256 --encoding=UTF8",
            },
            "read_only": True,
            "tmpfs": ["/tmp:size=64m", "/run/postgresql:size=1m,mode=1777"],  # noqa: S108 - in a container
            "shm_size": "128m",
            "volumes": [volume(f"{name}-data", "/var/lib/postgresql/data")],
            "healthcheck": check("CMD", *ready, start_seconds=60),
            "stop_grace_period": "60s",
            "deploy": limits(Size(cpus=1, memory_mb=1024)),
        },
    )


MAKERS: Final[Mapping[Kind, Callable[[Address], Server]]] = {LOG: kafka, STORE: redis, WAREHOUSE: postgres}


def made(address: Address) -> Server | None:
    """The server of this address, if it is to come with the deployment."""
    return MAKERS[address.kind](address) if address.inside else None


def told(address: Address) -> str:
    """What services are told in their environment: a made server's address, or who must say it.

    A password is never part of it, only where it is found when Compose starts.
    """
    if not address.inside:
        return f"${{{address.kind.variable}:?Write the address of your server into .env}}"
    port = f":{address.port}" if address.port else ""
    options = f"?{address.options}" if address.options else ""
    if address.kind is WAREHOUSE:
        user, database = address.user or "footfall", address.database or "clickstream"
        return f"{address.parts.scheme}://{user}:{_PASSWORD_NEEDED}@{address.host}{port}/{database}{options}"
    return f"{address.parts.scheme}://{address.host}{port}{address.parts.path}{options}"


def volume(name: str, target: str) -> dict[str, Any]:
    """A named volume at a place."""
    return {"type": "volume", "source": name, "target": target}


def check(*test: str, start_seconds: int) -> dict[str, Any]:
    """A question that is asked often at first, and then now and then."""
    return {
        "test": list(test),
        "interval": "30s",
        "timeout": "10s",
        "retries": 3,
        "start_period": f"{start_seconds}s",
        "start_interval": "2s",
    }


def limits(size: Size, *, replicas: int = 1) -> dict[str, Any]:
    """What a container gets at most, and the memory that is kept for it."""
    return {
        "replicas": replicas,
        "resources": {
            "limits": {"cpus": f"{size.cpus:g}", "memory": f"{size.memory_mb}M"},
            "reservations": {"memory": f"{size.memory_mb // 2}M"},
        },
    }
