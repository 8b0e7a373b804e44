"""Turns the allocators' habit of giving memory back at once into one of keeping it for the next batch.

A backfill allocates and frees the same few hundred megabytes for every batch. Given back to the system each time,
they come back as fresh pages that must be zeroed: measured, half of all system time.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

import pyarrow as pa

_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 1 << 30
_LARGE: Final = 24 << 20
"""From here on memory comes from the system and goes back to it: tables that grow leave no holes."""
_PAD: Final = 32 << 20


def keep_freed_memory() -> None:
    """Let freed memory be used again without a detour through the system, in this process and those forked from it."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; elsewhere things stay as they are
    if mallopt is not None:
        for what, value in ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _KEPT), (_M_TOP_PAD, _PAD)):
            mallopt(what, value)


def collect_rarely() -> None:
    """Look for cycles of garbage seldom: batches leave none, and each look goes through every text that is known."""
    gc.freeze()
    gc.set_threshold(500_000, 50, 1_000)
