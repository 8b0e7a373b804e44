"""Turns repeated questions into remembered answers: each distinct text is resolved once, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

Answer = TypeVar("Answer")
"""Never None: that stands for a text without an answer so far."""

CAPACITY: Final = 100_000


class Memo(Generic[Answer]):
    """Remembers the answer for each text. ``resolve`` gets all texts that are new, in one call.

    Once more than ``capacity`` would be known, those that are not in use at that moment are forgotten.
    """

    def __init__(self, resolve: Callable[[Sequence[str]], Sequence[Answer]], *, capacity: int = CAPACITY) -> None:
        self._resolve = resolve
        self._capacity = capacity
        self._known: dict[str, Answer] = {}

    def __len__(self) -> int:
        return len(self._known)

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """The answers for these texts, in their order."""
        known = self._known
        found: list[Any] = list(map(known.get, texts))
        if None in found:
            new = list({text: None for text, answer in zip(texts, found, strict=True) if answer is None})
            if len(known) + len(new) > self._capacity:
                known = {text: answer for text, answer in zip(texts, found, strict=True) if answer is not None}
            known.update(zip(new, self._resolve(new), strict=True))
            found = list(map(known.__getitem__, texts))
            self._known = known if len(known) <= self._capacity else {}
        return found

    def clear(self) -> None:
        """Forget everything: the answers may have changed."""
        self._known = {}
