"""Turns the streams' settings and the time into batches that go: the oldest first, always whole."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from footfall.log.embedded.manifest import Manifest


def enforce(manifest: Manifest, now_ms: int) -> int:
    """Unname what is too old or too much, in one transaction; how many batches went."""
    removed = 0
    with manifest.transaction():
        for stream, keep_for_ms, keep_bytes in manifest.rows("SELECT id, keep_for_ms, keep_bytes FROM streams"):
            if keep_for_ms is not None:
                removed += _remove_older(manifest, stream, now_ms - keep_for_ms)
            if keep_bytes is not None:
                removed += _remove_beyond(manifest, stream, keep_bytes)
    return removed


def _remove_older(manifest: Manifest, stream: int, cutoff_ms: int) -> int:
    """Remove each partition's batches before the first one that was appended at the cutoff or later."""
    removed = 0
    for partition, end in _partitions(manifest, stream):
        kept = manifest.one(
            "SELECT sequence FROM batches WHERE stream = ? AND partition = ? AND appended_ms >= ? "
            "ORDER BY sequence LIMIT 1",
            (stream, partition, cutoff_ms),
        )
        removed += _remove_before(manifest, stream, partition, end if kept is None else kept[0])
    return removed


def _remove_beyond(manifest: Manifest, stream: int, keep_bytes: int) -> int:
    """Remove the batches of the longest standing, over all partitions, until the rest is small enough."""
    row = manifest.one("SELECT sum(bytes) FROM partitions WHERE stream = ?", (stream,))
    too_many = (row[0] if row else 0) - keep_bytes
    before: dict[int, int] = {}
    for _, partition, sequence, length in heapq.merge(
        *(_by_age(manifest, stream, partition) for partition, _ in _partitions(manifest, stream))
    ):
        if too_many <= 0:
            break
        before[partition] = sequence + 1
        too_many -= length
    return sum(_remove_before(manifest, stream, partition, end) for partition, end in before.items())


def _by_age(manifest: Manifest, stream: int, partition: int) -> Iterator[tuple[int, int, int, int]]:
    """A partition's batches: append time (never going back), partition, sequence, bytes."""
    latest, sequence = 0, -1
    while rows := manifest.rows(
        "SELECT appended_ms, sequence, length FROM batches WHERE stream = ? AND partition = ? AND sequence > ? "
        "ORDER BY sequence LIMIT 1000",
        (stream, partition, sequence),
    ):
        for appended_ms, sequence, length in rows:
            latest = max(latest, appended_ms)
            yield latest, partition, sequence, length


def _partitions(manifest: Manifest, stream: int) -> list[tuple[int, int]]:
    rows = manifest.rows("SELECT partition, end_sequence FROM partitions WHERE stream = ?", (stream,))
    return [(row[0], row[1]) for row in rows]


def _remove_before(manifest: Manifest, stream: int, partition: int, sequence: int) -> int:
    """Unname a partition's batches before this one."""
    key = (stream, partition, sequence)
    older = "FROM batches WHERE stream = ? AND partition = ? AND sequence < ?"
    held = manifest.rows(f"SELECT count(*), segment, sum(length) {older} GROUP BY segment", key)
    if not held:
        return 0
    last = manifest.rows(f"SELECT base_offset + rows, sequence + 1 {older} ORDER BY sequence DESC LIMIT 1", key)[0]
    manifest.rows(f"DELETE {older}", key)
    manifest.many("UPDATE segments SET named = named - ? WHERE id = ?", [(n, segment) for n, segment, _ in held])
    manifest.rows(
        "UPDATE partitions SET start_offset = ?, start_sequence = ?, bytes = bytes - ? "
        "WHERE stream = ? AND partition = ?",
        (*last, sum(length for _, _, length in held), stream, partition),
    )
    return sum(n for n, _, _ in held)
