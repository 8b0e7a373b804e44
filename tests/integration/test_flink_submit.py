"""The same SQL on a real Flink with a real Kafka: it reads what our log writes, and writes what our log would."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from confluent_kafka import Message

from footfall import wiring
from footfall.apps.cli import main
from footfall.core.events import CLICK_SCHEMA, CLICKS, SCHEMAS
from footfall.log.base import Append, StreamSettings
from footfall.log.codecs.choosing import codec
from footfall.log.codecs.json import encode
from footfall.log.kafka import KafkaLog
from footfall.sql.flink.gateway import Gateway
from footfall.sql.flink.jobs import cancel, statuses
from footfall.sql.flink.scripts import prepare
from footfall.sql.flink.topics import KafkaPlace
from tests.integration.kafkas import consume, opened, produce
from tests.servers.flink import Flink
from tests.servers.kafka import Kafka
from tests.servers.process import free_port, until
from tests.servers.registry import Registry

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
USER: Final = pa.schema([("user_id", pa.string()), ("name", pa.string()), ("level", pa.string())])
CLICK: Final = pa.schema(
    [
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("user_id", pa.string()),
        ("page", pa.int32()),
        ("action", pa.string()),
    ]
)
START: Final = 1_772_359_200_000
PATIENCE: Final = 100.0
"""Seconds until a job has started and written, on a busy machine; two as a rule."""
Row = Mapping[str, Any]

pytestmark = pytest.mark.timeout(300)


class Cluster:
    """A Flink, and a Kafka with a prefix of its own."""

    def __init__(self, flink: Flink, kafka: Kafka, folder: Path, log: KafkaLog, capsys: Any, options: str = "") -> None:
        self.flink = flink
        self.kafka = kafka
        self.log = log
        self._folder = folder
        self._capsys = capsys
        self._address = f"kafka://{kafka.address}?prefix={folder.name}.{options}"

    def write(self, stream: str, schema: pa.Schema, rows: Sequence[Row], *, partition: int = 0) -> None:
        """Append by our log, with a mark of time behind the rows."""
        batch = pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)
        self.log.append([Append(stream, partition, batch, watermark=START)])

    def run(self, *arguments: str, code: int = 0) -> str:
        """`footfall flink …`; what it prints, or what it says when it fails."""
        ended = main.run(["flink", *arguments, "--gateway", self.flink.gateway, "--data-dir", str(self._folder)])
        said = self._capsys.readouterr()
        assert ended == code, said.err
        return str(said.err if code else said.out)

    def submit(self, text: str, *options: str, code: int = 0) -> str:
        """Submit a query; the job's id, or what is wrong."""
        file = self._folder / "query.sql"
        file.write_text(text)
        said = self.run(
            "submit", str(file), "--kafka", self._address, *options, *(() if code else ("--json",)), code=code
        )
        return said if code or "--show" in options else str(json.loads(said)["job"])

    def rows(self, stream: str, count: int) -> list[Row]:
        """So many messages of a topic."""
        return [json.loads(message.value() or b"null") for message in self.messages(stream, count)]

    def messages(self, stream: str, count: int) -> list[Message]:
        """The same with their keys."""
        return consume(self.kafka, f"{self._folder.name}.{stream}", count, patience=PATIENCE)

    def running(self) -> list[str]:
        """The jobs that have not ended."""
        found = statuses(Gateway(self.flink.gateway))
        return [one.job for one in found if one.status not in {"FINISHED", "CANCELED", "FAILED"}]


@pytest.fixture
def cluster(flink: Flink, kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cluster]:
    with opened(kafka, tmp_path) as log:
        made = Cluster(flink, kafka, tmp_path, log, capsys)
        yield made
        for job in made.running():
            cancel(Gateway(flink.gateway), job)


def user(number: int, level: str, name: str = "Zoë O'Neil") -> Row:
    return {"user_id": f"u{number}", "name": name, "level": level}


