"""A message that is no click becomes a failed event with its place and bytes, and can be brought in corrected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footfall import wiring
from footfall.core.events import CLICKS
from footfall.pipeline import PROCESSORS
from tests.integration.kafkas import produce
from tests.observing import clicks, footfall, json_lines
from tests.servers.kafka import Kafka
from tests.servers.registry import Registry
from tests.unit.streams import START

CLICK = {"timestamp": START, "userId": "ada", "productId": "C1"}
ENVELOPE = {"Timestamps": [START * 1_000_000], "StringValues": {"userId": ["ada"], "productId": ["C1"]}}


@pytest.mark.parametrize("layout", ["json", "avro", "quix"])
@pytest.mark.timeout(180)
def test_a_message_that_is_no_click_is_set_aside_and_brought_in_when_it_is_corrected(
    layout: str, tmp_path: Path, kafka: Kafka, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"kafka://{kafka.address}?prefix=failed-{layout}.&format={layout}&registry={registry.url}"
    monkeypatch.setenv("FOOTFALL_LOG", address)
    wiring.open_log(tmp_path).close()
    produce(kafka, f"failed-{layout}.{CLICKS}", [b"\0nonsense"])
    footfall("run", *PROCESSORS, "--until-end", "--data-dir", tmp_path)

    [failed] = json_lines(footfall("failed", "list", "--json", "--data-dir", tmp_path))
    assert (failed["source"], failed["line"]) == (f"{CLICKS}-0", 0)
    assert failed["raw"] == "\0nonsense"

    corrected = json.dumps(ENVELOPE if layout == "quix" else CLICK)
    command = ("failed", "replay", failed["id"], "--raw", corrected, "--data-dir", tmp_path, "--json")
    [done] = json_lines(footfall(*command))
    assert (done["replayed"], done["rejected"]) == (1, 0)
    assert json_lines(footfall(*command))[0]["already_replayed"] == 1
    assert [(one["userId"], one["productId"]) for one in clicks(tmp_path)] == [("ada", "C1")]
