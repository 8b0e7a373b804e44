"""A Redis that is emptied while all runs is noticed within five seconds, and the command that is named mends it."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import redis
from confluent_kafka import Producer

from footfall import wiring
from footfall.core.events import CLICKS
from footfall.pipeline import PROCESSORS
from tests.e2e.serving import Serving, until
from tests.integration.kafkas import TIMEOUT, consume, make_topic
from tests.observing import VIEWS, footfall, generate
from tests.reference.comparing import canonical
from tests.servers.kafka import Kafka
from tests.servers.redis import Redis

NOTICED: Final = 5.0
"""Seconds: the promise."""
PARTITIONS: Final = 2
PATIENCE: Final = 90.0


@dataclass(slots=True)
class Site(Serving):
    """Web part, worker and replay, each started again when it ends: what a supervisor does."""

    def all_start(self, clicks: Path) -> None:
        self.start()
        self.work()
        self.replay(clicks)

    def replay(self, clicks: Path) -> None:
        self._run("replay", "replay", str(clicks), "--no-keep-timing", "--rate", "200")

    def tend(self) -> None:
        """Start again what has ended with an error."""
        for name, process in list(self.processes.items()):
            if process.poll():
                again = {"worker": self.work, "web": lambda: self._run("web", "serve", "--port", str(self.port))}
                again[name]()

    def tended(self, condition: Callable[[], object]) -> Callable[[], object]:
        def look() -> object:
            self.tend()
            return condition()

        return look

    def collect(self, number: int) -> bool:
        """Whether the collector takes a click."""
        event = {"userId": f"visitor-{number % 7}", "productId": "VD1", "event_type": "view"}
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.url}/collect", json.dumps(event).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
                return http.client.OK <= int(answer.status) < http.client.MULTIPLE_CHOICES
        except urllib.error.HTTPError as error:
            return error.code < http.client.MULTIPLE_CHOICES
        except OSError:
            return False

    def collect_tended(self, number: int) -> bool:
        """The same, while what ended is started again."""
        self.tend()
        return self.collect(number)

    def is_drained(self) -> bool:
        with wiring.open_log(self.data_dir, follow=True) as log:
            return all(
                log.position("enrichment", CLICKS, number) == log.place(CLICKS, number, at="latest")
                for number in range(PARTITIONS)
            )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    running = Site(tmp_path / "data")
    yield running
    running.close()


def views(data_dir: Path) -> dict[str, list[str]]:
    with wiring.open_store(data_dir, follow=True) as store:
        return {name: [canonical(dict(row)) for row in store.view(name)] for name in VIEWS}


def copy(kafka: Kafka, of: str, to: str) -> None:
    """The same messages, at the same offsets, in a topic of another prefix."""
    with wiring.open_log(Path("data"), follow=True) as log:
        ends = log.info(CLICKS).ends
    make_topic(kafka, to, partitions=PARTITIONS, config={"message.timestamp.before.max.ms": str((1 << 63) - 1)})
    producer = Producer({"bootstrap.servers": kafka.address})
    for message in sorted(consume(kafka, of, sum(ends)), key=lambda one: one.offset() or 0):
        producer.produce(
            to,
            message.value(),
            message.key(),
            message.partition() or 0,
            headers=message.headers() or [],
            timestamp=message.timestamp()[1],
        )
    assert producer.flush(TIMEOUT) == 0


@pytest.mark.alone
@pytest.mark.timeout(400)
def test_an_emptied_redis_is_noticed_and_the_command_that_is_named_mends_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka: Kafka
) -> None:
    clicks = generate(tmp_path / "clicks.tsv", events=6_000, seed=3, days=2, lookups=tmp_path)
    (tmp_path / "footfall.yaml").write_text("products: products.json\nusers: users.json\n")
    monkeypatch.chdir(tmp_path)
    with Redis() as server, redis.Redis.from_url(server.url) as plain:
        monkeypatch.setenv("FOOTFALL_DATA_DIR", str(site.data_dir))
        monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix=emptied.")
        monkeypatch.setenv("FOOTFALL_STORE", server.url)
        for kind in ("products", "users"):
            footfall("load", kind, f"{kind}.json")
        site.all_start(clicks)
        until(lambda: plain.exists("last_15_minutes"), seconds=PATIENCE, what="views are there")
        assert site.collect(0)

        plain.flushall()
        emptied = time.monotonic()
        until(lambda: site.processes["worker"].poll() is not None, seconds=NOTICED, what="the worker says it")
        said = site.output("worker")
        noticed = time.monotonic() - emptied
        print(f"noticed after {noticed:.2f} s")

        assert "has lost what Footfall kept there" in said
        answers = [site.collect_tended(number) for number in range(40)]
        assert answers[-20:] == [True] * 20, f"the collector has not gone on: {answers}"
        until(site.is_healthy, seconds=NOTICED, what="the web part is well without the look-up data, too")
        assert not plain.exists("last_15_minutes"), "views of half of the events"

        [command] = set(re.findall(r"`footfall (rebuild[^`]*)`", said))
        print(footfall(*shlex.split(command)))
        until(site.tended(lambda: site.processes["replay"].poll() == 0), seconds=PATIENCE, what="all is replayed")
        site.stop("web")
        until(site.tended(site.is_drained), seconds=PATIENCE, what="the worker has caught up")
        site.stop("worker")
        rebuilt = views(site.data_dir)

        copy(kafka, f"emptied.{CLICKS}", f"whole.{CLICKS}")
        monkeypatch.setenv("FOOTFALL_LOG", f"kafka://{kafka.address}?prefix=whole.")
        monkeypatch.setenv("FOOTFALL_STORE", server.url.removesuffix("/0") + "/1")
        for kind in ("products", "users"):
            footfall("load", kind, f"{kind}.json")
        footfall("run", *PROCESSORS, "--until-end")

        never_emptied = views(site.data_dir)
    assert rebuilt == never_emptied
    assert any("Unknown" not in row for row in rebuilt["category_popularity"])
