"""A worker that leaves its group comes to an end, also while the broker is frozen and owes it an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from footfall.core.clock import SystemClock
from footfall.log.base import StreamSettings
from footfall.log.kafka import KafkaSettings, Membership
from footfall.log.kafka.topics import Topics
from tests.servers.kafka import Kafka
from tests.servers.process import until

STREAM: Final = "numbers"
SOON: Final = 15.0
"""Seconds: many sessions, and a quarter of what the client itself waits for an answer."""


class PatientMembership(Membership):
    """Planted bug: waits until the client has let go, however long that takes."""

    def close(self) -> None:
        self._pulse.close()
        self._consumer.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    with Kafka() as running:
        yield running


def has_left(broker: Kafka, directory: Path, kind: type[Membership]) -> bool:
    """Whether a worker that has just told how far it is has left soon, although the broker froze before."""
    settings = KafkaSettings.parse(f"kafka://{broker.address}?prefix={directory.name}.&session_seconds=1")
    Topics(settings).create(STREAM, StreamSettings(partitions=1))
    member = kind(settings, group="workers", stream=STREAM, clock=SystemClock())
    until(member.owned, what="it has the partition")
    broker.freeze()
    try:
        member.tell({0: 1})
        leaving = threading.Thread(target=member.close, daemon=True)
        leaving.start()
        leaving.join(SOON)
        return not leaving.is_alive()
    finally:
        broker.thaw()


@pytest.mark.timeout(120)
def test_a_worker_leaves_although_the_broker_does_not_answer(broker: Kafka, tmp_path: Path) -> None:
    assert has_left(broker, tmp_path, Membership)


@pytest.mark.timeout(120)
def test_to_wait_for_the_clients_good_bye_is_found(broker: Kafka, tmp_path: Path) -> None:
    assert not has_left(broker, tmp_path, PatientMembership)
