"""What is sent to break the collector, or by a sender whose clock is wrong, costs only itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footfall.apps.web.collector.aside import A_SECOND, BURST, CUT_TO, LEAST, Aside
from footfall.core.clock import ManualClock
from footfall.core.errors import Reason
from footfall.core.events import Batch
from footfall.sources.again import parse_row
from footfall.sources.collect import EVENT_LIMIT, Collected, Sender, collect, collect_query
from footfall.sources.collect_batches import click_batch
from footfall.sources.collect_events import ALL_VALUES_LIMIT, VALUES_LIMIT

NOW = 1_764_547_200_000
HOUR = 3_600_000
SENDER = Sender(ip="192.0.2.7", user_agent="Mozilla/5.0", received_ms=NOW)
ADA = {"userId": "ada", "productId": "P1"}
GOOD = json.dumps(ADA).encode()


def sent(value: Any, sender: Sender = SENDER) -> Collected:
    return collect(value if isinstance(value, bytes) else json.dumps(value).encode(), sender)


def ids(found: Collected) -> list[bytes]:
    """Of all that is accepted."""
    batches = [click_batch(found.rows), *(batch for _, batch in found.others)]
    return [one for batch in batches for one in batch.column("event_id").to_pylist()]


def custom(properties: Any, **more: Any) -> dict[str, Any]:
    return {"userId": "ada", "event_type": "custom", "name": "opened", "properties": properties, **more}


# -- depth and size -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_at_any_depth_an_event_is_refused_and_nothing_breaks(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    for levels in range(32, 1_100):
        found = sent(b'[%s,{"userId":%s1%s}]' % (GOOD, opening * levels, closing * levels))
        (bad,) = found.bad
        assert bad.reason in {Reason.BAD_SYNTAX, Reason.BAD_VALUE}
        assert found.accepted == (bad.index is not None)


@pytest.mark.parametrize("key", ["properties", "unknown"])
def test_an_event_of_too_many_values_is_refused_before_they_are_looked_at(key: str) -> None:
    found = sent([ADA, {**custom({}), key: {"list": [[0]] * VALUES_LIMIT}}])
    (bad,) = found.bad
    assert (found.accepted, bad.index) == (1, 1)
    assert "2,000 values" in bad.rule


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("clean", [True, False])
def test_an_event_may_have_exactly_2000_values(more: int, clean: bool) -> None:
    event = custom({"list": [0] * (VALUES_LIMIT - 5 + more)})
    found = sent([event, ADA] if clean else [event, {}])
    assert (0 not in {bad.index for bad in found.bad}) == (not more)


def test_marks_in_texts_are_no_values() -> None:
    text = '",[{\\' * 5_000
    assert sent([custom({"text": text})]).accepted == 1
    assert sent([custom({"text": text}), {}]).accepted == 1


def test_a_body_of_too_many_values_is_refused_as_a_whole() -> None:
    one = custom({"list": [0] * (ALL_VALUES_LIMIT // 400)})
    assert sent([one] * 300).accepted == 300
    found = sent([one] * 450)
    (bad,) = found.bad
    assert (found.accepted, bad.index) == (0, None)
    assert "50,000 values" in bad.rule


def test_a_field_that_is_none_is_named_though_there_is_more_wrong_in_it() -> None:
    (bad,) = sent(b'{"userId":"a","productId":"P","extra":[NaN,NaN]}').bad
    assert bad.field == "extra"
    assert "is no field" in bad.rule


# -- clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timestamp", [5, NOW // 1000, NOW * 1000, -NOW])
def test_a_time_that_is_none_in_milliseconds_is_refused(timestamp: int) -> None:
    for event in ({**ADA, "timestamp": timestamp}, custom({}, timestamp=timestamp)):
        found = sent([event, ADA])
        (bad,) = found.bad
        assert (found.accepted, bad.field, bad.reason) == (1, "[0].timestamp", Reason.TIMESTAMP_OUT_OF_RANGE)


def test_a_clock_that_never_was_set_is_corrected_by_the_time_of_sending() -> None:
    found = sent({"events": [{**ADA, "timestamp": 1_000}], "sent_at": 3_000})
    assert click_batch(found.rows).to_pylist()[0]["timestamp"].timestamp() * 1000 == NOW - 2_000


@pytest.mark.parametrize("event", [{**ADA, "event_type": "cart"}, custom({"n": 1})])
def test_a_fast_clock_makes_no_two_events_one(event: dict[str, Any]) -> None:
    ahead = NOW + HOUR
    assert len(set(ids(sent([{**event, "timestamp": ahead}, {**event, "timestamp": ahead + 60_000}])))) == 2


@pytest.mark.parametrize("event", [ADA, custom({"n": 1})])
def test_events_without_a_time_are_each_one_by_itself(event: dict[str, Any]) -> None:
    later = Sender(ip=SENDER.ip, user_agent=SENDER.user_agent, received_ms=NOW + 1)
    assert len({*ids(sent([event] * 500)), *ids(sent([event] * 500, later))}) == 1_000


@pytest.mark.parametrize("event", [ADA, custom({"n": 1})])
def test_what_is_sent_again_with_its_time_is_the_same_event(event: dict[str, Any]) -> None:
    body = {"events": [{**event, "timestamp": NOW - HOUR}, {**event, "timestamp": NOW + HOUR}], "sent_at": NOW}
    later = Sender(ip=SENDER.ip, user_agent=SENDER.user_agent, received_ms=NOW + 90_000)
    first, again = sent(body), sent(body, later)
    assert ids(first) == ids(again)
    content = ["event_id", "userId", "productId", "event_type", "original_timestamp"]  # what de-duplication compares
    one, other = (click_batch(found.rows).select(content).to_pylist() for found in (first, again))
    assert one == other


@pytest.mark.parametrize("sent_at", [b'"now"', b"1.5", b"99999999999999999999", b"{}"])
def test_a_time_of_sending_that_is_none_is_refused_and_the_events_are_taken(sent_at: bytes) -> None:
    found = sent(b'{"events":[%s,{}],"sent_at":%s}' % (GOOD, sent_at))
    assert found.accepted == 1
    assert [(bad.index, bad.field) for bad in found.bad] == [(None, "sent_at"), (1, "events[1].userId")]
    assert not found.bad[0].raw  # it is no event


def test_the_same_holds_in_a_query() -> None:
    found = collect_query([("userId", "a"), ("productId", "P"), ("sent_at", "now")], SENDER)
    assert (found.accepted, [(bad.index, bad.field) for bad in found.bad]) == (1, [(None, "sent_at")])


# -- what is set aside ----------------------------------------------------------------------------------------


def aside(clock: ManualClock | None = None, *, mask_ip: bool = False) -> Aside:
    return Aside(clock or ManualClock(NOW), mask_ip=mask_ip)


def at(later: int) -> Sender:
    """The same sender, so many milliseconds later."""
    return Sender(ip=SENDER.ip, user_agent=SENDER.user_agent, received_ms=NOW + later)


def kept(of: Aside, found: Collected) -> list[dict[str, Any]]:
    """What is written of a request's bad events."""
    batch: Batch | None = of.batch(found)
    if batch is None:
        return []
    of.remember(batch)
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def test_the_same_mistake_of_another_visitor_or_later_is_another_failed_event() -> None:
    of = aside()
    senders = [SENDER, Sender(ip="192.0.2.8", user_agent="Mozilla/5.0", received_ms=NOW)]
    senders.append(Sender(ip=SENDER.ip, user_agent="Mozilla/5.0", received_ms=NOW + 60_000))
    rows = [row for sender in senders for row in kept(of, sent([{"userId": ""}] * 2, sender))]
    assert len({row["event_id"] for row in rows}) == 6


