"""Turns a log into the list of everything that is wrong with it: reads and checks every byte that is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from footfall.core.errors import DamagedBatch
from footfall.log.base import Damage, Place, Verified
from footfall.log.embedded.frames import damaged
from footfall.log.embedded.manifest import FILE, Manifest, Row
from footfall.log.embedded.reading import NAMED, Named, bounds, decoded, named_of, read_bytes
from footfall.log.embedded.segments import DamagedBytes, SegmentReader
from footfall.log.embedded.state import STATE, batches_of_row

_PAGE: Final = 1000
_KEY: Final = '(t."group", t.partition, t."table", t.number)'
_SAME: Final = f"{STATE} WHERE {_KEY} = (?, ?, ?, ?)"
_AFTER: Final = f"{STATE} WHERE {_KEY} > (?, ?, ?, ?) ORDER BY 1, 2, 3, 4 LIMIT 100"


def verify(manifest: Manifest, segments: SegmentReader) -> Verified:
    """Walk over all batches and all state."""
    damage = list(_manifest_damage(manifest))
    batches = total = 0
    for number, stream, partition in manifest.rows(
        "SELECT s.id, s.name, p.partition FROM streams s JOIN partitions p ON p.stream = s.id ORDER BY 2, 3"
    ):
        place, _ = bounds(manifest, number, partition)
        for name in _batches(manifest, number, partition, place.sequence):
            batches += 1
            total += name.range.length
            why = _wrong(segments, name, place)
            start, end = bounds(manifest, number, partition)
            if why and name.sequence >= start.sequence:  # and not just removed by retention
                damage.append(_damage(damaged(stream, partition, name.base, name.range.path, why), why))
            place = max(name.after, start)
        end = bounds(manifest, number, partition)[1]
        if place.sequence < end.sequence and not list(_batches(manifest, number, partition, place.sequence)):
            why = f"batches {place.sequence} to {end.sequence - 1} are not in the manifest"
            damage.append(Damage(stream, partition, place.offset, FILE, why))
    for row in _state(manifest):
        batches += 1
        total += len(row[6]) if row[6] is not None else row[9]
        try:
            batches_of_row(segments, row)
        except DamagedBatch as error:
            if manifest.one(_SAME, row[:4]) == row:  # and not just dropped by a reset
                damage.append(_damage(error, str(error.__cause__)))
    return Verified(batches, total, tuple(damage))


def _wrong(segments: SegmentReader, name: Named, place: Place) -> str:
    """What is wrong with a batch that should be at this place, or nothing."""
    try:
        decoded(read_bytes(segments, [name.range]), 0, name)
    except DamagedBytes as error:
        return str(error)
    if Place(name.base, name.sequence) != place:
        return f"batch {place.sequence} should be here, at offset {place.offset}"
    return ""


def _manifest_damage(manifest: Manifest) -> Iterator[Damage]:
    for (found,) in manifest.rows("PRAGMA quick_check"):
        if found != "ok":
            yield Damage("", 0, 0, FILE, str(found))


def _batches(manifest: Manifest, number: int, partition: int, sequence: int) -> Iterator[Named]:
    """A partition's batches from this one on."""
    while rows := manifest.rows(
        f"{NAMED} AND b.sequence >= ? ORDER BY b.sequence LIMIT ?", (number, partition, sequence, _PAGE)
    ):
        for row in rows:
            yield named_of(row)
        sequence = rows[-1][0] + 1


def _state(manifest: Manifest) -> Iterator[Row]:
    """All rows of state, a few at a time."""
    last: tuple[str | int, ...] = ("", -1, "", -1)
    while rows := manifest.rows(_AFTER, last):
        yield from rows
        last = rows[-1][:4]


def _damage(error: DamagedBatch, why: str) -> Damage:
    return Damage(error.stream, error.partition, error.offset, error.file, why)
