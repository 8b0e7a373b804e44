"""A visitor gets each offer once, soon, and never another's; after a restart nothing is shown again or lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from footfall.core.clock import ManualClock
from footfall.core.errors import Unavailable
from footfall.core.events import OFFERS, SHOWN
from footfall.core.hashing import partition_of
from footfall.engine.offers import Claim, Offer, OfferFeed
from footfall.log.embedded import EmbeddedLog
from tests.unit.offering import PARTITIONS, ids, key, make, shaky_log, show
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


@pytest.mark.parametrize("error", [RuntimeError("Event loop is closed"), ValueError("odd")])
def test_a_listener_that_fails_does_not_keep_others_from_hearing(
    log: EmbeddedLog, clock: ManualClock, error: Exception
) -> None:
    def dead(_offer: Offer) -> None:
        raise error

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


def test_who_did_not_hear_the_answer_may_ask_again_after_a_restart(log: EmbeddedLog, clock: ManualClock) -> None:
    make(log, "ada", "a")
    show(log, "ada", "a", by="page 1")

    feed = feed_of(log, clock)

    assert feed.claim("ada", key("a"), by="page 1")[0] is Claim.AGAIN
    assert feed.claim("ada", key("a"), by="page 2")[0] is Claim.SHOWN
    assert feed.claim("ada", key("a"))[0] is Claim.SHOWN


def test_a_showing_that_was_written_although_it_was_said_not_to_be_is_the_claimants(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    feed.claim("ada", key("a"), by="page 1")
    show(log, "ada", "a", by="page 1")
    feed.settle("ada", key("a"), shown=False)
    feed.take()

    assert feed.claim("ada", key("a"), by="page 2")[0] is Claim.SHOWN
    assert feed.claim("ada", key("a"), by="page 1")[0] is Claim.AGAIN


def test_such_a_showing_takes_the_offer_from_nobody_who_was_granted_it_since(
    log: EmbeddedLog, clock: ManualClock
) -> None:
    make(log, "ada", "a")
    feed = feed_of(log, clock)
    feed.claim("ada", key("a"), by="page 1")
    show(log, "ada", "a", by="page 1")
    feed.settle("ada", key("a"), shown=False)
    assert feed.claim("ada", key("a"), by="page 2")[0] is Claim.GRANTED
    feed.take()

    assert feed.claim("ada", key("a"), by="page 1")[0] is Claim.SHOWN
    assert feed.claim("ada", key("a"), by="page 2")[0] is Claim.AGAIN


@pytest.mark.parametrize("stream", [OFFERS, SHOWN])
def test_a_read_that_fails_once_neither_loses_an_offer_nor_shows_one_twice(
    tmp_path: Path, clock: ManualClock, stream: str
) -> None:
    visitors = {partition_of(f"v{i}", PARTITIONS): f"v{i}" for i in range(20)}
    with shaky_log(tmp_path / "shaky", clock=clock) as log:
        for visitor in visitors.values():
            make(log, visitor, f"{visitor} new", f"{visitor} seen")
            show(log, visitor, f"{visitor} seen")
        feed = OfferFeed(log, clock=clock)
        log.failing = [(stream, partition) for partition in reversed(range(PARTITIONS))]
        for _ in range(PARTITIONS):
            with pytest.raises(Unavailable):
                feed.take()
        feed.take()

        found = [ids(feed.waiting(visitor)) for visitor in visitors.values()]

    assert found == [[key(f"{visitor} new")] for visitor in visitors.values()]


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
