"""Whatever columns a stream has: fields, Avro and SQL declare the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.placed import Origin, Part
from footfall.sql.declarations import FIELDS, Declaration, read_declaration
from footfall.sql.types import DATE, STRING, Family, SqlType

NOWHERE = Origin(Path("streams.yaml"), None, {})
PLAIN: dict[SqlType, Any] = {
    SqlType(Family.BOOLEAN): "boolean",
    SqlType(Family.INT): "int",
    SqlType(Family.BIGINT): "long",
    SqlType(Family.FLOAT): "float",
    SqlType(Family.DOUBLE): "double",
    STRING: "string",
    SqlType(Family.BYTES): "bytes",
    DATE: {"type": "int", "logicalType": "date"},
    SqlType(Family.TIME): {"type": "int", "logicalType": "time-millis"},
    SqlType(Family.TIMESTAMP, precision=3): {"type": "long", "logicalType": "local-timestamp-millis"},
    SqlType(Family.TIMESTAMP, precision=6): {"type": "long", "logicalType": "local-timestamp-micros"},
    SqlType(Family.TIMESTAMP_LTZ, precision=3): {"type": "long", "logicalType": "timestamp-millis"},
    SqlType(Family.DECIMAL, precision=10, scale=2): {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": 10,
        "scale": 2,
    },
}


@dataclass(frozen=True)
class Kind:
    """A type, and how Avro writes it."""

    sql: SqlType
    avro: Any


def or_null(kind: Kind, nullable: bool) -> Kind:
    return Kind(kind.sql, ["null", kind.avro]) if nullable else Kind(kind.sql.without_null(), kind.avro)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)


def nested(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    lists = inner.map(lambda one: Kind(SqlType(Family.ARRAY, inner=(one.sql,)), {"type": "array", "items": one.avro}))
    maps = inner.map(
        lambda one: Kind(
            SqlType(Family.MAP, inner=(STRING.without_null(), one.sql)), {"type": "map", "values": one.avro}
        )
    )
    fields = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    rows = fields.map(
        lambda found: Kind(
            SqlType(Family.ROW, inner=tuple(one.sql for one in found.values()), names=tuple(found)),
            {"type": "record", "fields": [{"name": name, "type": one.avro} for name, one in found.items()]},
        )
    )
    return st.builds(or_null, lists | maps | rows, st.booleans())


FLAT = st.builds(or_null, st.sampled_from([Kind(sql, avro) for sql, avro in PLAIN.items()]), st.booleans())
COLUMNS = st.dictionaries(NAMES, st.recursive(FLAT, nested, max_leaves=4), min_size=1, max_size=6)


def declared(content: dict[str, Any]) -> Declaration:
    whole = Part(content, NOWHERE)
    return read_declaration(whole.fields(FIELDS), whole, directory=Path())


@settings(deadline=None)
@given(columns=COLUMNS, delay=st.integers(0, 10**8), data=st.data())
def test_the_three_forms_declare_the_same(columns: dict[str, Kind], delay: int, data: st.DataObject) -> None:
    time, seen = "the event's time", "seen `here`"
    around: dict[str, Any] = {
        "name": data.draw(NAMES),
        "stream": data.draw(st.none() | NAMES),
        "protocol": data.draw(st.sampled_from(["log", "kafka", "rabbitmq"])),
        "key": data.draw(st.none() | st.sampled_from(sorted(columns))),
        "time": {time: {"from": "timestamp", "watermark": f"{delay} ms"}, seen: {"processing": True}},
        "options": {"it's": "'quoted'"},
    }

    fields = declared({**around, "schema": {"fields": {name: str(one.sql) for name, one in columns.items()}}})
    record = {"type": "record", "fields": [{"name": name, "type": one.avro} for name, one in columns.items()]}
    avro = declared({**around, "schema": {"avro": record}})
    sql = declared({"schema": {"sql": fields.create_table()}})

    assert fields == avro == sql
    assert [(one.name, one.type) for one in sql.table.columns[:-1]] == [(n, one.sql) for n, one in columns.items()]
