"""``footfall sql`` reads files or the log, shows rows to people or programs, and says what is wrong and where."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from footfall.apps.cli import main
from footfall.apps.cli.app import app
from footfall.apps.cli.sql_output import Current
from footfall.core.errors import FootfallError
from footfall.log.base import StreamSettings
from footfall.wiring import open_log
from tests.unit.querying import VIP, clicks, events, put, users

CLICKS = "CREATE TABLE Clicks (user_id STRING, page INT);"
LINES = [{"user_id": "ada", "page": 1}, {"user_id": "bob", "page": 2}, {"user_id": "ada", "page": 3}]
COUNT = f"{CLICKS} SELECT user_id, COUNT(*) AS n FROM Clicks GROUP BY user_id;"


def sql(*arguments: str | Path, data_dir: Path) -> Result:
    return CliRunner().invoke(app, ["sql", *map(str, arguments), "--data-dir", str(data_dir)])


def rows(*arguments: str | Path, data_dir: Path) -> list[dict[str, Any]]:
    done = sql(*arguments, "--json", data_dir=data_dir)
    assert done.exit_code == 0, done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def error(*arguments: str | Path, data_dir: Path) -> FootfallError:
    """What the command was refused for; people get it as one message, with exit code 2 (see ``main``)."""
    done = sql(*arguments, data_dir=data_dir)
    assert isinstance(done.exception, FootfallError), done.output
    assert done.exception.exit_code == 2
    return done.exception


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def clicks_file(tmp_path: Path) -> Path:
    file = tmp_path / "clicks.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return file


@pytest.fixture
def filled(data_dir: Path) -> Path:
    """A data directory with some users and clicks."""
    with open_log(data_dir) as log:
        for stream in ("user", "click"):
            log.create(stream, StreamSettings(partitions=1))
        put(log, "user", users("PLATINUM", "GOLD"))
        put(log, "click", clicks(range(8)))
    return data_dir


# -- files ------------------------------------------------------------------------------------------------


def test_rows_of_files_are_json_with_what_they_do(clicks_file: Path, data_dir: Path) -> None:
    made = rows("-e", COUNT, "--input", f"Clicks={clicks_file}", "--until-end", data_dir=data_dir)

    left: Counter[tuple[str, int]] = Counter()
    for row in made:
        left[row["user_id"], row["n"]] += -1 if row.get("_op") in {"-U", "-D"} else 1
    assert +left == {("ada", 2): 1, ("bob", 1): 1}
    assert not data_dir.exists(), "a query over files needs no data directory"


def test_rows_for_people_have_a_head(clicks_file: Path, data_dir: Path) -> None:
    done = sql("-e", f"{CLICKS} SELECT * FROM Clicks", "--input", f"Clicks={clicks_file}", data_dir=data_dir)

    assert done.stdout.splitlines() == ["user_id\tpage", "ada\t1", "bob\t2", "ada\t3"]


def test_a_line_that_is_no_row_is_named_and_the_others_count(clicks_file: Path, data_dir: Path) -> None:
    with clicks_file.open("a") as file:
        file.write('{"user_id": "eve", "page": "many"}\nnonsense\n{"user_id": "eve", "page": 4}\n')
    done = sql("-e", f"{CLICKS} SELECT page FROM Clicks", "--input", f"Clicks={clicks_file}", data_dir=data_dir)

    assert done.stdout.splitlines()[1:] == ["1", "2", "3", "4"]
    assert f"{clicks_file}, line 4: page: 'many' is no INT" in done.stderr
    assert f"{clicks_file}, line 5" in done.stderr


def test_a_row_that_cannot_be_worked_on_is_shown_and_the_others_count(clicks_file: Path, data_dir: Path) -> None:
    query = f"{CLICKS} SELECT 6 / (page - 2) AS n FROM Clicks WHERE user_id <> 'x'"
    done = sql("-e", query, "--input", f"Clicks={clicks_file}", data_dir=data_dir)

    assert done.stdout.splitlines()[1:] == ["-6", "6"]
    assert '"page":2' in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Users={file}", "No file is given for the table Clicks."),
        ("Clicks", "--input Clicks: this is not TABLE=FILE."),
        ("Clicks=nowhere.ndjson", "nowhere.ndjson does not exist"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(given: str, said: str, clicks_file: Path, data_dir: Path) -> None:
    assert said in str(error("-e", COUNT, "--input", given.format(file=clicks_file), data_dir=data_dir))


def test_an_input_that_no_table_reads_is_refused(clicks_file: Path, data_dir: Path) -> None:
    both = ("--input", f"Clicks={clicks_file}", "--input", f"Others={clicks_file}")
    assert "It reads: Clicks." in str(error("-e", COUNT, *both, data_dir=data_dir))


# -- what is asked ----------------------------------------------------------------------------------------


def test_explain_shows_how_it_would_be_run(data_dir: Path) -> None:
    done = sql("-e", COUNT, "--explain", data_dir=data_dir)
    assert "Aggregate" in done.stdout
    assert done.exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("query.sql", "-e", "SELECT 1")])
def test_either_a_file_or_the_sql_itself(arguments: tuple[str, ...], data_dir: Path) -> None:
    assert "footfall sql FILE, or -e QUERY." in str(error(*arguments, data_dir=data_dir))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT\n  FROM Clicks", "line 2"),
        (f"{CLICKS}\nSELECT pages FROM Clicks", "line 2, column 8"),
        ("SELEKT 1", "line 1, column 1"),
    ],
)
def test_wrong_sql_names_its_place_and_a_remedy(
    query: str, place: str, data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["footfall", "sql", "-e", query, "--data-dir", str(data_dir)])
    with pytest.raises(SystemExit) as ended:
        main.main()

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert place in said
    assert len(said.split(")", 1)[1].strip()) > 5, "no remedy"
    assert "Traceback" not in said


# -- on the log -------------------------------------------------------------------------------------------


def test_a_select_on_the_log_leaves_nothing_behind(filled: Path) -> None:
    query = "SELECT user_id, name FROM `user`"
    assert [row["name"] for row in rows("-e", query, "--until-end", data_dir=filled)] == ["N0", "N1"]
    assert [row["name"] for row in rows("-e", query, "--until-end", data_dir=filled)] == ["N0", "N1"]

    assert not list((filled / "run").glob("query-*.json"))
    with open_log(filled) as log:
        assert log.groups() == []


def test_a_query_makes_its_stream_and_goes_on_where_it_stopped(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "VIP query.sql"
    file.write_text(VIP)
    for _ in range(2):
        done = sql(file, "--until-end", data_dir=filled)
        assert done.exit_code == 0, done.exception

    with open_log(filled) as log:
        assert [one["page"] for one in events(log, "vip-action")] == [0, 4]
        assert log.groups() == ["sql:vip-query"]


def test_from_the_start_does_it_all_again(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "vip.sql"
    file.write_text(VIP)
    sql(file, "--until-end", data_dir=filled)
    sql(file, "--until-end", "--from-the-start", data_dir=filled)

    with open_log(filled) as log:
        assert [one["page"] for one in events(log, "vip-action")] == [0, 4, 0, 4]


def test_another_query_under_the_same_name_is_refused(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "vip.sql"
    file.write_text(VIP)
    sql(file, "--until-end", data_dir=filled)
    file.write_text(VIP.replace("'PLATINUM'", "'GOLD'"))

    assert "--from-the-start" in str(error(file, "--until-end", data_dir=filled))


@pytest.mark.parametrize("name", ["Bad Name!", "", "9lives", "x" * 42])
def test_a_name_is_that_of_a_service(name: str, filled: Path) -> None:
    said = str(error("-e", "SELECT name FROM `user`", "--name", name, "--until-end", data_dir=filled))
    assert "is no name of a service" in said


def test_a_query_over_a_stream_that_is_not_there_names_those_there_are(filled: Path) -> None:
    query = "CREATE TABLE X (a INT) WITH ('topic' = 'nowhere'); SELECT a FROM X"
    said = str(error("-e", query, "--until-end", data_dir=filled))
    assert "There is no stream 'nowhere'" in said
    assert "click, click-data" in said


def test_a_select_beside_others_is_refused_on_the_log(filled: Path) -> None:
    query = "SELECT user_id FROM `user`; SELECT page FROM `click`"
    assert "a SELECT is run alone" in str(error("-e", query, "--until-end", data_dir=filled))


@pytest.mark.parametrize("source", ["`click`", "Clicks"])
def test_a_query_that_reads_what_it_writes_is_refused_on_the_log(filled: Path, source: str) -> None:
    query = (
        "CREATE TABLE Clicks (page INT) WITH ('topic' = 'click');"
        f"CREATE VIEW V AS SELECT page FROM {source}; INSERT INTO Clicks SELECT page FROM V WHERE page > 1"
    )
    said = str(error("-e", query, "--until-end", "--name", "circle", data_dir=filled))
    assert "reads the stream that it writes, click (line 1, column" in said


def test_queries_that_read_in_a_circle_what_they_write_are_refused_on_the_log(filled: Path) -> None:
    query = (
        "CREATE TABLE A (page INT) WITH ('topic' = 'click'); CREATE TABLE B (page INT) WITH ('topic' = 'other');\n"
        "INSERT INTO B SELECT page FROM A;\nINSERT INTO A SELECT page FROM B"
    )
    said = str(error("-e", query, "--until-end", "--name", "circle", data_dir=filled))
    assert "read, in a circle, what they write: " in said
    assert "click -> other" in said
    assert "(line " in said


# -- a table that changes ---------------------------------------------------------------------------------


def test_a_row_that_is_updated_keeps_its_place() -> None:
    table = Current()
    for op, cells in [
        ("+I", ("a", "1")),
        ("+I", ("b", "1")),
        ("-U", ("a", "1")),
        ("+U", ("a", "2")),
        ("+I", ("c", "1")),
        ("-D", ("b", "1")),
    ]:
        table.change(op, cells)

    assert table.rows() == [("a", "2"), ("c", "1")]


def test_equal_rows_are_so_many_rows() -> None:
    table = Current()
    for op in ("+I", "+I", "+I", "-D"):
        table.change(op, ("a",))

    assert table.rows() == [("a",), ("a",)]
