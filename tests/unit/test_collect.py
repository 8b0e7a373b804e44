"""What a request may hold, and what is said of what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footfall.core.errors import Reason
from footfall.core.events import CUSTOM, EVENT_TYPES
from footfall.core.hashing import id_from_text
from footfall.sources.again import parse_row
from footfall.sources.collect import Collected, Sender, TooMany, click_of, collect, collect_query
from footfall.sources.collect_batches import click_batch, path_of
from footfall.sources.collect_events import parse_clean

NOW = 1_700_000_000_000
DAY = 86_400_000
AGENT = "Mozilla/5.0 (X11)"
SENDER = Sender(ip="192.0.2.7", user_agent=AGENT, received_ms=NOW)
ADA = {"userId": "ada", "productId": "P1"}


def sent(value: Any) -> Collected:
    return collect(value if isinstance(value, bytes) else json.dumps(value).encode(), SENDER)


def clicks(found: Collected) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = click_batch(found.rows).to_pylist()
    return rows


def only(value: Any) -> dict[str, Any]:
    """The one click of a request in which all is well."""
    found = sent(value)
    assert not found.bad
    (row,) = clicks(found)
    return row


def refused(value: Any) -> tuple[str, Reason, str]:
    """Where, why and by which rule the one event of a request is refused."""
    found = sent(value)
    (bad,) = found.bad
    return bad.field, bad.reason, bad.rule


# -- forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [ADA, [ADA], {"events": [ADA]}, {"sent_at": NOW, "events": [ADA]}])
def test_one_event_a_list_and_an_envelope_mean_the_same(body: object) -> None:
    assert (only(body)["userId"], only(body)["productId"]) == ("ada", "P1")


def test_space_around_the_parts_means_nothing() -> None:
    assert only(b' \n[ {"userId" : "ada" ,\t"productId":"P1"} ]\r\n')["userId"] == "ada"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"nothing", ""),
        (b'"text"', ""),
        (b"[1,", ""),
        (b'{"userId":"ada"', ""),
        (b'[{"userId":"ada"}] and more', ""),
        (b"[]", ""),
        (b'{"events":[]}', "events"),
        (b'{"events":{}}', "events"),
        (b'{"events":[1],"event":2}', "event"),
        (b'{"events":[1],"events":[2]}', "events"),
    ],
)
def test_a_body_in_no_known_form_is_refused_as_a_whole(body: bytes, field: str) -> None:
    found = sent(body)
    (bad,) = found.bad
    assert (bad.index, bad.field, found.accepted) == (None, field, 0)
    assert bad.raw == body


def test_more_than_500_events_are_too_many_and_500_are_not() -> None:
    assert sent([ADA] * 500).accepted == 500
    with pytest.raises(TooMany):
        sent([ADA] * 501)


# -- good and bad ---------------------------------------------------------------------------------------------


def test_good_events_are_taken_and_each_bad_one_is_named_with_its_place_and_rule() -> None:
    found = sent({"events": [ADA, {**ADA, "age": 131}, ADA, {"userId": "ada"}]})
    assert found.accepted == 2
    assert [(bad.index, bad.field) for bad in found.bad] == [(1, "events[1].age"), (3, "events[3].productId")]
    assert "0 to 130" in found.bad[0].rule
    assert json.loads(found.bad[0].raw) == {**ADA, "age": 131}


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        ({"productId": "P1"}, "userId", Reason.MISSING_FIELD),
        ({"userId": " ", "productId": "P1"}, "userId", Reason.MISSING_FIELD),
        ({"userId": None, "productId": "P1"}, "userId", Reason.MISSING_FIELD),
        ({"userId": 5, "productId": "P1"}, "userId", Reason.BAD_VALUE),
        ({**ADA, "event_type": "look"}, "event_type", Reason.BAD_VALUE),
        ({**ADA, "age": "30"}, "age", Reason.BAD_VALUE),
        ({**ADA, "age": -1}, "age", Reason.BAD_VALUE),
        ({**ADA, "age": True}, "age", Reason.BAD_VALUE),
        ({**ADA, "timestamp": "soon"}, "timestamp", Reason.BAD_TIMESTAMP),
        ({**ADA, "timestamp": 1.5}, "timestamp", Reason.BAD_TIMESTAMP),
        ({**ADA, "timestamp": 2**53 + 1}, "timestamp", Reason.BAD_VALUE),
        ({**ADA, "timestamp": 10**40}, "timestamp", Reason.BAD_VALUE),
        ({**ADA, "page": "x" * 8193}, "page", Reason.FIELD_TOO_LONG),
        ({**ADA, "referrer": "é" * 4097}, "referrer", Reason.FIELD_TOO_LONG),
        ({**ADA, "ip": "192.0.2.1"}, "ip", Reason.BAD_VALUE),
        ({**ADA, "colour": "red"}, "colour", Reason.BAD_VALUE),
        ({**ADA, "properties": {}}, "properties", Reason.BAD_VALUE),
        ({**ADA, "name": "x"}, "name", Reason.BAD_VALUE),
        ({**ADA, "page": "a\0b"}, "page", Reason.BAD_ENCODING),
        ({**ADA, "page": "\ud800"}, "page", Reason.BAD_ENCODING),
        ({"userId": "ada", "event_type": "page"}, "productId", Reason.MISSING_FIELD),
        ({"userId": "ada", "event_type": "custom"}, "name", Reason.MISSING_FIELD),
        ({**ADA, "event_type": "custom", "name": "x"}, "productId", Reason.BAD_VALUE),
    ],
)
def test_a_broken_rule_is_named_with_its_field(event: dict[str, Any], field: str, reason: Reason) -> None:
    assert refused(event)[:2] == (field, reason)
    assert refused([event])[0] == f"[0].{field}"


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b'{"userId":"a","userId":"b","productId":"P"}', "userId", Reason.BAD_SYNTAX),
        (b'{"userId":"a","\\u0075serId":"a","productId":"P"}', "userId", Reason.BAD_SYNTAX),
        (b'{"userId":"a","productId":"P","age":NaN}', "age", Reason.BAD_VALUE),
        (b'{"userId":"a","productId":"P","age":1e999}', "age", Reason.BAD_VALUE),
        (b'{"userId":"a\xff","productId":"P"}', "userId", Reason.BAD_ENCODING),
        (b'{"userId":"a\x01","productId":"P"}', "", Reason.BAD_SYNTAX),
    ],
)
def test_json_that_readers_disagree_on_is_refused(body: bytes, field: str, reason: Reason) -> None:
    assert refused(body)[:2] == (field, reason)
    good = json.dumps(ADA).encode()
    assert sent(b"[" + good + b"," + body + b"]").accepted == 1


def test_an_event_of_more_than_64_kib_is_refused_alone() -> None:
    long = {"userId": "ada", "event_type": "custom", "name": "x", "properties": {"text": "x" * (64 << 10)}}
    found = sent([ADA, long])
    assert (found.accepted, found.bad[0].reason, len(found.bad[0].raw)) == (1, Reason.FIELD_TOO_LONG, 64 << 10)


@pytest.mark.parametrize(("levels", "accepted"), [(30, 1), (31, 0), (500, 0)])
def test_an_event_may_be_32_levels_deep(levels: int, accepted: int) -> None:
    inside = b'{"a":' * levels + b"1" + b"}" * levels
    body = b'{"userId":"a","event_type":"custom","name":"n","properties":{"p":%s}}' % inside
    assert sent(body).accepted == accepted


# -- what becomes of it ---------------------------------------------------------------------------------------


def test_every_field_arrives_in_its_column() -> None:
    given = {
        **ADA,
        "event_type": "cart",
        "sessionId": "s1",
        "page": "https://shop.example/p/1",
        "referrer": "https://search.example/",
        "age": 30,
        "gender": "Female",
        "userAgent": "Other/1.0",
        "timestamp": NOW - 5_000,
        "event_id": "6f1c" * 8,
    }
    row = only(given)
    names = ("event_type", "sessionId", "page", "referrer", "age", "gender", "userAgent", "ip", "original_timestamp")
    expected = ("cart", "s1", given["page"], given["referrer"], 30, "Female", "Other/1.0", "192.0.2.7", NOW // 1000 - 5)
    assert tuple(row[name] for name in names) == expected
    assert row["event_id"] == bytes.fromhex("6f1c" * 8)


def test_the_request_gives_the_user_agent_and_the_address_and_the_type_is_view() -> None:
    row = only(ADA)
    assert (row["userAgent"], row["ip"], row["event_type"], row["age"]) == (AGENT, "192.0.2.7", "view", None)


def test_any_text_is_an_event_id_and_the_same_text_is_the_same_event() -> None:
    assert only({**ADA, "event_id": "order-17"})["event_id"] == id_from_text("order-17")


def test_a_page_without_a_product_is_its_path() -> None:
    row = only({"userId": "ada", "event_type": "page", "page": "https://shop.example/about/us?from=mail#top"})
    assert row["productId"] == "/about/us"


@pytest.mark.parametrize(
    ("page", "path"),
    [("https://a.example", "/"), ("//a.example/b", "/b"), ("/b?c", "/b"), ("b#c", "b"), ("http://[::1/x", "/x")],
)
def test_the_path_of_any_address_is_found(page: str, path: str) -> None:
    assert path_of(page) == path


def test_every_type_of_click_is_taken() -> None:
    assert [row["event_type"] for row in clicks(sent([{**ADA, "event_type": t} for t in EVENT_TYPES]))] == [
        *EVENT_TYPES
    ]


def test_custom_events_go_to_a_stream_of_their_own_with_their_properties() -> None:
    found = sent([ADA, {"userId": "ada", "event_type": "custom", "name": "opened", "properties": {"b": [1, "x"]}}])
    ((stream, batch),) = found.others
    (row,) = batch.to_pylist()
    assert (stream, row["name"], json.loads(row["properties"])) == (CUSTOM, "opened", {"b": [1, "x"]})
    assert (found.accepted, len(found.rows)) == (2, 1)


# -- time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "expected"),
    [
        (None, None, NOW),
        (NOW - 1_000, None, NOW - 1_000),
        (NOW + 1_000, None, NOW),
        (NOW - 30 * DAY, None, NOW - 7 * DAY),
        (NOW - 3_600_000 - 1_000, NOW - 3_600_000, NOW - 1_000),
        (NOW + DAY - 2_000, NOW + DAY, NOW - 2_000),
        (1_000, 3_000, NOW - 2_000),
        ("2023-11-14T22:13:10Z", None, NOW - 10_000),
    ],
)
def test_the_senders_clock_is_corrected_and_the_time_is_at_most_seven_days_old(
    timestamp: object, sent_at: int | None, expected: int
) -> None:
    body = {"events": [{**ADA, "timestamp": timestamp}], "sent_at": sent_at}
    assert only(body)["timestamp"].timestamp() * 1000 == expected


def test_an_event_sent_again_with_its_id_is_the_same_whenever_it_arrives() -> None:
    body = json.dumps({"events": [{**ADA, "event_id": "e1", "timestamp": NOW - 5_000}], "sent_at": NOW}).encode()
    later = Sender(ip=SENDER.ip, user_agent=AGENT, received_ms=NOW + 60_000)
    first, again = clicks(sent(body)), clicks(collect(body, later))
    same = ("event_id", "userId", "productId", "event_type", "original_timestamp")  # what de-duplication compares
    assert [first[0][name] for name in same] == [again[0][name] for name in same]


# -- other ways in --------------------------------------------------------------------------------------------


def test_a_query_says_the_same_as_a_body() -> None:
    pairs = [(key, str(value)) for key, value in {**ADA, "age": 30, "timestamp": NOW - 1, "page": "/é"}.items()]
    found = collect_query(pairs, SENDER)
    assert clicks(found) == [only({**ADA, "age": 30, "timestamp": NOW - 1, "page": "/é"})]


def test_a_field_that_stands_twice_in_a_query_is_refused() -> None:
    found = collect_query([("userId", "a"), ("userId", "b"), ("productId", "P")], SENDER)
    assert (found.accepted, found.bad[0].field) == (0, "userId")


def test_a_bad_event_can_be_brought_in_once_it_is_corrected() -> None:
    found = collect(json.dumps({"events": [{**ADA, "age": 900, "timestamp": 5}], "sent_at": 1_005}).encode(), SENDER)
    block = parse_row(found.layout, found.bad[0].raw.replace(b"900", b"90"))
    (row,) = block.clicks.to_pylist()
    assert (row["age"], row["ip"], row["userAgent"]) == (90, "192.0.2.7", AGENT)
    assert row["timestamp"].timestamp() * 1000 == NOW - 1_000


def test_a_corrected_custom_event_goes_back_to_its_stream() -> None:
    found = sent({"userId": "ada", "event_type": "custom"})
    block = parse_row(found.layout, found.bad[0].raw[:-1] + b',"name":"opened"}')
    assert [(stream, batch.num_rows) for stream, batch in block.others] == [(CUSTOM, 1)]


def test_a_click_of_our_own_pages_is_the_same_as_one_of_the_collector() -> None:
    batch = click_of(user="ada", product="P1", ip="192.0.2.7", user_agent=AGENT, now_ms=NOW)
    assert batch.to_pylist() == clicks(sent(ADA))


def test_what_a_browser_says_too_long_is_cut_for_our_own_pages() -> None:
    batch = click_of(user="ada", product="P1", ip=None, user_agent="é" * 5_000, page="\0x", now_ms=NOW)
    (row,) = batch.to_pylist()
    assert (len(row["userAgent"].encode()), row["page"]) == (8192, "x")


def test_usual_bodies_take_the_quick_way() -> None:
    event = {**ADA, "event_type": "view", "page": 'https://shop.example/"quoted"\\', "timestamp": NOW, "age": 30}
    for body in ({"events": [event] * 3, "sent_at": NOW}, [event], event):
        for separators in ((",", ":"), (", ", ": ")):
            assert parse_clean(json.dumps(body, separators=separators).encode()) is not None
