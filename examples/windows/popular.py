"""Turns clicks into the three most visited categories of each minute, and how many visitors each had."""

from __future__ import annotations

from datetime import timedelta

import footfall

footfall.windowed(
    name="popular categories",
    to="popular-categories",
    window=footfall.Tumbling(timedelta(minutes=1)),
    keys=["category"],
    aggregates={"visits": footfall.Count(), "visitors": footfall.Distinct("userId")},
    top=footfall.Top(3, by="visits"),
)
