"""The Quix envelope: as the template writes it, and what is refused."""

from __future__ import annotations

import json as stdlib_json
from typing import Any

import pytest

from footfall.core.errors import Reason
from footfall.core.events import CLICK_SCHEMA, OFFER_SCHEMA, Batch
from footfall.log.codecs import quix

EXAMPLE = {
    "Epoch": 0,
    "Timestamps": [1699973201619326000],
    "NumericValues": {"original_timestamp": [1331802578]},
    "StringValues": {
        "userId": ["F6F8B460-4204-4C26-A32C-B93826EDCB99"],
        "ip": ["75.85.165.38"],
        "userAgent": ["Mozilla/5.0"],
        "productId": ["VD55179433"],
    },
    "BinaryValues": {},
    "TagValues": {},
}
OFFER = [{"Timestamp": 1700221907989992000, "Tags": {}, "Id": "offer", "Value": "offer1"}]


def decoded(value: Any) -> list[dict[str, Any]]:
    batch, bad = quix.decode([stdlib_json.dumps(value).encode()], CLICK_SCHEMA)
    assert bad == []
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def test_the_template_s_message_is_a_click() -> None:
    (row,) = decoded(EXAMPLE)

    assert row["timestamp"].timestamp() == 1699973201.619
    names = ("userId", "ip", "userAgent", "productId", "original_timestamp", "event_type")
    assert [row[name] for name in names] == [
        "F6F8B460-4204-4C26-A32C-B93826EDCB99",
        "75.85.165.38",
        "Mozilla/5.0",
        "VD55179433",
        1331802578,
        "view",
    ]


def test_a_click_is_written_as_the_template_writes_it() -> None:
    click = {
        "timestamp": 1699973201619,
        "event_id": bytes(16),
        "userId": "ada",
        "productId": "P1",
        "event_type": "view",
        "original_timestamp": 1331802578,
        "late": False,
    }

    (encoded,) = quix.encode(Batch.from_pylist([click], schema=CLICK_SCHEMA))

    assert stdlib_json.loads(encoded) == {
        "Epoch": 0,
        "Timestamps": [1699973201619000000],
        "NumericValues": {"original_timestamp": [1331802578]},
        "StringValues": {"event_id": ["0" * 32], "userId": ["ada"], "productId": ["P1"], "event_type": ["view"]},
        "BinaryValues": {},
        "TagValues": {},
    }


def test_a_message_may_hold_several_rows_with_values_missing() -> None:
    rows = decoded(
        {
            "Timestamps": [1699973201619326000, 1699973201620326000],
            "NumericValues": {"age": [None, 30.0], "late": [1, None]},
            "StringValues": {"userId": ["a", "b"], "productId": ["P1", "P2"], "gender": ["F", None]},
        }
    )

    assert [(row["userId"], row["age"], row["gender"], row["late"]) for row in rows] == [
        ("a", None, "F", True),
        ("b", 30, None, False),
    ]


@pytest.mark.parametrize(
    "value",
    [
        [],
        7,
        {},
        {"Timestamps": []},
        {"Timestamps": "now"},
        {"Timestamps": [1.5]},
        {"Timestamps": [True]},
        EXAMPLE | {"Epoch": "x"},
        EXAMPLE | {"StringValues": []},
        EXAMPLE | {"StringValues": {"userId": "ada"}},
        EXAMPLE | {"StringValues": {"userId": ["a", "b"], "productId": ["P1"]}},
    ],
)
def test_what_is_no_envelope_is_refused(value: Any) -> None:
    batch, (bad,) = quix.decode([stdlib_json.dumps(value).encode()], CLICK_SCHEMA)

    assert (batch.num_rows, bad.reason) == (0, Reason.BAD_SYNTAX)


def test_a_bad_row_does_not_take_the_others_of_its_message_with_it() -> None:
    raw = stdlib_json.dumps(
        {"Timestamps": [1699973201619326000] * 2, "StringValues": {"userId": ["a", "b"], "productId": ["P1", None]}}
    ).encode()

    batch, (bad,) = quix.decode([raw], CLICK_SCHEMA)

    assert batch.column("userId").to_pylist() == ["a"]
    assert (bad.reason, bad.detail, bad.raw) == (Reason.MISSING_FIELD, "productId: missing", raw)


def offers(*names: str) -> Batch:
    rows = [
        {
            "timestamp": 1700221907989 + at,
            "event_id": bytes(16),
            "userId": "ada",
            "offer": name,
            "pattern": "clothing-shoes-clothing",
            "matched": [],
        }
        for at, name in enumerate(names)
    ]
    return Batch.from_pylist(rows, schema=OFFER_SCHEMA)


def test_an_offer_is_written_as_an_event() -> None:
    (encoded,) = quix.encode(offers("offer1"))

    assert stdlib_json.loads(encoded) == [
        {"Timestamp": 1700221907989000000, "Tags": {}, "Id": "offer", "Value": "offer1"}
    ]


def test_an_offer_is_read_back_with_the_visitor_of_the_message_s_key() -> None:
    written = offers("offer1", "offer2")

    batch, bad = quix.decode(quix.encode(written), OFFER_SCHEMA, keys=["ada", "ada"])

    assert bad == []
    names = ["timestamp", "userId", "offer"]
    assert batch.select(names).to_pylist() == written.select(names).to_pylist()
    assert len(set(batch.column("event_id").to_pylist())) == 2


def test_events_other_than_offers_are_passed_over() -> None:
    raw = stdlib_json.dumps([{"Id": "noise"}, *OFFER]).encode()

    batch, bad = quix.decode([raw], OFFER_SCHEMA, keys=["ada"])

    assert (batch.column("offer").to_pylist(), bad) == (["offer1"], [])


@pytest.mark.parametrize("value", [{}, [1], [{"Id": "offer"}], [{"Id": "offer", "Timestamp": "x", "Value": "o"}]])
def test_what_is_no_event_list_is_refused(value: Any) -> None:
    _, bad = quix.decode([stdlib_json.dumps(value).encode()], OFFER_SCHEMA, keys=["ada"])

    assert [each.reason for each in bad] == [Reason.BAD_SYNTAX]


def test_an_offer_without_a_key_is_refused() -> None:
    _, bad = quix.decode([stdlib_json.dumps(OFFER).encode()], OFFER_SCHEMA)

    assert [each.reason for each in bad] == [Reason.MISSING_FIELD]


def test_the_codec_says_which_message_each_row_came_from() -> None:
    row = EXAMPLE | {"Timestamps": [1699973201619326000] * 2}
    two = row | {"NumericValues": {}, "StringValues": {"userId": ["a", "b"], "productId": ["P1", "P2"]}}
    raws = [stdlib_json.dumps(each).encode() for each in (EXAMPLE, [], two)]

    found = quix.QuixCodec().decode("click-data", raws, schema=CLICK_SCHEMA)

    assert found.origins.tolist() == [0, 2, 2]
    assert [one.index for one in found.bad] == [1]
    assert found.batch.column("userId").to_pylist()[1:] == ["a", "b"]


def test_the_codec_takes_a_visitor_from_the_key_s_bytes() -> None:
    codec = quix.QuixCodec()
    written = codec.encode("special-offers", offers("offer1", "offer1", "offer1"))

    found = codec.decode("special-offers", written, schema=OFFER_SCHEMA, keys=["adä".encode(), b"\xff", None])

    assert found.batch.column("userId").to_pylist() == ["adä"]
    assert [(each.index, each.reason) for each in found.bad] == [(1, Reason.MISSING_FIELD), (2, Reason.MISSING_FIELD)]
