"""What the tracker does with the collector's answers, and what it keeps when there are none."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import NewContext
from tests.e2e.serving import free_port, until
from tests.e2e.site import Answer, Post, Site, accepted
from tests.e2e.tracked import TrackedSite, settle, status, visit

DAY = 24 * 60 * 60 * 1000


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A page on which time passes only when the test says so."""
    page = new_context().new_page()
    page.clock.install()
    page.clock.pause_at("2090-01-01")
    return page


@pytest.fixture
def tracked(site: Site) -> TrackedSite:
    return TrackedSite(site)


def first_then(first: Answer, *, times: int = 1) -> Answers:
    return Answers([first] * times)


class Answers:
    """Some answers one after the other, and then acceptance."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers

    def __call__(self, post: Post) -> Answer:
        return self.answers.pop(0) if self.answers else accepted(post)


def times(site: Site) -> list[int]:
    """When each request was sent, by the page's clock (ms)."""
    return [json.loads(post.body)["sent_at"] for post in site.posts]


def sent(page: Page, site: Site, count: int) -> None:
    """Let the page's time pass, from one attempt to the next, until so many requests were answered."""
    left = "Math.max(100, parseInt(localStorage['footfall.wait']) - Date.now() || 0)"

    def is_there() -> bool:
        if len(site.posts) < count:
            page.clock.run_for(page.evaluate(left))
        return len(site.posts) >= count

    until(is_there, seconds=60, what=f"{count} requests")


@pytest.mark.parametrize("code", [400, 401, 404, 413, 415])
def test_what_is_refused_for_good_is_not_sent_again(page: Page, tracked: TrackedSite, code: int) -> None:
    tracked.site.answer = first_then(Answer(status=code))
    page.goto(tracked.put("index.html", ""))
    sent(page, tracked.site, 1)
    settle(page)

    assert status(page) == {"allowed": True, "queued": 0, "dropped": 1}
    page.clock.run_for(120_000)
    assert len(tracked.site.posts) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status=code) for code in (408, 429, 500, 502, 503)),
        Answer(body="<h1>Please log in</h1>"),
        Answer(body='{"accepted": "all"}'),
        Answer(status=204),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:12]}",
)
def test_what_may_go_better_later_is_sent_again_with_the_same_ids(
    page: Page, tracked: TrackedSite, answer: Answer
) -> None:
    tracked.site.answer = first_then(answer)
    page.goto(tracked.put("index.html", ""))
    settle(page)

    first, second = tracked.site.posts

    assert first.events == second.events
    assert status(page) == {"allowed": True, "queued": 0, "dropped": 0}


def test_events_that_a_batch_is_accepted_without_are_dropped(page: Page, tracked: TrackedSite) -> None:
    refused = {"accepted": 1, "refused": [{"index": 0, "field": "events[0].page", "rule": "too long"}]}
    tracked.site.answer = first_then(Answer(body=json.dumps(refused)))
    page.goto(tracked.put("index.html", ""))
    visit(page, 1)
    page.evaluate("footfall('page')")
    settle(page)

    assert len(tracked.site.posts) == 1
    assert status(page) == {"allowed": True, "queued": 0, "dropped": 1}


