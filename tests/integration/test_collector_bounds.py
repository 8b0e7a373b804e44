"""Nobody makes the collector hold, work or tell more than it means to."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request

from footfall import wiring
from footfall.apps.web.collector import endpoints
from footfall.apps.web.collector.endpoints import Collector
from footfall.apps.web.serve import web_parts
from footfall.apps.web.settings import WebSettings
from footfall.core.clock import SystemClock
from footfall.core.errors import Failure
from footfall.core.events import CLICKS, FAILED
from footfall.log.base import Commit, Committed
from footfall.log.embedded import EmbeddedLog
from tests.integration.collecting import ADA, Site, answer_of, site

MIB = 1 << 20
CHUNKED = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("bounds")) as running:
        yield running


# -- memory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/collect", b"/nowhere"])
@pytest.mark.parametrize(
    ("begun", "more", "most"),
    [
        (b"1\r\n{\r\n0\r\n", b"X-A: " + b"a" * 65_000 + b"\r\n", 16 * MIB),
        (b"1\r\n{\r\n0\r\n", b"X" * 65_000, 16 * MIB),
        (b"1\r\n{\r\n0\r\nX-A: ", b"a" * 65_000, 16 * MIB),
        (b"1;x=", b"a" * 65_000, 16 * MIB),
        (b"", b"10000\r\n" + b" " * 65_536 + b"\r\n", 32 * MIB),
    ],
)
def test_what_comes_after_a_head_is_bounded(here: Site, path: bytes, begun: bytes, more: bytes, most: int) -> None:
    with here.connect() as connection:
        connection.sendall(CHUNKED % path + begun)
        assert sent_until_closed(connection, more, most) < most
    assert here.send(ADA).status == 200


def sent_until_closed(connection: socket.socket, more: bytes, most: int) -> int:
    """How many bytes are taken before the connection ends; at most about this many are sent."""
    sent = 0
    with suppress(OSError):
        while sent < most:
            connection.sendall(more)
            sent += len(more)
    return sent


def test_a_body_of_one_byte_chunks_and_short_trailers_are_taken(here: Site) -> None:
    body = json.dumps([{**ADA, "page": "x" * 800}] * 100).encode()
    chunks = b"".join(b"1;a\r\n%c\r\n" % byte for byte in body)
    request = CHUNKED % b"/collect" + chunks + b"0\r\nX-Sum: 1\r\n\r\n"
    assert here.say(request).json["accepted"] == 100


# -- work -----------------------------------------------------------------------------------------------------


def laborious() -> bytes:
    """A body that takes as long to judge as one can: nearly all values that there may be, every event with a fault."""
    inside = b",".join([b'{"":[0]}'] * 30)
    event = b'{"userId":"a","event_type":"custom","name":"n","properties":{"x":[%s,1e999]}}' % inside
    return b"[%s]" % b",".join([event] * 450)


def test_what_is_quick_to_judge_does_not_wait_for_what_is_not(here: Site) -> None:
    body = laborious()
    head = b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    slow = [here.connect() for _ in range(30)]
    for connection in slow:
        connection.sendall(head % len(body) + body)
    assert here.send(ADA).status == 200
    slow[-1].setblocking(False)
    with pytest.raises(BlockingIOError):
        slow[-1].recv(1)
    for connection in slow:
        connection.setblocking(True)
        assert answer_of(connection).status in {400, 503}
        connection.close()


def test_when_too_much_waits_to_be_judged_with_care_the_answer_is_503_and_others_go_on(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_TO_READ", 2 * MIB)  # eight in earnest: the rule is the same
    body = laborious()
    packed = gzip.compress(body + b" " * (MIB - len(body)))
    head = b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
    slow = [here.connect() for _ in range(20)]
    for connection in slow:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed)
    assert here.send(ADA).status == 200
    answers = [answer_of(connection) for connection in slow]
    for connection in slow:
        connection.close()
    assert {answer.status for answer in answers} == {400, 503}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 503} == {"1"}


# -- the disk -------------------------------------------------------------------------------------------------


def test_the_same_unusable_event_is_set_aside_once_however_often_it_is_sent(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        bad = {"userId": "", "event_id": "e1"}
        assert [here.send([bad, ADA]).json["accepted"] for _ in range(5)] == [1] * 5
        assert len(here.rows(FAILED)) == 1
        assert here.send(bad).status == 400


def test_a_small_request_sent_again_and_again_does_not_fill_the_disk(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        packed = gzip.compress(json.dumps([{"userId": "a", "x": "z" * 65_000}] * 15).encode())
        for _ in range(60):
            assert here.send(packed, Content_Encoding="gzip").status == 400
        assert sum(len(row["raw"]) for row in here.rows(FAILED)) < 40 * MIB
        rows = here.rows(FAILED)
        assert len({row["event_id"] for row in rows}) == len(rows) == 900


def test_where_addresses_are_masked_none_is_on_disk_that_a_sender_claims(tmp_path: Path) -> None:
    with site(tmp_path, settings=WebSettings(mask_ip=True)) as here:
        assert here.send({**ADA, "ip": "203.0.113.77"}).status == 400
        assert here.ask("GET", "/pixel.gif?userId=a&productId=P&ip=203.0.113.77").status == 400
        assert here.ask("GET", "/pixel.gif?userId=%FF&ip=203.0.113.77").status == 400
        rows = here.rows(FAILED)
        assert len(rows) == 3
        assert "203.0.113.77" not in str(rows)
        assert "127.0.0.1" not in str(rows)


# -- trouble --------------------------------------------------------------------------------------------------


class Damaged(EmbeddedLog):
    """A log that fails, but not for now only."""

    waits: threading.Event

    def commit(self, commit: Commit) -> Committed:
        raise Failure(f"Damaged: {self.__class__.__name__} at /secret/path: SELECT 1.")


def test_any_failure_to_write_is_answered_503_to_all_sites_and_tells_nobody_what_it_was(tmp_path: Path) -> None:
    wiring.open_log(tmp_path).close()
    with Damaged.open(tmp_path / "log", clock=SystemClock()) as log, site(tmp_path, log=log) as here:
        for answer in (here.send(ADA), here.ask("GET", "/pixel.gif?userId=a&productId=P")):
            assert (answer.status, answer.json["accepted"], answer.headers["retry-after"]) == (503, 0, "5")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert b"secret" not in answer.body
        health = here.ask("GET", "/health")
        assert (health.status, set(health.json)) == (503, {"status", "sse"})
        assert "secret" in (here.parts.intake.trouble or "")
        assert here.rows(CLICKS) == []


class BrokenClock(SystemClock):
    """Fails as nothing is meant to."""

    def now_ms(self) -> int:
        raise ArithmeticError("no time")


def test_also_an_answer_that_nobody_foresaw_may_be_read_by_all_sites(tmp_path: Path) -> None:
    with web_parts(tmp_path, dashboard=lambda: "http://127.0.0.1:1") as parts:
        collector = Collector(replace(parts, clock=BrokenClock()))
        scope = {"type": "http", "method": "GET", "path": "/pixel.gif", "query_string": b"", "headers": []}
        answer = asyncio.run(collector.pixel(Request({**scope, "client": ("127.0.0.1", 1)})))
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, "*")
    assert json.loads(bytes(answer.body))["accepted"] == 0
