"""Whatever is sent to the collector is answered, in time and with the right status, and harms nobody else."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from footfall.core.events import CLICKS
from tests.integration.collecting import ADA, Answer, Site, answer_of, site

MIB = 1 << 20
KIB = 1 << 10
SECONDS = 8.0
"""Everything here is answered within this time, also on a busy machine; most of it within milliseconds."""
HEAD = b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = json.dumps(ADA).encode()
CUSTOM = b'{"userId":"a","event_type":"custom","name":"n","properties":%s}'


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("abuse")) as running:
        yield running


@pytest.fixture(autouse=True)
def _harms_nobody(here: Site) -> Iterator[None]:
    """Each test is answered in time, and after it a good event goes in as before."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SECONDS
    before = clicks(here)
    assert here.send(ADA).status == 200
    assert clicks(here) == before + 1


def clicks(here: Site) -> int:
    return sum(here.parts.log.info(CLICKS).ends)


def sized(size: int) -> bytes:
    """An event of so many bytes."""
    left = size - len(CUSTOM % b'{"x":[""]}')
    texts, rest = divmod(left, 1_003)
    return CUSTOM % (b'{"x":["' + b'","'.join([b"a" * 1_000] * texts + [b"a" * rest]) + b'"]}')


def nested(depth: int) -> bytes:
    """An event of so many levels: its own, that of its properties, and lists."""
    return CUSTOM % (b'{"x":' + b"[" * (depth - 2) + b"]" * (depth - 2) + b"}")


# -- bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        (sized(64 * KIB), 200, ""),
        (sized(64 * KIB + 1), 400, "65,537 bytes long, limit 65,536"),
        (b"[%s]" % b",".join([sized(64 * KIB + 1), GOOD]), 200, "65,537 bytes long"),
        (nested(32), 200, ""),
        (nested(33), 400, "nested more than 32 deep"),
        (nested(10_000), 400, "nested more than 32 deep"),
        (b"[" * (MIB - 1), 400, "more than 50,000 values"),
        (b'{"a":' * (MIB // 5), 400, "more than 50,000 values"),
        (b'{"userId":"a","productId":"P","age":%d}' % 2**70, 400, "no number of JSON, or beyond"),
        (b'{"userId":"a","productId":"P","age":%d}' % 2**54, 400, "beyond ±2^53"),
        (b'{"userId":"a","productId":"P","age":1e999}', 400, "too large"),
        (b'{"userId":"a","productId":"P","age":%s}' % (b"9" * 5_000), 400, "no number of JSON, or beyond"),
        (b'{"userId":"a","productId":"P","age":NaN}', 400, "no number of JSON"),
        (b'{"userId":"a","productId":"P","age":-Infinity}', 400, "no number of JSON"),
        (b'{"userId":"a","userId":"b","productId":"P"}', 400, "stands twice"),
        (b'{"userId":"a","\\u0075serId":"b","productId":"P"}', 400, "stands twice"),
        (b'{"events":[%s],"events":[%s]}' % (GOOD, GOOD), 400, "stands twice"),
        (CUSTOM % b'{"x":{"y":1,"y":2}}', 400, "stands twice"),
        (b'{"userId":"a\\u0000","productId":"P"}', 400, "NUL"),
        (b'{"userId":"a\0","productId":"P"}', 400, "control character"),
        (b'{"userId":"\\udc00\\ud800","productId":"P"}', 400, "half a character"),
        (CUSTOM % b'{"\\ud83d":1}', 400, "half a character"),
        (b'{"userId":"\xc0\x80","productId":"P"}', 400, "no UTF-8"),
        (b'{"userId":"\xed\xa0\x80","productId":"P"}', 400, "no UTF-8"),
        (b'\xff\xfe{\0"\0', 400, "no JSON object"),
        (b"[%s]" % b",".join([GOOD] * 501), 413, "more than 500 events"),
        (b"[%s]" % b",".join([b"1"] * 500_000), 400, "more than 50,000 values"),
        (b" " * (MIB + 1), 413, "longer than 1,048,576 bytes"),
    ],
)
def test_a_hostile_body_is_answered_with_its_rule(here: Site, body: bytes, status: int, rule: str) -> None:
    answer = here.send(body)
    assert answer.status == status
    assert rule in "; ".join(one["rule"] for one in answer.json["refused"])


# mtime=0: a test keeps its name, which is made of its bytes, from one second to the next.
BOMB = gzip.compress(b" " * (64 * MIB), mtime=0)
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (BOMB, "gzip", 413),
        (gzip.compress(b" " * (MIB - 1), mtime=0) * 8, "gzip", 413),
        (gzip.compress(b"", mtime=0) * 30_000, "gzip", 400),
        (PACKED[:-9], "gzip", 400),
        (PACKED[:9], "gzip", 400),
        (PACKED + b"junk", "gzip", 400),
        (PACKED[:-8] + b"\0" * 8, "gzip", 400),
        (gzip.compress(PACKED, mtime=0), "gzip", 400),
        (PACKED, "gzip, gzip", 415),
        (PACKED, "x-gzip", 415),
        (zlib.compress(GOOD), "deflate", 415),
        (zlib.compress(b" " * (64 * MIB)), "deflate", 415),
        (BOMB, "br", 415),
        (BOMB, "zstd", 415),
        (BOMB, "gzip\0", 400),
        (gzip.compress(GOOD, mtime=0), "GZIP", 200),
        (GOOD, "identity", 200),
    ],
)
def test_a_packed_body_is_unpacked_within_bounds_or_refused(
    here: Site, body: bytes, encoding: str, status: int
) -> None:
    assert here.send(body, Content_Encoding=encoding).status == status


