"""The collector answers 2xx when events are on disk, and everything else with the rule that was broken."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from footfall import wiring
from footfall.apps.web.collector.answers import PIXEL
from footfall.apps.web.settings import WebSettings
from footfall.core.clock import SystemClock
from footfall.core.errors import Unavailable
from footfall.core.events import CLICKS, CUSTOM, FAILED
from footfall.engine.failed import FailedEvents
from footfall.engine.refailed import replay_failed
from footfall.log.base import Commit, Committed
from footfall.log.embedded import EmbeddedLog
from tests.integration.collecting import ADA, Site, answer_of, site

MIB = 1 << 20


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("collector")) as running:
        yield running


class Gate(EmbeddedLog):
    """A log whose commits wait until they may, and fail when they shall."""

    waits: threading.Event
    reached: threading.Event
    broken = False

    def commit(self, commit: Commit) -> Committed:
        self.reached.set()
        self.waits.wait(30)
        if self.broken:
            raise Unavailable("No space left on device.")
        return super().commit(commit)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    wiring.open_log(tmp_path).close()
    with Gate.open(tmp_path / "log", clock=SystemClock()) as log:
        assert isinstance(log, Gate)
        log.waits, log.reached = threading.Event(), threading.Event()
        log.waits.set()
        yield log
        log.waits.set()


def users(site: Site, stream: str = CLICKS) -> list[str]:
    return [row["userId"] for row in site.rows(stream)]


# -- taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/plain;charset=UTF-8", "Application/JSON"])
def test_what_is_answered_2xx_is_in_the_log(here: Site, kind: str) -> None:
    user = f"user of {kind}"
    answer = here.send([{**ADA, "userId": user}] * 2, Content_Type=kind)
    assert (answer.status, answer.json) == (200, {"accepted": 2, "refused": []})
    assert users(here).count(user) == 2


def test_the_pixel_is_a_click_and_a_picture(here: Site) -> None:
    answer = here.ask("GET", "/pixel.gif?userId=pixel&productId=P%C3%A9&page=%2Fx")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/gif", PIXEL)
    (row,) = [row for row in here.rows(CLICKS) if row["userId"] == "pixel"]
    assert (row["productId"], row["page"], row["ip"]) == ("Pé", "/x", "127.0.0.1")


def test_custom_events_are_in_their_stream(here: Site) -> None:
    assert here.send({"userId": "custom", "event_type": "custom", "name": "opened"}).status == 200
    assert users(here, CUSTOM) == ["custom"]


def test_good_events_are_kept_and_bad_ones_answered_and_set_aside(here: Site) -> None:
    answer = here.send({"events": [{**ADA, "userId": "mixed"}, {**ADA, "age": 150}]})
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    ((refused),) = answer.json["refused"]
    assert (refused["index"], refused["field"]) == (1, "events[1].age")
    assert "mixed" in users(here)
    assert json.loads(FailedEvents(here.parts.log).list()[-1].raw) == {**ADA, "age": 150}


def test_a_packed_body_is_unpacked_also_in_several_members(here: Site) -> None:
    whole = json.dumps([{**ADA, "userId": "packed"}]).encode()
    for body in (gzip.compress(whole), gzip.compress(whole[:9]) + gzip.compress(whole[9:])):
        assert here.send(body, Content_Encoding="gzip").status == 200
    assert users(here).count("packed") == 2


def test_a_body_may_come_in_chunks_without_a_length(here: Site) -> None:
    body = json.dumps({**ADA, "userId": "chunked"}).encode()
    chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
    head = b"POST /collect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    assert here.say(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).status == 200
    assert "chunked" in users(here)


# -- refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 400),
        (b"no json", {}, 400),
        (b"", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"userId":"\\ud800","productId":"P"}', {}, 400),
        (b'{"userId":"a\\u0000","productId":"P"}', {}, 400),
        (b'{"userId":%s,"productId":"P"}' % (b"9" * 5_000), {}, 400),
        (b"{}", {"Content_Type": "application/xml"}, 415),
        (b"{}", {"Content_Type": "multipart/form-data; boundary=x"}, 415),
        (b"{}", {"Content_Type": "text/plain; charset=utf-16"}, 415),
        (b"{}", {"Content_Type": ""}, 415),
        (b"{}", {"Content_Encoding": "br"}, 415),
        (b"{}", {"Content_Encoding": "gzip, gzip"}, 415),
        (b"no gzip", {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"[{}]", mtime=0)[:-5], {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b"", mtime=0) * 40, {"Content_Encoding": "gzip"}, 400),
        (gzip.compress(b" " * (MIB + 1), mtime=0), {"Content_Encoding": "gzip"}, 413),
        (gzip.compress(b" " * (256 * MIB), mtime=0), {"Content_Encoding": "gzip"}, 413),
        (b" " * (MIB + 1), {}, 413),
        (json.dumps([ADA] * 501).encode(), {}, 413),
    ],
)
def test_what_cannot_be_used_is_answered_with_the_rule(
    here: Site, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = here.send(body, **headers)
    assert (answer.status, answer.json["accepted"]) == (status, 0)
    assert all(one["rule"] for one in answer.json["refused"])
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_body_of_exactly_one_mebibyte_is_read(here: Site) -> None:
    body = json.dumps({**ADA, "userId": "full"}).encode()
    assert here.send(body + b" " * (MIB - len(body))).status == 200


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(here: Site) -> None:
    head = f"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {10 * MIB}\r\n"
    with here.connect() as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("query", ["", "userId=a", "userId=a&productId=P&x=1", "userId=%FF&productId=P", "%00=1"])
def test_a_bad_query_is_answered_with_the_rule(here: Site, query: str) -> None:
    answer = here.ask("GET", f"/pixel.gif?{query}")
    assert (answer.status, answer.json["accepted"]) == (400, 0)


def test_a_body_that_is_no_json_is_set_aside_up_to_64_kib(here: Site) -> None:
    here.send(b"broken " * 20_000)
    assert FailedEvents(here.parts.log).list()[-1].raw == (b"broken " * 20_000)[: 64 << 10]


# -- other sites ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://shop.example", "null", "http://127.0.0.1", "chrome-extension://x"])
@pytest.mark.parametrize(("path", "methods"), [("/collect", "POST"), ("/pixel.gif", "GET")])
def test_every_site_may_send_and_none_with_credentials(here: Site, origin: str, path: str, methods: str) -> None:
    asked = here.ask("OPTIONS", path, Origin=origin, Access_Control_Request_Method=methods)
    sent = here.ask(methods, path, Origin=origin)
    assert asked.status == 204
    for answer in (asked, sent):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert asked.headers["access-control-max-age"] == "3600"
    assert methods in asked.headers["access-control-allow-methods"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
@pytest.mark.parametrize("path", ["/collect", "/pixel.gif"])
def test_other_methods_are_answered_405_and_collect_nothing(here: Site, method: str, path: str) -> None:
    answer = here.ask(method, f"{path}?userId=other-method&productId=P")
    assert answer.status == 405
    assert "OPTIONS" in answer.headers["allow"]
    assert "other-method" not in users(here)


def test_the_description_names_every_address_and_answer_and_its_page_loads_nothing(here: Site) -> None:
    paths = here.ask("GET", "/openapi.json").json["paths"]
    assert set(paths["/collect"]["post"]["responses"]) == {"200", "400", "408", "413", "415", "429", "431", "503"}
    assert {"/collect", "/pixel.gif", "/health"} <= set(paths)
    page = here.ask("GET", "/docs").body.decode()
    assert "POST /collect" in page
    assert "<script" not in page
    assert "http" not in page.replace("HTTP", "")


# -- trouble --------------------------------------------------------------------------------------------------


def test_when_the_disk_takes_nothing_the_answer_is_503_and_health_says_so_until_it_does(
    tmp_path: Path, gate: Gate
) -> None:
    with site(tmp_path, log=gate) as here:
        gate.broken = True
        answer = here.send(ADA)
        assert (answer.status, answer.headers["retry-after"], answer.json["accepted"]) == (503, "5", 0)
        health = here.ask("GET", "/health")
        assert (health.status, health.json["status"]) == (503, "unhealthy")
        gate.broken = False
        assert here.send(ADA).status == 200
        assert here.ask("GET", "/health").json["status"] == "healthy"
        assert users(here) == ["ada"]


def test_what_comes_while_too_much_waits_is_answered_503_and_nothing_of_it_is_kept(tmp_path: Path, gate: Gate) -> None:
    with site(tmp_path, log=gate, max_events=2) as here:
        first = in_the_background(here, gate)
        answer = here.send([{**ADA, "userId": "refused"}] * 2)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        gate.waits.set()
        first.join(30)
        assert users(here) == ["ada"]


def test_one_address_has_only_so_many_requests_open(tmp_path: Path, gate: Gate) -> None:
    with site(tmp_path, log=gate, settings=WebSettings(requests_per_address=1)) as here:
        first = in_the_background(here, gate)
        answer = here.send(ADA)
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        gate.waits.set()
        first.join(30)
        assert here.send(ADA).status == 200


def test_an_address_with_many_unfinished_bodies_is_answered_429_and_others_go_on(here: Site) -> None:
    head = f"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {MIB}\r\n\r\n".encode()
    with ExitStack() as stack:
        said = []
        for _ in range(20):
            connection = stack.enter_context(here.connect())
            connection.sendall(head + b"x" * (MIB - 1))
            connection.settimeout(0.3)
            with suppress(TimeoutError):
                said.append(answer_of(connection).status)
        assert 429 in said
        assert here.send(ADA).status == 200


def in_the_background(site: Site, gate: Gate) -> threading.Thread:
    """Send an event that stays in the middle of its commit until the gate opens."""
    gate.waits.clear()
    gate.reached.clear()
    thread = threading.Thread(target=site.send, args=(ADA,))
    thread.start()
    assert gate.reached.wait(30)
    return thread


def test_corrected_events_are_brought_in_as_if_they_had_been_right(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        here.send([{**ADA, "age": 300}, {"userId": "ada", "event_type": "custom"}], User_Agent="Browser/1")
        log = here.parts.log
        fixed = {
            event.id: event.raw.replace(b"300", b"30").replace(b'"custom"', b'"custom","name":"opened"')
            for event in FailedEvents(log).list()
        }
        done = replay_failed(log, fixed, clock=SystemClock())
        assert (done.figures["replayed"], done.figures["rejected"]) == (2, 0)
        (click,), (custom,) = here.rows(CLICKS), here.rows(CUSTOM)
        assert (click["age"], click["ip"], click["userAgent"]) == (30, "127.0.0.1", "Browser/1")
        assert custom["name"] == "opened"
        assert len(here.rows(FAILED)) == 4
