"""Checkpoints in a directory keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall.log.base import CheckpointStore
from footfall.log.checkpoints.embedded import EmbeddedCheckpoints
from tests.contracts.checkpoint_contract import CheckpointContract


def opened(directory: Path) -> Iterator[CheckpointStore]:
    store = EmbeddedCheckpoints(directory)
    yield store
    store.close()


class TestEmbeddedCheckpoints(CheckpointContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[CheckpointStore]:
        yield from opened(tmp_path)

    @pytest.fixture
    def another(self, tmp_path: Path, store: CheckpointStore) -> Iterator[CheckpointStore]:
        yield from opened(tmp_path)