def click(number: int, page: int, *, second: int = 0, action: str = "cart") -> Row:
    time = datetime.fromtimestamp(START / 1000 + second, UTC)
    return {"timestamp": time, "user_id": f"u{number}", "page": page, "action": action}


def look(number: int, who: str, product: str, *, late: bool = False) -> Row:
    """A click of the pipeline."""
    time = datetime.fromtimestamp(START / 1000, UTC)
    ids = {"event_id": bytes([number]) * 16, "userId": who, "productId": product}
    return {"timestamp": time, **ids, "event_type": "view", "late": late}


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


def counted(rows: Sequence[Row]) -> Counter[str]:
    return Counter(json.dumps(row) for row in rows)


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


def test_windows_close_though_a_partition_is_idle(cluster: Cluster) -> None:
    cluster.log.create("click", StreamSettings(partitions=2))
    cluster.write(
        "click", CLICK, [click(1, 1), click(2, 2, second=59), click(1, 3, second=60), click(1, 4, second=200)]
    )

    cluster.submit(
        """
        CREATE TABLE `click` (
          user_id STRING,
          event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
          WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
        ) WITH ('scan.watermark.idle-timeout' = '100 ms', 'scan.watermark.emit.strategy' = 'on-event');
        CREATE TABLE `per-minute` (minute_begins TIMESTAMP_LTZ(3), visitors BIGINT);
        INSERT INTO `per-minute`
        SELECT window_start, COUNT(DISTINCT user_id)
        FROM TABLE(TUMBLE(TABLE `click`, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
        GROUP BY window_start, window_end;
        """
    )

    assert cluster.rows("per-minute", 2) == [
        {"timestamp": START, "minute_begins": START, "visitors": 2},
        {"timestamp": START + 60_000, "minute_begins": START + 60_000, "visitors": 1},
    ]


def test_times_and_decimals_are_read_and_written_as_our_messages_hold_them(cluster: Cluster) -> None:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("at", pa.timestamp("ms")),
            ("moment", pa.timestamp("ms", tz="UTC")),
            ("exact", pa.timestamp("us")),
            ("price", pa.decimal128(10, 2)),
            ("day", pa.date32()),
            ("ok", pa.bool_()),
        ]
    )
    time = datetime.fromtimestamp(START / 1000 + 0.789, UTC)
    full = {"id": 1, "at": time.replace(tzinfo=None), "moment": time, "exact": datetime(2026, 3, 1, 10, 0, 0, 123456)}  # noqa: DTZ001
    rows = [{**full, "price": Decimal("12.50"), "day": time.date(), "ok": True}, dict.fromkeys(schema.names)]
    cluster.log.create("sold", StreamSettings(partitions=1))
    cluster.write("sold", schema, rows)
    columns = (
        "id BIGINT, `at` TIMESTAMP(3), moment TIMESTAMP_LTZ(3), exact TIMESTAMP(6), price DECIMAL(10, 2) NOT NULL, "
        "`day` DATE, ok BOOLEAN"
    ).replace(" NOT NULL", "")

    cluster.submit(
        f"""
        CREATE TABLE `sold` ({columns}, next_day AS `at` + INTERVAL '1' DAY, WATERMARK FOR `at` AS `at`);
        CREATE TABLE `copied` ({columns});
        INSERT INTO `copied` SELECT id, `at`, moment, exact, price, `day`, ok FROM `sold` WHERE next_day > `at`;
        """
    )

    batch = pa.RecordBatch.from_pylist(rows[:1], schema=schema)
    [found] = cluster.messages("copied", 1)
    milliseconds = round(time.timestamp() * 1000)
    [expected] = encode(batch)
    assert json.loads(found.value() or b"") == {"timestamp": milliseconds, **json.loads(expected)}
    assert found.timestamp()[1] == milliseconds


