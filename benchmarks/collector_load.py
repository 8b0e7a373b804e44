"""Turns a port into requests to the collector, one after another on kept connections, and each answer into a line.

``python -m benchmarks.collector_load PORT LEDGER [--batch N] …`` sends until its time is over, or until a line comes on
standard input. Then each request has its line of JSON in LEDGER, and what was seen is one JSON object on standard
output. Events are numbered, and carry their number as their id, so that each can be found again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from footfall.core.clock import SystemClock

HOST: Final = "127.0.0.1"
AGAIN_SECONDS: Final = 0.02
"""After a connection was lost or refused, and after an answer that the server is too busy."""
PATIENCE: Final = 10.0
"""So long an answer is waited for."""
USERS: Final = 5_000
PRODUCTS: Final = 500
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
BUSY: Final = frozenset({429, 503})
"""Answers after which the whole request may be sent again."""


@dataclass(slots=True)
class Sent:
    """One request, and what came of it."""

    first: int
    """The number of its first event; the others follow."""
    count: int
    bad_every: int = 0
    """One in so many events breaks a rule, by its number; 0: none."""
    status: int = 0
    """Of the answer; 0 when there was none."""
    accepted: int = 0
    refused: int = 0
    """Events, as the answer says."""
    tries: int = 0
    """How often it was sent."""
    seconds: float = 0.0
    """From the last sending to the answer."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """What was seen. Times in ms."""

    seconds: float
    requests: int
    sent: int
    """Events, of answered and unanswered requests."""
    accepted: int
    refused: int
    """Events that the answers do not accept: bad ones, and all those of a request answered 429 or 503."""
    unanswered: int
    """Events of requests without an answer."""
    busy: int
    """Requests that were answered 429 or 503."""
    wrong: int
    """Requests whose answer is not the one for these events."""
    events_per_second: float
    """Those accepted."""
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send."""

    port: int
    batch: int = 1
    """Events of a request."""
    connections: int = 8
    """Each waits for its answer before it sends again."""
    seconds: float = 5.0
    first: int = 0
    """The number of the first event."""
    bad_every: int = 50
    again: float = 0.0
    """The share of unanswered requests that are sent once more."""
    seed: int = 1


def is_bad(number: int, every: int) -> bool:
    """Whether the event of this number breaks a rule."""
    return bool(every) and number % every == every - 1


def event_of(number: int, now_ms: int, every: int = 0) -> str:
    """The JSON of an event, as the tracker sends it. Of the bad ones, each kind breaks another rule."""
    broken, time_said = "", str(now_ms)
    if is_bad(number, every):
        kind = number // every % 4
        broken = ('"age":150,', '"unknown":1,', '"gender":"\\u0000",', "")[kind]
        time_said = time_said if broken else '"yesterday"'
    return (
        f'{{"event_id":"{number:032x}",{broken}"userId":"visitor-{number % USERS:06d}-loud-fox",'
        f'"sessionId":"{number % USERS:016x}","event_type":"view","productId":"VD{55_000_000 + number % PRODUCTS}",'
        f'"page":"https://shop.example/product/{number % PRODUCTS}","referrer":"https://shop.example/",'
        f'"timestamp":{time_said}}}'
    )


