"""Under load, also more than the collector takes, each event is where its answer says that it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.collector import differences, numbers_in, sent
from benchmarks.collector_load import Load, Sent
from footfall.apps.web.settings import WebSettings
from footfall.core.events import CLICKS, FAILED
from tests.integration.collecting import site
from tests.observing import ROOT, environment


@pytest.mark.alone
@pytest.mark.parametrize(("requests", "waiting", "busy"), [(2, 50_000, 429), (64, 60, 503)])
def test_when_more_comes_than_is_taken_what_was_sent_is_accepted_or_refused_to_the_last_event(
    tmp_path: Path, requests: int, waiting: int, busy: int
) -> None:
    ledger: list[Sent] = []
    settings = WebSettings(requests_per_address=requests)
    with site(tmp_path / "data", settings=settings, max_events=waiting) as here:
        load = Load(port=here.port, batch=20, connections=8)
        seen = sent(load, tmp_path / "ledger", ledger, seconds=1.5)
        log = here.parts.log
        assert differences(ledger, numbers_in(log, CLICKS), numbers_in(log, FAILED)) == []
        assert here.parts.intake.tally.events == seen.accepted
    assert {one.status for one in ledger} == {200, busy}
    assert (seen.sent, seen.unanswered, seen.wrong) == (seen.accepted + seen.refused, 0, 0)


@pytest.mark.alone
@pytest.mark.slow
def test_the_benchmark_measures_every_size_and_finds_every_event() -> None:
    command = [sys.executable, "-m", "benchmarks.collector", "--seconds", "0.3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {row["batch"] for row in report["rows"]} == {1, 20, 500}
    assert all(row["load"]["events_per_second"] > 0 for row in report["rows"])
    assert report["sent"] == report["accepted"] + report["refused"] > 0
    assert report["set_aside"] > 0


def test_the_comparison_finds_what_is_lost_torn_doubled_and_made_up() -> None:
    ledger = [
        Sent(0, 3, status=200, tries=1),
        Sent(3, 2, status=503, tries=1),
        Sent(5, 2, tries=1),
        Sent(7, 2, bad_every=9, status=200, tries=1),
    ]
    right = [0, 1, 2, 7]
    for clicks, aside, expected in (
        (right, [8], []),
        ([*right, 5, 6], [8], []),
        ([0, 2, 7], [8], ["lost: 1 clicks", "torn: 1 requests"]),
        (right, [], ["lost: 1 failed events", "torn: 1 requests"]),
        ([*right, 5], [8], ["torn: 1 requests"]),
        ([*right, 1], [8], ["too often, or never sent: 1 clicks"]),
        ([*right, 3, 4], [8], ["too often, or never sent: 2 clicks"]),
        ([*right, 8], [8], ["too often, or never sent: 1 clicks"]),
        ([*right, 9], [8], ["1 events that nobody sent"]),
    ):
        assert differences(ledger, np.array(clicks), np.array(aside, dtype=np.int64)) == expected
