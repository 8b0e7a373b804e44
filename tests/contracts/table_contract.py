"""What every target of table rows promises. Subclass it once per target, with fixtures ``sink`` and ``other``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pytest

from footfall.core.errors import Fenced, UsageError
from footfall.core.events import Batch
from footfall.sinks.columns import Column, Kind
from footfall.sinks.tables import CLICKSTREAM_DATA, TABLES, Bookmark, Move, RowsRefused, Table, TableSink

FIRST: Final = datetime(2026, 11, 22, 15, 40, 0, 123_456)  # noqa: DTZ001 - the column has no time zone
WHOLE: Final[dict[str, Any]] = {
    "username": "ada",
    "creation_timestamp": FIRST,
    "category": "shoes",
    "gender": "Female",
    "style": "casual",
    "size": "M",
    "hex_color": "#FFAA00",
}
LONGEST: Final = {"username": 32, "category": 10, "gender": 10, "style": 20, "size": 5, "hex_color": 8}
"""The specification's lengths, in characters."""
LOG: Final = "0123456789abcdef0123456789abcdef"


def at(number: int) -> datetime:
    """A time of its own for each number."""
    return FIRST + timedelta(microseconds=number)


def rows(*changed: dict[str, Any]) -> Batch:
    """Rows of clickstream_data, each a microsecond after the one before, whole but for what is said."""
    full = [{**WHOLE, "creation_timestamp": at(number), **row} for number, row in enumerate(changed)]
    return pa.RecordBatch.from_pylist(full, schema=CLICKSTREAM_DATA.schema)


def move(to: int, *, expected: int | None = None, group: str = "sink:cart", partition: int = 0) -> Move:
    """The group's bookmark, from one offset to another."""
    return Move(
        group=group,
        stream="cart-data",
        partition=partition,
        expected=None if expected is None else mark(expected),
        to=mark(to),
    )


def mark(offset: int) -> Bookmark:
    """A bookmark at this offset of one log."""
    return Bookmark(offset, offset, LOG)


VALUES: Final[dict[Kind, Any]] = {
    Kind.TEXT: "x",
    Kind.INTEGER: -(2**31),
    Kind.BIGINT: 2**63 - 1,
    Kind.BOOLEAN: True,
    Kind.DATE: date(1961, 7, 31),
    Kind.LOCAL_TIME: FIRST,
    Kind.TIME: datetime(2026, 11, 22, 15, 40, 0, 120_000, UTC),
    Kind.JSON: '[{"timestamp":1795362000120,"productId":"\\\\u0000","category":"\\"a\\" \u00e9"},{"productId":null}]',
}
"""A value of each kind that is easily spoiled. The JSON holds an escaped backslash, and no NUL."""


def event(table: Table, number: int, **changed: Any) -> dict[str, Any]:
    """A row of an event table, whole but for what is said, with an id of its own."""
    whole = {c.name: VALUES.get(c.kind, bytes([number] * 16)) for c in table.columns}
    return {**whole, **changed}


def batch_of(table: Table, *some: dict[str, Any]) -> Batch:
    """These rows, as the table's batches look."""
    return pa.RecordBatch.from_pylist(some, schema=table.schema)


EVENT_TABLES: Final = [table for table in TABLES if table is not CLICKSTREAM_DATA]
named = pytest.mark.parametrize("table", EVENT_TABLES, ids=lambda table: table.name)

HOSTILE: Final = (
    "",
    " ",
    '"',
    '""',
    "a,b",
    "a\nb",
    "\r\n",
    "\\.",
    "x\n\\.\ny",
    "\\N",
    "NULL",
    "\\u0000",
    "'; DROP TABLE enriched_clicks; --",
    "\U0001f45f \u202e \ufeff",
    "x" * 9_000,
)
"""Texts that a careless writer spoils."""


def stored(sink: TableSink, table: Table = CLICKSTREAM_DATA) -> list[dict[str, Any]]:
    return [row for batch in sink.read(table) for row in batch.to_pylist()]


def users(sink: TableSink) -> list[str]:
    return [row["username"] for row in stored(sink)]