def test_a_stream_of_the_pipeline_need_not_be_declared(cluster: Cluster) -> None:
    cluster.log.create(CLICKS, StreamSettings(partitions=1))
    cluster.write(CLICKS, CLICK_SCHEMA, [look(n, "ada", f"p{n}", late=n == 2) for n in range(4)])

    cluster.submit(
        """
        CREATE TABLE `looks` (product STRING, looked_at TIMESTAMP_LTZ(3));
        INSERT INTO `looks` SELECT productId, `timestamp` FROM `click-data` WHERE NOT late AND event_type = 'view';
        """
    )

    assert cluster.rows("looks", 3) == [{"timestamp": START, "product": f"p{n}", "looked_at": START} for n in (0, 1, 3)]


@pytest.fixture
def avro_cluster(
    flink: Flink, kafka: Kafka, registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cluster]:
    options = f"&format=avro&registry={registry.url}"
    with opened(kafka, tmp_path, options=options) as log:
        made = Cluster(flink, kafka, tmp_path, log, capsys, options)
        yield made
        for job in made.running():
            cancel(Gateway(flink.gateway), job)


def test_avro_is_read_and_written_with_the_registry(avro_cluster: Cluster, registry: Registry) -> None:
    log = avro_cluster.log
    schema = pa.schema([*CLICK, ("price", pa.decimal128(10, 2)), ("day", pa.date32()), ("ok", pa.bool_())])
    more = {"price": Decimal("12.50"), "day": date(2026, 3, 1), "ok": True}
    rows = [{**click(1, 7, second=2), **more}, {**click(2, 8), **dict.fromkeys(more)}]
    log.create("click", StreamSettings(partitions=1))
    avro_cluster.write("click", schema, rows)
    columns = "user_id STRING, page INT, price DECIMAL(10, 2), `day` DATE, ok BOOLEAN"

    avro_cluster.submit(
        f"""
        CREATE TABLE `click` ({columns}, `timestamp` TIMESTAMP_LTZ(3));
        CREATE TABLE `copied` ({columns}, `timestamp` TIMESTAMP_LTZ(3));
        INSERT INTO `copied` SELECT * FROM `click`;
        """
    )

    copied = pa.schema([field for field in schema if field.name != "action"])
    messages = [message.value() or b"" for message in avro_cluster.messages("copied", 2)]
    read = codec("avro", registry=registry.url).decode("copied", messages, schema=copied)
    assert not read.bad
    assert read.batch.to_pylist() == [{name: row[name] for name in copied.names} for row in rows]


def test_flink_can_plan_a_query_over_every_stream_of_the_pipeline(flink: Flink) -> None:
    names = [f"`{stream}`" for stream in SCHEMAS]
    inserts = "\n".join(f"INSERT INTO Counts SELECT COUNT(*) FROM {name};" for name in names)
    text = f"CREATE TABLE Counts (n BIGINT) WITH ('connector' = 'blackhole'); {inserts}"
    declarations = prepare(text, KafkaPlace(brokers="127.0.0.1:9")).statements[: -len(names)]

    with Gateway(flink.gateway).session() as session:
        for statement in declarations:
            session.execute(statement.text)
        plans = [next(session.execute(f"EXPLAIN SELECT * FROM {name}").rows()).fields[0] for name in names]

    assert all("watermark=" in plan for plan in plans)


def test_messages_that_are_none_do_not_stop_a_job(cluster: Cluster) -> None:
    cluster.log.create("click", StreamSettings(partitions=1))
    cluster.write("click", CLICK, [click(1, 1)])
    produce(cluster.kafka, f"{cluster._folder.name}.click", [b"no JSON", None, b'{"user_id": "u2", "page": 2}'])

    cluster.submit(
        """
        CREATE TABLE `click` (user_id STRING, page INT);
        CREATE TABLE `pages` (user_id STRING, page INT);
        INSERT INTO `pages` SELECT user_id, page FROM `click`;
        """
    )

    assert cluster.rows("pages", 2) == [{"user_id": "u1", "page": 1}, {"user_id": "u2", "page": 2}]


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
