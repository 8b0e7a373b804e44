"""Turns a running server and many readers of offers into how long offers take, and what the readers cost.

``python -m benchmarks.offers_sse [--clients N] [--offers N]`` prints one JSON object. The readers are in a process of
their own, and 5 in 100 of them never read. Offers are appended to the log from a third process, as the behaviour
detector does; measured is the time from before the append to when the visitor's reader has the offer.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import psutil

from benchmarks.measure import ROOT, environment
from footfall import wiring
from footfall.apps.web.offers.channel import channel_of
from footfall.core.clock import SystemClock
from footfall.core.events import OFFER_SCHEMA, OFFERS, Batch
from footfall.core.hashing import id_from_text, partition_of
from footfall.log.base import Append, Log

CLI: Final = "footfall.apps.cli"
SEED: Final = 20_260_101
STALLED: Final = 0.05
STORMS: Final = 3
EVERY: Final = 0.005
"""Seconds between two commits of offers."""
FLOODS: Final = 40
"""Long offers to each reader that never reads: more than all buffers and queues may hold."""
LONG: Final = "C" * 8_000
FILES: Final = 16
"""The server may have so many more open than before: segments of the log that it has read meanwhile."""
PATIENCE: Final = 15.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What was seen. Times in ms, memory in MB."""

    clients: int
    stalled: int
    offers: int
    missing: int = 0
    """Offers that their visitor did not get."""
    misdirected: int = 0
    """Offers that somebody else got."""
    lost: int = 0
    """Readers who were cut although they read."""
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    connect_seconds: float = 0.0
    """Until all readers had their streams."""
    idle_mb: float = 0.0
    connected_mb: float = 0.0
    flooded_mb: float = 0.0
    storms_mb: list[float] = field(default_factory=list)
    """After all readers went and came back, once, twice, …"""
    uncut: int = 0
    """Readers that never read, and still have their streams."""
    left: int = 0
    """Streams that are open after all readers went."""
    files_left: int = 0
    """Open files, more than before the readers came."""
    stop_seconds: float = 0.0


def measure(
    *,
    clients: int = 2_000,
    offers: int = 1_000,
    storms: int = STORMS,
    module: Sequence[str] = (CLI,),
    patience: float = PATIENCE,
) -> Figures:
    """Start a server on an empty data directory, and measure. ``module`` and its arguments serve.

    ``storms``: so often all readers go and come back.
    What has not happened after ``patience`` seconds is taken for something that does not happen.
    """
    stalled = round(clients * STALLED)
    found = Figures(clients=clients, stalled=stalled, offers=offers)
    with tempfile.TemporaryDirectory(prefix="footfall-sse-") as directory:
        data_dir = Path(directory) / "data"
        with _server(data_dir, module) as server, _readers(server.port) as readers, wiring.open_log(data_dir) as log:
            key = (data_dir / "run" / "web.key").read_bytes()
            _Measurement(found, server, readers, log, key=key, patience=patience).run(storms)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(timeout=PATIENCE)
            found.stop_seconds = round(time.monotonic() - began, 2)
    return found


