"""Turns ``footfall generate --example vip`` into the two streams of the streaming-SQL sample, in files or live."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from footfall.apps.cli.service import serve
from footfall.apps.status import Heartbeat
from footfall.core.clock import SystemClock
from footfall.core.errors import Failure, UsageError

EXAMPLES: Final = ("vip",)
FORMATS: Final = ("ndjson", "csv", "tsv", "parquet")
_START_MS: Final = 1_767_225_600_000
"""When the first users of a file come: 2026-01-01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says of users and clicks."""

    example: str
    seed: int
    clicks: int | None
    per_second: float
    burst: int
    burst_every: int
    changes: float

    def __post_init__(self) -> None:
        if self.example not in EXAMPLES:
            raise UsageError(
                f"--example {self.example}: nothing is generated for it.", remedy=f"There are: {', '.join(EXAMPLES)}."
            )

    @property
    def interval(self) -> timedelta:
        """Between one click and the next."""
        return timedelta(seconds=1 / self.per_second)


def write_files(wanted: Wanted, directory: Path, *, form: str) -> dict[str, Any]:
    """``user`` and ``click`` as files in a directory; the figures to print."""
    from footfall.core.events import SHOP_CLICKS, SHOP_USERS
    from footfall.sources.generate_users_clicks import SAMPLE_SCHEMAS, Sample, SampleSettings
    from footfall.sources.writers import write_events

    if wanted.clicks is None:
        raise UsageError("How many clicks?", remedy="Say --events N; or --live, for clicks that never stop.")
    if form not in FORMATS:
        raise UsageError(f"--format {form}: there is no such format.", remedy=f"There are: {', '.join(FORMATS)}.")
    started = SystemClock().monotonic()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"Cannot write to {directory}: {error.strerror}.", remedy="Choose another --out.") from error
    settings = SampleSettings(seed=wanted.seed, burst=wanted.burst, clicks=wanted.burst_every, changes=wanted.changes)
    sample, interval_ms = Sample(settings), max(1, round(wanted.interval / timedelta(milliseconds=1)))
    times: dict[str, Any] = {"start_ms": _START_MS, "interval_ms": interval_ms}
    made = {SHOP_USERS: sample.users(wanted.clicks, **times), SHOP_CLICKS: sample.clicks(wanted.clicks, **times)}
    rows = {
        stream: write_events(directory / f"{stream}.{form}", batches, schema=SAMPLE_SCHEMAS[stream])
        for stream, batches in made.items()
    }
    seconds = SystemClock().monotonic() - started
    return {**rows, "directory": str(directory), "seconds": round(seconds, 3)}


def live(wanted: Wanted, *, data_dir: Path, name: str, settings: Path | None, status_at: str | None) -> dict[str, Any]:
    """Append to the log's streams ``user`` and ``click`` until told to stop; the figures to print."""

    def work(stop: threading.Event, heartbeat: Heartbeat) -> dict[str, Any]:
        from footfall import wiring
        from footfall.sources.generate_users_clicks import SampleSettings

        return wiring.generate_sample(
            SampleSettings(seed=wanted.seed, burst=wanted.burst, clicks=wanted.burst_every, changes=wanted.changes),
            interval=wanted.interval,
            clicks=wanted.clicks,
            data_dir=data_dir,
            settings=settings,
            stop=stop,
            beat=heartbeat.beat,
        )

    return serve(name, data_dir, work, status_at=status_at)
