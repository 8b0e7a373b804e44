"""Turns the generator of the streaming-SQL sample into a source of the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.core.clock import SystemClock
from footfall.core.events import CLICKS
from footfall.core.progress import unheard
from footfall.pipeline import read_pipeline
from footfall.wiring.backends import open_log

if TYPE_CHECKING:  # each service loads only what it works with, so that it is back soon after a restart
    from footfall.sources.generate_users_clicks import SampleSettings


def generate_sample(
    sample: SampleSettings,
    *,
    interval: timedelta,
    clicks: int | None = None,
    data_dir: Path,
    settings: Path | None = None,
    stop: threading.Event,
    beat: Callable[..., None] = unheard,
) -> dict[str, int]:
    """Users and clicks into the streams ``user`` and ``click``, from where an earlier run stopped; how many rows."""
    from footfall.engine.generating import Generating, Pace
    from footfall.sources.generate_users_clicks import Sample

    pipeline = read_pipeline(settings)
    with open_log(data_dir, pipeline=pipeline, settings=settings, follow=True) as log:
        generating = Generating(
            log,
            Sample(sample),
            pace=Pace(interval=interval, clicks=clicks, lateness=pipeline.lateness),
            clock=SystemClock(),
            streams=pipeline.streams()[CLICKS],
            beat=beat,
        )
        return generating.run(stop)
