"""A visitor gets each offer once, soon, and never another's; after a restart nothing is shown again or lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.hashing import partition_of
from footfall.engine.offers import Claim, Offer, OfferFeed
from footfall.log.embedded import EmbeddedLog
from tests.unit.offering import PARTITIONS, ids, key, make, show
from tests.unit.streams import MINUTE, START, open_log

KEEP = timedelta(minutes=30)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def log(tmp_path: Path, clock: ManualClock) -> Iterator[EmbeddedLog]:
    with open_log(tmp_path, partitions=PARTITIONS, clock=clock) as log:
        yield log


def feed_of(log: EmbeddedLog, clock: ManualClock, *, per_visitor: int = 10, visitors: int = 100_000) -> OfferFeed:
    """A feed without its thread, which has taken up what there is."""
    feed = OfferFeed(log, clock=clock, keep=KEEP, per_visitor=per_visitor, visitors=visitors)
    feed.take()
    return feed


def test_an_offer_waits_for_its_visitor_alone(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")

    feed = feed_of(log, clock)

    assert ids(feed.waiting("ada")) == [key("a")]
    assert feed.waiting("bob") == []


def test_an_offer_tells_why_it_was_made_and_where_it_stands(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a", "b")

    (_, offer) = feed_of(log, clock).waiting("ada")

    (click,) = offer.matched
    assert (click.timestamp_ms, click.product, click.category) == (START - 2000, "C1", "clothing")
    assert (offer.visitor, offer.offer, offer.timestamp_ms) == ("ada", "offer2", START)
    assert (offer.partition, offer.offset) == (partition_of("ada", PARTITIONS), 1)


def test_a_listener_hears_what_comes_and_finds_what_was_there(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    heard: list[Offer] = []

    subscription = feed.subscribe("ada", heard.append)
    make(log, "bob", "x")
    make(log, "ada", "b")
    feed.take()

    assert (ids(subscription.waiting), ids(heard)) == ([key("a")], [key("b")])


def test_a_closed_subscription_hears_nothing_and_is_not_counted(log: EmbeddedLog, clock: ManualClock) -> None:
    feed = feed_of(log, clock)
    heard: list[Offer] = []
    first, second = feed.subscribe("ada", heard.append), feed.subscribe("ada", heard.append)
    assert feed.listeners == 2

    first.close()
    first.close()
    second.close()
    make(log, "ada", "a")
    feed.take()

    assert (heard, feed.listeners) == ([], 0)


def test_a_listener_whose_loop_has_ended_does_not_keep_others_from_hearing(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    def dead(_offer: Offer) -> None:
        raise RuntimeError("Event loop is closed")

    feed = feed_of(log, clock)
    heard: list[Offer] = []
    feed.subscribe("ada", dead)
    feed.subscribe("ada", heard.append)
    make(log, "ada", "a")
    feed.take()

    assert (ids(heard), feed.listeners) == ([key("a")], 1)


def test_after_an_offer_only_later_ones_wait_also_when_it_was_shown(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a", "b", "c")
    show(log, "ada", "b")
    feed = feed_of(log, clock)

    assert ids(feed.waiting("ada", after=key("b"))) == [key("c")]
    assert ids(feed.waiting("ada", after="no such id")) == [key("a"), key("c")]


def test_of_all_who_claim_an_offer_one_is_granted_it(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    answers: list[Claim] = []
    at_once = threading.Barrier(8)

    def claim() -> None:
        at_once.wait()
        answers.append(feed.claim("ada", key("a"))[0])

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [Claim.GRANTED, *[Claim.SHOWN] * 7]


def test_a_claimed_offer_does_not_wait_and_one_that_could_not_be_written_waits_again(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    feed.claim("ada", key("a"))
    assert feed.waiting("ada") == []

    feed.settle("ada", key("a"), shown=False)

    assert ids(feed.waiting("ada")) == [key("a")]
    assert feed.claim("ada", key("a"))[0] is Claim.GRANTED


def test_who_did_not_hear_the_answer_may_ask_again(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    feed.claim("ada", key("a"), by="page 1")
    assert feed.claim("ada", key("a"), by="page 1")[0] is Claim.PENDING

    feed.settle("ada", key("a"), shown=True)

    assert feed.claim("ada", key("a"), by="page 1")[0] is Claim.AGAIN
    assert feed.claim("ada", key("a"), by="page 2")[0] is Claim.SHOWN
    assert feed.claim("ada", key("a"))[0] is Claim.SHOWN


def test_an_offer_of_another_visitor_cannot_be_claimed(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    assert feed_of(log, clock).claim("bob", key("a")) == (Claim.UNKNOWN, None)


def test_what_another_process_showed_does_not_wait(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a", "b")
    feed = feed_of(log, clock)
    show(log, "ada", "a")
    feed.take()

    assert ids(feed.waiting("ada")) == [key("b")]
    assert feed.claim("ada", key("a"))[0] is Claim.SHOWN


def test_after_a_restart_nothing_that_was_shown_waits_and_the_rest_does(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a", "b")
    show(log, "ada", "a")
    clock.advance(60)

    feed = feed_of(log, clock)

    assert ids(feed.waiting("ada")) == [key("b")]
    assert feed.claim("ada", key("a"))[0] is Claim.SHOWN


def test_an_offer_is_too_old_after_keep(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    clock.advance(KEEP.total_seconds() - 1)
    assert ids(feed.waiting("ada")) == [key("a")]

    clock.advance(1)

    assert feed.waiting("ada") == []
    assert feed.claim("ada", key("a"))[0] is Claim.UNKNOWN
    assert feed_of(log, clock).waiting("ada") == []


def test_an_offer_of_old_clicks_is_not_handed_out_however_new_it_is(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a", at=START - 31 * MINUTE)
    assert feed_of(log, clock).waiting("ada") == []


def test_each_visitor_keeps_the_latest_offers_and_the_latest_visitors_are_kept(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    make(log, "ada", *(f"a{i}" for i in range(5)))
    for visitor in ("bob", "eve"):
        make(log, visitor, visitor)
    feed = feed_of(log, clock, per_visitor=3, visitors=2)
    make(log, "ada", *(f"again {i}" for i in range(5)))
    feed.take()

    assert ids(feed.waiting("ada")) == [key(f"again {i}") for i in (2, 3, 4)]
    assert (ids(feed.waiting("bob")), ids(feed.waiting("eve"))) == ([], [key("eve")])


def test_an_offer_that_stands_in_the_log_twice_is_one(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    make(log, "ada", "a")
    assert ids(feed_of(log, clock).waiting("ada")) == [key("a")]