FOREIGN = {
    "no JSON": "0{broken",
    "cut short": '0{"userId": "a", "pro',
    "of another script": '{"userId": "a"}',
    "of an unknown mark": '9{"userId": "a"}',
    "a list": "0[]",
    "a number": "01",
    "two events": "0{},{}",
    "more than one envelope": '0{}],"events":[{}',
    "empty": "",
    "larger than a batch": '0{"userId": "' + "x" * 60_000 + '"}',
    "longer in bytes than in characters": '0{"userId": "' + "\N{EURO SIGN}" * 30_000 + '"}',
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_others_left_under_the_trackers_names_costs_no_event_and_goes(
    page: Page, tracked: TrackedSite, what: str
) -> None:
    tracked.site.answer = strictly
    page.goto(tracked.put("index.html", ""))
    visit(page, 1)
    page.evaluate(
        "text => { localStorage['footfall.event.'] = localStorage['footfall.event.zzz'] = text }", FOREIGN[what]
    )
    page.evaluate("footfall('page')")

    assert [one["event_type"] for one in tracked.events(page, 2)] == ["page", "page"]
    assert status(page) == {"allowed": True, "queued": 0, "dropped": 2}


def strictly(post: Post) -> Answer:
    """As a collector answers: a body that is no JSON is refused as a whole."""
    try:
        events = post.events
    except ValueError:
        return Answer(status=400)
    return (
        accepted(post)
        if len(post.body) <= 60_000 and all(isinstance(one, dict) for one in events)
        else Answer(status=413)
    )


def test_retries_come_ever_later_with_jitter_and_at_least_once_a_minute(page: Page, tracked: TrackedSite) -> None:
    tracked.site.answer = first_then(Answer(status=503), times=9)
    page.goto(tracked.put("index.html", ""))
    sent(page, tracked.site, 10)

    waits = [after - before for before, after in zip(times(tracked.site), times(tracked.site)[1:], strict=False)]

    most = [min(60_000, 1000 * 2**failures) for failures in range(1, 10)]
    assert all(1000 <= wait <= longest + 2000 for wait, longest in zip(waits, most, strict=True)), waits
    assert max(waits) > 5000
    assert len(set(waits)) > 5
    settle(page)


@pytest.mark.parametrize("code", [429, 503])
def test_the_time_that_a_server_asks_for_is_given(page: Page, tracked: TrackedSite, code: int) -> None:
    tracked.site.answer = first_then(Answer(status=code, headers={"Retry-After": "300"}))
    page.goto(tracked.put("index.html", ""))
    sent(page, tracked.site, 1)
    until(lambda: page.evaluate("localStorage['footfall.wait'] || ''"))
    page.reload()
    visit(page, 2)
    page.clock.run_for(290_000)
    page.goto("about:blank")
    assert len(tracked.site.posts) == 1

    page.goto(f"{tracked.url}/index.html")
    visit(page, 3)
    sent(page, tracked.site, 2)

    first, second = times(tracked.site)[:2]
    assert 300_000 <= second - first < 310_000


def test_a_dead_server_costs_at_most_a_thousand_events_of_memory_and_the_oldest_go(
    page: Page, tracked: TrackedSite
) -> None:
    page.goto(tracked.put("index.html", "", attributes=f'data-endpoint="http://127.0.0.1:{free_port()}"'))
    visit(page, 1)
    page.evaluate("for (let n = 0; n < 1100; n++) footfall('custom', 'n' + n)")

    assert status(page) == {"allowed": True, "queued": 1000, "dropped": 101}
    assert names(page) == [f"n{n}" for n in range(100, 1100)]


def test_a_dead_server_costs_at_most_256_kilobytes(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", "", attributes=f'data-endpoint="http://127.0.0.1:{free_port()}"'))
    visit(page, 1)
    page.evaluate("for (let n = 0; n < 40; n++) footfall('custom', 'n' + n, {text: 'å'.repeat(1600)})")

    kept = status(page)

    assert kept["queued"] + kept["dropped"] == 41
    assert 200_000 < page.evaluate("Object.values(localStorage).join('').length") < 260_000
    assert names(page)[-1] == "n39"


def names(page: Page) -> list[str]:
    """The names of the custom events that wait, the oldest first."""
    entries: dict[str, str] = page.evaluate("({...localStorage})")
    waiting = [json.loads(entries[key][1:]) for key in sorted(entries) if key.startswith("footfall.event.")]
    return [one["name"] for one in waiting]


def test_what_waited_is_sent_in_batches_of_at_most_500_events_and_60_kilobytes(
    page: Page, tracked: TrackedSite
) -> None:
    page.goto(tracked.put("index.html", "", attributes='data-auto="off"'))
    visit(page, 0)
    page.evaluate("for (let n = 0; n < 600; n++) footfall('custom', 'n' + n, {text: n % 50 ? 'ä' : 'ß'.repeat(500)})")
    page.evaluate("footfall('custom', 'largest', {text: 'x'.repeat(59000)})")

    events = tracked.events(page, status(page)["queued"])

    assert all(len(post.body) <= 60_000 and len(post.events) <= 500 for post in tracked.site.posts)
    assert [one["name"] for one in events][-2:] == ["n599", "largest"]
    assert len(tracked.site.posts) >= len(events) / 500


def test_what_is_older_than_a_collector_remembers_is_not_sent(page: Page, tracked: TrackedSite) -> None:
    elsewhere = f'data-endpoint="http://127.0.0.1:{free_port()}"'
    page.goto(tracked.put("index.html", "", attributes=elsewhere))
    visit(page, 1)
    page.goto("about:blank")
    page.clock.fast_forward(7 * DAY + 1000)
    page.goto(tracked.put("index.html", ""))

    tracked.events(page, 1)

    assert status(page) == {"allowed": True, "queued": 0, "dropped": 1}


def test_who_leaves_sends_what_waits_by_a_beacon(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", '<main data-product-id="VD1">'))
    visit(page, 1)
    page.goto("about:blank")

    until(lambda: tracked.site.posts)

    (post,) = tracked.site.posts
    assert [one["productId"] for one in post.events] == ["VD1"]
    assert post.headers["Content-Type"] == "text/plain;charset=UTF-8"


def test_a_beacon_is_sent_once_however_often_one_leaves_and_its_events_are_confirmed_by_the_next_page(
    page: Page, tracked: TrackedSite
) -> None:
    link = tracked.put("index.html", "")
    for number in range(3):
        page.goto(f"{link}?{number}")
        visit(page, 1)
        page.clock.run_for(10)
    page.goto("about:blank")
    until(lambda: len(tracked.site.posts) == 3)
    assert [len(post.events) for post in tracked.site.posts] == [1, 1, 1]

    page.goto(tracked.put("last.html", "", attributes='data-auto="off"'))
    settle(page)

    beacons, confirmed = tracked.site.posts[:3], tracked.site.posts[3:]
    by_number = {one["page"]: one for post in beacons for one in post.events}
    assert [post.events for post in confirmed] == [[by_number[f"{link}?{number}"] for number in range(3)]]


def test_what_is_larger_than_a_beacon_waits_for_the_next_page(page: Page, tracked: TrackedSite) -> None:
    page.goto(tracked.put("index.html", "", attributes='data-auto="off"'))
    visit(page, 0)
    page.evaluate("for (let n = 0; n < 3; n++) footfall('custom', 'n' + n, {text: 'x'.repeat(25000)})")
    page.goto("about:blank")
    until(lambda: tracked.site.posts)
    assert [one["name"] for one in tracked.site.posts[0].events] == ["n0", "n1"]

    page.goto(f"{tracked.url}/index.html")

    assert [one["name"] for one in tracked.events(page, 3)] == ["n0", "n1", "n2"]
