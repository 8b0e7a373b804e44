"""Tables in an SQLite file keep the contract, and what a file, its disk and several processes add to it."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from footfall.core.errors import Failure, FootfallError, Unavailable, UsageError
from footfall.sinks.sqlite import SqliteTables, opening
from footfall.sinks.tables import CLICKSTREAM_DATA, RowsRefused, TableSink
from tests.contracts.table_contract import LONGEST, TableContract, move, rows, stored, users


def prepared(path: Path) -> SqliteTables:
    tables = SqliteTables(path)
    tables.prepare(CLICKSTREAM_DATA)
    return tables


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "warehouse" / "tables.db"


@pytest.fixture
def tables(file: Path) -> Iterator[SqliteTables]:
    with prepared(file) as opened:
        yield opened


class TestSqliteTables(TableContract):
    @pytest.fixture
    def sink(self, tables: SqliteTables) -> TableSink:
        return tables

    @pytest.fixture
    def other(self, file: Path, tables: SqliteTables) -> Iterator[TableSink]:
        with SqliteTables(file) as another:
            yield another


def test_the_table_is_the_specification_s(file: Path, tables: SqliteTables) -> None:
    with apsw.Connection(str(file)) as db:
        found = db.execute("SELECT name, type, \"notnull\", pk FROM pragma_table_info('clickstream_data')").fetchall()
    db.close()

    assert found == [
        ("username", "varchar(32)", 1, 1),
        ("creation_timestamp", "timestamp(6)", 1, 2),
        ("category", "varchar(10)", 0, 0),
        ("gender", "varchar(10)", 0, 0),
        ("style", "varchar(20)", 0, 0),
        ("size", "varchar(5)", 0, 0),
        ("hex_color", "varchar(8)", 0, 0),
    ]
    assert {c.name: c.longest for c in CLICKSTREAM_DATA.columns if c.longest is not None} == LONGEST


def test_who_only_looks_makes_no_file(file: Path) -> None:
    with SqliteTables(file) as looking:
        assert list(looking.read(CLICKSTREAM_DATA)) == []
        assert looking.place("sink:cart", "cart-data", 0) is None

    assert not file.parent.exists()


def test_a_reader_in_the_middle_of_the_table_does_not_hold_up_the_sink(file: Path, tables: SqliteTables) -> None:
    tables.write(CLICKSTREAM_DATA, rows(*({} for _ in range(10_001))), move(1))
    with SqliteTables(file) as reading:
        batches = reading.read(CLICKSTREAM_DATA)
        seen = next(batches).num_rows
        tables.write(CLICKSTREAM_DATA, rows({"username": "zoe"}), move(2, expected=1))
        seen += sum(batch.num_rows for batch in batches)

    assert seen == 10_001  # what it saw at first
    assert len(stored(tables)) == 10_002


def test_a_rule_that_somebody_added_to_the_table_refuses_rows_not_batches(file: Path, tables: SqliteTables) -> None:
    with apsw.Connection(str(file)) as db:
        db.execute(
            "CREATE TRIGGER three_at_most BEFORE INSERT ON clickstream_data "
            "WHEN (SELECT count(*) FROM clickstream_data) >= 3 BEGIN SELECT RAISE(ABORT, 'three are enough'); END"
        )
    db.close()

    with pytest.raises(RowsRefused) as refused:
        tables.write(CLICKSTREAM_DATA, rows({}, {}, {}, {}, {}), move(5))
    assert set(refused.value.refused) == {3, 4}
    assert "three are enough" in refused.value.refused[3]


@contextmanager
def no_file_longer_than(limit: int) -> Iterator[None]:
    """Writing beyond this many bytes of a file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("pages", [0, 4, 40], ids=lambda pages: f"{pages} pages left")
def test_on_a_full_disk_nothing_is_written_and_later_all_of_it(file: Path, tables: SqliteTables, pages: int) -> None:
    tables.write(CLICKSTREAM_DATA, rows({}), move(1))
    many = rows(*({"username": f"user-{number}"} for number in range(5_000)))
    used = file.with_name("tables.db-wal").stat().st_size

    with no_file_longer_than(used + 4_096 * pages), pytest.raises(Unavailable, match="space"):
        tables.write(CLICKSTREAM_DATA, many, move(5_001, expected=1))

    assert users(tables) == ["ada"]
    assert tables.write(CLICKSTREAM_DATA, many, move(5_001, expected=1)) == 5_000


def test_a_database_at_its_largest_size_is_not_available(tables: SqliteTables) -> None:
    db = tables._connection()  # a limit of the connection stands for that of the disk
    [(pages,)] = db.execute("PRAGMA page_count").fetchall()
    db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(Unavailable, match="No space"):
        tables.write(CLICKSTREAM_DATA, rows(*({} for _ in range(5_000))), move(1))

    db.execute("PRAGMA max_page_count = 100000")
    assert tables.write(CLICKSTREAM_DATA, rows({}), move(1)) == 1


def test_a_file_that_another_process_holds_is_not_available(
    file: Path, tables: SqliteTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_BUSY", 10)
    holder = apsw.Connection(str(file))
    holder.execute("BEGIN IMMEDIATE")
    with SqliteTables(file) as waiting:
        with pytest.raises(Unavailable, match="held by another process"):
            waiting.write(CLICKSTREAM_DATA, rows({}), move(1))
        holder.execute("ROLLBACK")
        holder.close()
        assert waiting.write(CLICKSTREAM_DATA, rows({}), move(1)) == 1


def test_a_directory_without_rights_is_not_available(file: Path) -> None:
    file.parent.write_text("a file where the directory should be")

    with pytest.raises(Unavailable, match="cannot be made"):
        SqliteTables(file).prepare(CLICKSTREAM_DATA)


@pytest.mark.parametrize(
    "what", [b"not a database at all, but long enough to be looked at" * 50, b"SQLite format 3\0" * 200]
)
def test_a_file_that_is_no_database_is_refused_with_what_to_do(file: Path, what: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(what)

    with pytest.raises(UsageError, match=r"not a file of tables, or is damaged.*move it away"):
        SqliteTables(file).prepare(CLICKSTREAM_DATA)


def test_another_database_of_footfall_is_not_taken_for_tables(tmp_path: Path, file: Path) -> None:
    from footfall.stores.embedded import EmbeddedStore

    EmbeddedStore(tmp_path).close()
    file.parent.mkdir()
    shutil.copy(tmp_path / "serving.db", file)

    with pytest.raises(UsageError, match="reads format 2"):
        SqliteTables(file).prepare(CLICKSTREAM_DATA)


def test_every_error_of_sqlite_is_one_of_ours() -> None:
    kinds = {
        apsw.FullError: Unavailable,
        apsw.IOError: Unavailable,
        apsw.CorruptError: UsageError,
        apsw.SQLError: Failure,
    }
    for theirs, ours in kinds.items():
        with pytest.raises(FootfallError) as raised, opening.our_errors(Path("tables.db")):
            raise theirs("so it is")
        assert type(raised.value) is ours
