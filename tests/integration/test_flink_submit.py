"""The same SQL on a real Flink with a real Kafka gives the same rows, and goes on from where it was stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from footfall import wiring
from footfall.apps.cli import main
from footfall.core.events import CLICK_SCHEMA, CLICKS
from footfall.log.base import Append, StreamSettings
from footfall.log.codecs.json import encode
from footfall.sql.flink.gateway import Gateway
from footfall.sql.flink.jobs import statuses
from tests.integration.flinks import CLICK, START, USER, Cluster, Row, click, counted, in_cluster, look, user
from tests.servers.flink import Flink
from tests.servers.kafka import Kafka
from tests.servers.process import free_port, until

VIPS: Final = """
CREATE TABLE Users (
  user_id STRING,
  name STRING,
  level STRING
) WITH ('topic' = 'user');
CREATE TABLE Clicks (
  user_id STRING,
  page INT,
  action STRING,
  event_time TIMESTAMP(3) METADATA FROM 'timestamp',
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
) WITH ('topic' = 'click');
CREATE TABLE VipActions (
  user_id STRING,
  name STRING,
  page INT,
  action STRING,
  event_time TIMESTAMP(3)
) WITH ('topic' = 'vip-action');

INSERT INTO VipActions
SELECT Users.user_id, Users.name, Clicks.page, Clicks.action, Clicks.event_time
FROM Clicks INNER JOIN Users ON Clicks.user_id = Users.user_id
WHERE Users.level = 'PLATINUM'
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def cluster(flink: Flink, kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cluster]:
    with in_cluster(flink, kafka, tmp_path, capsys) as made:
        yield made


def vips(users: Sequence[Row], clicks: Sequence[Row]) -> Counter[str]:
    """The query, by hand."""
    found: Counter[str] = Counter()
    for one in clicks:
        for who in users:
            if who["user_id"] == one["user_id"] and who["level"] == "PLATINUM":
                milliseconds = round(one["timestamp"].timestamp() * 1000)
                shown = {"user_id": who["user_id"], "name": who["name"], "page": one["page"]}
                time = {"event_time": milliseconds}
                found[json.dumps({"timestamp": milliseconds, **shown, "action": one["action"], **time})] += 1
    return found


def test_the_vip_query_gives_the_rows_of_a_fold_and_goes_on_from_a_savepoint(cluster: Cluster) -> None:
    for stream in ("user", "click"):
        cluster.log.create(stream, StreamSettings(partitions=2))
    users = [user(1, "PLATINUM"), user(2, "GOLD"), user(1, "PLATINUM", "Zoë"), user(3, "PLATINUM")]
    clicks = [click(number % 5, number, second=number) for number in range(40)]
    cluster.write("user", USER, users[:3])
    cluster.write("click", CLICK, clicks[:25])
    cluster.write("click", CLICK, clicks[25:], partition=1)
    cluster.write("user", USER, users[3:], partition=1)

    job = cluster.submit(VIPS)

    expected = vips(users, clicks)
    assert counted(cluster.rows("vip-action", expected.total())) == expected
    assert [one.status for one in statuses(Gateway(cluster.flink.gateway), job)] == ["RUNNING"]
    assert job in cluster.run("status")

    savepoint = json.loads(cluster.run("stop", job, "--json"))["savepoint"]

    assert job not in cluster.running()
    later = [user(4, "PLATINUM"), user(2, "PLATINUM")]
    cluster.write("user", USER, later)
    cluster.write("click", CLICK, [click(1, 100, second=60)])
    job = cluster.submit(VIPS, "--from-savepoint", savepoint)
    expected = vips([*users, *later], [*clicks, click(1, 100, second=60)])
    assert counted(cluster.rows("vip-action", expected.total())) == expected

    cluster.run("cancel", job)

    until(lambda: job not in cluster.running(), what="the job has ended")
    assert json.loads(cluster.run("status", job, "--json"))["status"] == "CANCELED"


