"""A file of manifests declares what a settings file declares."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from footfall.core.errors import UsageError
from footfall.pipeline.declared import Declared, FunctionProcessor, SqlProcessor, read_declared
from footfall.pipeline.manifests import are_manifests, read_manifests
from footfall.sql.known import own_streams

EXAMPLE = Path(__file__).parents[2] / "examples" / "vip"
FIELDS = {"fields": {"user_id": "STRING", "page": "INT"}}
AVRO = {
    "avro": {
        "type": "record",
        "fields": [{"name": "user_id", "type": ["null", "string"]}, {"name": "page", "type": ["null", "int"]}],
    }
}
SQL = {"sql": "CREATE TABLE Clicks (user_id STRING, page INT)"}


def stream(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "footfall/v1", "kind": "Stream", "metadata": {"name": name}, "spec": spec}


def processor(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "footfall/v1", "kind": "Processor", "metadata": {"name": name}, "spec": spec}


CLICK = stream("click", protocol="kafka", key="user_id", schema=FIELDS)
PAGES = stream("page-view", protocol="rabbitmq", schema=FIELDS)
QUERY = processor("pages", inputs=["click"], outputs=["page-view"], query="SELECT * FROM [[STREAM:click]]")


def read(tmp_path: Path, *documents: Any) -> Declared:
    file = tmp_path / "manifest.yaml"
    file.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return read_manifests(file)


def test_streams_in_the_three_forms_are_the_same(tmp_path: Path) -> None:
    found = [
        read(tmp_path, stream("Clicks", stream="click", key="user_id", schema=schema)).streams["Clicks"]
        for schema in (FIELDS, AVRO, SQL)
    ]

    assert found[0] == found[1] == found[2]
    assert (found[0].name, found[0].stream, found[0].key) == ("Clicks", "click", "user_id")


def test_the_log_calls_a_stream_as_its_manifest_does_unless_told_otherwise(tmp_path: Path) -> None:
    in_sql = read(tmp_path, stream("click", schema=SQL)).streams["click"]

    assert (in_sql.name, in_sql.stream) == ("Clicks", "click")


def test_a_placeholder_becomes_what_queries_call_the_stream(tmp_path: Path) -> None:
    click = stream("click", schema=SQL)

    [one] = read(tmp_path, QUERY, click, PAGES).processors  # a stream may stand behind its processor

    assert isinstance(one, SqlProcessor)
    assert one.query == "INSERT INTO `page-view`\nSELECT * FROM `Clicks`"
    assert (one.reads, one.writes) == (("Clicks",), ("page-view",))
    assert {table.stream for table in one.tables} == {"click", "page-view"}
    assert one.planned({}).inserts[0].target is not None


def test_a_query_may_read_footfalls_own_streams(tmp_path: Path) -> None:
    query = processor(
        "pages",
        inputs="enriched-click-data",
        outputs="page-view",
        query="SELECT userId AS user_id, CAST(age AS INT) AS page FROM [[STREAM:enriched-click-data]]",
    )

    [one] = read(tmp_path, query, PAGES).processors

    assert isinstance(one, SqlProcessor)
    assert one.planned(own_streams()).inserts


def test_what_is_wrong_with_a_query_is_said_at_its_own_line(tmp_path: Path) -> None:
    wrong = processor(
        "pages",
        inputs=["click"],
        outputs=["page-view"],
        query="INSERT INTO `page-view`\nSELECT user_id,\n  pge FROM click",
    )
    [one] = read(tmp_path, CLICK, PAGES, wrong).processors
    assert isinstance(one, SqlProcessor)

    with pytest.raises(UsageError, match=r"processor pages: .*pge.* \(line 3, column 3\)") as caught:
        one.planned({})
    assert "page" in caught.value.remedy


def test_a_function_has_the_key_of_what_it_reads(tmp_path: Path) -> None:
    shout = processor("shout", inputs=["click"], outputs=["page-view"], function="upper_case", replicas=2)

    [one] = read(tmp_path, CLICK, PAGES, shout).processors

    assert isinstance(one, FunctionProcessor)
    assert (one.stream, one.to, one.key, one.replicas) == ("click", "page-view", "user_id", 2)


def test_the_example_means_the_same_as_manifests_and_as_settings() -> None:
    manifests, settings = read_manifests(EXAMPLE / "manifest.yaml"), read_declared(EXAMPLE / "footfall.yaml")
    [query, _] = manifests.processors
    [same, _] = settings.processors
    assert isinstance(query, SqlProcessor)
    assert isinstance(same, SqlProcessor)

    one, other = query.planned({}), same.planned({})

    assert [(f.name, str(f.type)) for f in one.inserts[0].source.output] == [
        (f.name, str(f.type)) for f in other.inserts[0].source.output
    ]
    assert are_manifests(EXAMPLE / "manifest.yaml")
    assert not are_manifests(EXAMPLE / "footfall.yaml")


def wrong() -> dict[str, tuple[list[Any], str]]:
    spec = {"inputs": ["click"], "outputs": ["page-view"]}
    both = [CLICK, PAGES]
    return {
        "version": ([{**CLICK, "apiVersion": "v2"}], "apiVersion: there is no v2. There are: footfall/v1"),
        "kind": ([{**CLICK, "kind": "Steam"}], "kind: there is no Steam. There are: Stream, Processor"),
        "name": ([{**CLICK, "metadata": {}}], "metadata: name is missing"),
        "spec": ([{"apiVersion": "footfall/v1", "kind": "Stream", "metadata": {"name": "a"}}], "spec is missing"),
        "typo": ([stream("a", schema=FIELDS, timeAtributes={})], "Did you mean timeAttributes"),
        "second": (
            [CLICK, stream("b", schema={"fields": {"a": "INTT"}})],
            r"document 2, line 20, spec.schema.fields.a: INTT is no type\.",
        ),
        "key": ([stream("a", schema=FIELDS, key="b")], r"spec\.key: there is no stored column b"),
        "primary": ([stream("a", schema=FIELDS, primaryKey=["b"])], r"spec\.primaryKey: there is no stored column b"),
        "time": (
            [stream("a", schema=FIELDS, timeAttributes={"b": {"watermark": "1 day"}})],
            r"spec\.timeAttributes: there is no column b",
        ),
        "twice": ([CLICK, CLICK], "document 2, .*two streams are called click"),
        "processor twice": ([*both, QUERY, QUERY], "two processors are called pages"),
        "neither": ([*both, processor("p", **spec)], "a processor is a query or a function"),
        "no input": ([*both, processor("p", inputs=["clik"], query="x")], r"inputs\[0\]: there is no stream clik"),
        "no output": ([CLICK, processor("p", **spec, query="x")], r"outputs\[0\]: there is no stream page-view"),
        "placeholder": (
            [*both, processor("p", inputs=["click"], query="SELECT * FROM [[STREAM:page-view]]")],
            r"\[\[STREAM:page-view\]\] is neither an input nor an output. Add it",
        ),
        "select": (
            [*both, processor("p", inputs=["click"], query="SELECT * FROM [[STREAM:click]]")],
            "nobody says where the rows go",
        ),
        "own": ([*both, processor("p", outputs=["sessions"], query="x")], "there is no stream sessions"),
        "circle": (
            [*both, processor("p", inputs=["click"], outputs=["click"], function="upper_case")],
            "p would read what it writes",
        ),
        "rabbit": ([*both, processor("p", inputs=["page-view"], function="upper_case")], "can only be written to"),
        "two inputs": (
            [*both, processor("p", inputs=["click", "sessions"], function="upper_case")],
            "a function has one input",
        ),
        "file": ([*both, processor("p", inputs=["click"], function="a.py")], "Name its function: a.py:NAME"),
    }


@pytest.mark.parametrize("case", wrong())
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(tmp_path: Path, case: str) -> None:
    documents, message = wrong()[case]

    with pytest.raises(UsageError) as caught:
        read(tmp_path, *documents)

    assert str(caught.value).startswith(f"{tmp_path / 'manifest.yaml'}, ")
    assert re.search(message, str(caught.value)), caught.value
    assert caught.value.remedy


def test_a_file_that_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text("kind: Stream\n  metadata: [\n")

    with pytest.raises(UsageError, match=r"manifest\.yaml, line 2: this is not YAML"):
        read_manifests(file)


def test_aliases_of_aliases_are_read_in_no_time(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    file.write_text("\n".join(levels) + "\n")

    with pytest.raises(UsageError, match="there is no field a0"):
        read_manifests(file)
