"""A stream declared in fields, in Avro or in SQL is the same stream."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from footfall.core.errors import UsageError
from footfall.core.placed import read_documents
from footfall.sql.declarations import FIELDS, Computed, Declaration, Protocol, TimeAttribute, read_declaration
from footfall.sql.plan import Field
from footfall.sql.types import INT, STRING, TIMESTAMP_LTZ

CLICKS_IN_SQL = """
CREATE TABLE Clicks (
  user_id STRING NOT NULL,
  page INT,
  event_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  seen_at AS PROCTIME(),
  WATERMARK FOR event_time AS event_time - INTERVAL '30' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'click', 'key.fields' = 'user_id', 'format' = 'json')
"""
TIME = {"event_time": {"from": "timestamp", "watermark": "30 seconds"}, "seen_at": {"processing": True}}
AROUND = {"name": "Clicks", "stream": "click", "protocol": "kafka", "key": "user_id", "time": TIME}
FORMS: dict[str, dict[str, Any]] = {
    "fields": {**AROUND, "schema": {"fields": {"user_id": "STRING NOT NULL", "page": "INT"}}},
    "list": {
        **AROUND,
        "schema": {"fields": [{"user_id": "string not null"}, {"name": "page", "type": "INT"}]},
    },
    "avro": {
        **AROUND,
        "schema": {
            "avro": {
                "type": "record",
                "name": "Click",
                "fields": [{"name": "user_id", "type": "string"}, {"name": "page", "type": ["null", "int"]}],
            }
        },
    },
    "sql": {"schema": {"sql": CLICKS_IN_SQL}},
}
for form in ("fields", "list", "avro"):
    FORMS[form]["options"] = {"format": "json"}


def declared(content: dict[str, Any], directory: Path) -> Declaration:
    file = directory / "streams.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    [whole] = read_documents(file)
    return read_declaration(whole.fields(FIELDS), whole, directory=directory)


def refused(content: dict[str, Any], directory: Path) -> str:
    with pytest.raises(UsageError) as caught:
        declared(content, directory)
    assert caught.value.remedy
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
def test_the_three_forms_mean_the_same(tmp_path: Path, form: str) -> None:
    found = declared(FORMS[form], tmp_path)

    assert found == declared(FORMS["sql"], tmp_path)
    assert (found.name, found.stream, found.protocol, found.key) == ("Clicks", "click", Protocol.KAFKA, "user_id")
    assert found.table.columns == (
        Field("user_id", STRING.without_null()),
        Field("page", INT),
        Field("event_time", TIMESTAMP_LTZ),
    )
    assert found.table.metadata == {"event_time": "timestamp"}
    assert found.time == TimeAttribute("event_time", timedelta(seconds=30))
    assert found.computed == (Computed("seen_at", "PROCTIME()"),)
    assert found.order == ("user_id", "page", "event_time", "seen_at")


@pytest.mark.parametrize("form", FORMS)
def test_a_declaration_written_as_sql_declares_the_same(tmp_path: Path, form: str) -> None:
    found = declared(FORMS[form], tmp_path)

    assert declared({"schema": {"sql": found.create_table()}}, tmp_path) == found


def test_a_schema_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "click.avsc").write_text(json.dumps(FORMS["avro"]["schema"]["avro"]))
    (tmp_path / "click.sql").write_text(CLICKS_IN_SQL)

    from_avro = declared({**FORMS["avro"], "schema": {"avro": "click.avsc"}}, tmp_path)
    from_sql = declared({"schema": {"sql": "click.sql"}}, tmp_path)
    assert from_avro == from_sql == declared(FORMS["fields"], tmp_path)


def test_an_event_time_may_be_a_column_or_computed_from_one(tmp_path: Path) -> None:
    stored = {
        "name": "T",
        "schema": {"fields": {"at": "TIMESTAMP(3)"}},
        "time": {"at": {"watermark": "500 ms"}},
    }
    computed = {
        "name": "T",
        "schema": {"fields": {"epoch": "BIGINT"}},
        "time": {"at": {"as": "TO_TIMESTAMP_LTZ(epoch,  3)", "watermark": 0}},
    }
    in_sql = "CREATE TABLE T (`at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '0.5' SECOND)"
    computed_in_sql = (
        "CREATE TABLE T (epoch BIGINT, `at` AS TO_TIMESTAMP_LTZ(epoch, 3) COMMENT 'when', WATERMARK FOR `at` AS `at`)"
    )

    assert declared(stored, tmp_path) == declared({"schema": {"sql": in_sql}}, tmp_path)
    assert declared(computed, tmp_path) == declared({"schema": {"sql": computed_in_sql}}, tmp_path)


def test_a_primary_key_is_the_key_and_makes_rows_replace_one_another(tmp_path: Path) -> None:
    fields = {
        "name": "Users",
        "protocol": "kafka",
        "primary_key": "id",
        "schema": {"fields": {"id": "STRING", "level": "STRING"}},
    }
    in_sql = (
        "CREATE TABLE Users (id STRING, level STRING, PRIMARY KEY (id) NOT ENFORCED) "
        "WITH ('connector' = 'upsert-kafka', 'topic' = 'Users')"
    )

    found = declared(fields, tmp_path)
    assert found == declared({"schema": {"sql": in_sql}}, tmp_path)
    assert (found.key, found.table.primary_key, found.table.options["connector"]) == ("id", ("id",), "upsert-kafka")


def test_without_a_protocol_it_is_a_stream_of_the_log_of_the_same_name(tmp_path: Path) -> None:
    found = declared({"name": "visits", "schema": {"fields": {"n": "BIGINT"}}}, tmp_path)

    assert (found.protocol, found.stream, found.key) == (Protocol.LOG, "visits", None)
    assert found == declared({"schema": {"sql": "CREATE TABLE visits (n BIGINT)"}}, tmp_path)
    assert found == declared({"protocol": "embedded", "schema": {"sql": "CREATE TABLE visits (n BIGINT)"}}, tmp_path)


NAMED = {"name": "T"}
ONE = {"fields": {"a": "INT", "t": "TIMESTAMP(3)"}}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no schema": (NAMED, "line 1: schema is missing. Give it as one of fields, avro, sql"),
    "two schemas": ({**NAMED, "schema": {**ONE, "sql": "x"}}, "line 2, schema: a stream has one schema"),
    "no name": ({"schema": ONE}, "line 1: name is missing"),
    "wrong type": ({**NAMED, "schema": {"fields": {"a": "INTT"}}}, r"line 4, schema\.fields\.a: INTT is no type"),
    "wrong field": ({**NAMED, "schema": ONE, "keys": "a"}, "line 6, keys: there is no field keys. Did you mean key"),
    "wrong key": ({**NAMED, "schema": ONE, "key": "b"}, "key: there is no stored column b. Columns are: a, t"),
    "wrong protocol": (
        {**NAMED, "schema": ONE, "protocol": "mqtt"},
        "protocol: there is no mqtt. There are: log, kafka",
    ),
    "wrong time": (
        {**NAMED, "schema": ONE, "time": {"a": {"watermark": "1 second"}}},
        r"time: a is INT, and cannot be an event time. It must be TIMESTAMP\(3\)",
    ),
    "no such time": ({**NAMED, "schema": ONE, "time": {"b": {"watermark": "1 second"}}}, "time: there is no column b"),
    "empty time": ({**NAMED, "schema": ONE, "time": {"t": {}}}, r"time\.t: this says nothing of the column"),
    "two times": (
        {**NAMED, "schema": ONE, "time": {"t": {"watermark": 0}, "u": {"from": "timestamp", "watermark": 0}}},
        r"time\.u\.watermark: a stream has one watermark",
    ),
    "wrong delay": ({**NAMED, "schema": ONE, "time": {"t": {"watermark": "soon"}}}, "soon is no duration. Write"),
    "wrong metadata": (
        {**NAMED, "schema": ONE, "time": {"u": {"from": "clock"}}},
        "there is no clock. There are: time",
    ),
    "wrong expression": ({**NAMED, "schema": ONE, "time": {"u": {"as": "a +"}}}, r"time\.u\.as: "),
    "option twice": (
        {**NAMED, "schema": ONE, "options": {"topic": "x"}},
        "options: topic follows from the other fields",
    ),
    "twice a column": (
        {**NAMED, "schema": ONE, "time": {"a": {"from": "timestamp"}}},
        "schema: two columns are called a",
    ),
    "wrong sql": ({"schema": {"sql": "CREATE TABLE T (a INT,)"}}, r"schema\.sql: .*line 1, column"),
    "a query": ({"schema": {"sql": "SELECT 1"}}, "One CREATE TABLE is expected"),
    "another name": (
        {**NAMED, "schema": {"sql": "CREATE TABLE U (a INT)"}},
        "name: CREATE TABLE calls it U. Use the same name",
    ),
    "another key": (
        {"key": "b", "schema": {"sql": "CREATE TABLE U (a INT) WITH ('key.fields' = 'a')"}},
        "key: CREATE TABLE says a",
    ),
    "wrong connector": (
        {"schema": {"sql": "CREATE TABLE U (a INT) WITH ('connector' = 'filesystem')"}},
        "There is no connector filesystem.*Connectors are: kafka",
    ),
    "odd watermark": (
        {"schema": {"sql": "CREATE TABLE U (a TIMESTAMP(3), WATERMARK FOR a AS a + INTERVAL '1' SECOND)"}},
        "stays behind its time by a fixed interval",
    ),
    "no avro": ({**NAMED, "schema": {"avro": {"type": "string"}}}, r"schema\.avro: the schema must be a record"),
    "avro union": (
        {**NAMED, "schema": {"avro": {"type": "record", "fields": [{"name": "a", "type": ["int", "string"]}]}}},
        "a: a union may only be of null and one other type",
    ),
    "no json": ({**NAMED, "schema": {"avro": "{"}}, "this is not JSON"),
    "no file": ({**NAMED, "schema": {"avro": "none.avsc"}}, "none.avsc cannot be read"),
    "time in both": ({"schema": {"sql": "CREATE TABLE T (a INT)"}, "time": {}}, "time: CREATE TABLE says this itself"),
    "primary and key": (
        {**NAMED, "schema": ONE, "primary_key": ["a"], "key": "t"},
        "key: the key is t, but the primary key is a",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(tmp_path: Path, case: str) -> None:
    content, message = WRONG[case]

    said = refused(content, tmp_path)

    assert said.startswith(f"{tmp_path / 'streams.yaml'}, line ")
    assert re.search(message, said), said
