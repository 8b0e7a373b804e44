"""Turns a click's visitor, and what the click itself says, into gender, birth date and age at the click.

A click from the shop brings its own age and gender; they win. Age is in whole years at the event's time, UTC:
dates as numbers YYYYMMDD, whose difference divided by 10,000 is just that (29 February counts from 1 March).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import coded, grown
from footfall.processors.base import Frame, Times
from footfall.processors.enrichment.step import Columns, Context, Visitors, gather, texts_of

GENDERS: Final = ("U", "M", "F")
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()

# A visitor is one number: days from 0001-01-01 to the birthday, the birthday as YYYYMMDD, the gender's index.
_GENDER_BITS: Final = 2
_DATE_BITS: Final = 28
_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class AttachVisitor:
    """Adds ``birthdate``, and settles ``gender`` and ``age``."""

    def start(self, context: Context) -> RunningAttachVisitor:
        return RunningAttachVisitor(context.lookups)


class RunningAttachVisitor:
    """Looks each visitor up once."""

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors
        self._packed = np.zeros(0, dtype=np.int64)
        self._whose = np.zeros(0, dtype=np.uint64)
        """By visitor code: the hash of the visitor that was looked up. Codes are given out again."""

    def _look_up(self, frame: Frame) -> npt.NDArray[np.int64]:
        """Each row's visitor as one number."""
        codes, hashes = frame.visitors, frame.book.visitors.hashes
        self._packed = grown(self._packed, len(hashes), fill=_NOBODY)
        self._whose = grown(self._whose, len(hashes))
        new = self._whose[codes] != hashes[codes]
        if new.any():
            asked = np.unique(codes[new])
            found = self._visitors.visitors(frame.book.visitors.decode(asked).to_pylist())
            self._packed[asked] = all_packed(found)
            self._whose[asked] = hashes[asked]
        return self._packed[codes]

    def columns(self, frame: Frame) -> Columns:
        visitors = self._look_up(frame)
        born = (visitors >> _GENDER_BITS) & ((1 << _DATE_BITS) - 1)
        days = ((visitors >> (_GENDER_BITS + _DATE_BITS)) - _EPOCH).astype(np.int32)
        ages = (dates_of(frame.times) - born) // 10_000
        unknown = (born == 0) | (ages < 0)
        own = frame.batch.column("age")
        given = own.is_valid().to_numpy(zero_copy_only=False)
        if given.any():
            ages = np.where(given, own.fill_null(0).to_numpy(zero_copy_only=False), ages)
            unknown &= ~given
        return {
            "birthdate": pa.array(days, mask=(born == 0) | given).cast(pa.date32()),
            "age": pa.array(ages.astype(np.int16), mask=unknown),
            "gender": coded(self._genders(frame, visitors & ((1 << _GENDER_BITS) - 1)), GENDERS),
        }

    @staticmethod
    def _genders(frame: Frame, genders: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        if frame.batch.column("gender").null_count < len(frame):
            indices, texts = texts_of(frame, "gender")
            own = gather([gender_of(text) if text else -1 for text in texts], indices, missing=-1)
            genders = np.where(own >= 0, own, genders)
        return genders.astype(np.int32)

    def forget(self) -> None:
        self._whose[:] = 0


def gender_of(text: str | None) -> int:
    """The index in GENDERS: the first letter counts."""
    first = text[:1].upper() if text else ""
    return GENDERS.index(first) if first in ("M", "F") else 0


def all_packed(found: Sequence[tuple[str | None, str | None] | None]) -> npt.NDArray[np.int64]:
    """Visitors as one number each; see ``packed``, which this does for many at a time."""
    genders = np.array([_NOBODY if each is None else gender_of(each[0]) for each in found], dtype=np.int64)
    births = [(each[1] if each else None) or "" for each in found]
    try:
        born = np.array(births, dtype="datetime64[D]")
    except ValueError:
        return np.array([_NOBODY if each is None else packed(*each) for each in found], dtype=np.int64)
    plain = np.fromiter(map(len, births), dtype=np.int64, count=len(births)) == len("YYYY-MM-DD")
    if (~plain & ~np.isnat(born)).any():
        return np.array([_NOBODY if each is None else packed(*each) for each in found], dtype=np.int64)
    days = np.where(np.isnat(born), 0, born.astype(np.int64))
    dates = np.where(np.isnat(born), 0, _civil(days))
    ordinals = np.where(np.isnat(born), 0, days + _EPOCH)
    numbers: npt.NDArray[np.int64] = (ordinals << (_GENDER_BITS + _DATE_BITS)) | (dates << _GENDER_BITS) | genders
    return numbers


def packed(gender: str | None, birthday: str | None) -> int:
    """A visitor as one number; a birthday that is not YYYY-MM-DD counts as missing."""
    try:
        born = date.fromisoformat(birthday) if birthday else None
    except ValueError:
        born = None
    if born is None:
        return gender_of(gender)
    number = born.year * 10_000 + born.month * 100 + born.day
    return (born.toordinal() << (_GENDER_BITS + _DATE_BITS)) | (number << _GENDER_BITS) | gender_of(gender)


def dates_of(times: Times) -> npt.NDArray[np.int64]:
    """The UTC dates of times (ms), as numbers YYYYMMDD."""
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    days = times // _DAY_MS
    first, last = int(days.min()), int(days.max())
    if last - first < len(days):
        return _civil(np.arange(first, last + 1))[days - first]
    return _civil(days)


def _civil(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month = (months - years).astype(np.int64) + 1
    day = (dates - months).astype(np.int64) + 1
    numbers: npt.NDArray[np.int64] = (years.astype(np.int64) + 1970) * 10_000 + month * 100 + day
    return numbers
