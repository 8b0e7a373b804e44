"""Turns `attacks.txt` into attacks: what is tried, and how it must end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_REPEATED: Final = re.compile(r"\{([^{}]+)\*(\d+)\}")
_ESCAPES: Final = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}
_ESCAPED: Final = re.compile(r"\\u([0-9A-F]{4})|\\[nt0\\]")


@dataclass(frozen=True, slots=True)
class Attack:
    """One query that wants what it must not have."""

    kind: str
    ends: str
    sql: str
    line: int

    @property
    def name(self) -> str:
        """Its kind and place, and the beginning of its text."""
        return f"{self.line} {self.kind}: {re.sub(r'[^ -~]', '?', self.sql)[:60]}"

    def aimed(self, *, secret: Path, port: int) -> str:
        """The text, with the places that it is aimed at."""
        text = self.sql.replace("@SECRET@", str(secret)).replace("@FOLDER@", str(secret.parent))
        return text.replace("@PORT@", str(port))


def attacks() -> Iterator[Attack]:
    """All of them, in the order of the file."""
    kind = ""
    for number, line in enumerate(Path(__file__).with_suffix(".txt").read_text().splitlines(), 1):
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            ends, _, text = line.partition(" ")
            yield Attack(kind, ends, _written(text), number)


def _written(text: str) -> str:
    """The text with its short forms written out."""
    text = _REPEATED.sub(lambda found: found[1] * int(found[2]), text)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPES[found[0]], text)
