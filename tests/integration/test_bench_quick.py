"""The benchmark runs, and its baseline comes to the same results as the pipeline."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.observing import ROOT, environment


@pytest.mark.alone
@pytest.mark.slow
def test_a_quick_benchmark_measures_everything() -> None:
    command = [sys.executable, "-m", "benchmarks.bench", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["million"]["events_per_second"] > 0
    assert report["million"]["stages"]
    assert report["baseline_events_per_second"] > 0
    assert report["memory_ratio"] > 0
    assert report["latency"]["offers"] > 0
    assert report["latency"]["missing"] == 0
