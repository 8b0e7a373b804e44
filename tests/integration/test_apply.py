"""``footfall apply`` runs what a file of manifests declares, and says before what that is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.rabbits import received
from tests.observing import footfall, json_lines
from tests.servers.rabbitmq import RabbitMQ

EXAMPLE = Path(__file__).parents[2] / "examples" / "vip"
MANIFESTS = """
apiVersion: footfall/v1
kind: Stream
metadata: {name: click}
spec:
  protocol: kafka
  key: user_id
  schema: {fields: {user_id: STRING, page: INT, action: STRING}}
---
apiVersion: footfall/v1
kind: Stream
metadata: {name: shouted}
spec:
  protocol: rabbitmq
  schema: {fields: {user_id: STRING, action: STRING}}
  options: {queue: QUEUE}
---
apiVersion: footfall/v1
kind: Processor
metadata: {name: shout}
spec: {inputs: [click], outputs: [shouted], function: upper_case}
"""
CLICKS = 250


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with clicks of the sample."""
    options = ("--events", str(CLICKS), "--clicks-per-second", "100000", "--data-dir", str(tmp_path / "data"))
    footfall("generate", "--example", "vip", "--live", *options)
    return tmp_path / "data"


def manifests(tmp_path: Path, queue: str = "shouted") -> Path:
    file = tmp_path / "manifest.yaml"
    file.write_text(MANIFESTS.replace("QUEUE", queue))
    return file


def actions(stream: str, data_dir: Path) -> list[str]:
    printed = footfall("tail", stream, "--from", "earliest", "--limit", "100000", "--data-dir", data_dir)
    return sorted(row["action"] for row in json_lines(printed))


def test_a_declared_function_sees_each_event_once_however_often_it_is_run(tmp_path: Path, data_dir: Path) -> None:
    file = manifests(tmp_path)

    done = [
        json.loads(footfall("apply", file, "--until-end", "--json", "--data-dir", data_dir))["events"] for _ in "ab"
    ]

    assert done == [CLICKS, 0]
    assert actions("shouted", data_dir) == sorted(action.upper() for action in actions("click", data_dir))


def test_what_is_meant_for_rabbitmq_waits_in_the_log_until_its_address_is_known(
    tmp_path: Path, data_dir: Path, rabbitmq: RabbitMQ
) -> None:
    file = manifests(tmp_path, queue="apply-shouted")
    first = json.loads(footfall("apply", file, "--until-end", "--json", "--data-dir", data_dir))

    done = footfall("apply", file, "--until-end", "--json", "--data-dir", data_dir, "--url", rabbitmq.url)

    assert first["sent"] == 0
    assert json.loads(done)["sent"] == CLICKS
    sent = [json.loads(one.body)["action"] for one in received(rabbitmq.url, "apply-shouted")]
    assert sorted(sent) == actions("shouted", data_dir)


def test_a_check_says_what_would_run_and_runs_nothing(tmp_path: Path) -> None:
    options = ("--check", "--json", "--data-dir", str(tmp_path / "data"))

    rows = json_lines(footfall("apply", EXAMPLE / "manifest.yaml", *options))

    assert [(row["kind"], row["name"], row["from"], row["to"]) for row in rows] == [
        ("stream", "user", "", "kafka user"),
        ("stream", "click", "", "kafka click"),
        ("stream", "vip-action", "", "kafka vip-action"),
        ("stream", "vip-action-shouted", "", "rabbitmq vip-action-shouted"),
        ("query", "vip", "click, user", "VipActions"),
        ("function", "shout", "vip-action", "vip-action-shouted"),
    ]
    assert not (tmp_path / "data").exists()
    settings = json_lines(footfall("apply", EXAMPLE / "footfall.yaml", *options))
    assert [row["name"] for row in settings] == ["vip", "shout"]
