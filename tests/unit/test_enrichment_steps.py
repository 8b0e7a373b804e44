"""What the enrichment says about clicks: products, visitors, countries, devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from footfall.core.events import CLICK_SCHEMA, ENRICHED_SCHEMA, Batch
from footfall.processors.base import NO_TIME, Codebook, Frame
from footfall.processors.enrichment.memo import Memo
from footfall.processors.enrichment.step import Context
from footfall.processors.enrichment.steps import start

NOON = datetime(2023, 11, 14, 12, tzinfo=UTC)


@dataclass
class Known:
    """Look-up data in dictionaries, which counts the questions."""

    product: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    visitor: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    number: int = 1
    asked: list[str] = field(default_factory=list)

    def products(self, ids: Sequence[str]) -> Sequence[tuple[str | None, str | None] | None]:
        self.asked.extend(ids)
        return [self.product.get(each) for each in ids]

    def visitors(self, user_ids: Sequence[str]) -> Sequence[tuple[str | None, str | None] | None]:
        self.asked.extend(user_ids)
        return [self.visitor.get(each) for each in user_ids]

    def version(self) -> int:
        return self.number


def click(**fields: Any) -> dict[str, Any]:
    return {
        "timestamp": NOON,
        "event_id": bytes(16),
        "userId": "ada",
        "productId": "P1",
        "event_type": "view",
        "late": False,
    } | fields


def batch(*clicks: dict[str, Any]) -> Batch:
    return Batch.from_pylist(list(clicks), schema=CLICK_SCHEMA)


def frame(*clicks: dict[str, Any], book: Codebook | None = None) -> Frame:
    return Frame(batch(*clicks), book=book or Codebook(), before=NO_TIME, watermark=NO_TIME)


def enriched(*clicks: dict[str, Any], known: Known | None = None) -> list[dict[str, Any]]:
    book = Codebook()
    result = start(Context(lookups=known or Known(), book=book)).enrich(frame(*clicks, book=book))
    result.validate(full=True)
    assert result.schema == ENRICHED_SCHEMA
    rows: list[dict[str, Any]] = result.to_pylist()
    return rows


def test_the_example_of_the_specification_is_enriched_as_it_says() -> None:
    known = Known(
        product={"VD55179433": ("clothing", "Deluxe Cashmere Sweater")},
        visitor={"F6F8B460-4204-4C26-A32C-B93826EDCB99": ("F", "1981-11-14")},
    )
    agent = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534.52.7 (KHTML, like Gecko) "
        "Version/5.1.2 Safari/534.52.7"
    )

    (row,) = enriched(
        click(
            productId="VD55179433", userId="F6F8B460-4204-4C26-A32C-B93826EDCB99", ip="75.85.165.38", userAgent=agent
        ),
        known=known,
    )

    said = {name: row[name] for name in ("category", "title", "gender", "birthdate", "age", "country", "deviceType")}
    assert said == {
        "category": "clothing",
        "title": "Deluxe Cashmere Sweater",
        "gender": "F",
        "birthdate": date(1981, 11, 14),
        "age": 42,
        "country": "United States",
        "deviceType": "Desktop",
    }
    assert (row["is_bot"], row["is_refresh"]) == (False, False)


def test_what_nobody_knows_is_unknown() -> None:
    (row,) = enriched(click())

    names = ("category", "title", "gender", "birthdate", "age", "country", "deviceType", "is_bot")
    assert [row[name] for name in names] == ["Unknown", "Unknown", "U", None, None, "Unknown", "Other", False]


def test_a_product_without_a_title_keeps_its_category() -> None:
    (row,) = enriched(click(), known=Known(product={"P1": ("shoes", None)}))

    assert (row["category"], row["title"]) == ("shoes", "Unknown")


@pytest.mark.parametrize(
    ("birthday", "moment", "age"),
    [
        ("2000-02-29", datetime(2023, 2, 28, 23, 59, tzinfo=UTC), 22),
        ("2000-02-29", datetime(2023, 3, 1, tzinfo=UTC), 23),
        ("2000-02-29", datetime(2024, 2, 29, tzinfo=UTC), 24),
        ("1981-11-15", NOON, 41),
        ("1969-12-31", datetime(1995, 12, 30, tzinfo=UTC), 25),
        ("2023-11-14", NOON, 0),
        ("2030-01-01", NOON, None),
    ],
)
def test_age_is_in_whole_years_at_the_time_of_the_click(birthday: str, moment: datetime, age: int | None) -> None:
    (row,) = enriched(click(timestamp=moment), known=Known(visitor={"ada": ("F", birthday)}))

    assert row["age"] == age


def test_clicks_centuries_apart_in_one_batch_get_their_own_ages() -> None:
    moments = [datetime(year, 6, 1, tzinfo=UTC) for year in (1991, 2099, 2000)]

    rows = enriched(*(click(timestamp=m) for m in moments), known=Known(visitor={"ada": ("F", "1990-01-01")}))

    assert [row["age"] for row in rows] == [1, 109, 10]


def test_a_click_that_brings_its_own_age_and_gender_keeps_them_and_has_no_birthdate() -> None:
    known = Known(visitor={"ada": ("F", "1981-11-14")})

    own, plain = enriched(click(age=30, gender="male"), click(), known=known)

    assert (own["age"], own["gender"], own["birthdate"]) == (30, "M", None)
    assert (plain["age"], plain["gender"], plain["birthdate"]) == (42, "F", date(1981, 11, 14))


@pytest.mark.parametrize(("said", "meant"), [("Female", "F"), ("m", "M"), ("Unknown", "U"), ("", "U"), ("x", "U")])
def test_the_first_letter_of_a_gender_counts(said: str, meant: str) -> None:
    (own,) = enriched(click(gender=said))
    (looked_up,) = enriched(click(), known=Known(visitor={"ada": (said, None)}))

    assert (own["gender"], looked_up["gender"]) == (meant, meant)


def test_a_birthday_that_is_no_date_counts_as_missing() -> None:
    (row,) = enriched(click(), known=Known(visitor={"ada": ("F", "1981-13-45")}))

    assert (row["gender"], row["age"], row["birthdate"]) == ("F", None, None)


def test_countries_have_their_common_names() -> None:
    rows = enriched(*(click(ip=ip) for ip in ("75.85.165.38", "2001:4860:4860::8888", "10.0.0.1", "nonsense", None)))

    assert [row["country"] for row in rows] == ["United States", "United States", "Unknown", "Unknown", "Unknown"]


def test_each_text_is_looked_up_once_until_the_data_is_loaded_again() -> None:
    known = Known()
    book = Codebook()
    steps = start(Context(lookups=known, book=book))
    for _ in range(3):
        steps.enrich(frame(click(), click(userId="bob"), book=book))
    assert sorted(known.asked) == ["P1", "ada", "bob"]

    known.product["P1"] = ("hats", "A hat")
    assert not steps.refresh()
    known.number += 1
    assert steps.refresh()

    assert steps.enrich(frame(click(), book=book)).column("category").to_pylist() == ["hats"]


def test_dictionaries_hold_each_text_once_and_only_texts_in_use() -> None:
    known = Known(product={f"P{n}": ("hats", f"Hat {n % 2}") for n in range(6)})
    book = Codebook()

    result = start(Context(lookups=known, book=book)).enrich(
        frame(*(click(productId=f"P{n}", ip="75.85.165.38") for n in range(6)), book=book)
    )

    texts = {
        name: result.column(name).dictionary.to_pylist() for name in ("category", "title", "country", "deviceType")
    }
    assert texts == {
        "category": ["hats"],
        "title": ["Hat 0", "Hat 1"],
        "country": ["United States"],
        "deviceType": ["Other"],
    }


def test_a_code_that_was_given_to_another_visitor_brings_nothing_of_the_first() -> None:
    known = Known(visitor={"ada": ("F", "1981-11-14"), "bob": ("M", "1971-11-14")})
    book = Codebook()
    steps = start(Context(lookups=known, book=book))
    steps.enrich(frame(click(), book=book))
    book.visitors.release(book.visitors.codes().tolist())

    (row,) = steps.enrich(frame(click(userId="bob"), book=book)).to_pylist()

    assert len(book.visitors) == 1
    assert (row["gender"], row["age"]) == ("M", 52)


def test_a_slice_of_a_large_batch_asks_only_for_its_own_texts() -> None:
    known = Known()
    book = Codebook()
    clicks = batch(*(click(productId=f"P{n}", userId=f"user {n}", ip=None if n % 2 else "8.8.8.8") for n in range(99)))
    part = Frame(clicks.slice(10, 2), book=book, before=NO_TIME, watermark=NO_TIME)

    result = start(Context(lookups=known, book=book)).enrich(part)

    assert sorted(known.asked) == ["P10", "P11", "user 10", "user 11"]
    assert result.column("country").to_pylist() == ["United States", "Unknown"]


def test_columns_that_no_step_replaces_are_passed_on_without_a_copy() -> None:
    book = Codebook()
    clicks = frame(click(ip="75.85.165.38"), book=book)

    result = start(Context(lookups=Known(), book=book)).enrich(clicks)

    for name in ("timestamp", "event_id", "userId", "productId", "ip", "userAgent", "original_timestamp"):
        before, after = clicks.batch.column(name).buffers(), result.column(name).buffers()
        assert [b and b.address for b in before] == [a and a.address for a in after]


def test_no_clicks_give_no_enriched_clicks() -> None:
    assert enriched() == []


def test_any_cut_of_the_clicks_gives_the_same_rows() -> None:
    known = Known(product={"P1": ("hats", "A hat")}, visitor={"ada": ("F", "1981-11-14")})
    clicks = [
        click(userId=user, productId=product, timestamp=datetime(2023, 11, 14, 12, minute, tzinfo=UTC))
        for minute, (user, product) in enumerate([("ada", "P1"), ("bob", "P2"), ("ada", "P1"), ("bob", "P1")] * 5)
    ]
    whole = enriched(*clicks, known=known)

    for size in (1, 3, 7):
        book = Codebook()
        steps = start(Context(lookups=known, book=book))
        pieces = [steps.enrich(frame(*clicks[at : at + size], book=book)) for at in range(0, len(clicks), size)]
        assert [row for piece in pieces for row in piece.to_pylist()] == whole


def test_a_memo_stays_within_its_capacity_and_asks_again_for_what_it_forgot() -> None:
    asked: list[str] = []

    def shout(texts: Sequence[str]) -> list[str]:
        asked.extend(texts)
        return [text.upper() for text in texts]

    memo = Memo(shout, capacity=10)
    for number in range(100):
        assert memo.answers([f"a{number}", "always"]) == [f"A{number}", "ALWAYS"]
        assert len(memo) <= 10

    assert asked.count("always") == 1
    assert memo.answers([f"b{n}" for n in range(50)]) == [f"B{n}" for n in range(50)]
    assert len(memo) <= 10
