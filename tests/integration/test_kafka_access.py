"""A Kafka that asks for a password, or lets a user do less than we need, is told apart from one that is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from footfall.core.errors import Failure
from footfall.log.base import StreamSettings
from footfall.log.checkpoints.embedded import EmbeddedCheckpoints
from footfall.log.codecs.json import JsonCodec
from footfall.log.kafka import KafkaLog, KafkaSettings
from tests.servers.kafka import Kafka
from tests.servers.process import HOST, free_port

SECRET = "open-sesame"  # noqa: S105 - of a server of the tests'
USERS = (("ann", True), ("bob", False))
"""Names, and whether they may do everything."""


class Asking(Kafka):
    """A Kafka with a second port, where users say who they are."""

    def __init__(self) -> None:
        self.asking = free_port()
        users = "".join(f' user_{name}="{SECRET}"' for name, _ in USERS)
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        super().__init__(
            {
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,ASKING:SASL_PLAINTEXT",
                "inter.broker.listener.name": "PLAINTEXT",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.asking.plain.sasl.jaas.config": f"{module} required{users};",
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS;" + ";".join(f"User:{name}" for name, all_of_it in USERS if all_of_it),
            }
        )

    def _places(self) -> dict[str, object]:
        places = super()._places()
        asking = f",ASKING://{HOST}:{self.asking}"
        return {
            **places,
            "listeners": f"{places['listeners']}{asking}",
            "advertised.listeners": f"{places['advertised.listeners']}{asking}",
        }


@pytest.fixture(scope="module")
def asking() -> Iterator[Asking]:
    with Asking() as running:
        yield running


def opened(asking: Asking, user: str, password: str, directory: Path) -> KafkaLog:
    address = f"kafka://{user}:{password}@{HOST}:{asking.asking}?security.protocol=SASL_PLAINTEXT&prefix={user}."
    return KafkaLog(KafkaSettings.parse(address), codec=JsonCodec(), checkpoints=EmbeddedCheckpoints(directory))


def test_the_right_password_lets_in(asking: Asking, tmp_path: Path) -> None:
    with opened(asking, "ann", SECRET, tmp_path) as log:
        log.create("s", StreamSettings(partitions=1))

        assert log.names() == ["s"]


def test_a_wrong_password_is_said_quickly_and_not_shown(asking: Asking, tmp_path: Path) -> None:
    begun = monotonic()
    with (
        opened(asking, "ann", "wrong-word", tmp_path) as log,
        pytest.raises(Failure, match="Check user, password") as raised,
    ):
        log.names()

    assert monotonic() - begun < 30
    assert "wrong-word" not in str(raised.value)


def test_a_user_who_may_not_make_topics_is_told_so(asking: Asking, tmp_path: Path) -> None:
    with (
        opened(asking, "bob", SECRET, tmp_path) as log,
        pytest.raises(Failure, match=r"Make topic bob\.s.*does not allow it.*rights \(ACLs\)"),
    ):
        log.create("s", StreamSettings(partitions=1))
