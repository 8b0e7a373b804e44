"""Flat JSON: what a message looks like, and which messages are refused."""

from __future__ import annotations

import json as stdlib_json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from footfall.core.errors import Reason
from footfall.core.events import CLICK_SCHEMA, ENRICHED_SCHEMA, FAILED_SCHEMA, OFFER_SCHEMA, Batch
from footfall.core.hashing import column_hashes, id_from_text, ids_of
from footfall.log.codecs import json

MOMENT = 1_699_973_201_619


def message(**fields: Any) -> bytes:
    full = {"timestamp": MOMENT, "userId": "ada", "productId": "P1"} | fields
    return stdlib_json.dumps({name: value for name, value in full.items() if value is not ...}).encode()


def refusal(raw: bytes) -> tuple[Reason, str]:
    batch, (bad,) = json.decode([raw], CLICK_SCHEMA)
    assert batch.num_rows == 0
    assert (bad.index, bad.raw) == (0, raw)
    return bad.reason, bad.detail


def test_an_enriched_click_is_one_flat_object_without_nulls() -> None:
    batch = Batch.from_pylist(
        [
            {
                "timestamp": MOMENT,
                "event_id": bytes(range(16)),
                "userId": "ada",
                "productId": "P1",
                "event_type": "view",
                "late": False,
                "category": "hats",
                "title": "A hat",
                "birthdate": date(1981, 11, 14),
                "country": "France",
                "deviceType": "Other",
                "is_bot": False,
                "is_refresh": True,
            }
        ],
        schema=ENRICHED_SCHEMA,
    )

    (encoded,) = json.encode(batch)

    assert stdlib_json.loads(encoded) == {
        "timestamp": MOMENT,
        "event_id": "000102030405060708090a0b0c0d0e0f",
        "userId": "ada",
        "productId": "P1",
        "event_type": "view",
        "category": "hats",
        "title": "A hat",
        "birthdate": "1981-11-14",
        "country": "France",
        "deviceType": "Other",
        "is_bot": False,
        "is_refresh": True,
    }


def test_an_offer_lists_the_clicks_that_led_to_it() -> None:
    matched = [{"timestamp": MOMENT, "productId": "P1", "category": "clothing"}]
    offer = {
        "timestamp": MOMENT,
        "event_id": bytes(16),
        "userId": "ada",
        "offer": "offer1",
        "pattern": "p",
        "matched": matched,
    }
    batch = Batch.from_pylist([offer], schema=OFFER_SCHEMA)

    (encoded,) = json.encode(batch)

    assert stdlib_json.loads(encoded)["matched"] == matched
    assert json.decode([encoded], OFFER_SCHEMA)[0].to_pylist() == batch.to_pylist()


def test_bytes_that_are_no_text_are_written_as_base64() -> None:
    row = {
        "timestamp": MOMENT,
        "event_id": bytes(16),
        "status": "open",
        "reason": "bad_syntax",
        "detail": "",
        "source": "f",
        "line": 2,
        "layout": "l",
    }
    batch = Batch.from_pylist([row | {"raw": b"a\tb\0"}, row | {"raw": b"\xff"}], schema=FAILED_SCHEMA)

    encoded = json.encode(batch)

    first, second = map(stdlib_json.loads, encoded)
    assert (first["raw"], second["raw_base64"]) == ("a\tb\0", "/w==")


def test_a_click_may_leave_out_what_can_be_made_up_for() -> None:
    batch, bad = json.decode([message(unheard_of={"x": [1]})], CLICK_SCHEMA)

    assert bad == []
    (row,) = batch.to_pylist()
    assert (row["event_type"], row["late"], row["ip"], row["age"]) == ("view", False, None, None)
    assert row["timestamp"] == datetime.fromtimestamp(MOMENT / 1000, UTC)
    names = ("timestamp", "userId", "productId", "event_type", "ip", "userAgent")
    assert row["event_id"] == ids_of([column_hashes(batch.column(name)) for name in names])[0].as_py()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("000102030405060708090a0b0c0d0e0f", bytes(range(16))),
        ("00010203-0405-0607-0809-0A0B0C0D0E0F", bytes(range(16))),
        ("order 17", id_from_text("order 17")),
    ],
)
def test_a_click_keeps_its_own_id(given: str, kept: bytes) -> None:
    batch, _ = json.decode([message(event_id=given)], CLICK_SCHEMA)

    assert batch.column("event_id").to_pylist() == [kept]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BAD_SYNTAX),
        (b"{", Reason.BAD_SYNTAX),
        (b"[]", Reason.BAD_SYNTAX),
        (b"[" * 100_000, Reason.BAD_SYNTAX),
        (b'{"x":' * 100_000, Reason.BAD_SYNTAX),
        (b'{"a":"\xff"}', Reason.BAD_ENCODING),
        (message(userId="a\0b"), Reason.BAD_ENCODING),
        (message(userId=...), Reason.MISSING_FIELD),
        (message(userId=""), Reason.MISSING_FIELD),
        (message(userId=None), Reason.MISSING_FIELD),
        (message(userId=7), Reason.BAD_VALUE),
        (message(productId=["P1"]), Reason.BAD_VALUE),
        (message(timestamp=...), Reason.MISSING_FIELD),
        (message(timestamp="2023"), Reason.BAD_TIMESTAMP),
        (message(timestamp=True), Reason.BAD_TIMESTAMP),
        (message(timestamp=MOMENT + 0.5), Reason.BAD_TIMESTAMP),
        (message(timestamp=12), Reason.TIMESTAMP_OUT_OF_RANGE),
        (message(timestamp=10**18), Reason.TIMESTAMP_OUT_OF_RANGE),
        (message(original_timestamp=2**53 + 1), Reason.BAD_VALUE),
        (message(event_type="stare"), Reason.BAD_VALUE),
        (message(ip="999.1.1.1"), Reason.BAD_IP),
        (message(age=900), Reason.BAD_VALUE),
        (message(age=-1), Reason.BAD_VALUE),
        (message(event_id=""), Reason.MISSING_FIELD),
        (message(event_id=None), Reason.MISSING_FIELD),
        (message(late="yes"), Reason.BAD_VALUE),
        (message(userAgent="x" * 8_193), Reason.FIELD_TOO_LONG),
        (message(padding="x" * (1 << 20)), Reason.FIELD_TOO_LONG),
    ],
)
def test_a_message_that_is_no_click_is_refused_with_its_reason(raw: bytes, reason: Reason) -> None:
    assert refusal(raw)[0] is reason


@pytest.mark.parametrize("surrogate", ["\ud800", "\ud800x", "\udc00\ud800"])
def test_a_lone_surrogate_is_refused(surrogate: str) -> None:
    assert refusal(message(userId=surrogate))[0] in {Reason.BAD_ENCODING, Reason.BAD_SYNTAX}


def test_a_refusal_names_the_field_and_its_value() -> None:
    _, detail = refusal(message(event_type="stare"))

    assert detail == "event_type: 'stare' is not one of view, cart, remove_from_cart, purchase, page"


def test_bad_messages_do_not_take_good_ones_with_them() -> None:
    raws = [b"nonsense", message(userId="a"), message(age=900), message(userId="b"), b"7"]

    batch, bad = json.decode(raws, CLICK_SCHEMA)

    assert batch.column("userId").to_pylist() == ["a", "b"]
    assert [each.index for each in bad] == [0, 2, 4]
