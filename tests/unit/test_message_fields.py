"""What comes with a message is found in a file, under the column's name or under the message's."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.sql.message_fields import fields_of_file
from footfall.sql.plan import Field, Table
from footfall.sql.types import INT, TIMESTAMP_LTZ

TABLE = Table("T", (Field("page", INT), Field("event_time", TIMESTAMP_LTZ)), {"event_time": "timestamp"})


def file(tmp_path: Path, kind: str, time: str) -> Path:
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"page": [1], time: [5]}), path)
    else:
        path.write_text(f'{{"page": 1, "{time}": 5}}\n' if kind == "ndjson" else f"page,{time}\n1,5\n")
    return path


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_a_time_is_read_from_its_own_field_or_from_the_messages(tmp_path: Path, kind: str) -> None:
    assert fields_of_file(file(tmp_path, kind, "timestamp"), TABLE) == {"page": "page", "event_time": "timestamp"}
    assert fields_of_file(file(tmp_path, kind, "event_time"), TABLE) == {"page": "page", "event_time": "event_time"}


def test_a_stored_column_of_that_name_keeps_its_field(tmp_path: Path) -> None:
    table = Table("T", (Field("timestamp", INT), Field("event_time", TIMESTAMP_LTZ)), {"event_time": "timestamp"})

    assert fields_of_file(file(tmp_path, "ndjson", "timestamp"), table)["event_time"] == "event_time"


def test_a_file_that_cannot_be_read_is_left_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "t.ndjson").write_bytes(b"\xff\n")

    assert fields_of_file(tmp_path / "t.ndjson", TABLE)["event_time"] == "event_time"
    assert fields_of_file(tmp_path / "none.parquet", TABLE)["event_time"] == "event_time"
