"""Turns clicks into further columns, a step at a time: what each step is given, and what it gives.

A step is a frozen settings object; ``start`` builds the running one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.codes import Codes, coded
from footfall.processors.base import Change, Codebook, Flags, Frame, State

Columns = Mapping[str, pa.Array]
"""Columns of ENRICHED_SCHEMA, by name, with a value a row of the frame."""


class Catalogue(Protocol):
    """Knows the products."""

    def products(self, ids: Sequence[str]) -> Sequence[tuple[str | None, str | None] | None]:
        """(category, title) of each product, None for those that are not known."""
        ...


class Visitors(Protocol):
    """Knows the visitors."""

    def visitors(self, user_ids: Sequence[str]) -> Sequence[tuple[str | None, str | None] | None]:
        """(gender, birthday as YYYY-MM-DD) of each visitor, None for those that are not known."""
        ...


class Lookups(Catalogue, Visitors, Protocol):
    """Everything that the steps look up."""

    def version(self) -> int:
        """Another number after each load of look-up data."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the steps of one partition start from."""

    lookups: Lookups
    book: Codebook = field(default_factory=Codebook)
    state: State = field(default_factory=dict)


class RunningStep(Protocol):
    """A step at work on one partition."""

    def columns(self, frame: Frame) -> Columns:
        """New or replaced columns for these clicks. Called once a frame, in log order."""
        ...


class Step(Protocol):
    """The settings of a step."""

    def start(self, context: Context) -> RunningStep:
        """The running step."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A running step that keeps answers of the look-ups."""

    def forget(self) -> None:
        """Ask again from now on: the look-up data has changed."""
        ...


@runtime_checkable
class Stateful(Protocol):
    """A running step with state to save."""

    def changes(self) -> Sequence[Change]:
        """What changed in the state since the last call."""
        ...

    def live(self) -> Flags:
        """For each visitor code, whether there is state for it."""
        ...


def texts_of(frame: Frame, column: str) -> tuple[Codes, list[str]]:
    """A coded column as (index a row, -1 for null; the texts that the indices point at).

    A dictionary with more texts than rows is cut down to those in use: batches may share a large one.
    """
    array = frame.batch.column(column)
    indices = array.indices
    if array.null_count:
        indices = indices.fill_null(-1)
    codes: Codes = indices.to_numpy(zero_copy_only=False)
    dictionary = array.dictionary
    if len(dictionary) > len(codes):
        used, places = np.unique(codes, return_inverse=True)
        missing = int(len(used) and used[0] < 0)
        dictionary = dictionary.take(pa.array(used[missing:]))
        codes = (places - missing).astype(np.int32)
    return codes, dictionary.to_pylist()


def gather(answers: Sequence[int] | npt.NDArray[np.int64], indices: Codes, *, missing: int) -> npt.NDArray[np.int64]:
    """The answer of each row's text; ``missing`` for rows without one."""
    table = np.empty(len(answers) + 1, dtype=np.int64)
    table[:-1] = answers
    table[-1] = missing
    return table[indices]


def named(codes: npt.NDArray[np.int64], names: Sequence[str]) -> pa.DictionaryArray:
    """A coded column from an index into ``names`` a row; its dictionary holds only the names in use."""
    used = np.flatnonzero(np.bincount(codes, minlength=1))
    renumbered = np.zeros(len(names), dtype=np.int32)
    renumbered[used] = np.arange(len(used), dtype=np.int32)
    return coded(renumbered[codes], [names[code] for code in used.tolist()])


def numbered(texts: Sequence[str]) -> tuple[list[int], list[str]]:
    """Texts as numbers from 0 up, and the distinct texts that the numbers point at."""
    number_of: dict[str, int] = {}
    numbers = [number_of.setdefault(text, len(number_of)) for text in texts]
    return numbers, list(number_of)
