"""Promise 7: the same pipeline gives the same on the laptop's defaults and on Kafka, Redis and PostgreSQL."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import redis

from footfall import wiring
from footfall.sinks.tables import ENRICHED_CLICKS, OFFERS, SESSIONS
from tests.observing import footfall, generate, json_lines, observe
from tests.reference.comparing import Observed, canonical, digest
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

EVENTS: Final = 200_000
BAD: Final = 500
AGAIN: Final = 1_000
SINKS: Final = ("clicks", "sessions", "offers")
STACKS: Final = ("embedded", "servers")


@dataclass(frozen=True)
class Input:
    """A file of clicks, and the look-up data that belong to it."""

    clicks: Path
    lookups: Path


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Input:
    """Clicks of three weeks, with rows that cannot be used, and rows that come twice."""
    directory = tmp_path_factory.mktemp("parity")
    file = generate(directory / "clicks.tsv", events=EVENTS, seed=19, days=21, lookups=directory)
    header, *lines = file.read_bytes().splitlines(keepends=True)
    draw = random.Random(5)
    for number in range(BAD):
        at = draw.randrange(len(lines))
        fields = lines[at].rstrip(b"\n").split(b"\t")
        broken = [fields[:-1], [*fields, b"x"], [*fields[:-1], b"\xff"], [*fields[:-1], b"x" * 9_000]]
        lines.insert(at, b"\t".join(broken[number % len(broken)]) + b"\n")
    for _ in range(AGAIN):
        at = draw.randrange(len(lines) - 500)
        lines.insert(at + draw.randrange(500), lines[at])
    file.write_bytes(b"".join([header, *lines]))
    return Input(file, directory)


@dataclass(frozen=True)
class Outcome:
    """All that a stack made of the file, as fingerprints."""

    figures: dict[str, object]
    parts: dict[str, str]


def outcome(given: Input, data_dir: Path) -> Outcome:
    """Run the pipeline over the file, and its streams into tables."""
    lookups = ("--products", given.lookups / "products.json", "--users", given.lookups / "users.json")
    out = footfall("backfill", given.clicks, *lookups, "--data-dir", data_dir, "--json")
    (figures,) = json_lines(out)
    for sink in SINKS:
        footfall("sink", sink, "--until-end", "--data-dir", data_dir)
    observed = observe(data_dir)
    parts = {**digest(observed), "failed": failed(observed), **tables(data_dir)}
    told = ("events", "accepted", "rejected", "duplicates", "late", "visitors", "sessions", "open_sessions", "offers")
    return Outcome({name: figures[name] for name in told}, parts)


def failed(observed: Observed) -> str:
    """Failed events: when they were set aside differs between any two runs."""
    rows = [{name: value for name, value in row.items() if name != "timestamp"} for row in observed.failed]
    assert rows
    return fingerprint(sorted(map(canonical, rows)))


def tables(data_dir: Path) -> dict[str, str]:
    """The rows of the warehouse's tables."""
    found = {}
    with wiring.open_tables(data_dir) as target:
        for table in (ENRICHED_CLICKS, SESSIONS, OFFERS):
            rows = [row for batch in target.read(table) for row in batch.to_pylist()]
            assert rows
            found[f"table {table.name}"] = fingerprint(sorted(map(repr, rows)))
    return found


def fingerprint(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def on_servers(
    partitions: int, monkeypatch: pytest.MonkeyPatch, *, kafka: Kafka, redis_server: Redis, postgres: Postgres
) -> Iterator[None]:
    """Say where the servers are, as an operator would."""
    database = redis_server.url.removesuffix("/0") + f"/{partitions}"
    with monkeypatch.context() as patch, redis.Redis.from_url(database) as client:
        client.flushdb()
        patch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix=parity-{partitions}.")
        patch.setenv("FOOTFALL_STORE", database)
        patch.setenv("FOOTFALL_WAREHOUSE", postgres.database())
        yield


@pytest.mark.parametrize("partitions", [2, 3])
@pytest.mark.timeout(600)
def test_a_file_gives_the_same_on_the_laptop_and_on_servers(
    partitions: int,
    given: Input,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kafka: Kafka,
    redis_server: Redis,
    postgres: Postgres,
) -> None:
    (tmp_path / "footfall.yaml").write_text(f"pipeline:\n  partitions: {partitions}\n")
    monkeypatch.chdir(tmp_path)
    embedded = outcome(given, tmp_path / "embedded")
    with on_servers(partitions, monkeypatch, kafka=kafka, redis_server=redis_server, postgres=postgres):
        servers = outcome(given, tmp_path / "servers")

    assert (embedded.figures["rejected"], embedded.figures["duplicates"]) >= (BAD // 2, AGAIN // 2)
    assert servers.figures == embedded.figures
    assert servers.parts == embedded.parts
