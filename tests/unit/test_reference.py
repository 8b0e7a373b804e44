"""Checks the reference itself, rule by rule, on examples small enough to work out by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.reference import Click, Reference, Result, reference
from tests.reference.enrichment import age_on, country_of, device_of
from tests.reference.ids import id_of
from tests.reference.model import DAY, HOUR, MINUTE, Product, User
from tests.reference.reading import product_of, read_products, read_template, read_users

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534.52.7 (KHTML, like Gecko) Safari/534.52.7"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PRODUCTS = {
    "C1": Product("clothing", "Shirt"),
    "C2": Product("clothing", "Skirt"),
    "S1": Product("shoes", "Boots"),
    "B1": Product("books", "Novel"),
}
USERS = {"ann": User("F", date(1996, 6, 1)), "bob": User("M", date(1986, 1, 1)), "zoe": User("F", date(1960, 1, 1))}


def click(minutes: float, product: str = "C1", user: str = "ann", agent: str = MAC) -> Click:
    return Click(T0 + round(minutes * MINUTE), user, product, ip="75.85.165.38", user_agent=agent)


def run(*clicks: Click) -> Result:
    return Reference(PRODUCTS, USERS).take(list(clicks))


def offers(*clicks: Click) -> list[tuple[str, str]]:
    return [(offer.user_id, offer.offer) for offer in run(*clicks).offers]


def spans(result: Result) -> list[tuple[float, float, int]]:
    everything = sorted([*result.closed, *result.open], key=lambda s: s.start)
    return [((s.start - T0) / MINUTE, (s.end - T0) / MINUTE, s.clicks) for s in everything]


def test_clothing_shoes_other_clothing_is_an_offer_for_women_and_men_of_the_right_age() -> None:
    assert offers(click(0), click(1, "S1"), click(2, "C2")) == [("ann", "offer2")]
    assert offers(*(click(m, p, "bob") for m, p in ((0, "C1"), (1, "S1"), (2, "C2")))) == [("bob", "offer1")]
    assert offers(*(click(m, p, "zoe") for m, p in ((0, "C1"), (1, "S1"), (2, "C2")))) == []


def test_the_same_clothing_again_is_no_offer_but_goes_on() -> None:
    assert offers(click(0), click(1, "S1"), click(2, "C1")) == []
    assert offers(click(0), click(1, "S1"), click(2, "C1"), click(3, "S1"), click(4, "C2")) == [("ann", "offer2")]


def test_a_refresh_is_ignored() -> None:
    assert offers(click(0), click(1), click(2, "S1"), click(3, "S1"), click(4, "C2")) == [("ann", "offer2")]


def test_any_other_click_ends_the_attempt_and_may_begin_a_new_one() -> None:
    assert offers(click(0), click(1, "S1"), click(2, "B1"), click(3, "C2")) == []
    assert offers(click(0), click(1, "C2"), click(2, "S1"), click(3, "C1")) == []  # C1 is the first one
    assert offers(click(0), click(29, "S1"), click(30, "C2"), click(31, "S1"), click(32, "C1")) == [("ann", "offer2")]


def test_thirty_minutes_after_the_first_click_is_too_late() -> None:
    assert offers(click(0), click(1, "S1"), click(29.99, "C2")) == [("ann", "offer2")]
    assert offers(click(0), click(1, "S1"), click(30, "C2")) == []


def test_the_completing_click_is_consumed() -> None:
    clicks = [click(0), click(1, "S1"), click(2, "C2"), click(3, "S1"), click(4, "C1")]
    assert offers(*clicks) == [("ann", "offer2")]


def test_bots_are_offered_nothing() -> None:
    assert offers(*(click(m, p, agent=BOT) for m, p in ((0, "C1"), (1, "S1"), (2, "C2")))) == []


def test_transitions_are_logged() -> None:
    lines = [line for _, line in run(click(0), click(1, "C2"), click(2, "S1"), click(3, "B1")).lines]
    assert lines == [
        "[User ann entered state clothes_visited][Event: clicked C1][Category: clothing]",
        "[User ann entered state shoes_visited][Event: clicked S1][Category: shoes]",
        "[User ann entered state init][Event: clicked B1][Category: books]",
    ]


def test_a_pause_of_thirty_minutes_belongs_to_the_session_and_a_longer_one_does_not() -> None:
    assert spans(run(click(0), click(30))) == [(0, 30, 2)]
    assert spans(run(click(0), click(30 + 1 / 60_000))) == [(0, 0, 1), (30 + 1 / 60_000, 30 + 1 / 60_000, 1)]


def test_a_session_lasts_a_day_at_most() -> None:
    clicks = [click(20 * n) for n in range(74)]  # the last one 24 h 20 min after the first
    assert spans(run(*clicks)) == [(0, DAY / MINUTE, 73), (1460, 1460, 1)]


def test_a_session_closes_when_the_watermark_of_its_partition_has_passed() -> None:
    one = Reference(PRODUCTS, USERS, partitions=1)
    assert len(one.take([click(0), click(40, user="bob")]).closed) == 0  # watermark 30: not beyond 0 + 30
    assert len(one.take([click(40.001, user="bob")]).closed) == 1


def test_a_file_moves_time_on_in_all_partitions_and_a_shop_in_the_one_of_the_visitor() -> None:
    clicks = [click(0), click(50, user="bob")]
    assert Reference(PRODUCTS, USERS)._partition("ann") != Reference(PRODUCTS, USERS)._partition("bob")
    assert len(Reference(PRODUCTS, USERS).take(clicks).closed) == 1
    assert len(Reference(PRODUCTS, USERS, announced=False).take(clicks).closed) == 0


def test_late_is_older_than_the_newest_before_by_more_than_ten_minutes() -> None:
    result = run(click(20), click(10, "C2"), click(9.99, "S1"))
    assert [c.late for c in result.clicks if c.product_id in ("C2", "S1")] == [True, False]
    assert result.figures.late == 1
    assert spans(result) == [(10, 20, 2)]


def test_late_counts_from_file_to_file() -> None:
    pipeline = Reference(PRODUCTS, USERS)
    pipeline.take([click(20)])
    assert pipeline.take([click(9)]).figures.late == 1


def test_late_clicks_are_no_part_of_detection_sessions_and_windows() -> None:
    result = run(click(40, user="bob"), click(0), click(1, "S1"), click(2, "C2"))
    assert result.offers == []
    assert result.figures.visitors == 2
    assert result.figures.sessions == 1
    assert result.views["category_popularity"] == [{"category": "clothing", "count": 1}]
    assert len(result.views["raw_data"]) == 4


def test_identical_rows_are_one_event() -> None:
    result = run(click(0), click(0), click(1), click(0))
    assert (result.figures.accepted, result.figures.duplicates) == (2, 2)


def test_the_same_file_again_adds_nothing() -> None:
    pipeline = Reference(PRODUCTS, USERS)
    first = pipeline.take([click(0), click(1)]).figures
    second = pipeline.take([click(0), click(1)]).figures
    assert (second.events, second.accepted, second.duplicates) == (2, 0, 2)
    assert (second.sessions, second.visitors) == (first.sessions, first.visitors)


def test_an_id_used_for_another_content_is_rejected() -> None:
    one, other = click(0), click(1, "S1")
    one.event_id = other.event_id = "ab" * 16
    assert run(one, other).figures.rejected == 1


def test_refresh_is_the_same_product_within_thirty_minutes() -> None:
    result = run(click(0), click(30), click(31, "S1"), click(32), click(62.1))
    assert [c.is_refresh for c in result.clicks] == [False, True, False, False, False]


def test_ages_are_whole_years_at_the_time_of_the_click() -> None:
    assert age_on(date(2026, 6, 1), date(1996, 6, 1)) == 30
    assert age_on(date(2026, 5, 31), date(1996, 6, 1)) == 29
    assert age_on(date(2026, 2, 28), date(2000, 2, 29)) == 25
    assert age_on(date(2026, 3, 1), date(2000, 2, 29)) == 26
    assert age_on(date(2024, 2, 29), date(2000, 2, 29)) == 24


def test_a_click_is_enriched_with_product_visitor_country_and_device() -> None:
    (got,) = run(click(0)).clicks
    assert (got.category, got.title) == ("clothing", "Shirt")
    assert (got.gender, got.birthdate, got.age) == ("F", date(1996, 6, 1), 29)
    assert (got.country, got.device_type, got.is_bot) == ("United States", "Desktop", False)


def test_a_click_with_its_own_age_and_gender_keeps_them() -> None:
    shop = click(0)
    shop.age, shop.gender = 40, "male"
    (got,) = run(shop).clicks
    assert (got.age, got.gender, got.birthdate) == (40, "M", None)


def test_what_is_not_known_is_unknown() -> None:
    (got,) = run(Click(T0, "nobody", "X9", ip="10.0.0.1", user_agent=None)).clicks
    assert (got.category, got.title, got.country) == ("Unknown", "Unknown", "Unknown")
    assert (got.gender, got.age, got.birthdate, got.device_type) == ("U", None, None, "Other")


@pytest.mark.parametrize(("ip", "country"), [("75.85.165.38", "United States"), ("10.0.0.1", "Unknown")])
def test_countries_come_from_addresses(ip: str, country: str) -> None:
    assert country_of(ip) == country


def test_devices_come_from_user_agents() -> None:
    assert device_of(MAC) == ("Desktop", False)
    assert device_of(BOT) == ("Bot", True)
    assert (
        device_of("Mozilla/5.0 (iPad; CPU OS 13_2 like Mac OS X) Version/13.0 Mobile/15E148 Safari/604.1")[0]
        == "Tablet"
    )
    assert device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) Mobile/15E148 Safari/604.1")[0] == "Mobile"


def test_devices_agree_with_the_golden_table() -> None:
    table = Path(__file__).parents[1] / "golden" / "enrichment" / "user_agents.tsv"
    rows = [line.split("\t", 2) for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(rows) > 60
    assert [row for row in rows if device_of(row[2]) != (row[0], row[1] == "true")] == []


def test_views_cover_their_windows_and_the_minute_of_the_newest_event() -> None:
    result = run(click(0, "B1"), click(46), click(50.5), click(50.9, "S1", "bob"), click(60.9))
    minutes = result.views["last_15_minutes"]
    assert [(row["minute"], row["visits"], row["visitors"]) for row in minutes if row["visits"]] == [
        ("2026-01-01T00:46:00Z", 1, 1),
        ("2026-01-01T00:50:00Z", 2, 2),
        ("2026-01-01T01:00:00Z", 1, 1),
    ]
    assert len(minutes) == 15
    assert {row["deviceType"]: row["visitors"] for row in result.views["device_type_popularity"]} == {
        "Desktop": 1,
        "total": 1,
    }
    assert result.views["category_popularity"] == [
        {"category": "clothing", "count": 3},
        {"category": "shoes", "count": 1},
    ]
    assert [row["userId"] for row in result.views["latest_visitors"]] == ["ann", "bob"]
    assert sum(row["sessions"] for row in result.views["sessions"]) == 3
    assert result.as_of == T0 + round(60.9 * MINUTE)


def test_sessions_by_half_hour_reach_back_eight_hours() -> None:
    result = run(click(0), click(9 * HOUR / MINUTE))
    assert [row["sessions"] for row in result.views["sessions"]] == [0] * 15 + [1]


def test_an_event_id_follows_the_published_rule() -> None:
    assert id_of(0) == id_of(0)
    assert len(id_of(1, "a", None)) == 32
    assert len({id_of(1, "a", None), id_of(1, None, "a"), id_of(2, "a", None)}) == 3


@pytest.mark.parametrize(
    ("url", "product"),
    [
        ("http://www.acme.com/SH55126545/VD55179433", "VD55179433"),
        ("http://www.acme.com/", "http://www.acme.com/"),
        ("http://www.acme.com", "http://www.acme.com"),
        ("http://shop.example/about", "http://shop.example/about"),
        ("http://shop.example/a/VD1/?x=2", "VD1"),
    ],
)
def test_a_product_is_the_last_segment_of_the_url_or_the_url(url: str, product: str) -> None:
    assert product_of(url) == product


GOOD = b"1331802578\t75.85.165.38\t%s\thttp://www.acme.com/SH1/VD1\t{F6F8B460}" % MAC.encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (GOOD + b"\tmore", "column_count"),
        (GOOD.replace(b"{F6F8B460}", b"{}"), "missing_field"),
        (GOOD.replace(b"1331802578", b"yesterday"), "bad_timestamp"),
        (GOOD.replace(b"1331802578", b"13"), "timestamp_out_of_range"),
        (GOOD.replace(b"75.85.165.38", b"75.85.165.380"), "bad_ip"),
        (GOOD.replace(b"Macintosh", b"Mac\xff"), "bad_encoding"),
        (GOOD.replace(b"Macintosh", b"Mac\0"), "bad_encoding"),
        (GOOD.replace(b"Macintosh", b"M" * 9000), "field_too_long"),
    ],
)
def test_a_row_that_is_no_click_is_rejected_with_its_line_and_reason(tmp_path: Path, raw: bytes, reason: str) -> None:
    path = tmp_path / "clicks.tsv"
    header = b"Unix Timestamp\tIP Address\t29\tProduct Page URL\tVisitor Unique ID"
    path.write_bytes(b"\r\n".join([header, GOOD, raw, b"", GOOD, b""]))
    clicks, bad = read_template(path)
    assert [c.user_id for c in clicks] == ["F6F8B460", "F6F8B460"]
    assert [(b.line, b.reason, b.raw) for b in bad] == [(3, reason, raw)]
    assert reference(path).figures.duplicates == 1


def test_look_up_files_are_read_with_their_gaps(tmp_path: Path) -> None:
    products, users = tmp_path / "p.json", tmp_path / "u.json"
    products.write_text('[{"id": "C1", "category": "clothing", "title": "Shirt"}, {"id": "C2"}]', encoding="utf-8")
    users.write_text(
        '{"userId": "A}\\"", "gender": "f", "birthDate": "2000-02-29"}\n'
        '{"userId": null}\n{"userId": "B", "gender": null}\n',
        encoding="utf-8",
    )
    assert read_products(products) == {"C1": Product("clothing", "Shirt"), "C2": Product(None, None)}
    assert read_users(users) == {"A": User("F", date(2000, 2, 29)), "B": User(None, None)}
