"""Turns repeated questions into remembered answers: each distinct text is resolved once, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Final, Generic, TypeVar

Answer = TypeVar("Answer")

CAPACITY: Final = 100_000
_MISSING: Final = object()


class Memo(Generic[Answer]):
    """Remembers the answer for each text. ``resolve`` gets all texts that are new, in one call.

    Answers are kept in two generations. When the younger one is full, the older one is forgotten, so a text
    asked for at least every ``capacity / 2`` new texts is never asked again.
    """

    def __init__(self, resolve: Callable[[Sequence[str]], Sequence[Answer]], *, capacity: int = CAPACITY) -> None:
        self._resolve = resolve
        self._half = max(capacity // 2, 1)
        self._young: dict[str, Answer] = {}
        self._old: dict[str, Answer] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """The answers for these texts, in their order."""
        try:
            return list(map(self._young.__getitem__, texts))
        except KeyError:
            return self._with_new(texts)

    def _with_new(self, texts: Sequence[str]) -> list[Answer]:
        answers: list[Any] = list(map(self._young.get, texts, repeat(_MISSING)))
        places = [place for place, answer in enumerate(answers) if answer is _MISSING]
        missing = list(dict.fromkeys(texts[place] for place in places))
        unknown = [text for text in missing if text not in self._old]
        found = {text: self._old[text] for text in missing if text in self._old}
        if unknown:
            found.update(zip(unknown, self._resolve(unknown), strict=True))
        for place in places:
            answers[place] = found[texts[place]]
        self._keep(found)
        return answers

    def _keep(self, found: dict[str, Answer]) -> None:
        if len(self._young) + len(found) <= self._half:
            self._young.update(found)
        else:
            self._old = self._young
            self._young = dict(list(found.items())[-self._half :])

    def clear(self) -> None:
        """Forget everything: the answers may have changed."""
        self._young = {}
        self._old = {}
