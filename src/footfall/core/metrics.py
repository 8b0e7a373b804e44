"""Turns what is measured into names: each metric once, with its kind, its unit and its meaning.

The only place where metric names stand. `docs/reference/metrics.md` lists the same; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    """Only grows, and starts at 0 with its process."""
    GAUGE = "gauge"
    """Goes up and down."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ("service",)


EVENTS: Final = Metric(
    "footfall_events_total", Kind.COUNTER, "events", "Events that the service has read since it started."
)
RATE: Final = Metric("footfall_events_per_second", Kind.GAUGE, "events/s", "How fast the service works just now.")
LAG: Final = Metric(
    "footfall_lag_events", Kind.GAUGE, "events", "Events in the log that the service has not processed yet."
)
OFFERS: Final = Metric(
    "footfall_offers_total", Kind.COUNTER, "offers", "Special offers made since the service started."
)
HEALTHY: Final = Metric("footfall_service_healthy", Kind.GAUGE, "0 or 1", "1 while the service shows signs of life.")
RESTARTS: Final = Metric(
    "footfall_service_restarts_total", Kind.COUNTER, "restarts", "How often the supervisor started the service again."
)
CPU: Final = Metric(
    "footfall_service_cpu_percent", Kind.GAUGE, "percent of one core", "Processor time that the service takes."
)
MEMORY: Final = Metric("footfall_service_memory_bytes", Kind.GAUGE, "bytes", "Resident memory of the service.")

METRICS: Final = (EVENTS, RATE, LAG, OFFERS, HEALTHY, RESTARTS, CPU, MEMORY)
"""All of them, in the order of the documentation."""
