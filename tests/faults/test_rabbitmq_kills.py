"""The sink is killed and RabbitMQ restarted, under load: every event arrives, in order, under an id that is known."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from footfall import wiring
from footfall.core.events import FAILED
from footfall.log.base import DurableLog
from tests.faults.buggy_rabbitmq import BUGS
from tests.integration.rabbits import received
from tests.observing import command, environment
from tests.rounds import rounds
from tests.servers.rabbitmq import RabbitMQ
from tests.unit.vips import VIPS, event_id, make, put

SEED = 20_261_125
PARTITIONS = 2
GROUP = f"sink:{VIPS}-rabbitmq"
TOO_LONG = 60.0


@dataclass
class Load:
    """Events that keep coming."""

    log: DurableLog
    given: list[list[int]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = 0
        while not self.stop.wait(0.01):
            for partition in range(PARTITIONS):
                numbers = list(range(number, number + 3))
                number += len(numbers)
                put(self.log, *numbers, partition=partition)
                self.given[partition] += numbers


@dataclass
class Sender:
    """The sink as a process, and how far it is."""

    data_dir: Path
    url: str
    log: DurableLog
    bug: str | None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and see it move on."""
        before = self.place()
        module = "tests.faults.buggy_rabbitmq" if self.bug else "footfall.apps.cli"
        arguments = ["sink", "rabbitmq", "--stream", VIPS, "--data-dir", str(self.data_dir)]
        with (self.data_dir / "sink.err").open("ab") as errors:
            self.process = subprocess.Popen(
                command(*([self.bug] if self.bug else []), *arguments, module=module),
                env={**environment(), "FOOTFALL_RABBITMQ": self.url},
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self.until(lambda: self.place() != before)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def place(self) -> int:
        """How many events it has committed."""
        return sum(self.log.position(GROUP, VIPS, number).offset for number in range(PARTITIONS))

    def until(self, done: Callable[[], bool]) -> None:
        begun = time.monotonic()
        while not done():
            said = (self.data_dir / "sink.err").read_text()[-2_000:]
            assert self.process is not None
            assert self.process.poll() is None, f"it ended by itself: {said}"
            assert time.monotonic() - begun < TOO_LONG, f"it does not move on: {said}"
            threading.Event().wait(0.02)


def after_faults(data_dir: Path, *, kills: int, restarts: int, bug: str | None = None) -> list[str]:
    """A sink under load, killed so often, and the broker restarted so often; what is wrong in the queue after that."""
    rng = random.Random(SEED)
    faults = ["kill"] * kills + ["restart"] * restarts
    rng.shuffle(faults)
    with RabbitMQ() as broker, wiring.open_log(data_dir) as log:
        make(log, PARTITIONS)
        load, sender = Load(log), Sender(data_dir, broker.url, log, bug)
        thread = threading.Thread(target=load.run)
        thread.start()
        try:
            sender.start()
            for fault in faults:
                threading.Event().wait(rng.uniform(0, 0.4))
                if fault == "kill":
                    sender.kill()
                    sender.start()
                else:
                    broker.kill()
                    broker.start()
                    before = sender.place()
                    sender.until(lambda before=before: sender.place() > before)  # type: ignore[misc]
            load.stop.set()
            thread.join()
            sender.until(lambda: sender.place() == sum(map(len, load.given)))
            threading.Event().wait(1.0 if bug else 0.0)  # it sends after it has said so
        finally:
            load.stop.set()
            thread.join()
            sender.kill()
        return differences(load, broker, log)


def differences(load: Load, broker: RabbitMQ, log: DurableLog) -> list[str]:
    """Lost, unknown or disordered messages, and events that were set aside."""
    messages = received(broker.url, VIPS)
    wrong = []
    for partition, given in enumerate(load.given):
        came = [str(one.message_id) for one in messages if one.headers["partition"] == partition]
        expected = [event_id(n).hex() for n in given]
        firsts = list(dict.fromkeys(came))
        print(f"partition {partition}: {len(given)} events, {sum((Counter(came) - Counter(expected)).values())} again")
        wrong += [f"lost: {one}" for one in sorted(set(expected) - set(came))]
        wrong += [f"unknown: {one}" for one in sorted(set(came) - set(expected))]
        wrong += [] if firsts == [one for one in expected if one in set(came)] else ["out of order"]
    return wrong + (["set aside"] if sum(log.info(FAILED).ends) else [])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kills_of_the_sink_and_of_rabbitmq_lose_nothing_and_keep_the_order(tmp_path: Path) -> None:
    assert after_faults(tmp_path, kills=rounds(3, thorough=5), restarts=rounds(1, thorough=3)) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    wrong = after_faults(tmp_path, kills=4, restarts=0, bug=bug)

    assert any(one.startswith(BUGS[bug][1]) for one in wrong)
