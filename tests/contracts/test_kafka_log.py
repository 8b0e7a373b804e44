"""The log on a real Kafka keeps the contract of logs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from footfall.log.base import Place
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
