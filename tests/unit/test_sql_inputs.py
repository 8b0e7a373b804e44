"""Files become rows of a table; a line that is none costs no other, and is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.errors import UsageError
from footfall.sql.inputs import read_file
from footfall.sql.types import BIGINT, BOOLEAN, DOUBLE, INT, STRING, TIMESTAMP, TIMESTAMP_LTZ, Family, SqlType

COLUMNS = {"user": STRING, "page": INT, "at": TIMESTAMP}
NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - TIMESTAMP has no time zone


def read(path: Path, columns: dict[str, SqlType] = COLUMNS) -> tuple[list[dict[str, Any]], list[str]]:
    bad: list[str] = []
    batches = list(read_file(path, columns, lambda line: bad.append(str(line))))
    return [row for batch in batches for row in batch.to_pylist()], bad


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_json_line_is_a_row_and_what_it_lacks_is_null(tmp_path: Path) -> None:
    file = written(
        tmp_path / "c.ndjson", '{"user":"ada","page":1,"at":"2026-03-01T12:00:00.000","more":[1]}\n{"page":2}\n'
    )
    assert read(file) == ([{"user": "ada", "page": 1, "at": NOON}, {"user": None, "page": 2, "at": None}], [])


@pytest.mark.parametrize("at", ["2026-03-01T12:00:00Z", "2026-03-01 13:00:00.000+01:00", 1_772_366_400_000])
def test_times_are_iso_8601_or_milliseconds(tmp_path: Path, at: object) -> None:
    file = written(tmp_path / "c.ndjson", json.dumps({"at": at}) + "\n")
    assert read(file, {"at": TIMESTAMP_LTZ}) == ([{"at": NOON.replace(tzinfo=UTC)}], [])


def test_a_wrong_line_is_named_with_field_and_value_and_the_others_are_read(tmp_path: Path) -> None:
    lines = ['{"user":"ada","page":"x"}', "[1]", '{"user":"bob","page":3}', "", '{"user":', '{"page":4294967296}']
    rows, bad = read(written(tmp_path / "c.ndjson", "\n".join(lines)))
    assert [row["user"] for row in rows] == ["bob"]
    assert [text.partition(": ")[0] for text in bad] == [f"{tmp_path / 'c.ndjson'}, line {n}" for n in (1, 2, 5, 6)]
    assert bad[0].endswith("page: 'x' is no INT")


def test_a_column_that_is_not_null_refuses_null(tmp_path: Path) -> None:
    rows, bad = read(written(tmp_path / "c.ndjson", '{"page":null}\n{"page":1}\n'), {"page": INT.without_null()})
    assert rows == [{"page": 1}]
    assert "NOT NULL" in bad[0]


def test_csv_is_read_by_its_header_or_by_the_order_of_the_columns(tmp_path: Path) -> None:
    with_header = written(tmp_path / "a.csv", "page,user\n1,ada\n,\n")
    without = written(tmp_path / "b.csv", 'ada,1,2026-03-01 12:00:00\n"b ""o"" b",,\n')
    assert read(with_header)[0] == [{"user": "ada", "page": 1, "at": None}, {"user": None, "page": None, "at": None}]
    assert read(without)[0] == [{"user": "ada", "page": 1, "at": NOON}, {"user": 'b "o" b', "page": None, "at": None}]


def test_a_csv_line_with_too_many_fields_is_named(tmp_path: Path) -> None:
    rows, bad = read(written(tmp_path / "a.csv", "page,user\n1,ada\n2,b,c\n3,cyd\n"))
    assert [row["page"] for row in rows] == [1, 3]
    assert bad == [f"{tmp_path / 'a.csv'}, line 3: 3 fields instead of 2"]


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    table = pa.table({"user": pa.array(["ada"]).dictionary_encode(), "page": pa.array([1], pa.int64()), "at": [NOON]})
    pq.write_table(table, tmp_path / "c.parquet")
    assert read(tmp_path / "c.parquet") == ([{"user": "ada", "page": 1, "at": NOON}], [])


def test_nested_and_exact_values_are_read(tmp_path: Path) -> None:
    columns = {
        "tags": SqlType(Family.ARRAY, inner=(STRING,)),
        "price": SqlType(Family.DECIMAL, precision=5, scale=2),
        "who": SqlType(Family.ROW, inner=(STRING, BIGINT), names=("name", "n")),
    }
    file = written(
        tmp_path / "c.ndjson", '{"tags":["a",null],"price":"12.345","who":{"name":"x","n":1}}\n{"price":1e9}\n'
    )
    rows, bad = read(file, columns)
    assert rows == [{"tags": ["a", None], "price": Decimal("12.35"), "who": {"name": "x", "n": 1}}]
    assert len(bad) == 1


@pytest.mark.parametrize("name", ["c.xlsx", "missing.ndjson"])
def test_a_file_that_cannot_be_read_is_said_with_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        read(tmp_path / name)


VALUES = {
    "s": (STRING, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    "i": (INT, st.integers(-(2**31), 2**31 - 1)),
    "b": (BOOLEAN, st.booleans()),
    "d": (DOUBLE, st.floats(allow_nan=False, allow_infinity=False)),
    "t": (TIMESTAMP, st.integers(0, 4_000_000_000_000)),
}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional={name: st.none() | of for name, (_, of) in VALUES.items()})))
def test_any_good_lines_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    file = tmp_path_factory.mktemp("any") / "c.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, bad = read(file, {name: kind for name, (kind, _) in VALUES.items()})
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - TIMESTAMP has no time zone
    for row in found:
        row["t"] = None if row["t"] is None else round((row["t"] - epoch).total_seconds() * 1000)
    assert not bad
    assert found == [{name: row.get(name) for name in VALUES} for row in rows]


ODD = st.sampled_from(
    [
        *("NaN", "-Infinity", "nan", "1e2", "1.50", "1e400", "-0", "12345678901234567890", "true", "null", "[1]"),
        *(r'"\ud83d\ude00"', r'"a\\b\"c"', r'"\u0000"', r'"\ud800"', '"a\tb"', '"é\U0001f600"', '"x,}"', '{"a":"b"}'),
        *(
            '"5"',
            '" 5"',
            '"0x1F"',
            '"1.5"',
            '"NaN"',
            '"TRUE"',
            '"2026-03-01"',
            '"2026-03-01T12:00:00.5Z"',
            '""',
            "5",
            "007",
        ),
    ]
)
LINES = st.builds(
    lambda pairs, end: "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + end,
    st.lists(st.tuples(st.sampled_from([*VALUES, "more", "S"]), ODD), max_size=4),
    st.sampled_from(["}", "}", "}", ",}", " } ", "}\r", "} x", "", "}{}"]),
) | st.sampled_from(["", " ", "null", "5", "[1]", '[{"s":"x"}]', '{"s":"good"}', '{"i":1}'])


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=6))
def test_what_a_line_is_does_not_depend_on_the_lines_beside_it(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    columns = {name: kind for name, (kind, _) in VALUES.items()}
    rows, bad = read(written(folder / "all.ndjson", "\n".join(lines)), columns)
    by_line = [read(written(folder / f"{at}.ndjson", line + "\n"), columns) for at, line in enumerate(lines)]
    assert repr(rows) == repr([row for found, _ in by_line for row in found])
    assert [text.split("line ")[1].split(":")[0] for text in bad] == [
        str(at) for at, (_, refused) in enumerate(by_line, 1) if refused
    ]
