"""A service takes up changed files, publishes views and tells how it goes, once a second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from footfall.core.clock import ManualClock
from footfall.core.events import CLICKS, OFFERS
from footfall.engine.ingest import Tally
from footfall.engine.live import Service
from footfall.engine.owning import Crew, Fixed, Work
from footfall.engine.pulse import Pulse
from footfall.engine.windows import window_tasks
from footfall.log.base import Append
from footfall.log.embedded import EmbeddedLog
from footfall.processors.patterns import PatternFile
from footfall.processors.windows import Count, Tumbling, Windowed
from footfall.stores.embedded import EmbeddedStore
from tests.unit.streams import LATENESS, MINUTE, START, clicks, events, open_log, stage

LAB = (Path(__file__).parent.parent.parent / "examples/offers/lab.yaml").read_text()
LATER = START + 86_400_000


@dataclass
class Around:
    """A service over a log, and what it told."""

    log: EmbeddedLog
    store: EmbeddedStore
    file: Path
    told: list[dict[str, Any]] = field(default_factory=list)
    walks: int = 0
    windows: list[Windowed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = Service(
            log=self.log,
            store=self.store,
            crew=Crew(Fixed([0]), self.start),
            patterns=self.pattern_file,
            clock=ManualClock(LATER),
            beat=self.beat,
        )

    def start(self, partition: int) -> Work:
        windows = [
            task
            for one in self.windows
            for task in window_tasks(one, log=self.log, partition=partition, lateness=LATENESS)
        ]
        return Work(stage(self.log), windows)

    def pattern_file(self) -> PatternFile | None:
        return PatternFile(self.file) if self.file.exists() else None

    def beat(self, **figures: Any) -> None:
        self.told.append(figures)

    def run(self) -> None:
        """Work until nothing is left."""
        self.service.run(threading.Event(), until_end=True)

    def walk(self, *products: str, age: int) -> None:
        """A new visitor looks at these products, a minute apart."""
        self.walks += 1
        start = START + self.walks * 60 * MINUTE
        user = f"visitor-{self.walks}"
        rows = [
            {"timestamp": start + n * MINUTE, "productId": product, "userId": user, "age": age}
            for n, product in enumerate(products)
        ]
        self.log.append([Append(CLICKS, 0, clicks(rows))])

    def offers(self) -> list[str]:
        return [row["userId"] for row in events(self.log, OFFERS)]


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Around]:
    log = open_log(tmp_path / "log", clock=ManualClock(LATER))
    with log, EmbeddedStore(tmp_path / "store") as store:
        yield Around(log, store, tmp_path / "offers.yaml")


def test_what_was_processed_is_published_and_told(around: Around) -> None:
    around.walk("C1", "S1", "C2", age=40)
    around.run()
    assert around.store.view("category_popularity") == [
        {"category": "clothing", "count": 2},
        {"category": "shoes", "count": 1},
    ]
    assert {k: around.told[-1][k] for k in ("events", "lag", "offers", "error")} == {
        "events": 3,
        "lag": 0,
        "offers": 1,
        "error": "",
    }


def test_how_many_events_came_too_late_for_windows_is_told(around: Around) -> None:
    windows = Windowed(name="w", to="w", window=Tumbling(LATENESS), aggregates={"n": Count()}, keys=("userId",))
    around.windows.append(windows)
    around.walk("C1", "S1", age=40)
    around.log.append([Append(CLICKS, 0, clicks([{"timestamp": START, "userId": "ada", "late": True}]))])
    around.run()
    assert around.told[-1]["windows_late"] == 1


def test_a_pattern_file_that_appears_is_taken_up_without_a_restart(around: Around) -> None:
    around.walk("S1", "C1", "S2", age=62)
    around.run()
    assert around.offers() == []
    around.file.write_text(LAB)
    around.run()
    around.walk("S1", "C1", "S2", age=62)
    around.walk("C1", "S1", "C2", age=40)
    around.run()
    assert around.offers() == ["visitor-2"]


def test_a_wrong_pattern_file_changes_nothing_and_is_said_until_it_is_mended(around: Around) -> None:
    around.file.write_text(LAB)
    around.run()
    around.file.write_text(LAB.replace("[60, 65]", "[65, 60]"))
    around.run()
    assert "offers.yaml" in around.told[-1]["error"]
    around.walk("S1", "C1", "S2", age=62)
    around.run()
    assert around.offers() == ["visitor-1"]
    around.file.write_text(LAB.replace("60, 65", "20, 21"))
    around.run()
    assert around.told[-1]["error"] == ""
    around.walk("S1", "C1", "S2", age=62)
    around.walk("S1", "C1", "S2", age=20)
    around.run()
    assert around.offers() == ["visitor-1", "visitor-3"]


def test_a_wrong_pattern_file_that_appears_while_it_runs_does_not_end_the_service(around: Around) -> None:
    around.run()
    around.file.write_text("patterns: 7")
    around.walk("C1", "S1", "C2", age=40)
    around.run()
    assert around.offers() == ["visitor-1"]
    assert "offers.yaml" in around.told[-1]["error"]
    around.file.write_text(LAB)
    around.run()
    assert around.told[-1]["error"] == ""
    around.walk("S1", "C1", "S2", age=62)
    around.run()
    assert around.offers() == ["visitor-1", "visitor-2"]


def test_a_pulse_tells_the_rate_of_the_last_second() -> None:
    clock, told = ManualClock(START), list[dict[str, Any]]()
    pulse = Pulse(clock, lambda **figures: told.append(figures))
    for events_by_then in (10, 20, 60):
        clock.advance(0.5)
        pulse.progress(Tally(events=events_by_then))
    clock.advance(0.5)
    pulse.progress(Tally(events=60))
    assert [one["rate"] for one in told] == [0.0, 20.0, 20.0, 40.0]
    assert [one["events"] for one in told] == [10, 20, 60, 60]
