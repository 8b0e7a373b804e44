"""Turns texts into small integers that live on from batch to batch, so that state can be an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from footfall.core.hashing import U64, text_hashes

Codes = npt.NDArray[np.int32]


class Dictionary:
    """Gives each distinct text a code from 0 up, and takes codes back when nobody needs them.

    A code means one text until it is released; released codes are given out again.
    """

    def __init__(self) -> None:
        self._code_of: dict[str, int] = {}
        self._texts: list[str | None] = []
        self._free: list[int] = []
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._unhashed: list[int] = []
        self._new_hashes: list[U64] | None = None

    def __len__(self) -> int:
        """How long an array indexed by code must be."""
        return len(self._texts)

    @property
    def live(self) -> int:
        """How many texts have a code now."""
        return len(self._code_of)

    def add(self, texts: Iterable[str]) -> Codes:
        """The codes of these texts, new ones where needed."""
        texts = texts if isinstance(texts, list) else list(texts)
        codes = list(map(self._code_of.get, texts))
        if None in codes:
            code_of = self._code_of
            codes = [code_of[t] if t in code_of else self._new(t) for t in texts]
        return np.array(codes, dtype=np.int32)

    def _new(self, text: str) -> int:
        if self._free:
            code = self._free.pop()
            self._texts[code] = text
        else:
            code = len(self._texts)
            self._texts.append(text)
        self._code_of[text] = code
        self._unhashed.append(code)
        return code

    def take_new_hashes(self) -> U64:
        """The numbers of all texts that got a code since the last call (first: all there are).

        A text may come again.
        """
        numbered = self.hashes
        if self._new_hashes is None:
            self._new_hashes = []
            return numbered[self.codes()]
        if not self._new_hashes:
            return np.zeros(0, dtype=np.uint64)
        numbers = np.concatenate(self._new_hashes)
        self._new_hashes.clear()
        return numbers

    @property
    def hashes(self) -> U64:
        """The 64-bit number (core.hashing) of each code's text, an array indexed by code."""
        if self._unhashed:
            if len(self._hashes) < len(self._texts):
                self._hashes = grown(self._hashes, len(self._texts))
            fresh = np.array(self._unhashed, dtype=np.int64)
            numbers = text_hashes([self._texts[code] for code in self._unhashed])
            self._hashes[fresh] = numbers
            if self._new_hashes is not None:
                self._new_hashes.append(numbers)
            self._unhashed.clear()
        return self._hashes

    def encode(self, column: pa.DictionaryArray) -> Codes:
        """A code a row, from a coded column without nulls: one look-up per distinct text in use."""
        indices = column.indices.to_numpy(zero_copy_only=False)
        used = np.flatnonzero(np.bincount(indices, minlength=len(column.dictionary)))
        table = np.zeros(len(column.dictionary), dtype=np.int32)
        texts = column.dictionary if len(used) == len(table) else column.dictionary.take(pa.array(used))
        table[used] = self.add(texts.to_pylist())
        gathered: Codes = table[indices]
        return gathered

    def text(self, code: int) -> str:
        """The text of one live code."""
        text = self._texts[code]
        if text is None:
            msg = f"code {code} was released"
            raise KeyError(msg)
        return text

    def decode(self, codes: Codes | Sequence[int]) -> pa.StringArray:
        """The texts of live codes, as a column."""
        texts = self._texts
        return pa.array([texts[c] for c in codes], type=pa.string())

    def release(self, codes: Iterable[int]) -> None:
        """Forget these codes' texts; the codes will be given to others."""
        _ = self.hashes  # numbers are made while there is a text to make them of
        for code in codes:
            text = self._texts[code]
            if text is not None:
                del self._code_of[text]
                self._texts[code] = None
                self._free.append(code)

    def codes(self) -> Codes:
        """All codes that have a text."""
        return np.fromiter(self._code_of.values(), dtype=np.int32)


_Scalar = TypeVar("_Scalar", bound=np.generic)


def grown(array: npt.NDArray[_Scalar], length: int, *, fill: float | bool = 0) -> npt.NDArray[_Scalar]:
    """The array with room for at least ``length`` elements; new ones hold ``fill``."""
    if len(array) >= length:
        return array
    larger = np.full(max(length, 2 * len(array), 1024), fill, dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def coded(indices: npt.NDArray[np.int32], texts: Sequence[str] | pa.Array) -> pa.DictionaryArray:
    """A coded column from an index a row and the texts they point at (-1 is null)."""
    dictionary = texts if isinstance(texts, pa.Array) else pa.array(texts, type=pa.string())
    missing = indices < 0
    mask = missing if missing.any() else None
    return pa.DictionaryArray.from_arrays(pa.array(indices, type=pa.int32(), mask=mask), dictionary)


def constant(text: str, rows: int) -> pa.DictionaryArray:
    """A coded column with the same text in every row."""
    return coded(np.zeros(rows, dtype=np.int32), [text])
