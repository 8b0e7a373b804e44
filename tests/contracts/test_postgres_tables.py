"""Tables in PostgreSQL keep the contract, and what a server, its users and its outages add to it."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from footfall.core.errors import Failure, Fenced, FootfallError, Unavailable, UsageError
from footfall.sinks.columns import Column
from footfall.sinks.postgres import PostgresTables
from footfall.sinks.postgres.migrating import steps
from footfall.sinks.tables import CLICKSTREAM_DATA, ENRICHED_CLICKS, TABLES, RowsRefused, Table, TableSink
from tests.contracts.table_contract import LONGEST, TableContract, batch_of, event, mark, move, rows, stored, users
from tests.servers.postgres import PASSWORD, Postgres


@pytest.fixture(scope="module")
def shared(postgres: Postgres) -> str:
    """A database in which each test has a schema: quicker made than a database."""
    return postgres.database()


@pytest.fixture
def url(shared: str, request: pytest.FixtureRequest) -> str:
    """An empty place."""
    schema = f"test_{zlib.crc32(request.node.nodeid.encode())}"
    execute(shared, f"CREATE SCHEMA {schema}")
    return with_parameter(shared, f"search_path={schema}")


@pytest.fixture
def database(postgres: Postgres) -> str:
    """An empty place for tests that give rights."""
    return postgres.database()


@pytest.fixture
def tables(url: str) -> Iterator[PostgresTables]:
    with prepared(url) as made:
        yield made


def prepared(url: str) -> PostgresTables:
    made = PostgresTables(url)
    made.prepare(CLICKSTREAM_DATA)
    return made


def with_parameter(url: str, parameter: str) -> str:
    """The same place, with a parameter of the session."""
    option = quote(f"-c{parameter}")
    return f"{url}%20{option}" if "?" in url else f"{url}?options={option}"


def execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What an operator does by hand."""
    with psycopg.connect(url, autocommit=True) as db:
        done = db.execute(sql.encode())
        return done.fetchall() if done.description else []


class TestPostgresTables(TableContract):
    @pytest.fixture
    def sink(self, tables: PostgresTables) -> TableSink:
        return tables

    @pytest.fixture
    def other(self, url: str, tables: PostgresTables) -> Iterator[TableSink]:
        with PostgresTables(url) as another:
            yield another


def test_the_table_is_the_specification_s(url: str, tables: PostgresTables) -> None:
    found = execute(
        url,
        "SELECT column_name, data_type, coalesce(character_maximum_length, datetime_precision), is_nullable "
        "FROM information_schema.columns WHERE table_name = 'clickstream_data' AND table_schema = current_schema() "
        "ORDER BY ordinal_position",
    )
    text = "character varying"

    assert found == [
        ("username", text, 32, "NO"),
        ("creation_timestamp", "timestamp without time zone", 6, "NO"),
        *((name, text, length, "YES") for name, length in list(LONGEST.items())[1:]),
    ]


def test_names_need_no_quotes(url: str, tables: PostgresTables) -> None:
    tables.write(ENRICHED_CLICKS, batch_of(ENRICHED_CLICKS, event(ENRICHED_CLICKS, 1)), move(1))

    assert execute(url, "SELECT userId, deviceType, event_id::text FROM enriched_clicks") == [
        ("x", "x", "01010101-0101-0101-0101-010101010101")
    ]


def test_who_only_looks_makes_nothing(url: str) -> None:
    with PostgresTables(url) as looking:
        assert list(looking.read(CLICKSTREAM_DATA)) == []
        assert looking.place("sink:cart", "cart-data", 0) is None

    assert execute(url, "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace") == []


def test_a_reader_in_the_middle_of_the_table_does_not_hold_up_the_sink(tables: PostgresTables) -> None:
    tables.write(CLICKSTREAM_DATA, rows(*({} for _ in range(10_001))), move(1))
    batches = tables.read(CLICKSTREAM_DATA)
    seen = next(batches).num_rows
    tables.write(CLICKSTREAM_DATA, rows({"username": "zoe"}), move(2, expected=1))
    seen += sum(batch.num_rows for batch in batches)

    assert seen == 10_001  # what it saw at first
    assert len(stored(tables)) == 10_002


