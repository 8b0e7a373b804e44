"""The list of what a query may say: useful queries run, and the list is neither longer nor shorter than documented."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from footfall.apps.sandbox import allowed, statement

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/query.md"
TABLES = ("products", "special_offers", "visitors", "sessions")
QUERIES = [
    line for line in Path(__file__).with_name("allowed_queries.sql").read_text().splitlines() if line[:2] != "--"
]


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    for name, columns in {
        "products": "'a' AS id, 'shoes' AS category, 'A shoe' AS title, 1.5 AS price, '' AS image",
        "visitors": "'u' AS userId, 'F' AS gender, '1990-01-01' AS birthday",
        "sessions": "'u' AS userId, 1 AS clicks",
        "special_offers": "now() AS timestamp, 'u' AS userId, 'offer1' AS offer, 'sneakers' AS pattern, "
        "[{'productId': 'a', 'category': 'shoes'}] AS matched",
    }.items():
        connection.execute(f"CREATE TABLE {name} AS SELECT {columns}")
    return connection


@pytest.mark.parametrize("sql", QUERIES)
def test_useful_queries_run(engine: duckdb.DuckDBPyConnection, sql: str) -> None:
    checked = statement.check(engine, sql, TABLES)

    assert engine.sql(checked.statement).to_arrow_table().num_columns


def test_every_allowed_function_exists_and_none_but_those_for_computing(engine: duckdb.DuckDBPyConnection) -> None:
    rows = engine.execute("SELECT lower(function_name), function_type FROM duckdb_functions()").fetchall()
    computing = {name for name, kind in rows if kind in {"scalar", "aggregate", "macro", "window"}}
    syntax = {"->", "coalesce", "try", "grouping", "grouping_id", "unnest", "ifnull"}

    assert sorted(allowed.NAMES - computing - syntax) == []
    assert sorted(allowed.TABLE_FUNCTIONS - {name for name, kind in rows if kind == "table"} - computing) == []


def test_the_page_lists_what_is_allowed_and_nothing_else() -> None:
    text = PAGE.read_text()
    for group, names in allowed.FUNCTIONS.items():
        section = text.split(f"### {group}\n")[1].split("\n#")[0]

        assert set(re.findall(r"`([^`]+)`", section.replace("`` ", "`").replace(" ``", "`"))) == set(names.split())
    section = text.split("## Functions that stand where a table stands\n")[1].split("\n#")[0]

    assert set(re.findall(r"`(\w+)`", section)) == allowed.TABLE_FUNCTIONS


def test_what_a_query_may_be_is_said_the_same_way_everywhere() -> None:
    assert allowed.SUMMARY.partition("is ")[2] in PAGE.read_text()