class Sender(asyncio.Protocol):
    """One connection, which has at most one request under way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._said = b""
        self._answer: asyncio.Future[tuple[int, bytes] | None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._said += data
        head, ended, body = self._said.partition(b"\r\n\r\n")
        found = _LENGTH.search(head) if ended else None
        if found and len(body) >= int(found[1]) and self._answer is not None:
            self._said = b""
            if not self._answer.done():
                self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    async def ask(self, request: bytes) -> tuple[int, bytes] | None:
        """The status and the body of the answer; None when the connection is lost first."""
        if self.transport is None:
            return None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await asyncio.wait_for(self._answer, PATIENCE)
        except TimeoutError:
            return None


class Sending:
    """All connections, and the ledger."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.ledger: list[Sent] = []
        self._stop = asyncio.Event()
        self._random = random.Random(load.seed)
        self._next = load.first
        self._clock = SystemClock()

    async def run(self) -> float:
        """Send until told to stop; how many seconds that was."""
        loop = asyncio.get_running_loop()
        loop.call_later(self.load.seconds, self._stop.set)
        loop.add_reader(sys.stdin.fileno(), self._stop.set)
        begun = time.monotonic()
        await asyncio.gather(*(self._connection() for _ in range(self.load.connections)))
        return time.monotonic() - begun

    async def _connection(self) -> None:
        sender = Sender()
        while not self._stop.is_set():
            sent = Sent(self._next, self.load.batch, self.load.bad_every)
            self._next += sent.count
            self.ledger.append(sent)
            request = self._request(sent)
            sender = await self._try(sender, sent, request)
            while not sent.status and not self._stop.is_set() and self._random.random() < self.load.again:
                sender = await self._try(sender, sent, request)
        if sender.transport is not None:
            sender.transport.close()

    async def _try(self, sender: Sender, sent: Sent, request: bytes) -> Sender:
        sender = await self._connected(sender)
        if sender.transport is None:
            return sender
        begun = time.monotonic()
        sent.tries += 1
        answer = await sender.ask(request)
        if answer is None:
            if sender.transport is not None:
                sender.transport.close()
            return Sender()
        sent.seconds = time.monotonic() - begun
        sent.status = answer[0]
        said: dict[str, Any] = json.loads(answer[1])
        sent.accepted = said["accepted"]
        if sent.status in BUSY:
            sent.refused = sent.count
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            sent.refused = len(said["refused"])
        return sender

    async def _connected(self, sender: Sender) -> Sender:
        """The connection, or a new one; without a transport when it is time to stop."""
        loop = asyncio.get_running_loop()
        while sender.transport is None and not self._stop.is_set():
            try:
                _, sender = await loop.create_connection(Sender, HOST, self.load.port)
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
        return sender

    def _request(self, sent: Sent) -> bytes:
        now = self._clock.now_ms()
        numbers = range(sent.first, sent.first + sent.count)
        events = ",".join([event_of(number, now, self.load.bad_every) for number in numbers])
        body = f'{{"sent_at":{now},"events":[{events}]}}'.encode()
        head = f"POST /collect HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def summary_of(ledger: Sequence[Sent], seconds: float) -> Summary:
    """What these requests come to."""
    answered = [one for one in ledger if one.status]
    times = sorted(one.seconds * 1000 for one in answered if one.status not in BUSY) or [0.0]
    accepted = sum(one.accepted for one in answered)
    return Summary(
        seconds=round(seconds, 2),
        requests=len(ledger),
        sent=sum(one.count for one in ledger),
        accepted=accepted,
        refused=sum(one.refused for one in answered),
        unanswered=sum(one.count for one in ledger if not one.status),
        busy=sum(one.status in BUSY for one in answered),
        wrong=sum(not _is_right(one) for one in answered),
        events_per_second=round(accepted / seconds),
        p50_ms=round(times[len(times) // 2], 1),
        p99_ms=round(times[int(len(times) * 0.99)], 1),
        max_ms=round(times[-1], 1),
    )


def _is_right(sent: Sent) -> bool:
    if sent.status in BUSY:
        return sent.accepted == 0
    bad = sum(is_bad(number, sent.bad_every) for number in range(sent.first, sent.first + sent.count))
    return (sent.status, sent.accepted, sent.refused) == (200 if sent.count > bad else 400, sent.count - bad, bad)


def main() -> None:
    """Send, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("ledger", type=Path)
    for name in ("batch", "connections", "seconds", "first", "bad_every", "again", "seed"):
        default = getattr(Load(port=0), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    ledger: Path = options.pop("ledger")
    sending = Sending(Load(**options))
    seconds = uvloop.run(sending.run())
    ledger.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in sending.ledger))
    print(json.dumps(asdict(summary_of(sending.ledger, seconds))))


if __name__ == "__main__":
    main()
