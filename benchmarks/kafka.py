"""Turns clicks on a Kafka topic into how fast they are worked off: by our whole pipeline, and by Quix Streams.

    python -m benchmarks.kafka                              # ours alone
    python -m benchmarks.kafka --quix PYTHON                # a Python that has quixstreams, in a venv of its own

One broker, one topic of JSON clicks in two partitions, the same for both. Ours: two workers (enrichment, aggregation,
sessions, behaviour) with views, look-ups, state and positions in Redis. Quix Streams: two processes of an application
that enriches, and no more; what it looks up is in dicts (see kafka_quix.py). By turns, several times.

A rate is that of enriched clicks on the output topic, between the moment when a tenth of them is there and the moment
when all are: starting is not counted. Broker and Redis share the processors.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from benchmarks.measure import environment, footfall
from tests.servers.kafka import Kafka
from tests.servers.redis import Redis

PARTITIONS = 2
_LOOK = 0.05
_PATIENCE = 600.0


def main() -> None:
    """Measure, and print one line a run, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quix", metavar="PYTHON", help="a Python with quixstreams")
    options = parser.parse_args()
    contenders: dict[str, Callable[[Scene, str], list[subprocess.Popen[bytes]]]] = {"footfall": start_ours}
    if options.quix:
        contenders["quix"] = lambda scene, run: start_quix(scene, run, options.quix)
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    with Kafka() as kafka, Redis() as redis, tempfile.TemporaryDirectory(prefix="footfall-bench-") as directory:
        scene = Scene(kafka.address, redis.url, Path(directory), options.events)
        for run in range(options.runs):
            for name, start in contenders.items():
                rates[name].append(scene.measure(f"{name}{run}", start))
                print(f"run {run + 1}  {name:10} {rates[name][-1]:>10,.0f} events/s", flush=True)
        stages = scene.stages()
    print("where our time goes, in microseconds an event (wall time, summed over two workers):")
    print("  " + ", ".join(f"{name} {spent:.2f}" for name, spent in stages.items()))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print(json.dumps({name: round(rate) for name, rate in medians.items()}))
    if "quix" in medians:
        print(f"our whole pipeline / their enrichment: {medians['footfall'] / medians['quix']:.2f}")


class Scene:
    """Clicks, look-up data, and what is counted."""

    def __init__(self, address: str, redis: str, directory: Path, events: int) -> None:
        self.address = address
        self.redis = redis
        self.directory = directory
        self.events = events
        self.admin = AdminClient({"bootstrap.servers": address})
        self.file = file = directory / "clicks.ndjson"
        run_it("generate", "--events", events, "--seed", 3, "--out", file, "--lookups", directory, where=environment())
        self.messages = file.read_bytes().splitlines()

    def measure(self, run: str, start: Callable[[Scene, str], list[subprocess.Popen[bytes]]]) -> float:
        """Events a second of one run, on topics of its own."""
        self.fill(run)
        processes = start(self, run)
        try:
            return self._rate(f"{run}.enriched-click-data", processes)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(60)
            topics = [name for name in self.admin.list_topics(timeout=10).topics if name.startswith(f"{run}.")]
            for result in self.admin.delete_topics(topics).values():
                result.result(30)

    def stages(self) -> dict[str, float]:
        """Microseconds an event of each part of the work, in a backfill of the same clicks through the same servers."""
        where = addresses(self, "stages", database=15)
        lookups = [f"--{kind}={self.directory / f'{kind}.json'}" for kind in ("products", "users")]
        command = footfall("backfill", self.file, *lookups, "--data-dir", self.directory / "stages", "--json")
        done = subprocess.run(command, env=where, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        return {name: 1e6 * seconds / self.events for name, seconds in figures["stages"].items()}

    def fill(self, run: str) -> None:
        """The clicks, as any producer writes them: keyed by visitor, each visitor in one partition."""
        from confluent_kafka import Producer

        for name in ("click-data", "enriched-click-data"):
            # Kafka would remove clicks by their own age, before all are read.
            new = NewTopic(f"{run}.{name}", PARTITIONS, 1, config={"retention.ms": "-1"})
            self.admin.create_topics([new])[f"{run}.{name}"].result(30)
        producer = Producer(
            {
                "bootstrap.servers": self.address,
                "linger.ms": 50,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 2_000_000,
                "queue.buffering.max.kbytes": 2_000_000,
            }
        )
        for message in self.messages:
            click = json.loads(message)
            producer.produce(f"{run}.click-data", message, click["userId"].encode(), timestamp=click["timestamp"])
            producer.poll(0)
        producer.flush()

    def _rate(self, topic: str, processes: Sequence[subprocess.Popen[bytes]]) -> float:
        begun = time.perf_counter()
        first: tuple[float, int] | None = None
        asked: Any = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(PARTITIONS)}
        while time.perf_counter() - begun < _PATIENCE:
            done: int = sum(found.result().offset for found in self.admin.list_offsets(asked).values())
            now = time.perf_counter()
            if first is None and done >= self.events // 10:
                first = now, done
            if first is not None and done >= self.events:
                return (self.events - first[1]) / (now - first[0])
            if any(process.poll() not in {None, 0} for process in processes):
                raise SystemExit(f"a process ended: {[process.args for process in processes]}")
            time.sleep(_LOOK)  # noqa: TID251 - a benchmark
        raise SystemExit(f"{topic} did not get all events within {_PATIENCE:.0f} s")


def addresses(scene: Scene, run: str, *, database: int) -> dict[str, str]:
    """The environment of commands that work on the topics of this run."""
    return {
        **environment(),
        "FOOTFALL_LOG": f"kafka://{scene.address}?prefix={run}.",
        "FOOTFALL_STORE": scene.redis.removesuffix("/0") + f"/{database}",
    }


def run_it(*arguments: object, where: dict[str, str]) -> None:
    """Run a command of ours to its end."""
    subprocess.run(footfall(*map(str, arguments)), env=where, check=True, stdout=subprocess.DEVNULL)


def start_ours(scene: Scene, run: str) -> list[subprocess.Popen[bytes]]:
    """Two workers that share the partitions."""
    where = addresses(scene, run, database=1 + int(run[-1]))
    data_dir = scene.directory / run
    for kind in ("products", "users"):
        run_it("load", kind, scene.directory / f"{kind}.json", "--data-dir", data_dir, where=where)
    chain = ("enrichment", "aggregation", "sessions", "behaviour")
    return [
        subprocess.Popen(
            footfall("run", *chain, "--name", f"worker{number}", "--data-dir", data_dir),
            env=where,
            cwd=scene.directory,
            stdout=subprocess.DEVNULL,
        )
        for number in range(PARTITIONS)
    ]


def start_quix(scene: Scene, run: str, python: str) -> list[subprocess.Popen[bytes]]:
    """Two processes of the same application."""
    script = Path(__file__).with_name("kafka_quix.py")
    return [
        subprocess.Popen(
            [python, str(script), scene.address, run, str(scene.directory), str(number)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(PARTITIONS)
    ]


if __name__ == "__main__":
    main()
