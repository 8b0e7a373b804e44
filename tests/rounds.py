"""Turns FOOTFALL_THOROUGH into how often tests of faults kill and try: a few times in each run, or many times.

    FOOTFALL_THOROUGH=1 .venv/bin/python -m pytest -s tests/faults

Each kind of fault comes in either. What only luck finds is for the long runs.
"""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = os.environ.get("FOOTFALL_THOROUGH", "") not in {"", "0"}  # noqa: TID251 - the tests' own


def rounds(usual: int, *, thorough: int) -> int:
    """How often, in this run."""
    return thorough if THOROUGH else usual
