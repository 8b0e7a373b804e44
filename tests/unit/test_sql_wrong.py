"""Wrong queries: each is refused at its line and column, with what to write instead, and never by a traceback."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.sql.errors import At, SqlError
from footfall.sql.planning import plan_script
from tests.unit.sql_tables import STREAMS

GOLDEN: Final = Path(__file__).parent.parent / "golden"
WRONG: Final = sorted((GOLDEN / "sql_wrong").glob("*.sql"))
RIGHT: Final = sorted((GOLDEN / "sql").glob("*/query.sql"))
_WORDS: Final = re.compile(r"\w+|\s+|'[^']*'|`[^`]*`|[^\w\s]")


def refused(text: str) -> SqlError | None:
    """What is wrong with a query; None if nothing is. Any other error is a failure of the test."""
    try:
        plan_script(text, streams=STREAMS)
    except SqlError as error:
        return error
    return None


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_query_is_refused_where_it_is_wrong_with_a_remedy(path: Path) -> None:
    text = path.read_text()
    wanted = dict(re.findall(r"^-- (line|column|message|remedy): (.+)$", text, re.MULTILINE))

    error = refused(text)

    assert error is not None, "it was planned"
    assert error.at == At(int(wanted["line"]), int(wanted["column"])), error
    assert wanted["message"] in error.message
    assert wanted["remedy"] in error.remedy
    assert str(error.at) in error.message


def test_there_are_many_wrong_queries_and_each_says_what_is_wanted() -> None:
    assert len(WRONG) >= 45
    for path in WRONG:
        assert len(re.findall(r"^-- (?:line|column|message|remedy): \S", path.read_text(), re.MULTILINE)) == 4, path


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "(" * 59 + "1" + ")" * 59 + " + " + "- " * 3000 + "1",
        "SELECT " + "NOT " * 3000 + "TRUE",
        "SELECT " + "CASE WHEN TRUE THEN " * 500 + "1" + " END" * 500,
        "SELECT * FROM " + "(SELECT * FROM " * 300 + "Clicks" + ")" * 300,
        "SELECT page FROM Clicks WHERE page = 1" + " + 1" * 5_000,
        "x" * 1_000_001,
        "SELECT '\x00' FROM Clicks WHERE \x00",
        "\ufeff\u200b\u2028 ☃ 🙂",
        "SELECT 🙂 FROM Clicks",
        "SELECT 1e999999, 99999999999999999999999999999999999999999 FROM Clicks",
        "/* never closed",
        "/*",
        ";;;;",
        "",
        "SELECT x'0g' FROM Clicks",
        "SELECT x'0' FROM Clicks",
        "SELECT TIMESTAMP '9999-99-99 00:00:00' FROM Clicks",
        "SELECT INTERVAL '99999999999999999999' DAY FROM Clicks",
        "SELECT {fn now()} FROM Clicks",
        "SELECT page::INT, page ?? 1, $1, :name, ?, @x FROM Clicks",
        "CREATE",
        "INSERT",
        "CREATE TABLE",
        "CREATE TABLE T (",
        "EXPLAIN",
        "WITH",
        "SELECT",
        "SELECT * FROM",
        "SELECT * FROM TABLE(",
        "SELECT * FROM Clicks MATCH_RECOGNIZE (",
        "CREATE FUNCTION f AS 'no_such_module.f' LANGUAGE PYTHON; SELECT f(page) FROM Clicks;",
    ],
    ids=lambda text: text[:30].encode("ascii", "backslashreplace").decode(),
)
def test_nothing_that_is_typed_leads_to_a_traceback(text: str) -> None:
    error = refused(text)

    assert error is not None
    assert error.remedy
    assert error.at.line >= 1
    assert error.at.column >= 1


def test_a_chain_of_three_thousand_conditions_is_no_matter() -> None:
    conditions = " OR ".join(f"page = {number}" for number in range(3_000))

    assert refused(f"SELECT page FROM Clicks WHERE {conditions}") is None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_query_with_words_lost_doubled_or_swapped_is_planned_or_refused(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([*RIGHT, *WRONG]))
    words = _WORDS.findall(path.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        other = data.draw(st.integers(0, len(words) - 1))
        match data.draw(st.sampled_from(["lose", "double", "swap", "copy", "cut"])):
            case "lose":
                del words[place]
            case "double":
                words.insert(place, words[place])
            case "swap":
                words[place], words[other] = words[other], words[place]
            case "copy":
                words[place] = words[other]
            case "cut":
                words = words[: place + 1]
        words = words or [" "]

    error = refused("".join(words))

    assert error is None or error.remedy
