"""Whatever is sent to the collector, each event is taken or refused by itself, and nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.core.errors import Reason
from footfall.sources.again import parse_row
from footfall.sources.clicks import Clicks
from footfall.sources.collect import (
    Collected,
    Sender,
    TooMany,
    collect,
    collect_carefully,
    collect_query,
    collect_quickly,
)
from footfall.sources.collect_batches import Row, click_batch, rows_of
from footfall.sources.collect_cut import Malformed, cut_leniently, cut_quickly
from footfall.sources.collect_events import EVENT_LIMIT, KEYS, Event, clean_events, parse_clean
from footfall.sources.collect_strict import event_of, parse_strictly
from footfall.sources.judged import plain

NOW = 1_700_000_000_000
SENDER = Sender(ip="192.0.2.7", user_agent="Mozilla/5.0", received_ms=NOW)

words = st.sampled_from(
    ["", " ", "a", "view", "page", "custom", "\0", "é", "😀", '"', "\\", "a" * 8193, "/x?y", "events"]
)
texts = words | st.text(max_size=5)
numbers = st.sampled_from([0, -1, 130, 131, NOW, 2**53, 2**53 + 1, 10**30, 1.5, 1e308]) | st.integers()
values: st.SearchStrategy[Any] = st.recursive(
    texts | numbers | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from([*KEYS, "ip"])
good = st.fixed_dictionaries(
    {"userId": st.sampled_from(["ada", "bob"]), "productId": st.sampled_from(["P1", "é"])},
    optional={
        "event_type": st.sampled_from(["view", "cart", "page"]),
        "timestamp": st.integers(NOW - 10**10, NOW + 10**10),
        "event_id": st.text(min_size=1, max_size=3).filter(lambda text: "\0" not in text),
        "page": st.just("https://shop.example/about"),
        "age": st.integers(0, 130),
        "gender": st.just("F"),
    },
)
custom = st.fixed_dictionaries(
    {"userId": st.just("ada"), "event_type": st.just("custom"), "name": st.just("opened")},
    optional={"properties": st.dictionaries(texts, values, max_size=3)},
)
mixed: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"userId": st.just("ada"), "event_type": st.sampled_from(["view", "page", "custom"])},
    optional={key: st.sampled_from(["P1", "", None, 5, {}]) for key in KEYS if key not in {"userId", "event_type"}},
)
odd = mixed | st.dictionaries(keys | texts, values, max_size=6)
separators = st.sampled_from([(",", ":"), (" , ", " : ")])
some_events = st.lists(good | custom | odd | values, min_size=1, max_size=6)


def collected(body: bytes) -> Collected:
    found = collect(body, SENDER)
    assert found.accepted or found.bad
    assert all(len(event.raw) <= EVENT_LIMIT for event in found.bad)
    assert all(event.reason in Reason and event.rule for event in found.bad)
    if found.rows:
        click_batch(found.rows).validate(full=True)
    if found.custom is not None:
        found.custom.validate(full=True)
    return found


@settings(max_examples=1_000)
@given(st.binary(max_size=200))
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'[{"userId":"\\ud800","productId":"P"}]')
@example(b'{"events":[],"events":[]}')
@example(b'{"events":5}')
@example(b'{"userId":' + b"9" * 10_000 + b"}")
@example(b'[{"userId":1e400}, NaN, Infinity, -Infinity]')
@example(b'\xef\xbb\xbf{"userId":"a","productId":"P"}')
@example(b'{"userId":"\xff","productId":"P"}')
def test_any_bytes_are_answered(body: bytes) -> None:
    collected(body)


@settings(max_examples=200, deadline=None)
@given(some_events, st.booleans(), st.integers(0, 400), st.binary(max_size=3))
def test_any_events_damaged_anywhere_are_answered(
    events: list[Any], ascii_only: bool, place: int, damage: bytes
) -> None:
    body = json.dumps(events, ensure_ascii=ascii_only).encode(errors="replace")
    collected(body[:place] + damage + body[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(
    some_events,
    st.sampled_from(["list", "envelope", "single"]),
    st.booleans(),
    st.sampled_from([(",", ":"), (" , ", " : ")]),
)
def test_the_quick_way_takes_nothing_that_the_strict_one_refuses_and_reads_the_same(
    events: list[Any], form: str, ascii_only: bool, between: tuple[str, str]
) -> None:
    quick = parse_clean(in_form(form, events, ascii_only, between))
    if quick is not None:
        pieces = cut_leniently(in_form(form, events, ascii_only, between))
        assert list(quick.events) == [event_of(raw) for raw in pieces.raws]
        assert list(quick.places) == list(range(len(pieces.raws)))
        assert (quick.sent_at, quick.prefix) == (pieces.sent_at, pieces.prefix)


@settings(max_examples=200, deadline=None)
@given(some_events, st.booleans(), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_a_good_event_among_bad_ones_is_read_quickly_as_it_is_strictly(
    events: list[Any], ascii_only: bool, between: tuple[str, str]
) -> None:
    raws = cut_leniently(in_form("list", events, ascii_only, between)).raws
    for quick, raw in zip(clean_events(raws), raws, strict=True):
        assert quick is None or quick == event_of(raw)


@settings(max_examples=200, deadline=None)
@given(some_events, st.sampled_from(["list", "envelope", "single"]), st.booleans(), separators)
def test_what_is_judged_quickly_is_judged_the_same_with_care(
    events: list[Any], form: str, ascii_only: bool, between: tuple[str, str]
) -> None:
    body = in_form(form, events, ascii_only, between)
    quick = collect_quickly(body, SENDER)
    if quick is not None:
        careful = collect_carefully(body, SENDER)
        assert (list(quick.rows), list(quick.bad)) == (list(careful.rows), list(careful.bad))
        assert (quick.custom, quick.sender) == (careful.custom, careful.sender)


@settings(max_examples=500, deadline=None)
@given(
    some_events,
    st.sampled_from(["list", "envelope", "single"]),
    st.booleans(),
    st.sampled_from([(",", ":"), (" , ", "\t: ")]),
    st.integers(0, 400),
    st.binary(max_size=3),
)
@example([{"events": 1}], "envelope", False, (",", ":"), 1_000, b"")
def test_events_are_cut_quickly_where_they_are_cut_leniently(
    events: list[Any], form: str, ascii_only: bool, between: tuple[str, str], place: int, damage: bytes
) -> None:
    body = in_form(form, events, ascii_only, between)
    for one in (body, body[:place] + damage + body[place:], body[:place] + damage + body[place + len(damage) :]):
        quick = cut_quickly(one)
        assert quick is None or quick == cut_leniently(one)


def said(row: Row) -> Row:
    """A click as its sender describes it: the place among others that came with it is no part of that."""
    return (*row[:1], row[1] if isinstance(row[1], bytes) else None, *row[2:])


def in_form(form: str, events: list[Any], ascii_only: bool, between: tuple[str, str]) -> bytes:
    """A body with these events, written this way."""
    shape = {"list": events, "envelope": {"events": events, "sent_at": NOW}, "single": events[0]}[form]
    return json.dumps(shape, ensure_ascii=ascii_only, separators=between).encode(errors="replace")


@settings(max_examples=200, deadline=None)
@given(good, st.data())
def test_a_key_that_stands_twice_is_never_overlooked(event: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(event)))
    again = json.dumps(key)
    if data.draw(st.booleans()):  # the same key, written another way
        again = f'"\\u{ord(key[0]):04x}{key[1:]}"'
    space = data.draw(st.sampled_from(["", " ", "\n\t"]))
    body = json.dumps(event)[:-1] + f", {again}{space}:{json.dumps(event[key])}}}"
    found = collected(body.encode())
    assert (found.accepted, [one.reason for one in found.bad]) == (0, [Reason.BAD_SYNTAX])


@settings(max_examples=200, deadline=None)
@given(some_events)
def test_an_event_is_judged_the_same_alone_and_among_others(events: list[Any]) -> None:
    together = collected(json.dumps(events).encode())
    alone = [collected(json.dumps([event]).encode()) for event in events]
    assert together.accepted == sum(one.accepted for one in alone)
    assert [said(row) for one in alone for row in one.rows] == [said(row) for row in together.rows]
    expected = [(place, one.bad[0].rule) for place, one in enumerate(alone) if one.bad]
    assert [(event.index, event.rule) for event in together.bad] == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(good, min_size=1, max_size=8))
def test_clicks_of_requests_equal_those_of_a_file_with_the_same_rows(rows: list[dict[str, Any]]) -> None:
    rows = [{**row, "timestamp": NOW} for row in rows]
    found = click_batch(collected(json.dumps(rows).encode()).rows)
    names = {"userId", "productId"} | {key for row in rows for key in row}
    columns = {name: plain([str(row.get(name, "")) for row in rows]) for name in names}
    columns |= {"timestamp": plain([str(NOW)] * len(rows)), "ip": plain(["192.0.2.7"] * len(rows))}
    columns["userAgent"] = plain(["Mozilla/5.0"] * len(rows))
    expected, bad = Clicks().build(columns)
    assert bad is None
    assert found.to_pylist() == expected.to_pylist()


@settings(max_examples=200, deadline=None)
@given(odd)
def test_what_was_set_aside_says_the_same_when_it_is_read_again(event: dict[str, Any]) -> None:
    found = collected(json.dumps(event).encode())
    for one in found.bad:
        block = parse_row(found.layout, one.raw)
        assert (block.clicks.num_rows, block.others) == (0, ())
        assert one.index is None or one.rule in block.bad[0].detail


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(keys | texts, texts | numbers.map(str)), max_size=8))
def test_any_query_is_answered(pairs: list[tuple[str, str]]) -> None:
    found = collect_query([(key.replace("\ud800", ""), value) for key, value in pairs], SENDER)
    assert found.accepted + len(found.bad) == 1


@given(st.integers(501, 600))
def test_too_many_events_are_refused_whatever_they_are(count: int) -> None:
    for one in ('{"userId":"a","productId":"P"}', "1", "{}"):
        with pytest.raises(TooMany):
            collect(f"[{','.join([one] * count)}]".encode(), SENDER)


@given(st.integers(0, 2**62), st.integers(0, 2**53), st.integers(-(2**53), 2**53) | st.none())
def test_a_time_is_always_within_the_seven_days_before_it_was_received(now: int, time: int, sent: int | None) -> None:
    sender = Sender(ip="", user_agent="", received_ms=now, sent_at=sent)
    assert now - 7 * 86_400_000 <= sender.time_of(time) <= now
    if sent is not None and 0 <= sent - time <= 7 * 86_400_000:
        assert now - sender.time_of(time) == sent - time


@given(st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text))
def test_any_text_without_nul_may_be_a_user(user: str) -> None:
    rows, problems = rows_of([Event(user=user, product="P")], SENDER)
    assert len(rows) + len(problems) == 1
    assert bool(rows) == (not user.isspace())


def test_a_body_that_is_no_json_raises_malformed_inside_only() -> None:
    with pytest.raises(Malformed):
        parse_strictly(b"]")
    assert collect(b"]", SENDER).bad[0].raw == b"]"
