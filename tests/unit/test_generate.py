"""Laws of the generated clickstream and of the files that it is written to."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.core.errors import FootfallError, UsageError
from footfall.core.events import CLICK_SCHEMA
from footfall.sources.catalogue import load_catalogue
from footfall.sources.generate import GeneratorSettings, generate, make_users
from footfall.sources.generate_agents import load_agents
from footfall.sources.lookups import ProductRow
from footfall.sources.writers import write_clicks

EVENTS = 120_000  # more than one slice
SETTINGS = GeneratorSettings(events=EVENTS, seed=7)


@pytest.fixture(scope="module")
def clicks() -> pa.Table:
    return pa.Table.from_batches(generate(SETTINGS), CLICK_SCHEMA)


def plain(table: pa.Table) -> pa.Table:
    """The table without dictionaries, which depend on how rows are cut into batches."""
    columns = {name: table.column(name) for name in table.column_names}
    return pa.table({name: c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for name, c in columns.items()})


def seconds(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(table.column("original_timestamp"), dtype=np.int64)


def gaps_of_visitors(table: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    who = np.asarray(plain(table).column("userId").combine_chunks().dictionary_encode().indices, dtype=np.int64)
    order = np.argsort(who, kind="stable")
    same = who[order][1:] == who[order][:-1]
    gaps: np.ndarray[tuple[int], np.dtype[np.int64]] = np.diff(seconds(table)[order])[same]
    return gaps


def test_the_stream_has_as_many_events_as_asked_for() -> None:
    for events in (0, 1, 2, 19, 1000, 100_001):
        assert sum(b.num_rows for b in generate(GeneratorSettings(events=events, seed=events))) == events


def test_events_are_in_order_of_time_and_a_visitor_never_clicks_twice_in_a_second(clicks: pa.Table) -> None:
    assert (np.diff(seconds(clicks)) >= 0).all()
    assert (gaps_of_visitors(clicks) > 0).all()


def test_no_two_events_are_the_same(clicks: pa.Table) -> None:
    assert len(set(clicks.column("event_id").to_pylist())) == EVENTS


def test_a_visitor_alone_still_makes_one_click_after_the_other() -> None:
    table = pa.Table.from_batches(generate(GeneratorSettings(events=3000, visitors=1, bots=0.2)), CLICK_SCHEMA)
    assert table.num_rows == 3000
    assert (gaps_of_visitors(table) > 0).all()


def test_the_same_seed_gives_the_same_events_however_they_are_cut(clicks: pa.Table) -> None:
    for batch_rows in (999, 1_000_000):
        again = pa.Table.from_batches(generate(SETTINGS, batch_rows=batch_rows), CLICK_SCHEMA)
        assert plain(again).equals(plain(clicks))


def test_another_seed_gives_other_events() -> None:
    one, two = (next(generate(GeneratorSettings(events=100, seed=seed))) for seed in (1, 2))
    assert not set(one.column("event_id").to_pylist()) & set(two.column("event_id").to_pylist())


def test_the_bytes_of_a_seed_are_those_of_every_machine_and_version(tmp_path: Path) -> None:
    path = tmp_path / "clicks.tsv"
    write_clicks(path, generate(GeneratorSettings(events=5000, seed=42)))
    assert (
        hashlib.sha256(path.read_bytes()).hexdigest()
        == "f37e666549cba1ff74d3d0237a6999b05c6f8f5fe6bccc0843dcc7a359b6cd88"
    )


def test_visits_begin_within_the_days_and_mostly_by_day(clicks: pa.Table) -> None:
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    hours = np.bincount((seconds(clicks) // 3600) % 24, minlength=24)
    assert seconds(clicks)[0] >= start
    assert seconds(clicks)[-1] < start + 15 * 86_400 + 6 * 3600
    assert hours[1:6].sum() * 5 < hours[17:22].sum()


def test_visits_pause_for_seconds_to_minutes_sometimes_for_exactly_half_an_hour(clicks: pa.Table) -> None:
    gaps = gaps_of_visitors(clicks)
    within = gaps[gaps <= 1800]
    assert 5 <= np.median(within) <= 60
    assert (gaps == 1800).sum() > 20
    assert (gaps == 1801).sum() > 20
    visits = EVENTS - len(within)
    assert 4 <= EVENTS / visits <= 9


def test_visitors_bring_many_devices_and_addresses(clicks: pa.Table) -> None:
    agents = set(plain(clicks).column("userAgent").unique().to_pylist())
    known = load_agents()
    assert len(known.all) >= 300
    assert len(set(known.all)) == len(known.all)
    assert len(agents) >= 300
    assert agents & set(known.bots)
    addresses = plain(clicks).column("ip").unique().to_pylist()
    assert len(addresses) > 1000
    assert any(":" in address for address in addresses)


def test_shares_are_about_what_the_settings_say(clicks: pa.Table) -> None:
    rows = plain(clicks)
    agents = rows.column("userAgent").to_pylist()
    bots = set(load_agents().bots)
    assert 0.05 <= sum(agent in bots for agent in agents) / EVENTS <= 0.11
    away = [product for product in rows.column("productId").to_pylist() if "://" in product]
    assert 0.003 <= len(away) / EVENTS <= 0.005
    known = {user.userId for user in make_users(SETTINGS.known_visitors, SETTINGS.seed)}
    strangers = [user for user in rows.column("userId").to_pylist() if user not in known]
    assert 0.03 <= len(strangers) / EVENTS <= 0.12


def test_products_and_users_of_the_caller_are_used() -> None:
    products = [ProductRow("X1", "clothing"), ProductRow("X2", "shoes"), ProductRow("X3")]
    settings = GeneratorSettings(events=500, unknown=0, bots=0, elsewhere=0)
    (batch,) = generate(settings, products=products, users=["one", "two", "one"])
    assert set(batch.column("productId").to_pylist()) == {"X1", "X2", "X3"}
    assert set(batch.column("userId").to_pylist()) == {"one", "two"}


def test_carts_and_purchases_come_when_asked_for() -> None:
    (batch,) = generate(GeneratorSettings(events=2000, carts=0.2))
    assert set(batch.column("event_type").to_pylist()) == {"view", "cart", "remove_from_cart", "purchase"}


def test_users_have_a_gender_and_an_age_from_14_to_85_most_of_the_time() -> None:
    users = make_users(5000, seed=3)
    assert users == make_users(6000, seed=3)[:5000]
    assert len({user.userId for user in users}) == 5000
    assert {user.gender for user in users} == {"M", "F", "U", None}
    births = [date.fromisoformat(user.birthday) for user in users if user.birthday]
    assert 0 < 5000 - len(births) < 150
    assert date(1940, 1, 2) <= min(births)
    assert max(births) <= date(2012, 1, 1)


@pytest.mark.parametrize(
    "wrong", [{"bots": 1.5}, {"events": -1}, {"days": 0}, {"mobiles": 0.9, "tablets": 0.2}, {"days": 40_000}]
)
def test_impossible_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        GeneratorSettings(**{"events": 1, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["c.tsv", "c.csv", "c.ndjson", "c.csv.gz", "c.parquet"])
def test_the_same_seed_gives_the_same_file_in_every_format(tmp_path: Path, name: str) -> None:
    settings = GeneratorSettings(events=500, seed=1)
    written = []
    for batch_rows in (100, 1000):
        assert write_clicks(tmp_path / name, generate(settings, batch_rows=batch_rows)) == 500
        path = tmp_path / name
        content = path.read_bytes()
        written.append(pq.read_table(path).to_pylist() if path.suffix == ".parquet" else content)
    if name.endswith(".gz"):
        written = [gzip.decompress(content) for content in written]
    assert written[0] == written[1]
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_the_template_layout_has_braces_addresses_and_columns_that_nobody_reads(tmp_path: Path) -> None:
    write_clicks(tmp_path / "c.tsv", generate(GeneratorSettings(events=50)))
    header, *rows = (tmp_path / "c.tsv").read_text().splitlines()
    names = header.split("\t")
    first = dict(zip(names, rows[0].split("\t"), strict=True))
    assert len(rows) == 50
    assert first["Visitor Unique ID"].startswith("{")
    assert first["Product Page URL"].startswith("http://shop.example/")
    assert first["29"] in load_agents().all
    assert int(first["Unix Timestamp"]) > 1_700_000_000


def test_the_commerce_layout_names_category_and_price(tmp_path: Path) -> None:
    products = load_catalogue()
    clicks = generate(GeneratorSettings(events=50, elsewhere=0))
    write_clicks(tmp_path / "c.csv", clicks, layout="commerce", products=products)
    header, *rows = (tmp_path / "c.csv").read_text().splitlines()
    assert header == "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
    cells = rows[0].split(",")
    known = {product.id: product for product in products}[cells[2]]
    assert cells[0].startswith("2026-01-")
    assert cells[0].endswith(" UTC")
    assert (cells[4], cells[6]) == (known.category, f"{known.price:.2f}")


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    def broken() -> object:
        yield next(generate(GeneratorSettings(events=10)))
        raise KeyboardInterrupt

    path = tmp_path / "c.tsv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_clicks(path, broken())  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "layout"),
    [("c.txt", None), ("c.parquet.gz", None), ("c.csv", "template"), ("c.csv", "nonsense"), ("none/c.csv", None)],
)
def test_a_file_that_cannot_be_written_is_refused_with_a_remedy(tmp_path: Path, name: str, layout: str | None) -> None:
    with pytest.raises(FootfallError) as caught:
        write_clicks(tmp_path / name, generate(GeneratorSettings(events=1)), layout=layout)
    assert caught.value.remedy