def test_a_mistake_with_an_event_id_is_one_failed_event_whenever_it_is_sent() -> None:
    of = aside()
    later = Sender(ip="192.0.2.8", user_agent="Other", received_ms=NOW + 60_000)
    bad = {"userId": "", "event_id": "e1"}
    assert len(kept(of, sent([ADA, bad, bad]))) == 1
    assert kept(of, sent(bad, later)) == []
    assert kept(aside(), sent(bad, later))[0]["event_id"] == kept(aside(), sent(bad))[0]["event_id"]


def test_what_did_not_reach_the_disk_is_kept_when_it_is_sent_again() -> None:
    of, found = aside(), sent({"userId": "", "event_id": "e1"})
    assert of.batch(found) is not None
    assert len(kept(of, found)) == 1


def test_beyond_the_budget_only_the_beginning_of_an_event_is_kept_and_said_to_be_cut() -> None:
    clock = ManualClock(NOW)
    of, size = aside(clock), 60_000
    large = [{"userId": "", "page": "x" * size}] * 15
    rows = [row for number in range(30) for row in kept(of, sent(large, at(number)))]
    whole = sum(len(row["raw"]) > CUT_TO for row in rows)
    assert BURST - EVENT_LIMIT - len(rows) * (CUT_TO + 200) < whole * size <= BURST
    assert (len(rows[-1]["raw"]), rows[-1]["detail"][:30]) == (CUT_TO, "cut to 1,024 of 60,026 bytes, ")
    assert kept(of, sent({"userId": ""}, at(30)))[0]["raw"] == b'{"userId": ""}'
    clock.advance(2 * EVENT_LIMIT / A_SECOND + 1)
    assert len(kept(of, sent(large, at(31)))[0]["raw"]) > CUT_TO


def test_endless_refusals_are_kept_ever_more_briefly() -> None:
    of, many = aside(), [{"userId": "", "page": "x" * 900}] * 500
    sizes = [len(row["raw"]) for number in range(80) for row in kept(of, sent(many, at(number)))]
    assert (sizes[0], sizes[-1]) == (926, LEAST)
    assert sum(sizes) < 3 * BURST


@pytest.mark.parametrize(
    "claimed",
    [
        b'"203.0.113.77"',
        b'"203.0.113.77\\"x"',
        b'["203.0.113.77"]',
        b'{"v4":"203.0.113.77"}',
        b"3405803853",
    ],
)
@pytest.mark.parametrize("key", [b'"ip"', b'"IP" ', b'"\\u0069p"'])
def test_where_addresses_are_masked_none_is_kept_that_a_sender_claims(claimed: bytes, key: bytes) -> None:
    found = sent(b'{"userId":"u","productId":"p",%s: %s,"page":"/x"}' % (key, claimed))
    (row,) = kept(aside(mask_ip=True), found)
    assert b"203.0.113.77" not in row["raw"]
    assert b"3405803853" not in row["raw"]
    assert json.loads(row["raw"])["page"] == "/x"
    assert kept(aside(), found)[0]["raw"] == found.bad[0].raw


def test_a_masked_event_can_be_corrected() -> None:
    (row,) = kept(aside(mask_ip=True), sent({**ADA, "ip": "203.0.113.77"}))
    block = parse_row(row["layout"], row["raw"].replace(b',"ip": ""', b"").replace(b', "ip": ""', b""))
    assert block.clicks.to_pylist()[0]["ip"] == "192.0.2.7"