# -- requests -------------------------------------------------------------------------------------------------


def length(size: object, body: bytes = GOOD) -> bytes:
    return HEAD + f"Content-Length: {size}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (length(-5), {400}),
        (length("5, 5"), {400}),
        (length("0x20"), {400}),
        (length("+37"), {400}),
        (length(""), {400}),
        (length("9" * 40), {400, 413}),
        (length(2**63), {400, 413}),
        (length(10 * MIB), {413}),
        (HEAD + b"Content-Length: 37\r\nContent-Length: 37\r\n\r\n" + GOOD, {400}),
        (HEAD + b"Content-Length: 37\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", {400}),
        (HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", {400}),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400}),
        (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
        (CHUNKED + b"-1\r\n\r\n", {400}),
        (CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n", {400}),
        (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", {400}),
        (CHUNKED + b"f" * 17 + b"\r\n", {400}),
        (CHUNKED + b"1\r\n{}\r\n0\r\n\r\n", {400}),
        (CHUNKED + b"2\n{}\n0\n\n", {400}),
        (CHUNKED + b"100001\r\n" + b" " * (MIB + 1) + b"\r\n0\r\n\r\n", {413}),
        (CHUNKED + b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n", {400}),
        (CHUNKED + b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", {0, 400, 431}),
        (HEAD + b"X : y\r\nContent-Length: 2\r\n\r\n{}", {400}),
        (HEAD + b" X: y\r\nContent-Length: 2\r\n\r\n{}", {400}),
        (HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}", {400}),
        (HEAD + b"X\xff: y\r\nContent-Length: 2\r\n\r\n{}", {400}),
        (HEAD + b"X: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}", {431}),
        (HEAD + b"X: y\r\n" * 20_000 + b"\r\n", {431}),
        (b"GET /pixel.gif?userId=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {431}),
        (b"GET /pixel.gif?userId=" + b"a" * 9_000 + b"&productId=P HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"GET /pixel.gif?" + b"a=1&" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"GET http://evil.example/collect HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
        (b"GET //evil.example/collect HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
        (b"PROPFIND /collect HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
        (b"STEAL /collect HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"POST /collect HTTP/9.9\r\nHost: x\r\n\r\n", {400}),
        (b"POST /collect\r\n\r\n", {400, 415}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404, 405}),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", {400}),
        (b"GET /collect HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", {400, 405}),
    ],
)
def test_a_broken_request_is_answered_with_the_right_status(
    here: Site, request_bytes: bytes, statuses: set[int]
) -> None:
    before = clicks(here)
    assert said(here, request_bytes).status in statuses
    assert clicks(here) == before


def said(here: Site, request_bytes: bytes) -> Answer:
    """The first answer to these bytes, which may come before all are taken."""
    with here.connect() as connection:
        with suppress(ConnectionError):
            connection.sendall(request_bytes)
        return answer_of(connection)


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD.replace(b"1.1", b"1.0") + b"Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD),
        HEAD.replace(b"/collect", b"http://shop.example/collect") + b"Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD),
        CHUNKED + b"%x;a=b\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(GOOD), GOOD),
        b"\r\n\r\n" + HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD),
    ],
)
def test_an_unusual_request_is_taken_all_the_same(here: Site, request_bytes: bytes) -> None:
    assert said(here, request_bytes).status == 200


def test_who_asks_before_sending_is_told_to_go_on(here: Site) -> None:
    with here.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(GOOD))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(GOOD)
        assert answer_of(connection).status == 200


@pytest.mark.parametrize("junk", [b"junk\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", HEAD + b"Content-Length: x\r\n\r\n"])
def test_a_good_request_before_junk_is_answered_before_it(here: Site, junk: bytes) -> None:
    before = clicks(here)
    with here.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s%s" % (len(GOOD), GOOD, junk))
        statuses = [line[1:4] for line in everything(connection).split(b"HTTP/1.1")[1:]]
    assert statuses in ([b"200"], [b"200", b"400"])
    assert clicks(here) == before + 1


def everything(connection: socket.socket) -> bytes:
    """All that is said until the other side closes."""
    data = b""
    with suppress(ConnectionError):
        while chunk := connection.recv(65_536):
            data += chunk
    return data


# -- beside others --------------------------------------------------------------------------------------------


def hostile(size: int = MIB) -> bytes:
    """A list of events that each take long to look through, up to the one value at the end that is none."""
    event = CUSTOM % (b'{"x":[%s1e999]}' % (b"[[[[[[[[1]]]]]]]]," * 99))
    return b"[%s]" % b",".join([event] * (size // (len(event) + 1)))


@pytest.mark.alone
@pytest.mark.parametrize("body", [hostile(), b"[%s]" % b",".join([b'{"a":1,"a":2}'] * 500)])
def test_honest_senders_do_not_wait_for_hostile_ones(here: Site, body: bytes) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=lambda: [here.send(body) for _ in iter(stop.is_set, True)])
    thread.start()
    times, begun = [], time.monotonic()
    while time.monotonic() - begun < 2:
        asked = time.monotonic()
        assert here.send(ADA).status == 200
        times.append(time.monotonic() - asked)
    stop.set()
    thread.join()
    times.sort()
    print(f"{len(times)} honest answers beside hostile ones of {len(body):,} bytes: ", end="")
    print(f"p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms")
    assert times[len(times) // 2] < 0.2