class TableContract:
    """Rows once each, the bookmark with them, and what is refused."""

    def test_every_column_comes_back_as_it_went_in(self, sink: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))

        assert stored(sink) == [WHOLE]
        assert next(sink.read(CLICKSTREAM_DATA)).schema == CLICKSTREAM_DATA.schema

    def test_all_but_username_and_time_may_be_missing(self, sink: TableSink) -> None:
        bare = dict.fromkeys(WHOLE) | {"username": "ada", "creation_timestamp": FIRST}
        sink.write(CLICKSTREAM_DATA, rows(bare), move(1))

        assert stored(sink) == [bare]

    def test_microseconds_are_kept_also_where_they_are_zero(self, sink: TableSink) -> None:
        times = [datetime(1999, 12, 31, 23, 59, 59), datetime(2026, 1, 1, 0, 0, 0, 1)]  # noqa: DTZ001
        sink.write(CLICKSTREAM_DATA, rows(*({"creation_timestamp": time} for time in times)), move(2))

        assert [row["creation_timestamp"] for row in stored(sink)] == times

    def test_a_row_with_the_same_username_and_time_is_written_once(self, sink: TableSink) -> None:
        again = {"creation_timestamp": FIRST, "category": "hats"}

        assert sink.write(CLICKSTREAM_DATA, rows({}, again), move(2)) == 1
        assert sink.write(CLICKSTREAM_DATA, rows(again, {"username": "bob"}), move(4, expected=2)) == 1
        assert [(row["username"], row["category"]) for row in stored(sink)] == [("ada", "shoes"), ("bob", "shoes")]

    def test_usernames_are_compared_as_they_are(self, sink: TableSink) -> None:
        names = ["Ada", "ada", "ada ", "\u00e9", "e\u0301"]
        same_time = [{"username": name, "creation_timestamp": FIRST} for name in names]

        assert sink.write(CLICKSTREAM_DATA, rows(*same_time), move(5)) == 5
        assert sorted(users(sink)) == sorted(names)

    def test_rows_come_in_the_order_of_the_key(self, sink: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({"username": "bob"}, {}, {}), move(3))

        assert [(row["username"], row["creation_timestamp"]) for row in stored(sink)] == [
            ("ada", at(1)),
            ("ada", at(2)),
            ("bob", at(0)),
        ]

    def test_a_group_that_never_wrote_has_no_place(self, sink: TableSink) -> None:
        assert sink.place("sink:cart", "cart-data", 0) is None

    def test_the_place_is_what_the_latest_write_said(self, sink: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))
        sink.write(CLICKSTREAM_DATA, rows(), move(7, expected=1))

        assert sink.place("sink:cart", "cart-data", 0) == mark(7)
        assert sink.place("sink:cart", "cart-data", 1) is None
        assert sink.place("sink:other", "cart-data", 0) is None

    def test_rows_and_place_are_seen_by_others_together(self, sink: TableSink, other: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))

        assert users(other) == ["ada"]
        assert other.place("sink:cart", "cart-data", 0) == mark(1)

    @pytest.mark.parametrize("expected", [None, 0, 2])
    def test_who_does_not_know_the_place_is_fenced_and_writes_nothing(
        self, sink: TableSink, other: TableSink, expected: int | None
    ) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))

        with pytest.raises(Fenced, match="offset 1"):
            other.write(CLICKSTREAM_DATA, rows({"username": "bob"}), move(3, expected=expected))

        assert users(sink) == ["ada"]
        assert sink.place("sink:cart", "cart-data", 0) == mark(1)

    def test_a_place_in_one_log_is_none_in_another(self, sink: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))
        another = replace(mark(1), log="another")

        with pytest.raises(Fenced):
            sink.write(CLICKSTREAM_DATA, rows({}), replace(move(2), expected=another))
        sink.write(CLICKSTREAM_DATA, rows({}), replace(move(1, expected=1), to=another))
        assert sink.place("sink:cart", "cart-data", 0) == another

    def test_partitions_have_places_of_their_own(self, sink: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(4))
        sink.write(CLICKSTREAM_DATA, rows({}), move(9, partition=1))

        assert [sink.place("sink:cart", "cart-data", partition) for partition in (0, 1)] == [
            mark(4),
            mark(9),
        ]
        assert users(sink) == ["ada"]

    @pytest.mark.parametrize("column", LONGEST)
    @pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f45f", " "])
    def test_a_text_of_the_full_length_goes_in_and_one_character_more_does_not(
        self, sink: TableSink, column: str, letter: str
    ) -> None:
        most = LONGEST[column]
        sink.write(CLICKSTREAM_DATA, rows({column: letter * most}), move(1))
        assert [row[column] for row in stored(sink)] == [letter * most]

        with pytest.raises(RowsRefused) as refused:
            sink.write(CLICKSTREAM_DATA, rows({}, {column: letter * (most + 1)}), move(3, expected=1))
        assert list(refused.value.refused) == [1]
        assert len(stored(sink)) == 1

    @pytest.mark.parametrize("column", LONGEST)
    def test_a_text_with_a_nul_is_refused(self, sink: TableSink, column: str) -> None:
        with pytest.raises(RowsRefused) as refused:
            sink.write(CLICKSTREAM_DATA, rows({column: "a\0b"}, {}), move(2))

        assert list(refused.value.refused) == [0]

    @pytest.mark.parametrize("column", ["username", "creation_timestamp"])
    def test_a_row_without_its_key_is_refused(self, sink: TableSink, column: str) -> None:
        with pytest.raises(RowsRefused) as refused:
            sink.write(CLICKSTREAM_DATA, rows({}, {column: None}), move(2))

        assert list(refused.value.refused) == [1]

    @pytest.mark.parametrize("wrong", [[0], [6], [2, 3], [0, 1, 2, 3, 4, 5, 6], [1, 5]], ids=str)
    def test_exactly_the_wrong_rows_are_named_and_the_others_go_in_without_them(
        self, sink: TableSink, wrong: Sequence[int]
    ) -> None:
        many = [{"size": "far too large" if number in wrong else "S", "username": str(number)} for number in range(7)]

        with pytest.raises(RowsRefused) as refused:
            sink.write(CLICKSTREAM_DATA, rows(*many), move(7))
        assert sorted(refused.value.refused) == wrong
        assert all(refused.value.refused.values())
        assert (users(sink), sink.place("sink:cart", "cart-data", 0)) == ([], None)

        right = [row for number, row in enumerate(many) if number not in wrong]
        assert sink.write(CLICKSTREAM_DATA, rows(*right), move(7)) == len(right)
        assert users(sink) == [row["username"] for row in right]

    def test_preparing_again_keeps_the_rows(self, sink: TableSink, other: TableSink) -> None:
        sink.write(CLICKSTREAM_DATA, rows({}), move(1))
        other.prepare(CLICKSTREAM_DATA)

        assert users(other) == ["ada"]

    def test_a_table_with_other_columns_is_not_taken_over(self, sink: TableSink) -> None:
        changed = Table(name="clickstream_data", columns=(Column(name="username", longest=32),), key=("username",))

        with pytest.raises(UsageError, match="other columns: username, creation_timestamp"):
            sink.prepare(changed)

    def test_more_rows_than_are_read_at_a_time_come_back_whole(self, sink: TableSink) -> None:
        many = rows(*({} for _ in range(20_001)))

        assert sink.write(CLICKSTREAM_DATA, many, move(20_001)) == 20_001
        assert pa.Table.from_batches(sink.read(CLICKSTREAM_DATA)) == pa.Table.from_batches([many])

    # -- the tables of events ------------------------------------------------------------------------------

    @named
    def test_an_event_comes_back_as_it_went_in(self, sink: TableSink, table: Table) -> None:
        sink.prepare(table)
        whole = event(table, 2)
        bare = event(table, 1, **{c.name: None for c in table.columns if not c.required})

        assert sink.write(table, batch_of(table, whole, bare), move(2)) == 2
        assert stored(sink, table) == [bare, whole]
        assert next(iter(sink.read(table))).schema == table.schema

    @named
    def test_an_event_is_a_row_once_in_whatever_batch_it_comes(self, sink: TableSink, table: Table) -> None:
        sink.prepare(table)
        one, two = event(table, 1), event(table, 2)

        assert sink.write(table, batch_of(table, two, one, two), move(3)) == 2
        assert sink.write(table, batch_of(table, one, event(table, 3)), move(5, expected=3)) == 1
        assert [row["event_id"][0] for row in stored(sink, table)] == [1, 2, 3]

    @named
    def test_texts_are_kept_as_they_are_and_nothing_is_not_empty(self, sink: TableSink, table: Table) -> None:
        sink.prepare(table)
        some = [event(table, number, userId=text) for number, text in enumerate(HOSTILE)]
        some += [
            event(table, 100 + number, **{c.name: text for c in table.columns if c.kind is Kind.TEXT})
            for number, text in enumerate(HOSTILE)
        ]
        sink.write(table, batch_of(table, *some), move(1))

        assert stored(sink, table) == some

    @named
    def test_what_no_event_may_lack_or_hold_is_refused_by_column(self, sink: TableSink, table: Table) -> None:
        sink.prepare(table)
        lacking: list[dict[str, Any]] = [{c.name: None} for c in table.columns if c.required]
        with_nul: list[dict[str, Any]] = [{c.name: "a\0b"} for c in table.columns if c.kind is Kind.TEXT]
        with_nul += [{c.name: '["a\\u0000"]'} for c in table.columns if c.kind is Kind.JSON]
        wrong = [event(table, number, **row) for number, row in enumerate([*lacking, *with_nul])]
        right = event(table, 255)

        with pytest.raises(RowsRefused) as refused:
            sink.write(table, batch_of(table, right, *wrong, right), move(1))
        assert sorted(refused.value.refused) == list(range(1, len(wrong) + 1))
        assert all(table.fault(row, "")[1].endswith(("missing", "NUL")) for row in wrong)
        assert stored(sink, table) == []
        assert sink.write(table, batch_of(table, right), move(1)) == 1

    def test_streams_have_places_of_their_own(self, sink: TableSink) -> None:
        for number, table in enumerate(EVENT_TABLES):
            sink.prepare(table)
            sink.write(table, batch_of(table, event(table, 1)), move(number + 1, group=f"sink:{table.name}"))

        places = [sink.place(f"sink:{table.name}", "cart-data", 0) for table in EVENT_TABLES]
        assert places == [mark(number + 1) for number in range(len(EVENT_TABLES))]