def test_the_example_gives_the_same_rows_on_flink_as_here(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "examples/vip/vip.sql").read_text()
    streams = {
        "user": (USER, [user(1, "PLATINUM"), user(2, "GOLD"), user(1, "PLATINUM", "Zoë"), user(3, "PLATINUM")]),
        "click": (CLICK, [click(number % 5, number, second=number // 2) for number in range(30)]),
    }
    here = tmp_path / "here"
    with wiring.open_log(here) as log:
        for stream, (schema, rows) in streams.items():
            for one in (log, cluster.log):
                one.create(stream, StreamSettings(partitions=1))
                one.append([Append(stream, 0, pa.RecordBatch.from_pylist(rows, schema=schema), watermark=START)])
    file = tmp_path / "vip.sql"
    file.write_text(text)

    assert main.run(["sql", str(file), "--until-end", "--data-dir", str(here)]) == 0, capsys.readouterr().err

    capsys.readouterr()
    with wiring.open_log(here) as log:
        kept = [
            json.loads(message)
            for number in range(log.partitions("vip-action"))
            for chunk in log.read("vip-action", number, log.place("vip-action", number)).chunks
            for message in encode(chunk.batch)
        ]
    expected = Counter(json.dumps({name: one[name] for name in one if name != "event_id"}) for one in kept)
    assert expected.total() == sum(vips(streams["user"][1], streams["click"][1]).values())
    cluster.submit(text)
    assert counted(cluster.rows("vip-action", expected.total())) == expected


def test_a_table_with_a_key_keeps_the_last_row_of_each(cluster: Cluster) -> None:
    cluster.log.create("click", StreamSettings(partitions=1))
    cluster.write("click", CLICK, [click(number % 3, number) for number in range(7)])

    cluster.submit(
        """
        CREATE TABLE `click` (user_id STRING, page INT);
        CREATE TABLE `counts` (user_id STRING, clicks BIGINT, PRIMARY KEY (user_id) NOT ENFORCED);
        INSERT INTO `counts` SELECT user_id, COUNT(*) FROM `click` GROUP BY user_id;
        """
    )

    found = cluster.messages("counts", 7)
    last = {message.key(): json.loads(message.value() or b"null")["clicks"] for message in found}
    assert last == {b"u0": 3, b"u1": 2, b"u2": 2}


def test_a_table_with_a_key_is_read_as_the_last_message_of_each_key_and_marks_are_none(cluster: Cluster) -> None:
    cluster.log.create(CLICKS, StreamSettings(partitions=1))
    for n, (who, product) in enumerate(
        [("ada", "hat"), ("bob", "hat"), ("ada", "mug"), ("cyd", "mug"), ("bob", "mug")]
    ):
        cluster.write(CLICKS, CLICK_SCHEMA, [look(n, who, product)])

    cluster.submit(
        """
        CREATE TABLE Latest (userId STRING, productId STRING, PRIMARY KEY (userId) NOT ENFORCED)
        WITH ('topic' = 'click-data');
        CREATE TABLE `lookers` (productId STRING, visitors BIGINT, PRIMARY KEY (productId) NOT ENFORCED);
        INSERT INTO `lookers` SELECT productId, COUNT(*) FROM Latest GROUP BY productId;
        """
    )

    last: dict[bytes, object] = {}
    for message in cluster.messages("lookers", 7):
        value = message.value()
        last[message.key() or b""] = None if value is None else json.loads(value)["visitors"]
    assert last == {b"hat": None, b"mug": 3}


def test_what_flink_refuses_is_said_with_the_line_and_without_a_traceback(cluster: Cluster) -> None:
    cluster.log.create("click", StreamSettings(partitions=1))
    text = (
        "CREATE TABLE `click` (user_id STRING);\nCREATE TABLE `pages` (page INT) WITH ('connector' = 'blackhole');\n\n"
    )

    said = cluster.submit(f"{text}INSERT INTO `pages`\nSELECT pages FROM `click`", code=1)

    assert "Line 4" in said
    assert "line 5, column 8" in said
    assert "pages" in said
    assert "Caused by" not in said
    assert "java" not in said


def test_a_stream_that_is_not_there_is_named(cluster: Cluster) -> None:
    said = cluster.submit(VIPS, code=2)

    assert "click" in said
    assert "--stream" in said


def test_a_gateway_that_does_not_answer_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "query.sql"
    file.write_text("CREATE TABLE t (a INT) WITH ('connector' = 'blackhole'); INSERT INTO t VALUES (1)")
    address = f"http://user:secret@127.0.0.1:{free_port()}"

    assert main.run(["flink", "submit", str(file), "--gateway", address]) == 1

    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "secret" not in said
    assert "Traceback" not in said


def test_an_unknown_job_is_named(cluster: Cluster) -> None:
    assert "no job" in cluster.run("cancel", "0" * 32, code=2)
    assert "32 hex digits" in cluster.run("stop", "x'; DROP", code=2)
