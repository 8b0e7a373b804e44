"""Flink reads what our log writes, and writes what our log would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from footfall.core.events import CLICK_SCHEMA, CLICKS, SCHEMAS
from footfall.log.base import StreamSettings
from footfall.log.codecs.choosing import codec
from footfall.log.codecs.json import encode
from footfall.sql.flink.gateway import Gateway
from footfall.sql.flink.scripts import prepare
from footfall.sql.flink.topics import KafkaPlace
from tests.integration.flinks import CLICK, START, Cluster, click, in_cluster, look
from tests.integration.kafkas import produce
from tests.servers.flink import Flink
from tests.servers.kafka import Kafka
from tests.servers.registry import Registry

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def cluster(flink: Flink, kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cluster]:
    with in_cluster(flink, kafka, tmp_path, capsys) as made:
        yield made


@pytest.fixture
def avro_cluster(
    flink: Flink, kafka: Kafka, registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Cluster]:
    with in_cluster(flink, kafka, tmp_path, capsys, options=f"&format=avro&registry={registry.url}") as made:
        yield made


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
    produce(cluster.kafka, f"{cluster.folder.name}.click", [b"no JSON", None, b'{"user_id": "u2", "page": 2}'])

    cluster.submit(
        """
        CREATE TABLE `click` (user_id STRING, page INT);
        CREATE TABLE `pages` (user_id STRING, page INT);
        INSERT INTO `pages` SELECT user_id, page FROM `click`;
        """
    )

    assert cluster.rows("pages", 2) == [{"user_id": "u1", "page": 1}, {"user_id": "u2", "page": 2}]
