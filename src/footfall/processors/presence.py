"""Turns recent clicks into who was there when: exact distinct visitors by minute and by device, without sets.

For each visitor code: one bit a minute for the last 32 minutes, and the last minute on each kind of device.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Dictionary, grown
from footfall.processors.base import Change, Codebook, Flags, Frame, State

_BITS = 32
_NEVER = -1
_SCHEMA = pa.schema(
    [("userId", pa.string()), ("minutes", pa.uint32()), ("base", pa.int64()), ("devices", pa.list_(pa.int64()))]
)


class Presence:
    """When each visitor of one partition was last there."""

    def __init__(self, book: Codebook) -> None:
        self._book = book
        self._devices = Dictionary()
        self._base = 0
        """The minute of bit 0; bit n is n minutes earlier."""
        self._minutes = np.zeros(0, dtype=np.uint32)
        self._last_on = np.full((0, 0), _NEVER, dtype=np.int64)
        """The last minute of each visitor (row) on each device (column)."""
        self._touched = np.zeros(0, dtype=np.bool_)
        self._saved_rows = 0

    def add(self, frame: Frame, rows: npt.NDArray[np.int64], minutes: npt.NDArray[np.int64], *, newest: int) -> None:
        """Note the visitors of these rows at these minutes; ``newest`` is the minute that time has come to."""
        self._move_to(newest)
        ages = self._base - minutes
        seen = np.flatnonzero((ages >= 0) & (ages < _BITS))
        if not len(seen):
            return
        rows, minutes, ages = rows[seen], minutes[seen], ages[seen]
        visitors = frame.visitors[rows]
        indices, texts = frame.coded("deviceType")
        devices = self._devices.add([text or "" for text in texts])[indices[rows]]
        self._make_room()
        np.bitwise_or.at(self._minutes, visitors, np.uint32(1) << ages.astype(np.uint32))
        np.maximum.at(self._last_on, (visitors, devices), minutes)
        self._touched[visitors] = True

    def _move_to(self, minute: int) -> None:
        steps = minute - self._base
        if steps <= 0:
            return
        self._minutes = self._minutes << np.uint32(steps) if steps < _BITS else np.zeros_like(self._minutes)
        self._base = minute

    def _make_room(self) -> None:
        length = len(self._book.visitors)
        self._minutes = grown(self._minutes, length)
        self._touched = grown(self._touched, length)
        height, width = len(self._minutes), max(len(self._devices), 8)
        if self._last_on.shape != (height, width):
            larger = np.full((height, width), _NEVER, dtype=np.int64)
            larger[: self._last_on.shape[0], : self._last_on.shape[1]] = self._last_on
            self._last_on = larger

    def visitors_by_minute(self) -> dict[int, int]:
        """Distinct visitors of each of the last 32 minutes."""
        present = self._minutes[self._minutes != 0]
        return {self._base - bit: int(np.count_nonzero(present & np.uint32(1 << bit))) for bit in range(_BITS)}

    def visitors_by_device(self) -> pa.RecordBatch:
        """How many visitors were last seen on a device in each minute; device '' stands for any."""
        held = self._last_on[self._minutes != 0] if len(self._minutes) else self._last_on
        devices: list[str] = []
        minutes: list[int] = []
        counts: list[int] = []
        columns = [(self._devices.text(code), held[:, code]) for code in range(len(self._devices))]
        if len(held):
            columns.append(("", held.max(axis=1)))
        for device, last in columns:
            values, sizes = np.unique(last[last > self._base - _BITS], return_counts=True)
            devices += [device] * len(values)
            minutes += values.tolist()
            counts += sizes.tolist()
        names = ["device", "minute", "visitors"]
        arrays = [pa.array(devices, pa.string()), pa.array(minutes, pa.int64()), pa.array(counts, pa.int64())]
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def live(self) -> Flags:
        """Visitors that were there in the last 32 minutes."""
        alive: Flags = (self._minutes != 0) | self._touched
        gone = np.flatnonzero(~alive)
        self._last_on[gone] = _NEVER
        return alive

    # -- state --------------------------------------------------------------------------------------------

    def changes(self) -> Sequence[Change]:
        """The visitors touched since the last call, or all of them when that is shorter than the history."""
        touched = np.flatnonzero(self._touched)
        if not len(touched):
            return []
        self._touched[touched] = False
        self._saved_rows += len(touched)
        present = np.flatnonzero(self._minutes)
        reset = self._saved_rows > 2 * len(present) + 10_000
        if reset:
            touched = present
            self._saved_rows = len(present)
        return [Change("presence", self._batch(touched), reset), Change("devices", self._device_names(), reset=True)]

    def _batch(self, visitors: npt.NDArray[np.int64]) -> pa.RecordBatch:
        width = self._last_on.shape[1]
        offsets = np.arange(0, (len(visitors) + 1) * width, width, dtype=np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(self._last_on[visitors].reshape(-1)))
        texts = self._book.visitors.decode(visitors.astype(np.int32))
        bases = np.full(len(visitors), self._base, dtype=np.int64)
        return pa.RecordBatch.from_arrays(
            [texts, pa.array(self._minutes[visitors]), pa.array(bases), lists], schema=_SCHEMA
        )

    def _device_names(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([self._devices.decode(range(len(self._devices)))], names=["device"])

    def restore(self, state: State) -> None:
        """Take in what ``changes`` gave, in order."""
        for batch in state.get("devices", ()):
            self._devices.add(batch.column("device").to_pylist())
        for batch in state.get("presence", ()):
            if not batch.num_rows:
                continue
            codes = self._book.visitors.add(batch.column("userId").to_pylist())
            self._make_room()
            self._move_to(batch.column("base")[0].as_py())
            self._minutes[codes] = batch.column("minutes").to_numpy()
            lists = batch.column("devices")
            width = self._last_on.shape[1]
            self._last_on[codes] = np.asarray(lists.flatten()).reshape(len(codes), -1)[:, :width]
            self._saved_rows += batch.num_rows