RAISES = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.category = 'hats' THEN RAISE 'no hats here' USING ERRCODE = '{}'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON clickstream_data FOR EACH ROW EXECUTE FUNCTION refuse()
"""
"""A server that says this of some rows."""


@pytest.mark.parametrize("state", ["P0001", "22001", "22P02", "23514", "23503", "44000", "54000"])
def test_what_the_server_has_against_a_row_refuses_it_and_no_other(
    url: str, tables: PostgresTables, state: str
) -> None:
    execute(url, RAISES.format(state))

    with pytest.raises(RowsRefused) as refused:
        tables.write(CLICKSTREAM_DATA, rows({}, {"category": "hats"}, {}, {"category": "hats"}, {}), move(5))
    assert refused.value.refused == {1: "no hats here", 3: "no hats here"}
    assert tables.write(CLICKSTREAM_DATA, rows({}, {}, {}), move(5)) == 3


@pytest.mark.parametrize(
    "state",
    [
        "08006",
        "25006",
        "40001",
        "40P01",
        "42501",
        "42P01",
        "53100",
        "53200",
        "53300",
        "55P03",
        "57014",
        "57P01",
        "58030",
    ],
)
def test_what_the_server_has_against_the_moment_is_not_available(url: str, tables: PostgresTables, state: str) -> None:
    execute(url, RAISES.format(state))
    wrong = rows({}, {"category": "hats"})

    with pytest.raises(Unavailable, match="no hats here"):
        tables.write(CLICKSTREAM_DATA, wrong, move(2))
    assert (users(tables), tables.place("sink:cart", "cart-data", 0)) == ([], None)
    execute(url, "DROP TRIGGER refuse ON clickstream_data")
    assert tables.write(CLICKSTREAM_DATA, wrong, move(2)) == 2


def test_an_error_of_ours_is_no_reason_to_try_again(url: str, tables: PostgresTables) -> None:
    execute(url, RAISES.format("42883"))

    with pytest.raises(Failure, match="42883") as failed:
        tables.write(CLICKSTREAM_DATA, rows({"category": "hats"}), move(1))
    assert not isinstance(failed.value, Unavailable)


@pytest.mark.alone
def test_ten_thousand_wrong_rows_are_found_without_asking_for_each(tables: PostgresTables) -> None:
    wrong = rows(*({"size": "far too large"} for _ in range(10_000)))
    begun = time.monotonic()

    with pytest.raises(RowsRefused) as refused:
        tables.write(CLICKSTREAM_DATA, wrong, move(10_000))
    assert len(refused.value.refused) == 10_000
    assert time.monotonic() - begun < 5


def test_rows_that_are_refused_only_together_wait(url: str, tables: PostgresTables) -> None:
    execute(
        url,
        "CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT count(*) FROM new_rows) > 3 THEN RAISE 'three at a time'; END IF; RETURN NULL; END $$; "
        "CREATE TRIGGER few AFTER INSERT ON clickstream_data REFERENCING NEW TABLE AS new_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION few()",
    )
    with pytest.raises(Unavailable, match="refuses some rows together"):
        tables.write(CLICKSTREAM_DATA, rows({}, {}, {}, {}), move(4))


# ---------------------------------------------------------------- the schema and its age


def of_version_1(url: str) -> None:
    """A database as the first version made it, with a row and a place."""
    execute(url, steps()[0].sql)
    execute(
        url,
        "CREATE TABLE footfall_schema (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()); "
        "INSERT INTO footfall_schema (version) VALUES (1); "
        "INSERT INTO clickstream_data VALUES ('ada', '2026-11-22 15:40:00.123456', 'shoes'); "
        "INSERT INTO footfall_place VALUES ('sink:cart', 'cart-data', 0, 7, 7, 'a log')",
    )


def test_a_migration_keeps_rows_and_places(url: str) -> None:
    of_version_1(url)
    with PostgresTables(url) as tables:
        tables.prepare(ENRICHED_CLICKS)
        tables.prepare(CLICKSTREAM_DATA)

        assert users(tables) == ["ada"]
        place = tables.place("sink:cart", "cart-data", 0)
        assert place is not None
        assert place.offset == 7
        one = batch_of(ENRICHED_CLICKS, event(ENRICHED_CLICKS, 1))
        assert tables.write(ENRICHED_CLICKS, one, move(1, group="sink:clicks")) == 1
    assert execute(url, "SELECT version FROM footfall_schema ORDER BY version") == [(1,), (2,)]


def test_many_that_start_together_migrate_once(url: str) -> None:
    of_version_1(url)
    together, wrong = threading.Barrier(6), []

    def start(table: Table) -> None:
        together.wait()
        try:
            with PostgresTables(url) as tables:
                tables.prepare(table)
        except FootfallError as error:
            wrong.append(error)

    threads = [threading.Thread(target=start, args=(table,)) for table in (*TABLES, *TABLES[:2])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert execute(url, "SELECT count(*) FROM footfall_schema") == [(2,)]


def test_tables_of_a_newer_version_are_left_alone(url: str, tables: PostgresTables) -> None:
    execute(url, "INSERT INTO footfall_schema (version) VALUES (99)")

    with PostgresTables(url) as older, pytest.raises(UsageError, match=r"has version 99 .* knows 2.*newer Footfall"):
        older.prepare(CLICKSTREAM_DATA)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE offers ALTER COLUMN offer TYPE varchar(9)", "offer is character varying(9), not text"),
        ("ALTER TABLE offers DROP COLUMN pattern", "It lacks pattern text"),
        ("ALTER TABLE offers ADD COLUMN loaded date", "It has besides loaded"),
        ("ALTER TABLE offers DROP CONSTRAINT offers_pkey", "primary key is ()"),
    ],
)
def test_a_table_that_somebody_changed_is_refused_with_the_difference(
    url: str, tables: PostgresTables, change: str, words: str
) -> None:
    execute(url, change)
    [offers] = [table for table in TABLES if table.name == "offers"]

    with pytest.raises(UsageError) as refused:
        tables.prepare(offers)
    assert words in str(refused.value)
    tables.prepare(CLICKSTREAM_DATA)  # the others do not mind


def test_a_table_that_was_made_by_hand_is_taken_as_it_is(url: str) -> None:
    execute(url, "CREATE TABLE clickstream_data (size varchar(5), username varchar(32) NOT NULL, "
        "creation_timestamp timestamp NOT NULL, category varchar(10), gender varchar(10), style varchar(20), "
        "hex_color varchar(8), PRIMARY KEY (username, creation_timestamp))")  # fmt: skip
    with prepared(url) as tables:
        tables.write(CLICKSTREAM_DATA, rows({}), move(1))
        assert users(tables) == ["ada"]


def test_a_database_that_lacks_letters_is_refused(shared: str, url: str) -> None:
    execute(url, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    latin = shared.rpartition("/")[0] + "/latin"
    try:
        with PostgresTables(latin) as tables, pytest.raises(UsageError, match=r"encoding LATIN1.*ENCODING 'UTF8'"):
            tables.prepare(CLICKSTREAM_DATA)
    finally:
        execute(url, "DROP DATABASE latin")


def test_another_schema_can_be_named_in_the_address(database: str) -> None:
    execute(database, "CREATE SCHEMA shop")
    with prepared(with_parameter(database, "search_path=shop")) as tables:
        tables.write(CLICKSTREAM_DATA, rows({}), move(1))

    assert execute(database, "SELECT username FROM shop.clickstream_data") == [("ada",)]


# ---------------------------------------------------------------- when it cannot be used


def test_where_nobody_listens_it_is_not_available() -> None:
    with (
        PostgresTables("postgresql://ada:hush-hush@127.0.0.1:1/shop") as tables,
        pytest.raises(Unavailable, match=r"PostgreSQL at 127.0.0.1:1, database shop.*refused") as refused,
    ):
        tables.prepare(CLICKSTREAM_DATA)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "words", "remedy"),
    [
        (PASSWORD, "hush-hush", "password authentication failed", "Correct user and password"),
        ("footfall:", "nobody:", "password authentication failed", "Correct user and password"),
        ("/test_", "/no_test_", "does not exist", "Create it on the server"),
    ],
)
def test_a_wrong_address_is_said_plainly_and_without_the_password(
    url: str, old: str, new: str, words: str, remedy: str
) -> None:
    with PostgresTables(url.replace(old, new)) as tables, pytest.raises(Unavailable) as refused:
        tables.prepare(CLICKSTREAM_DATA)

    said = f"{refused.value} {refused.value!r} {tables!r} {vars(tables)} {refused.value.__cause__}"
    assert words in said
    assert remedy in said
    assert PASSWORD not in said
    assert "hush" not in said


@pytest.mark.parametrize(
    "address", ["", "redis://ada:hush@h/0", "postgresql://ada:hush@h:no/port", "postgresql://ada:hush@h/x?hush=1"]
)
def test_what_is_no_address_is_refused_without_showing_it(address: str) -> None:
    try:
        with PostgresTables(address) as tables:
            tables.prepare(CLICKSTREAM_DATA)
    except (UsageError, Unavailable) as error:
        assert "hush" not in f"{error}"  # noqa: PT017
    else:
        pytest.fail("it was taken")


def test_a_server_that_takes_no_writes_is_not_available(url: str, tables: PostgresTables) -> None:
    with (
        PostgresTables(with_parameter(url, "default_transaction_read_only=on")) as reading,
        pytest.raises(Unavailable, match="read-only"),
    ):
        reading.write(CLICKSTREAM_DATA, rows({}), move(1))


def test_a_statement_that_takes_too_long_is_not_available(url: str, tables: PostgresTables) -> None:
    with psycopg.connect(url) as holder, PostgresTables(with_parameter(url, "statement_timeout=100")) as waiting:
        holder.execute("LOCK TABLE clickstream_data")
        with pytest.raises(Unavailable, match=r"statement timeout.*statement_timeout"):
            waiting.write(CLICKSTREAM_DATA, rows({}), move(1))
        holder.rollback()

        assert waiting.write(CLICKSTREAM_DATA, rows({}), move(1)) == 1


def test_too_many_connections_are_not_available(database: str) -> None:
    execute(database, "CREATE ROLE one LOGIN PASSWORD 'one' CONNECTION LIMIT 1")
    address = database.replace("footfall:" + PASSWORD, "one:one")
    try:
        with psycopg.connect(address), PostgresTables(address) as second, pytest.raises(Unavailable, match="too many"):
            second.place("sink:cart", "cart-data", 0)
    finally:
        execute(database, "DROP ROLE one")


def test_a_user_without_rights_is_told_which(database: str) -> None:
    prepared(database).close()
    execute(database, "CREATE ROLE poor LOGIN PASSWORD 'poor'")
    try:
        with (
            PostgresTables(database.replace("footfall:" + PASSWORD, "poor:poor")) as poor,
            pytest.raises(Unavailable, match=r"permission denied.*Grant"),
        ):
            poor.write(CLICKSTREAM_DATA, rows({}), move(1))
    finally:
        execute(database, "DROP ROLE poor")


def test_transactions_with_the_same_rows_in_another_order_do_not_block_each_other(
    url: str, tables: PostgresTables
) -> None:
    many = [{"username": f"user-{number}"} for number in range(2_000)]
    wrong: list[Exception] = []

    def write(partition: int, some: list[dict[str, Any]]) -> None:
        try:
            with PostgresTables(url) as mine:
                for to in range(5):
                    expected = to or None
                    one = move(to + 1, expected=expected, partition=partition)
                    mine.write(CLICKSTREAM_DATA, rows(*some), one)
        except Exception as error:  # noqa: BLE001 - told below
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(n, some)) for n, some in enumerate([many, many[::-1]])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_of_two_sinks_at_the_same_place_one_is_fenced(url: str, tables: PostgresTables) -> None:
    outcomes: list[str] = []

    def write(username: str) -> None:
        with PostgresTables(url) as mine:
            try:
                mine.write(CLICKSTREAM_DATA, rows(*({"username": username} for _ in range(2_000))), move(1))
                outcomes.append(username)
            except Fenced:
                outcomes.append("fenced")

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [winner] = [one for one in outcomes if one != "fenced"]
    assert sorted(outcomes) == sorted(["fenced", winner])
    assert set(users(tables)) == {winner}


def test_who_asks_for_the_place_waits_for_a_commit_on_its_way(url: str, tables: PostgresTables) -> None:
    """The answer to a COMMIT may get lost before the server has worked it off."""
    with closing(psycopg.connect(url)) as writing:
        writing.execute("SELECT pg_advisory_xact_lock(hashtextextended('footfall sink:cart/cart-data/0', 0))")
        writing.execute("INSERT INTO footfall_place VALUES ('sink:cart', 'cart-data', 0, 1, 1, %s)", (mark(1).log,))
        found: list[object] = []
        asking = threading.Thread(target=lambda: found.append(tables.place("sink:cart", "cart-data", 0)))
        asking.start()
        asking.join(0.3)
        assert found == []
        writing.commit()
        asking.join()

    assert found == [mark(1)]


@pytest.mark.alone
def test_a_server_that_freezes_is_noticed_within_seconds() -> None:
    with Postgres() as mine, prepared(with_parameter(mine.url, "statement_timeout=1000")) as tables:
        mine.freeze()
        begun = time.monotonic()
        with pytest.raises(Unavailable, match=r"has not answered for 3 s.*frozen"):
            tables.write(CLICKSTREAM_DATA, rows({}), move(1))
        assert time.monotonic() - begun < 5
        with pytest.raises(Unavailable):
            tables.place("sink:cart", "cart-data", 0)
        mine.thaw()

        assert tables.place("sink:cart", "cart-data", 0) is None
        assert tables.write(CLICKSTREAM_DATA, rows({}), move(1)) == 1


def test_a_server_that_stops_and_comes_back_is_used_again() -> None:
    with Postgres() as mine, prepared(mine.url) as tables:
        tables.write(CLICKSTREAM_DATA, rows({}), move(1))
        mine.stop()
        for _ in range(2):
            with pytest.raises(Unavailable):
                tables.write(CLICKSTREAM_DATA, rows({"username": "bob"}), move(2, expected=1))
        mine.start()

        assert tables.write(CLICKSTREAM_DATA, rows({"username": "bob"}), move(2, expected=1)) == 1


def test_other_columns_of_ours_are_told(tables: PostgresTables) -> None:
    changed = Table(name="clickstream_data", columns=(Column(name="username", longest=8),), key=("username",))

    with pytest.raises(UsageError, match=r"username is character varying\(32\), not character varying\(8\)"):
        tables.prepare(changed)
