"""Runs an example as its reader would: clicks from the generator, then ``footfall run FILE --until-end``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
Event = Mapping[str, Any]


def footfall(*arguments: object, data_dir: Path) -> str:
    """What one command prints. Fails with what it said on standard error."""
    command = [sys.executable, "-m", "footfall.apps.cli", *map(str, arguments), "--data-dir", str(data_dir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}  # noqa: TID251 - it starts a command
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_clicks(directory: Path, *, events: int) -> Path:
    """A data directory with generated clicks, enriched."""
    data_dir, file = directory / "data", directory / "clicks.csv"
    footfall("generate", "--events", events, "--out", file, "--days", 2, "--visitors", 60, data_dir=data_dir)
    footfall("backfill", file, data_dir=data_dir)
    return data_dir


def events(stream: str, *, data_dir: Path) -> list[Event]:
    """All events of a stream, in no order between visitors."""
    printed = footfall("tail", stream, "--from", "earliest", "--limit", 1_000_000, data_dir=data_dir)
    return [json.loads(line) for line in printed.splitlines()]
