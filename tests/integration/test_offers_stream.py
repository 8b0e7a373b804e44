"""An offer reaches its visitor's pages at once, is shown once, and no reader can hurt the others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from footfall import wiring
from footfall.apps.web.offers.channel import channel_of
from footfall.apps.web.offers.streams import Bounds
from footfall.core.clock import SystemClock
from footfall.core.events import SHOWN
from footfall.engine.offers import OfferFeed
from footfall.log.base import Log
from tests.integration.offering_site import KEY, SOON, Reader, Site, site_of, until
from tests.observing import events
from tests.unit.offering import key, make

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_of(tmp_path) as site:
        yield site


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Log]:
    """The same log as another process has it."""
    with wiring.open_log(tmp_path) as log:
        yield log


def now() -> int:
    return SystemClock().now_ms()


@pytest.mark.alone
def test_an_offer_reaches_its_visitor_and_nobody_else(site: Site, elsewhere: Log) -> None:
    ada, bob = site.reader("ada"), site.reader("bob")
    make(elsewhere, "ada", "a", at=now(), product="VD55147564")
    began = time.monotonic()
    first = ada.next()
    took = time.monotonic() - began
    make(elsewhere, "bob", "b", at=now())
    other = bob.next()

    assert first is not None
    assert (first.id, first.data["offer"]) == (key("a"), "offer2")
    assert first.data["clicks"][0]["product"] == "VD55147564"
    assert other is not None
    assert other.id == key("b")
    assert took < 1


def test_an_offer_made_before_the_page_listens_is_there_when_it_does(site: Site, elsewhere: Log) -> None:
    make(elsewhere, "ada", "a", at=now())
    until(lambda: site.parts.feed.waiting("ada") != [], "the feed does not see the offer")

    found = site.reader("ada").next()

    assert found is not None
    assert found.id == key("a")


def test_who_comes_back_gets_what_came_meanwhile_and_nothing_again(site: Site, elsewhere: Log) -> None:
    make(elsewhere, "ada", "a", "b", at=now())
    first = site.reader("ada")
    assert [first.next(), first.next()][1:] != [None]
    first.close()
    make(elsewhere, "ada", "c", at=now())

    second = site.reader("ada", after=key("b"))
    make(elsewhere, "ada", "d", at=now())

    assert [event.id for event in (second.next(), second.next()) if event] == [key("c"), key("d")]


def test_the_stream_is_one_that_browsers_and_proxies_pass_on(site: Site) -> None:
    reader = site.reader("ada")

    assert reader.answer.status == 200
    assert reader.answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reader.answer.headers["cache-control"] == "no-store"
    assert reader.answer.headers["x-accel-buffering"] == "no"
    assert reader.block() == ["retry: 1000"]


def test_another_address_is_not_found_whatever_is_wrong_with_it(site: Site) -> None:
    path = channel_of(KEY, "ada")
    wrong = [
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path + "A",
        path.replace("ada", "bob"),
        "/offers/ada/%C3%A9",
    ]
    for method, end in (("GET", ""), ("POST", f"/{key('a')}/shown")):
        assert [site.ask(method, each + end).status for each in wrong] == [404] * len(wrong)


def test_asking_for_the_head_alone_opens_no_stream(site: Site) -> None:
    assert site.ask("HEAD", channel_of(KEY, "ada")).status == 200
    assert site.parts.feed.listeners == 0


def test_an_offer_is_shown_by_the_first_who_asks_and_that_is_on_disk(site: Site, elsewhere: Log) -> None:
    make(elsewhere, "ada", "a", at=now())
    until(lambda: site.parts.feed.waiting("ada") != [], "the feed does not see the offer")

    assert site.claim("ada", key("a"), by="tab 1") == 204
    (row,) = events(elsewhere, SHOWN)
    assert (row["event_id"], row["userId"], row["offer"]) == (key("a"), "ada", "offer2")

    assert site.claim("ada", key("a"), by="tab 1") == 204
    assert site.claim("ada", key("a"), by="tab 2") == 409
    assert site.claim("ada", key("no such offer")) == 404
    assert len(list(events(elsewhere, SHOWN))) == 1


def test_of_two_tabs_that_ask_at_once_one_shows_the_offer(site: Site, elsewhere: Log) -> None:
    names = [f"offer {i}" for i in range(10)]
    make(elsewhere, "ada", *names, at=now())
    until(lambda: len(site.parts.feed.waiting("ada")) == len(names), "the feed does not see the offers")
    answers: list[list[int]] = [[], []]

    def tab(number: int) -> None:
        answers[number] = [site.claim("ada", key(name), by=f"tab {number}") for name in names]

    tabs = [threading.Thread(target=tab, args=(number,)) for number in range(2)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()

    assert [sorted(pair) for pair in zip(*answers, strict=True)] == [[204, 409]] * len(names)
    assert len(list(events(elsewhere, SHOWN))) == len(names)


def test_what_cannot_be_written_down_is_not_shown_and_can_be_asked_for_again(site: Site, elsewhere: Log) -> None:
    make(elsewhere, "ada", "a", at=now())
    until(lambda: site.parts.feed.waiting("ada") != [], "the feed does not see the offer")
    site.parts.intake.close()

    answer = site.ask("POST", f"{channel_of(KEY, 'ada')}/{key('a')}/shown")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert [offer.id for offer in site.parts.feed.waiting("ada")] == [key("a")]


def test_a_restart_shows_nothing_twice_and_loses_nothing(tmp_path: Path, elsewhere: Log) -> None:
    make(elsewhere, "ada", "a", "b", at=now())
    with site_of(tmp_path) as site:
        assert site.claim("ada", key("a"), by="tab 1") == 204
    with site_of(tmp_path) as site:
        found = site.reader("ada").next()
        assert found is not None
        assert found.id == key("b")
        assert site.claim("ada", key("a"), by="tab 2") == 409
        assert site.claim("ada", key("a"), by="tab 1") == 204  # it did not hear the answer
    assert [row["claimant"] for row in events(elsewhere, SHOWN)] == ["tab 1"]


def test_a_quiet_stream_shows_that_it_lives(tmp_path: Path) -> None:
    with site_of(tmp_path, bounds=Bounds(heartbeat=timedelta(milliseconds=50))) as site:
        reader = site.reader("ada")
        assert [reader.block() for _ in range(3)] == [["retry: 1000"], [":"], [":"]]


def test_the_oldest_of_too_many_tabs_is_sent_away_for_a_while(tmp_path: Path, elsewhere: Log) -> None:
    with site_of(tmp_path, bounds=Bounds(each=2)) as site:
        readers = [site.reader("ada") for _ in range(3)]
        assert [readers[0].block() for _ in range(3)] == [["retry: 1000"], ["retry: 60000"], []]
        make(elsewhere, "ada", "a", at=now())
        assert [reader.next() is not None for reader in readers[1:]] == [True, True]


def test_more_streams_than_there_may_be_are_told_to_come_back(tmp_path: Path) -> None:
    with site_of(tmp_path, bounds=Bounds(streams=2)) as site:
        readers = [site.reader(visitor) for visitor in ("ada", "bob", "eve")]
        assert [reader.answer.status for reader in readers] == [200, 200, 503]
        assert readers[2].answer.headers["retry-after"] == "5"
        readers[0].close()
        until(lambda: site.parts.feed.listeners == 1, "a closed stream is still open")
        assert site.reader("eve").answer.status == 200


@pytest.mark.parametrize(
    ("first", "neighbour", "stranger"),
    [("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")],
)
def test_one_client_address_has_its_part_of_the_streams_alone(
    tmp_path: Path, first: str, neighbour: str, stranger: str
) -> None:
    with site_of(tmp_path, bounds=Bounds(network=2), proxy=True) as site:
        addresses = [first, neighbour, first, neighbour, stranger]
        readers = [site.reader(f"visitor {i}", address=address) for i, address in enumerate(addresses)]
        assert [reader.answer.status for reader in readers] == [200, 200, 429, 429, 200]
        assert readers[2].answer.headers["retry-after"] == "5"
        readers[0].close()
        until(lambda: site.parts.feed.listeners == 2, "a closed stream is still open")
        assert site.reader("ada", address=neighbour).answer.status == 200


def test_this_machines_own_address_is_everybodys_behind_a_proxy_and_has_no_such_bound(tmp_path: Path) -> None:
    with site_of(tmp_path, bounds=Bounds(network=1)) as site:
        assert [site.reader(f"visitor {i}").answer.status for i in range(3)] == [200] * 3


def test_a_reader_who_goes_away_leaves_nothing_behind(site: Site) -> None:
    for _ in range(20):
        site.reader("ada").close()
    until(lambda: site.parts.feed.listeners == 0, "closed streams are still open")


def stalled(port: int, visitor: str) -> socket.socket:
    """A reader that asks and then never reads."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(SOON)
    reader.connect(("127.0.0.1", port))
    reader.sendall(f"GET {channel_of(KEY, visitor)} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
    return reader


@pytest.mark.parametrize(
    "bounds",
    [Bounds(send=timedelta(milliseconds=300), queue=100_000), Bounds(send=timedelta(hours=1))],
    ids=["by the time that a send takes", "by the offers that wait for it"],
)
def test_a_reader_that_does_not_read_is_cut_and_others_do_not_notice(
    tmp_path: Path, elsewhere: Log, bounds: Bounds
) -> None:
    with site_of(tmp_path, bounds=bounds) as site:
        slow, good = stalled(site.port, "ada"), site.reader("ada")
        until(lambda: site.parts.feed.listeners == 2, "a reader is not there")
        for i in range(60):
            make(elsewhere, "ada", f"a{i}", at=now(), product="C" * 8_000)
            found = good.next()
            assert found is not None
            assert found.id == key(f"a{i}")
        until(lambda: site.parts.feed.listeners == 1, "the reader that does not read is not cut")
        with pytest.raises(ConnectionResetError):  # noqa: PT012 (it may have received some, before the end)
            while slow.recv(1 << 20):
                pass
        slow.close()


@pytest.mark.alone
def test_a_stop_ends_all_streams_within_two_seconds(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        readers: list[Reader] = [site.reader(f"visitor {i}") for i in range(50)]
        slow = stalled(site.port, "ada")
        until(lambda: site.parts.feed.listeners == 51, "a reader is not there")
        took = site.close()
        assert all(reader.next() is None for reader in readers)
        slow.close()
    assert took < 2


def test_a_feed_starts_soon_on_a_long_history(tmp_path: Path, elsewhere: Log) -> None:
    clock = SystemClock()
    for i in range(200):
        make(elsewhere, f"visitor {i}", f"old {i}", at=now() - 3_600_000)
    make(elsewhere, "ada", "a", at=now())
    feed = OfferFeed(elsewhere, clock=clock)
    feed.start()
    assert [offer.id for offer in feed.waiting("ada")] == [key("a")]
    assert feed.waiting("visitor 1") == []
    feed.close()
