"""A file of SQL becomes statements with places, and Java's tracebacks become sentences."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.errors import UsageError
from footfall.core.events import SCHEMAS
from footfall.sql.flink.causes import root_cause
from footfall.sql.flink.http import Rest
from footfall.sql.flink.scripts import Script, prepare
from footfall.sql.flink.statements import split
from footfall.sql.flink.streams import ddl_for, pipeline_tables
from footfall.sql.flink.tables import CreatedTable, created_table
from footfall.sql.flink.topics import KafkaPlace

PLACE = KafkaPlace(brokers="broker:9092", prefix="shop.")
CLICKS = "CREATE TABLE Clicks (user_id STRING, page INT)"
SINK = "CREATE TABLE Out (page INT) WITH ('connector' = 'blackhole')"


def table(text: str) -> CreatedTable:
    [statement] = split(text)
    found = created_table(statement)
    assert found is not None
    return found


def texts(script: Script) -> str:
    return ";\n".join(one.text for one in script.statements)


def test_a_semicolon_in_a_text_a_name_or_a_comment_ends_no_statement() -> None:
    text = "SELECT ';''' -- ; here\n, `a;b` /* ; \n ; */ FROM t;\n\n;SELECT 2"

    found = split(text)

    assert [one.text for one in found] == ["SELECT ';''' -- ; here\n, `a;b` /* ; \n ; */ FROM t", "SELECT 2"]
    assert [one.line for one in found] == [1, 5]


def test_a_statement_set_is_one_statement_whatever_ends_within() -> None:
    text = (
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN TRUE THEN 1 END; INSERT INTO `b` SELECT 2; END; SET"
    )

    found = split(text)

    assert [one.tokens[0].text for one in found] == ["EXECUTE", "SET"]
    assert found[0].targets == ["a", "b"]


@pytest.mark.parametrize(("text", "place"), [("SELECT 1;\n  'no end", "Line 2, column 3"), ("`x", "Line 1, column 1")])
def test_a_quote_without_end_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(UsageError, match=place):
        split(text)


def test_a_table_says_what_it_declares() -> None:
    found = table(
        "CREATE TEMPORARY TABLE IF NOT EXISTS `my``db`.T (`a b` ROW<x INT, y MAP<STRING, INT>>, c AS a < 3, "
        "t TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL, WATERMARK FOR t AS t - INTERVAL '5' SECOND, "
        "CONSTRAINT k PRIMARY KEY (`a b`, c) NOT ENFORCED) COMMENT 'WITH' WITH ('topic' = 'it''s')"
    )

    assert found.name == "T"
    assert [one.name for one in found.columns] == ["a b", "c", "t"]
    assert [one.name for one in found.columns if one.is_written] == ["a b"]
    assert found.key == ["a b", "c"]
    assert found.options == {"topic": "it's"}
    assert not found.bound
    assert found.bind({"connector": "x"}).text.endswith("COMMENT 'WITH' WITH (\n  'connector' = 'x'\n)")


@pytest.mark.parametrize("text", [f"{CLICKS} LIKE other", "CREATE TABLE t (a INT) WITH ('connector' = 'print')"])
def test_a_table_that_has_a_place_keeps_it(text: str) -> None:
    assert table(text).bound


def test_a_table_without_a_place_gets_the_topic_of_its_stream() -> None:
    script = prepare(f"{CLICKS}; {SINK}; INSERT INTO Out SELECT page FROM Clicks", PLACE)

    assert "'topic' = 'shop.Clicks'" in texts(script)
    assert "'scan.startup.mode' = 'earliest-offset'" in texts(script)
    assert (script.reads, script.writes) == (["Clicks"], [])
    assert texts(script).count("'connector'") == 2


def test_the_command_line_names_a_stream_before_the_table_does() -> None:
    text = f"{CLICKS} WITH ('topic' = 'click'); {SINK}; INSERT INTO Out SELECT page FROM Clicks"

    assert prepare(text, PLACE).reads == ["click"]
    assert prepare(text, PLACE, streams={"Clicks": "other"}).reads == ["other"]


def test_a_table_on_kafka_without_brokers_is_in_the_log() -> None:
    here = "WITH ('connector' = 'kafka', 'topic' = 'click', 'format' = 'json')"
    there = "WITH ('connector' = 'kafka', 'topic' = 'click', 'properties.bootstrap.servers' = 'other:1')"

    assert "'topic' = 'shop.click'" in texts(
        prepare(f"{CLICKS} {here}; {SINK}; INSERT INTO Out SELECT page FROM Clicks", PLACE)
    )
    assert table(f"{CLICKS} {there}").bound


def test_what_a_table_says_in_with_wins() -> None:
    text = f"{CLICKS} WITH ('scan.startup.mode' = 'latest-offset'); {SINK}; INSERT INTO Out SELECT page FROM Clicks"

    assert "'scan.startup.mode' = 'latest-offset'" in texts(prepare(text, PLACE))


def test_a_table_that_is_only_written_is_made_and_not_read() -> None:
    vips = "CREATE TABLE Vips (page INT) WITH ('topic' = 'vip-action')"
    text = f"{CLICKS}; {vips}; INSERT INTO Vips SELECT page FROM Clicks"

    script = prepare(text, PLACE)

    assert (script.reads, script.writes) == (["Clicks"], ["vip-action"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{CLICKS};\nSELECT * FROM Clicks", "Line 2.*nowhere"),
        (CLICKS, "no INSERT INTO"),
        (f"{SINK}; INSERT INTO `click-data` SELECT 1", "stream of the pipeline"),
        (f"{CLICKS}; {SINK}; INSERT INTO Out SELECT page FROM Clicks", "no Kafka is named"),
    ],
)
def test_what_cannot_be_submitted_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        prepare(text, None)


def test_a_primary_key_must_be_the_messages_key() -> None:
    text = f"CREATE TABLE T (a STRING, PRIMARY KEY (a) NOT ENFORCED); {SINK}; INSERT INTO Out SELECT 1 FROM T"

    with pytest.raises(UsageError, match="ROW_NUMBER"):
        prepare(text, PLACE)


def test_other_formats_are_refused_where_a_table_has_no_options() -> None:
    with pytest.raises(UsageError, match="quix"):
        prepare(
            f"{CLICKS}; {SINK}; INSERT INTO Out SELECT page FROM Clicks", KafkaPlace(brokers="broker:1", format="quix")
        )


def test_passwords_reach_flink_s_client_and_are_not_shown() -> None:
    place = KafkaPlace(
        brokers="b:1", client={"sasl.username": "ann", "sasl.password": 'p"w', "sasl.mechanism": "PLAIN"}
    )

    assert 'username="ann" password="p\\"w";' in place.properties["properties.sasl.jaas.config"]
    assert 'p"w' not in repr(place)
    assert 'p\\"w' not in str(place.without_secrets().properties)


@pytest.mark.parametrize("stream", SCHEMAS)
def test_every_stream_of_the_pipeline_has_a_declaration(stream: str) -> None:
    made = table(ddl_for(stream, lateness=timedelta(days=1, seconds=61)))

    assert [one.name for one in made.columns] == SCHEMAS[stream].names
    assert "'1 00:01:01' DAY TO SECOND" in made.statement.text


def test_a_stream_s_lateness_is_the_pipeline_s() -> None:
    known = pipeline_tables(timedelta(minutes=3))

    script = prepare(f"{SINK}; INSERT INTO Out SELECT age FROM click_data", PLACE, known=known)

    assert "'0 00:03:00' DAY TO SECOND" in texts(script)
    assert "'topic' = 'shop.click-data'" in texts(script)
    assert script.reads == ["click-data"]


TRACE = """<Exception on server side:
org.apache.flink.table.gateway.service.utils.SqlExecutionException: Failed to execute the operation 3f.
\tat org.apache.flink.A.b(A.java:1)
Caused by: org.apache.flink.table.api.SqlParserException: SQL parse failed. {outer}
\tat org.apache.flink.C.d(C.java:2)
\t... 5 more
Caused by: org.apache.calcite.X: {inner}
Was expecting one of:
    "A" ...
\tat org.apache.flink.E.f(E.java:3)
\t... 7 more
End of exception on server side>"""


def test_the_innermost_exception_says_what_was_wrong() -> None:
    assert root_cause(TRACE.format(outer="No.", inner="Topic x is gone")) == "Topic x is gone"


def test_an_outer_exception_that_knows_the_place_says_it() -> None:
    said = root_cause(
        TRACE.format(outer="From line 2, column 8 to line 2, column 9: Column 'y' is not", inner="Column 'y' is not")
    )

    assert "From line 2, column 8" in said
    assert "expecting" not in said


@pytest.mark.parametrize("text", ["", "\n \n", "just a sentence"])
def test_what_is_no_traceback_is_said_as_it_is(text: str) -> None:
    assert root_cause(text) == (text.strip() or "Flink gives no reason.")


@pytest.mark.parametrize("url", ["localhost:8083", "ftp://x", "http://", "file:///etc/passwd", str(Path("/tmp"))])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not the address"):
        Rest(url, what="a SQL Gateway")