@dataclass(frozen=True, slots=True)
class _Server:
    process: subprocess.Popen[bytes]
    port: int

    @property
    def streams(self) -> int:
        """Open ones, as the server says; -1 when it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return int(json.loads(connection.getresponse().read())["sse"])
        except (OSError, http.client.HTTPException):
            return -1
        finally:
            connection.close()

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        return round(psutil.Process(self.process.pid).memory_info().rss / 2**20, 1)

    @property
    def files(self) -> int:
        """Open ones."""
        return psutil.Process(self.process.pid).num_fds()


class _Measurement:
    def __init__(
        self, found: Figures, server: _Server, readers: _Readers, log: Log, *, key: bytes, patience: float
    ) -> None:
        self._found = found
        self._server = server
        self._readers = readers
        self._log = log
        self._patience = patience
        self._clock = SystemClock()
        self._partitions = log.info(OFFERS).settings.partitions
        visitors = [f"visitor-{i}" for i in range(found.clients)]
        self._stalled, self._reading = visitors[: found.stalled], visitors[found.stalled :]
        self._paths = {visitor: channel_of(key, visitor) for visitor in visitors}
        self._sent: dict[str, tuple[str, float]] = {}
        """An offer's id to its visitor's path, and when it was appended."""

    def run(self, storms: int) -> None:
        found, server, readers = self._found, self._server, self._readers
        found.idle_mb, files = server.memory, server.files
        began = time.monotonic()
        readers.do("open", paths=[self._paths[v] for v in self._stalled], stall=True)
        readers.do("open", paths=[self._paths[v] for v in self._reading], stall=False)
        self._until(lambda: server.streams == found.clients)
        found.connect_seconds, found.connected_mb = round(time.monotonic() - began, 2), server.memory
        self._offer()
        self._until(lambda: server.streams <= len(self._reading))
        found.uncut, found.flooded_mb = max(0, server.streams - len(self._reading)), server.memory
        for _ in range(storms):
            readers.do("storm")
            self._until(lambda: server.streams <= len(self._reading) + found.uncut)
            found.storms_mb.append(server.memory)
        readers.do("close")
        self._until(lambda: server.streams == 0 and server.files <= files + FILES)
        found.left, found.files_left = server.streams, max(0, server.files - files - FILES)

    def _until(self, true: Callable[[], bool]) -> None:
        until(true, seconds=self._patience)

    def _offer(self) -> None:
        rng = random.Random(SEED)
        pause, every = threading.Event(), max(1, self._found.offers // FLOODS)
        for number in range(self._found.offers):
            if number % every == 0:
                self._append([(visitor, f"{visitor} flood {number}") for visitor in self._stalled], product=LONG)
            visitor = rng.choice(self._reading)
            self._append([(visitor, f"offer {number}")], product="VD55147564")
            pause.wait(EVERY)
        received: list[list[Any]] = []
        self._until(lambda: self._all_in(received))
        self._judge(received)

    def _append(self, named: Sequence[tuple[str, str]], *, product: str) -> None:
        """Offers to visitors, in one commit."""
        batches: dict[int, list[dict[str, Any]]] = {}
        now = self._clock.now_ms()
        for visitor, name in named:
            matched = [{"timestamp": now, "productId": product, "category": "clothing"}]
            row = {"timestamp": now, "event_id": id_from_text(name), "userId": visitor, "offer": "offer2"}
            partition = partition_of(visitor, self._partitions)
            batches.setdefault(partition, []).append({**row, "pattern": "clothes-shoes-clothes", "matched": matched})
        appends = [Append(OFFERS, p, Batch.from_pylist(rows, schema=OFFER_SCHEMA)) for p, rows in batches.items()]
        if product != LONG:
            self._sent.update({id_from_text(name).hex(): (self._paths[v], time.monotonic()) for v, name in named})
        self._log.append(appends)

    def _all_in(self, received: list[list[Any]]) -> bool:
        report = self._readers.do("report")
        received += report["received"]
        self._found.lost = report["lost"]
        return {offer for _, offer, _ in received} >= set(self._sent)

    def _judge(self, received: Sequence[Sequence[Any]]) -> None:
        delays: dict[str, float] = {}
        for path, offer, at in received:
            if offer not in self._sent or self._sent[offer][0] != path:
                self._found.misdirected += 1
            else:
                delays.setdefault(offer, (at - self._sent[offer][1]) * 1000)
        ordered = sorted(delays.values()) or [0.0]
        self._found.missing = len(self._sent) - len(delays)
        self._found.p50_ms = round(ordered[len(ordered) // 2], 1)
        self._found.p99_ms = round(ordered[int(len(ordered) * 0.99)], 1)
        self._found.max_ms = round(ordered[-1], 1)


class _Readers:
    """The other process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, what: str, **more: Any) -> dict[str, Any]:
        """Have something done, and wait until it is."""
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        return self._ask(to, answers, {"do": what, **more})

    @staticmethod
    def _ask(to: IO[str], answers: IO[str], command: dict[str, Any]) -> dict[str, Any]:
        to.write(json.dumps(command) + "\n")
        to.flush()
        answer: dict[str, Any] = json.loads(answers.readline())
        return answer


@contextlib.contextmanager
def _server(data_dir: Path, module: Sequence[str]) -> Iterator[_Server]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    command = [sys.executable, "-m", *module, "serve", "--port", str(port), "--data-dir", str(data_dir)]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        server = _Server(process, port)
        try:
            until(lambda: server.streams == 0)
            yield server
        finally:
            process.kill()


@contextlib.contextmanager
def _readers(port: int) -> Iterator[_Readers]:
    command = [sys.executable, "-m", "benchmarks.offers_readers", str(port)]
    with subprocess.Popen(
        command, env=environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Readers(process)
        finally:
            process.kill()


def until(true: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Wait for something, but not for ever: what did not come shows in the figures."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        pause.wait(0.1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--offers", type=int, default=1_000)
    options = parser.parse_args()
    print(json.dumps(asdict(measure(clients=options.clients, offers=options.offers))))


if __name__ == "__main__":
    main()
