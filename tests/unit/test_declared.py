"""The sections ``streams`` and ``processors`` of a settings file become values that can be run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from footfall.core.errors import UsageError
from footfall.pipeline.declared import Declared, FunctionProcessor, SqlProcessor, read_declared
from footfall.sql.declarations import Protocol

CLICKS = {"name": "Clicks", "stream": "click", "key": "user_id", "schema": {"fields": {"user_id": "STRING"}}}
SHOUTED = {"name": "Shouted", "stream": "shouted", "protocol": "rabbitmq", "schema": {"fields": {"user_id": "STRING"}}}
QUERY = "INSERT INTO Vips SELECT user_id FROM Clicks"


def declared(tmp_path: Path, **sections: Any) -> Declared:
    file = tmp_path / "footfall.yaml"
    file.write_text(yaml.safe_dump({"port": 8010, **sections}, sort_keys=False))
    return read_declared(file)


def refused(tmp_path: Path, **sections: Any) -> str:
    with pytest.raises(UsageError) as caught:
        declared(tmp_path, **sections)
    assert caught.value.remedy
    return str(caught.value)


def test_a_file_without_the_sections_declares_nothing(tmp_path: Path) -> None:
    found = declared(tmp_path)

    assert (dict(found.streams), found.processors, found.sinks) == ({}, (), [])
    (tmp_path / "footfall.yaml").write_text("")
    assert read_declared(tmp_path / "footfall.yaml").processors == ()


def test_a_query_brings_the_declared_streams_that_it_names_and_does_not_create(tmp_path: Path) -> None:
    (tmp_path / "vip.sql").write_text(f"CREATE TABLE Vips (user_id STRING);\n{QUERY};\n")

    found = declared(tmp_path, streams=[CLICKS, SHOUTED], processors=[{"name": "vip", "sql": "vip.sql", "replicas": 2}])

    [one] = found.processors
    assert isinstance(one, SqlProcessor)
    assert ([table.name for table in one.tables], one.reads, one.writes) == (["Clicks"], ("Clicks",), ("Vips",))
    assert (one.file, one.to, one.replicas) == (tmp_path / "vip.sql", None, 2)
    assert one.script.index("CREATE TABLE `Clicks`") < one.script.index("CREATE TABLE Vips") < one.script.index(QUERY)


def test_the_rows_of_a_select_go_to_a_stream_by_either_of_its_names(tmp_path: Path) -> None:
    for to in ("Shouted", "shouted"):
        processors = [{"name": "all", "query": "SELECT user_id FROM Clicks", "to": to}]
        [one] = declared(tmp_path, streams=[CLICKS, SHOUTED], processors=processors).processors
        assert isinstance(one, SqlProcessor)
        assert (one.to, one.writes) == ("shouted", ("shouted",))


def test_a_function_reads_and_writes_what_the_log_calls_the_streams(tmp_path: Path) -> None:
    processors = [{"name": "shout", "function": "upper_case", "from": "Clicks", "to": "Shouted"}]

    found = declared(tmp_path, streams=[CLICKS, SHOUTED], processors=processors)

    [one] = found.processors
    assert isinstance(one, FunctionProcessor)
    assert (one.stream, one.to, one.key) == ("click", "shouted", "user_id")
    assert [sink.stream for sink in found.sinks] == ["shouted"]
    assert found.streams["Shouted"].protocol is Protocol.RABBITMQ
    [registered] = one.registered()
    assert (registered.name, registered.to) == ("shout", "shouted")


def test_a_file_of_functions_says_itself_what_they_read(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import footfall\n\n@footfall.on_event('click', to='seen', key='user_id')\ndef seen(event):\n    return event\n"
    )

    [one] = declared(tmp_path, processors=[{"name": "mine", "function": "mine.py"}]).processors

    assert isinstance(one, FunctionProcessor)
    assert [each.name for each in one.registered()] == ["seen"]


def wrong() -> dict[str, tuple[dict[str, Any], str]]:
    vip = {"name": "vip", "query": QUERY}
    shout = {"name": "shout", "function": "upper_case", "from": "Clicks"}
    streams = [CLICKS, SHOUTED]
    return {
        "no list": ({"processors": {"vip": 1}}, r"line 2, processors: a list is expected"),
        "no kind": ({"processors": [{"name": "vip"}]}, r"processors\[0\]: a processor is a query or a function"),
        "no name": ({"processors": [{"query": QUERY}]}, r"processors\[0\]: name is missing"),
        "bad name": ({"processors": [{**vip, "name": "V I P"}]}, r"processors\[0\]\.name: V I P is no name"),
        "typo": ({"processors": [{**vip, "qery": 1}]}, r"\.qery: there is no field qery\. Did you mean query"),
        "no file": ({"processors": [{"name": "vip", "sql": "vip.sql"}]}, r"\.sql: .*vip\.sql cannot be read"),
        "bad sql": ({"processors": [{"name": "vip", "query": "SELEC 1"}]}, r"\.query: .*line 1, column 1"),
        "no target": ({"processors": [{"name": "vip", "query": "SELECT 1"}]}, "nobody says where the rows go"),
        "two targets": ({"processors": [{**vip, "to": "x"}]}, "INSERT INTO says itself where the rows go"),
        "query with key": ({"processors": [{**vip, "key": "x"}]}, r"\.key: a query says this itself"),
        "twice": ({"processors": [vip, vip]}, r"processors\[1\]: two processors are called vip"),
        "stream twice": ({"streams": [CLICKS, CLICKS]}, r"streams\[1\]: two streams are called Clicks"),
        "many": ({"processors": [{**vip, "replicas": 65}]}, r"\.replicas: 65 is no number from 1 to 64"),
        "our own": (
            {"streams": streams, "processors": [{**shout, "to": "sessions"}]},
            r"\.to: sessions is Footfall's own stream",
        ),
        "circle": ({"streams": streams, "processors": [{**shout, "to": "click"}]}, "shout would read what it writes"),
        "from nowhere": ({"processors": [{"name": "shout", "function": "upper_case"}]}, "from is missing"),
        "from rabbitmq": (
            {"streams": streams, "processors": [{**shout, "from": "Shouted"}]},
            r"\.from: Shouted is a stream of RabbitMQ, which can only be written to",
        ),
        "file with from": ({"processors": [{**shout, "function": "a.py"}]}, "a file says this itself, with @on_event"),
    }


@pytest.mark.parametrize("case", wrong())
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(tmp_path: Path, case: str) -> None:
    sections, message = wrong()[case]

    said = refused(tmp_path, **sections)

    assert said.startswith(f"{tmp_path / 'footfall.yaml'}, line ")
    assert re.search(message, said), said
