"""Plans: what is read, where conditions are checked, and which step each form of a query becomes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from footfall.sql.explain import explained
from footfall.sql.expressions import Expression
from footfall.sql.plan import Script, Step
from footfall.sql.planning import plan_script
from tests.golden.sql_plan.make import QUERIES, planned
from tests.unit.sql_tables import STREAMS

GOLDEN: Final = sorted((Path(__file__).parent.parent / "golden" / "sql").glob("*/query.sql"))
_LENGTH: Final = re.compile(r"(?:VAR)?CHAR\(\d+\)")


def script(text: str) -> Script:
    return plan_script(text, streams=STREAMS)


def source(text: str) -> Step:
    return script(text).inserts[-1].source


@pytest.mark.parametrize("query", QUERIES, ids=lambda path: path.stem)
def test_a_query_has_the_plan_that_was_read_and_found_right(query: Path) -> None:
    assert planned(query) == query.with_suffix(".plan").read_text()


@pytest.mark.parametrize("query", GOLDEN, ids=lambda path: path.parent.name)
def test_a_query_that_flink_runs_is_planned_with_flinks_columns(query: Path) -> None:
    text = query.read_text()
    step = plan_script(text, streams={}).inserts[-1].source

    types = query.with_name("types.json")
    if types.exists():
        # Names of types differ; lengths of texts are not kept.
        flinks = {
            name: _LENGTH.sub("STRING", kind.replace("INTEGER", "INT").replace("TIME(0)", "TIME"))
            for name, kind in json.loads(types.read_text()).items()
        }
        assert {one.name: str(one.type) for one in step.output} == flinks
    if "-- changes: append" in text:
        assert not step.changes, "Flink takes nothing back here"


def test_explain_runs_nothing() -> None:
    assert script("EXPLAIN SELECT page FROM Clicks").explain
    assert script("EXPLAIN PLAN FOR SELECT page FROM Clicks;").explain
    assert not script("EXPLAIN SELECT page FROM Clicks; SELECT page FROM Clicks").explain


def test_settings_and_tables_come_with_the_script() -> None:
    found = script("SET 'table.exec.state.ttl' = '1 h'; CREATE TABLE T (a INT) WITH ('x' = 'y'); SELECT a FROM T")

    assert found.settings == {"table.exec.state.ttl": "1 h"}
    assert found.tables["T"].options == {"x": "y"}


def test_a_columns_place_is_that_of_the_word_in_the_file() -> None:
    (insert,) = script("SELECT\n  page + 1 AS next\nFROM Clicks").inserts

    (value,) = insert.source.columns  # type: ignore[attr-defined]
    assert isinstance(value, Expression)
    assert (value.at.line, value.at.column) == (2, 3)


def test_names_are_told_apart_by_capitals_and_may_be_any_text_in_backticks() -> None:
    step = source("SELECT `a b`, A FROM (SELECT page AS `a b`, device AS A, action AS a FROM Clicks)")

    assert [one.name for one in step.output] == ["a b", "A"]


def test_columns_of_the_same_name_are_numbered_and_those_without_one_named_as_in_flink() -> None:
    step = source("SELECT page, page + 1, c.page FROM Clicks AS c")

    assert [one.name for one in step.output] == ["page", "EXPR$1", "page0"]


def test_a_time_attribute_stays_one_through_views_and_is_none_after_groups() -> None:
    assert source("SELECT event_time AS t FROM Clicks").output[0].is_time
    assert not source("SELECT event_time + INTERVAL '1' SECOND AS t FROM Clicks").output[0].is_time
    assert not source("SELECT DISTINCT event_time AS t FROM Clicks").output[0].is_time


def test_a_plan_is_the_same_however_often_it_is_made() -> None:
    for query in QUERIES:
        assert explained(script(query.read_text())) == planned(query)


def test_a_python_function_is_known_after_its_declaration() -> None:
    step = source(
        "CREATE FUNCTION loud AS 'tests.unit.sql_functions.loud' LANGUAGE PYTHON; SELECT loud(action) FROM Clicks"
    )

    assert str(step.output[0].type) == "STRING NOT NULL"
