"""`footfall up` with three addresses: what people do in the shop stands in real servers, read with their own tools."""

from __future__ import annotations

import http.cookiejar
import json
import re
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions

from footfall.apps.supervisor.services import bound_to_us
from footfall.core.events import CLICKS
from footfall.pipeline import PROCESSORS
from tests.e2e.serving import until
from tests.integration.kafkas import TIMEOUT, admin
from tests.integration.test_cart_postgres import CHOICE, psql
from tests.observing import command, environment, footfall, generate, json_lines
from tests.servers.kafka import Kafka
from tests.servers.postgres import Postgres
from tests.servers.process import not_here
from tests.servers.redis import Redis

PATIENCE: Final = 90.0
VIEW_KEYS: Final = (
    *("last_15_minutes", "sessions", "visits_by_day", "device_type_popularity"),
    *("products_last_hour", "latest_visitors", "category_popularity", "raw_data"),
)
"""The template's; `state_logs` is a stream."""
GROUP: Final = "footfall-enrichment-aggregation-sessions-behaviour"


@dataclass(slots=True)
class Up:
    """A running `footfall up`, and the servers' own tools."""

    process: subprocess.Popen[bytes]
    printed: Path
    redis: str
    postgres: str

    @property
    def output(self) -> str:
        return self.printed.read_text(errors="replace")

    @property
    def shop(self) -> str:
        found = re.search(r"shop\s+(http://\S+?)/?\s", self.output)
        return found[1] if found else ""

    def redis_cli(self, *arguments: str) -> str:
        program = shutil.which("redis-cli")
        if program is None:
            not_here("redis-cli", "on Debian, install the package redis-tools")
        line = [str(program), "-u", self.redis, *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=True, timeout=30).stdout

    def psql(self, sql: str) -> list[str]:
        return psql(self.postgres, sql).splitlines()

    def end(self) -> None:
        """Stop all of it, as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def put_into_cart(self) -> None:
        """What a browser does with the cart's form."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        page = browser.open(f"{self.shop}/cart?username=ann", timeout=30).read().decode()
        form = re.search(r'name="form" value="([^"]*)"', page)
        assert form
        body = urllib.parse.urlencode({"form": form[1], **CHOICE}).encode()
        request = urllib.request.Request(f"{self.shop}/cart", body, {"sec-fetch-site": "same-origin"})  # noqa: S310
        assert "Added to the cart" in browser.open(request, timeout=30).read().decode()


@pytest.fixture
def up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka: Kafka, redis_server: Redis, postgres: Postgres
) -> Iterator[Up]:
    """All of it, with its addresses in footfall.yaml alone, replaying a small file as fast as it may."""
    generate(tmp_path / "clicks.tsv", events=4_000, seed=4, days=2, lookups=tmp_path)
    store, warehouse = redis_server.url.removesuffix("/0") + "/9", postgres.database()
    (tmp_path / "footfall.yaml").write_text(
        f"log: kafka://{kafka.address}?prefix=up.\nstore: {store}\nwarehouse: {warehouse}\n"
        "data: clicks.tsv\nproducts: products.json\nusers: users.json\nport: 0\nreplicas: 2\n"
        "services: [{name: quick, run: [replay, clicks.tsv, --no-keep-timing, --rate, '200']}]\n"
    )
    monkeypatch.chdir(tmp_path)
    printed = tmp_path / "up.out"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            bound_to_us(command("up", "--no-keep-timing")), env=environment(), stdout=out, stderr=subprocess.STDOUT
        )
    running = Up(process, printed, store, warehouse)
    yield running
    running.end()


def lag(kafka: Kafka) -> int | None:
    """What `kafka-consumer-groups` shows as the workers' lag; None before they have told anything."""
    client = admin(kafka)
    asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(f"up.{GROUP}")])
    found = asked[f"up.{GROUP}"].result(TIMEOUT).topic_partitions
    if len(found) < 2 or any(one.offset < 0 for one in found):
        return None
    [clicks] = [one for one in json_lines(footfall("topics", "--json")) if one["stream"] == CLICKS]
    ends: list[int] = clicks["next_offsets"]
    return sum(ends[int(one.partition)] - int(one.offset) for one in found)


@pytest.mark.timeout(400)
def test_the_cart_is_in_postgresql_and_the_views_are_in_redis(up: Up, kafka: Kafka) -> None:
    def serves() -> Any:
        assert up.process.poll() is None, up.output
        try:
            return bool(up.shop) and urllib.request.urlopen(f"{up.shop}/health", timeout=5).status == 200  # noqa: S310
        except OSError:
            return False

    until(serves, seconds=PATIENCE, what="the shop serves")
    up.put_into_cart()
    row = "select username, category, gender, style, size, hex_color from clickstream_data"
    until(lambda: up.psql("select to_regclass('clickstream_data')") != [""], seconds=PATIENCE, what="the table is made")
    until(lambda: up.psql(row) == ["|".join(CHOICE.values())], seconds=PATIENCE, what="the row is there")

    until(lambda: up.redis_cli("XLEN", "state_logs").strip() not in {"", "0"}, seconds=PATIENCE, what="state_logs")
    views = {key: json.loads(up.redis_cli("GET", key)) for key in VIEW_KEYS}
    assert [key for key, rows in views.items() if not rows] == []
    assert "entered state" in up.redis_cli("XRANGE", "state_logs", "-", "+", "COUNT", "5")

    for table in ("enriched_clicks", "sessions", "offers"):
        assert up.psql(f"select to_regclass('{table}')") == [table]
    until(lambda: int(up.psql("select count(*) from enriched_clicks")[0]) > 100, seconds=PATIENCE, what="clicks")

    services = json_lines(footfall("status", "--json"))[0]["services"]
    assert {"cart-sink", "clicks-sink", "sessions-sink", "offers-sink"} <= {one["service"] for one in services}
    assert "click-data" in footfall("topics")
    assert (
        len(
            json_lines(
                footfall("tail", "enriched-click-data", "--from", "earliest", "--limit", "3", "--format", "json")
            )
        )
        == 3
    )
    assert json_lines(footfall("query", "SELECT count(*) AS n FROM category_popularity", "--json"))[0]["n"] > 0
    footfall("failed", "list", "--json")

    up.end()
    footfall("run", *PROCESSORS, "--until-end")
    assert lag(kafka) == 0
