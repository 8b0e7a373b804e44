"""A query reads the tables, and can do nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from footfall.apps.query import Limits, Result, Table, all_tables, log_sources, run_query
from footfall.core.errors import Failure, FootfallError, UsageError
from footfall.core.events import SCHEMAS
from footfall.log.base import Append, StreamSettings
from footfall.log.embedded import EmbeddedLog
from footfall.sinks.base import Span
from footfall.sinks.parquet import ParquetWarehouse
from footfall.stores.embedded import EmbeddedStore
from tests.contracts.store_contract import Product, users

ROOT = Path(__file__).parents[2]
START = 1_700_000_000_000


@dataclass
class Stream:
    """A stream with these batches in one partition."""

    name: str
    batches: Sequence[pa.RecordBatch] = ()
    reads: int = 0
    repeats: bool = False

    @property
    def schema(self) -> pa.Schema:
        return SCHEMAS[self.name]

    def bounds(self) -> Sequence[tuple[int, int]]:
        return [(0, sum(batch.num_rows for batch in self.batches))]

    def read(self, partition: int, offset: int, bookmark: int | None) -> Iterator[Span]:
        self.reads += 1
        if offset == 0:
            yield Span(0, self.batches, 1, self.bounds()[0][1])


def offers() -> pa.RecordBatch:
    matched = [{"timestamp": START, "productId": "a", "category": "shoes"}]
    rows = [
        {"timestamp": START + n * 1_500, "event_id": bytes([n]) * 16, "userId": f"user-{n}", "matched": matched}
        | {"offer": f"offer{n % 2 + 1}", "pattern": "sneakers"}
        for n in range(4)
    ]
    schema = SCHEMAS["special-offers"]
    columns = []
    for column in schema:
        values = [row[column.name] for row in rows]
        coded = pa.types.is_dictionary(column.type)
        columns.append(
            pa.array(values).dictionary_encode().cast(column.type) if coded else pa.array(values, column.type)
        )
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@dataclass
class Shop:
    tables: Mapping[str, Table]
    streams: Mapping[str, Stream]
    directory: Path

    def ask(self, sql: str, limits: Limits | None = None) -> Result:
        return run_query(sql, self.tables, limits=limits or Limits())

    def rows(self, sql: str) -> list[dict[str, object]]:
        return list(self.ask(sql).rows())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("data")
    streams = {name: Stream(name, [offers()] if name == "special-offers" else []) for name in SCHEMAS}
    with EmbeddedStore(directory) as store:
        store.load_products([Product("a", "shoes", "A shoe"), Product("b", "hats", "A hat")])
        store.load_users(users(3))
        store.put_views(
            {
                "category_popularity": [{"category": "shoes", "count": 3}],
                "last_15_minutes": [{"minute": "2023-11-14T22:13:00Z", "visits": 2, "visitors": 1}],
            },
            as_of=START,
            publication=1,
        )
        tables = all_tables(store, ParquetWarehouse(directory / "warehouse"), streams.values())
        yield Shop(tables, streams, directory)


def test_a_view_is_a_table(shop: Shop) -> None:
    assert shop.rows("SELECT * FROM category_popularity") == [{"category": "shoes", "count": 3}]
    assert shop.rows("SELECT minute + INTERVAL 1 MINUTE AS m FROM last_15_minutes") == [{"m": "2023-11-14T22:14:00Z"}]


def test_a_stream_is_a_table_with_readable_ids_and_times(shop: Shop) -> None:
    rows = shop.rows("SELECT timestamp, event_id, userId, matched[1].category AS c FROM special_offers ORDER BY 1")

    assert rows[1] == {
        "timestamp": "2023-11-14T22:13:21.500Z",
        "event_id": "01" * 16,
        "userId": "user-1",
        "c": "shoes",
    }
    assert len(rows) == 4


def test_tables_can_be_joined(shop: Shop) -> None:
    sql = "SELECT offer, gender, count(*) AS n FROM special_offers JOIN visitors USING (userId) GROUP BY ALL ORDER BY 1"

    assert shop.rows(sql) == [
        {"offer": "offer1", "gender": "F", "n": 2},
        {"offer": "offer2", "gender": "F", "n": 1},
    ]


def test_only_streams_that_are_named_are_converted(shop: Shop) -> None:
    shop.rows("SELECT count(*) FROM products")

    assert shop.streams["click-data"].reads == shop.streams["sessions"].reads == 0
    assert not (shop.directory / "warehouse" / "click-data").exists()


def test_a_stream_without_events_is_an_empty_table(shop: Shop) -> None:
    assert shop.rows("SELECT count(*) AS n FROM sessions") == [{"n": 0}]
    assert "clicks" in {row["column_name"] for row in shop.rows("DESCRIBE sessions")}


def test_all_tables_are_shown(shop: Shop) -> None:
    assert {str(row["name"]) for row in shop.rows("SHOW TABLES")} == set(shop.tables)
    assert {"sessions", "sessions_last_8_hours", "failed_events", "click_data", "state_logs"} <= set(shop.tables)


@pytest.mark.parametrize(
    "sql",
    ["WITH a AS (SELECT 1 AS x) FROM a", "EXPLAIN SELECT 1", "SUMMARIZE products", "VALUES (1);", "-- x\nSELECT 1"],
)
def test_all_that_only_reads_is_allowed(shop: Shop, sql: str) -> None:
    assert shop.rows(sql)


def test_sums_and_unusual_values_become_json(shop: Shop) -> None:
    sql = "SELECT sum(x) AS s, sum(x) AS s, 1.5::DECIMAL(4, 2) AS d, 'nan'::DOUBLE AS f, [1] AS l FROM range(3) t(x)"

    assert list(shop.ask(sql).json_lines()) == [b'{"s":3,"s_1":3,"d":1.5,"f":null,"l":[1]}']
    assert shop.rows("SELECT 10::HUGEINT ** 0 AS one, 99999999999999999999999::HUGEINT AS big") == [
        {"one": 1.0, "big": "99999999999999999999999"}
    ]


def test_rows_beyond_the_cap_are_left_out_with_a_notice(shop: Shop) -> None:
    result = shop.ask("SELECT * FROM range(100001)")

    assert sum(1 for _ in result.rows()) == 100_000
    assert "Only the first 100,000 rows" in result.notices[0]
    assert shop.ask("SELECT * FROM range(100000)").notices == ()


def test_an_unknown_table_names_those_there_are(shop: Shop) -> None:
    with pytest.raises(
        UsageError, match=r"^Line 1, column 15: There is no table nope\. Tables: cart_data, .*visits_by_day\.$"
    ):
        shop.ask("SELECT * FROM nope")


def test_a_mistake_is_shown_with_its_place(shop: Shop) -> None:
    with pytest.raises(UsageError, match=r'^Line 1, column 1: syntax error at or near "selec"\. Check'):
        shop.ask("selec 1")
    with pytest.raises(UsageError, match=r"^Line 2, column 5: There is no column titel\. Did you mean title\? There"):
        shop.ask("SELECT 'é',\n 1, titel FROM products")
    with pytest.raises(UsageError, match=r"^Line 1, column 8: There is no column p\.titel|titel\. Did you mean title"):
        shop.ask("SELECT p.titel FROM products p")
    with pytest.raises(UsageError, match=r"^Line 1, column 8: The function uper is not allowed\. Did you mean upper"):
        shop.ask("SELECT uper(title) FROM products")
    with pytest.raises(UsageError, match=r"^Line 1, column 15: There is no table prodcts\. Did you mean products"):
        shop.ask("SELECT * FROM prodcts")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT CAST(title AS INT) FROM products", "Could not convert string 'A .+' to INT32.* Use TRY_CAST"),
        ("SELECT category, count(*) FROM products", r"column \"category\" must appear in the GROUP BY clause"),
        ("SELECT sum(title) FROM products", r"Line 1, column 8: No function matches the given name .*'sum\(VARCHAR\)'"),
        ("SELECT * FROM products ORDER BY 99", "Line 1, column 33: ORDER term out of range"),
        ("SELECT id FROM products JOIN products q ON id = 'a'", "Ambiguous reference to column name"),
        ("SELECT error('no ' || id) FROM products", "no a"),
    ],
)
def test_what_goes_wrong_in_a_query_is_said_in_a_sentence(shop: Shop, sql: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as wrong:
        shop.ask(sql)

    assert wrong.value.remedy
    assert "{" not in str(wrong.value)


def test_a_row_that_is_too_large_for_the_memory_is_said_to_be(shop: Shop) -> None:
    with pytest.raises(Failure, match="more than 128 MB"):
        shop.ask("SELECT repeat('x', 1000000) FROM range(1000)", Limits(memory_mb=128))


def test_rows_beyond_the_size_are_left_out_with_a_notice(shop: Shop) -> None:
    result = shop.ask("SELECT repeat('x', 1000) FROM range(5000)", Limits(megabytes=1))

    assert 1_000 < sum(1 for _ in result.rows()) < 1_050
    assert "rows are shown" in result.notices[0]


@pytest.mark.alone
def test_an_endless_query_is_stopped_at_its_deadline(shop: Shop) -> None:
    started = time.monotonic()
    with pytest.raises(Failure, match=r"stopped after 1 s"):
        shop.ask("SELECT count(*) FROM range(1000000000000) a, range(1000000) b", Limits(deadline=timedelta(seconds=1)))

    assert time.monotonic() - started < 3


def test_a_query_that_wants_too_much_memory_fails_alone(shop: Shop) -> None:
    with pytest.raises(Failure, match="more than 128 MB"):
        shop.ask("SELECT list(repeat('x', 1000) || i) FROM range(10000000) t(i)", Limits(memory_mb=128))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{secret}'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM read_json('{secret}')",
        "SELECT * FROM read_parquet('{secret}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{secret}')",
        "SELECT * FROM parquet_metadata('{secret}')",
        "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
        "SELECT * FROM 'http://127.0.0.1:9/x.csv'",
        "SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')",
        "SELECT * FROM 's3://bucket/x.parquet'",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY products FROM '{secret}'",
        "WITH a AS (COPY (SELECT 1) TO '{folder}/out.csv' (USE_TMP_FILE false)) SELECT 1",
        "EXPLAIN ANALYZE WITH a AS (COPY (SELECT 1) TO '{folder}/out.csv' (USE_TMP_FILE false)) SELECT * FROM a",
        "/* x */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
        "WITH a AS (INSERT INTO products VALUES ('x')) SELECT 1",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.db'",
        "ATTACH '{folder}/serving.db' (TYPE sqlite)",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_directories = ['/']",
        "RESET allowed_paths",
        "PRAGMA enable_profiling",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
        "CREATE TABLE x (i INT)",
        "CREATE SECRET s (TYPE s3)",
        "DROP VIEW products",
        "DELETE FROM products",
        "SELECT 1; SELECT 2",
        "SELECT * FROM json_execute_serialized_sql('{{}}')",
        "SELECT * FROM sys",
        "",
        "-- nothing",
    ],
)
def test_what_is_no_reading_of_tables_is_refused(shop: Shop, sql: str) -> None:
    folder = shop.directory / "private"
    folder.mkdir(exist_ok=True)
    secret = folder / "secret.csv"
    secret.write_text("code\nhush-hush\n")
    with pytest.raises(FootfallError) as refused:
        shop.ask(sql.format(folder=folder, secret=secret))

    assert "hush-hush" not in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]


def test_the_kernel_holds_the_child_even_if_all_else_gave_way(tmp_path: Path) -> None:
    kept, named = tmp_path / "part.parquet", tmp_path / "named.parquet"
    kept.write_text("events")
    named.write_text("named")
    command = [sys.executable, "-m", "tests.unit.locked_in", str(named), str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": "src:."}, cwd=ROOT)
    if done.returncode == 77:
        pytest.skip("this kernel has no Landlock, or no seccomp on this processor")

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert kept.read_text() == "events"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["named.parquet", "part.parquet"]


def test_a_stream_of_the_log_is_converted_on_from_where_it_stood(tmp_path: Path) -> None:
    with EmbeddedLog.open(tmp_path / "log") as log, EmbeddedStore(tmp_path) as store:
        log.create("special-offers", StreamSettings(partitions=2))
        tables = all_tables(store, ParquetWarehouse(tmp_path / "warehouse"), log_sources(log))
        for expected in (4, 8, 12):
            log.append([Append("special-offers", expected // 4 % 2, offers())])
            sql = "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM special_offers"

            assert list(run_query(sql, tables).rows()) == [{"n": expected, "ids": 4}]
