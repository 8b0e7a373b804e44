"""A connection that is slow, endless or broken costs only itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from footfall.apps.web import server
from footfall.apps.web.collector import body as reading
from footfall.apps.web.offers.channel import channel_of
from footfall.apps.web.server import run
from footfall.core.errors import Failure
from footfall.core.events import CLICKS
from tests.integration.collecting import ADA, HOST, Site, answer_of, site

SECONDS = 0.5
HEAD = b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds are half a second here: the rule is the same."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", SECONDS)
    monkeypatch.setattr(reading, "READ_SECONDS", SECONDS)


def until_closed(connection: socket.socket) -> tuple[bytes, float]:
    """What is said until the connection ends, and after how many seconds it does."""
    begun = time.monotonic()
    data = b""
    connection.settimeout(10)
    try:
        while chunk := connection.recv(65_536):
            data += chunk
    except ConnectionResetError:
        pass
    return data, time.monotonic() - begun


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("begun", "said"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost:", b"HTTP/1.1 408"),
        (b"\r\n", b""),
        (HEAD + b"Content-Length: 10\r\n\r\n12345", b"HTTP/1.1 408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12", b"HTTP/1.1 408"),
    ],
)
def test_a_request_that_does_not_arrive_in_time_is_ended(here: Site, begun: bytes, said: bytes) -> None:
    with here.connect() as connection:
        connection.sendall(begun)
        data, seconds = until_closed(connection)
    assert data[: len(said)] == said
    assert seconds < SECONDS + 5


@pytest.mark.usefixtures("impatient")
def test_an_answered_connection_that_goes_on_sending_nothing_of_use_is_ended(here: Site) -> None:
    with here.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"\r\n")
        assert until_closed(connection)[1] < SECONDS + 5


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000, {431}),
        (b"GET /" + b"a" * 100_000, {431}),
        (b"nothing\r\n\r\n", {400}),
        (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
        (HEAD + b"Content-Length: abc\r\n\r\n", {400}),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", {400}),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400}),
        (HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}{}{}", {400}),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404, 405}),
        (b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
    ],
)
def test_broken_requests_are_answered_and_harm_nobody(here: Site, request_bytes: bytes, statuses: set[int]) -> None:
    assert here.say(request_bytes).status in statuses
    assert here.send(ADA).status == 200


def test_after_an_early_answer_the_rest_of_the_body_is_thrown_away_and_the_connection_goes_on(here: Site) -> None:
    with here.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
        assert connection.recv(20).startswith(b"HTTP/1.1 413")
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"healthy" in until_closed(connection)[0]


def test_requests_that_come_at_once_are_answered_in_their_order(here: Site) -> None:
    body = b'{"userId":"row","productId":"P"}'
    one = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with here.connect() as connection:
        connection.sendall(one * 3 + b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = until_closed(connection)[0]
    assert (said.count(b"HTTP/1.1 200"), said.count(b"HTTP/1.1 404")) == (3, 1)
    assert [row["userId"] for row in here.rows(CLICKS)].count("row") == 3


def test_a_port_that_is_in_use_is_named(here: Site) -> None:
    async def nothing(*_: object) -> None: ...

    with pytest.raises(Failure, match=str(here.port)):
        run(nothing, host=HOST, port=here.port, stop=threading.Event(), ready=lambda _port: None)


@pytest.mark.alone
def test_the_server_ends_within_two_seconds_also_when_pages_wait_for_offers(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        waiting = [here.connect() for _ in range(5)]
        for connection in waiting:
            path = channel_of(here.parts.key, "sad-music-boxing")
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert connection.recv(20).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.5
    for connection in waiting:
        connection.close()


@pytest.mark.alone
@pytest.mark.slow
def test_two_hundred_slow_senders_do_not_slow_down_honest_ones(here: Site) -> None:
    alone = waits(here, seconds=3)
    stop = threading.Event()
    slow = [here.connect() for _ in range(200)]
    for number, connection in enumerate(slow):
        connection.setblocking(False)
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" if number % 2 else b"GET / HTTP/1.1\r\nX: ")
    thread = threading.Thread(target=drip, args=(slow, stop))
    thread.start()
    beside = waits(here, seconds=14)
    ended = sum(is_ended(connection) for connection in slow)
    stop.set()
    thread.join()
    for connection in slow:
        connection.close()
    print(f"honest answers alone: {shown(alone)}; beside 200 slow senders: {shown(beside)}; {ended} of these ended")
    assert ended == 200
    # On a machine with other work to do, answers take their time without slow senders too.
    assert p99(beside) <= max(0.2, 2 * p99(alone))


def drip(connections: list[socket.socket], stop: threading.Event) -> None:
    """A byte a second on each."""
    while not stop.wait(1):
        for connection in connections:
            with suppress(OSError):
                connection.send(b"x")


def waits(site: Site, *, seconds: float) -> list[float]:
    """How long honest answers take, one after another, in seconds, the shortest first."""
    begun, times = time.monotonic(), []
    while time.monotonic() - begun < seconds:
        asked = time.monotonic()
        assert site.send(ADA).status == 200
        times.append(time.monotonic() - asked)
    return sorted(times)


def p99(times: list[float]) -> float:
    return times[int(len(times) * 0.99)]


def shown(times: list[float]) -> str:
    return f"{len(times)}, p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {p99(times) * 1000:.1f} ms"


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it."""
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_the_answer_of_a_finished_connection_is_whole(here: Site) -> None:
    with here.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert answer_of(connection).status == 200
