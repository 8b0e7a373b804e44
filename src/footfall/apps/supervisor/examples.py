"""Turns the name of an example that comes with Footfall into the settings file that runs it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from footfall.core.errors import UsageError


def example_settings(name: str) -> Path:
    """The example's ``footfall.yaml``. Raises UsageError, naming those there are."""
    place = Path(str(files("footfall"))) / "examples"
    there = sorted(one.parent.name for one in place.glob("*/footfall.yaml"))
    if name not in there:
        raise UsageError(f"There is no example {name}.", remedy=f"There are: {', '.join(there)}.")
    return place / name / "footfall.yaml"
