"""Turns choices about files and waiting into one record: the settings of the embedded log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from footfall.log.codecs.arrow import Compression


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How the embedded log lays out its files, and how long it waits."""

    segment_bytes: int = 64 * 1024 * 1024
    """A writer starts a new segment file once its own is this long."""
    inline_bytes: int = 16 * 1024
    """State smaller than this is kept in the manifest itself."""
    merge_rows: int = 128
    """So many small rows of a state table become one. 0 merges none."""
    read_bytes: int = 64 * 1024 * 1024
    """One read brings at most this many bytes (but always one batch)."""
    read_batches: int = 10_000
    """One read brings at most this many batches."""
    compression: Compression | None = None
    """Of the segments. None is fastest: writing 30 % fewer bytes does not pay for LZ4 on one core."""
    busy_timeout: timedelta = timedelta(seconds=30)
    """How long to wait for another process that holds the manifest."""
    poll: timedelta = timedelta(milliseconds=3)
    """How often ``wait`` looks for what other processes appended."""
