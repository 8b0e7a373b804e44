"""Turns a running worker into how long it takes from a click to the offer that it triggers, while others click on.

Visitors' clicks come at a steady rate. Some visitors do what the built-in pattern asks for. Measured is the time from
the call that appends the completing click to the moment when the offer has been read from ``special-offers``.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.measure import ROOT, environment, footfall

EVERY = 0.02
"""Seconds between two appends."""
SHOPPERS_EVERY = 20
"""One of so many clicks completes a pattern."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the append of a click to its offer, in ms."""

    rate: int
    """Clicks a second."""
    offers: int
    missing: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def measure_latency(*, rate: int = 1_000, seconds: float = 20.0) -> Latency:
    """Start a worker on an empty data directory, click for so many seconds, and measure."""
    directory = Path(tempfile.mkdtemp(prefix="footfall-live-"))
    try:
        _load_products(directory)
        with _worker(directory):
            return _measure(directory, rate=rate, seconds=seconds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _load_products(directory: Path) -> None:
    rows = [
        {"id": "C1", "category": "clothing", "title": "Shirt"},
        {"id": "C2", "category": "clothing", "title": "Skirt"},
        {"id": "S1", "category": "shoes", "title": "Boots"},
        {"id": "B1", "category": "books", "title": "Novel"},
    ]
    file = directory / "products.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    command = footfall("load", "products", file, "--data-dir", directory, "--json")
    subprocess.run(command, check=True, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _worker(directory: Path) -> Iterator[None]:
    processors = ("enrichment", "aggregation", "sessions", "behaviour")
    command = footfall("run", *processors, "--data-dir", directory)
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def _measure(directory: Path, *, rate: int, seconds: float) -> Latency:
    from footfall import wiring
    from footfall.core.events import OFFERS

    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    stop = threading.Event()
    with wiring.open_log(directory) as log:
        partitions = log.info(OFFERS).settings.partitions
        ready = threading.Event()

        def read() -> None:
            places = {number: log.place(OFFERS, number) for number in range(partitions)}
            while not stop.is_set():
                log.wait({(OFFERS, n): place for n, place in places.items()}, timeout=0.1)
                for number, place in places.items():
                    found = log.read(OFFERS, number, place)
                    places[number] = found.place
                    now = time.perf_counter()
                    for chunk in found.chunks:
                        for user in chunk.batch.column("userId").to_pylist():
                            seen.setdefault(user, now)
                            ready.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        clicks = _Clicks(log, sent)
        while not ready.wait(0.2):  # the worker starts; its first offers are not measured
            clicks.append(_Clicks.PATTERN)
        sent.clear()
        seen.clear()
        clicks.keep_on(rate, seconds)
        stop.wait(2.0)
        stop.set()
        reader.join()
    waits = sorted((seen[user] - sent[user]) * 1000 for user in sent if user in seen)
    return Latency(
        rate=rate,
        offers=len(waits),
        missing=len(sent) - len(waits),
        p50_ms=round(waits[len(waits) // 2], 1),
        p99_ms=round(waits[min(int(len(waits) * 0.99), len(waits) - 1)], 1),
        max_ms=round(waits[-1], 1),
    )


class _Clicks:
    """Appends clicks of shoppers who will get an offer, and of many who will not."""

    PATTERN = ("C1", "S1", "C2")

    def __init__(self, log: object, sent: dict[str, float]) -> None:
        from footfall.core.events import CLICKS
        from footfall.engine.ingest import Splitter
        from footfall.log.base import Log

        self._log: Log = log  # type: ignore[assignment]
        self._splitter = Splitter(self._log.info(CLICKS).settings.partitions)
        self._sent = sent
        self._number = 0

    def keep_on(self, rate: int, seconds: float) -> None:
        """Click at this rate for so long."""
        pause = threading.Event()
        begun = time.perf_counter()
        done, total = 0, int(rate * seconds)
        shopping: list[tuple[str, int]] = []
        while done < total:
            due = min(int((time.perf_counter() - begun) * rate), total) - done
            rows = []
            for _ in range(due):
                self._number += 1
                if self._number % (SHOPPERS_EVERY // len(self.PATTERN)) == 0:
                    user, step = shopping.pop(0) if len(shopping) > SHOPPERS_EVERY else (f"shopper-{self._number}", 0)
                    rows.append((user, self.PATTERN[step]))
                    if step < len(self.PATTERN) - 1:
                        shopping.append((user, step + 1))
                else:
                    rows.append((f"visitor-{self._number % 5_000}", "B1"))
            self._append(rows)
            done += due
            pause.wait(EVERY)

    def append(self, products: tuple[str, ...]) -> None:
        """One new shopper's clicks at once."""
        self._number += 1
        self._append([(f"first-{self._number}", product) for product in products])

    def _append(self, rows: list[tuple[str, str]]) -> None:
        if not rows:
            return
        batch = _batch(rows, self._number)
        now = time.perf_counter()
        for user, product in rows:
            if product == self.PATTERN[-1]:
                self._sent[user] = now
        self._log.append(self._splitter.split(batch))


def _batch(rows: list[tuple[str, str]], number: int) -> pa.RecordBatch:
    from footfall.core.clock import SystemClock
    from footfall.core.events import CLICK_SCHEMA
    from footfall.core.hashing import id_from_text

    now = SystemClock().now_ms()
    size = len(rows)

    def column(texts: list[str]) -> pa.DictionaryArray:
        return pa.array(texts, type=pa.string()).dictionary_encode()

    columns = {
        "timestamp": pa.array([now] * size, type=CLICK_SCHEMA.field("timestamp").type),
        "event_id": pa.array([id_from_text(f"{number}-{i}") for i in range(size)], type=pa.binary(16)),
        "userId": column([user for user, _ in rows]),
        "productId": column([product for _, product in rows]),
        "event_type": column(["view"] * size),
        "original_timestamp": pa.array([now // 1000] * size, type=pa.int64()),
        "ip": column(["75.85.165.38"] * size),
        "userAgent": column([AGENT] * size),
        "age": pa.array([30] * size, type=pa.int16()),
        "gender": column(["F"] * size),
        "late": pa.array([False] * size),
    }
    nothing = {field.name: pa.nulls(size, field.type) for field in CLICK_SCHEMA if field.nullable}
    return pa.RecordBatch.from_pydict(nothing | columns, schema=CLICK_SCHEMA)
