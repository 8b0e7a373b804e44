"""The log on a real Kafka keeps the contract of logs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from footfall.log.base import Place
from tests.contracts.log_contract import LogContract, Opener
from tests.contracts.scratch_cp import open_kafka
from tests.servers.kafka import Kafka


class TestKafkaLog(LogContract):
    whole = False

    def after(self, *, rows: int, batches: int, marks: int = 0) -> Place:  # noqa: ARG002
        """Marks take offsets; batches are not counted."""
        return Place(rows + marks)

    @pytest.fixture
    def opener(self, kafka: Kafka, tmp_path: Path) -> Opener:
        return partial(open_kafka, f"kafka://{kafka.address}?prefix={tmp_path.name}.", tmp_path)
