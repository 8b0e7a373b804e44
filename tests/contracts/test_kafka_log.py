"""The log on a real Kafka keeps the contract of logs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from footfall.log.base import Place, StreamSettings
from footfall.log.checkpoints.embedded import EmbeddedCheckpoints
from footfall.log.codecs.choosing import codec
from footfall.log.kafka import KafkaLog, KafkaSettings
from tests.contracts.log_contract import LogContract, Opener
from tests.servers.kafka import Kafka


def open_log(address: str, directory: Path) -> KafkaLog:
    """A log whose positions and state are in a directory."""
    settings = KafkaSettings.parse(address)
    return KafkaLog(
        settings,
        codec=codec(settings.format, registry=None),
        checkpoints=EmbeddedCheckpoints(directory / "checkpoints"),
    )


class TestKafkaLog(LogContract):
    whole = False

    def after(self, *, rows: int, batches: int, marks: int = 0) -> Place:
        """Marks take offsets; batches are not counted."""
        return Place(rows + marks)

    @pytest.fixture
    def opener(self, kafka: Kafka, tmp_path: Path) -> Opener:
        return partial(open_log, f"kafka://{kafka.address}?prefix={tmp_path.name}.", tmp_path)


@pytest.mark.alone
def test_to_ask_for_the_end_does_not_wait_for_new_events(kafka: Kafka, tmp_path: Path) -> None:
    """A broker answers a connection's requests one by one, and a fetch of nothing takes a quarter of a second."""
    with open_log(f"kafka://{kafka.address}?prefix={tmp_path.name}.", tmp_path) as log:
        log.create("clicks", StreamSettings(partitions=1))
        assert not log.wait({("clicks", 0): Place()}, timeout=0.5)
        begun = time.monotonic()
        for _ in range(20):
            assert log.place("clicks", 0, at="latest") == Place()
        assert time.monotonic() - begun < 2.0
