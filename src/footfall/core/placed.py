"""Turns YAML into values that know where they stand: file, document, line and field."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from footfall.core.errors import UsageError

Step = str | int
LARGEST: Final = 4_000_000
"""Characters in a file."""
_DEEPEST: Final = 20
_MOST_LINES: Final = 100_000
"""Parts of a document whose lines are known; of others it is the line of what they are part of."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A document of a file."""

    file: Path
    document: int | None
    """Which one, from 1; None where a file has only one."""
    lines: Mapping[tuple[Step, ...], int]
    """The line on which each part begins, from 1."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a document, and the way to it."""

    value: Any
    origin: Origin = field(compare=False)
    path: tuple[Step, ...] = ()

    @property
    def where(self) -> str:
        """``manifest.yaml, document 2, line 14, spec.schema.fields``."""
        document = "" if self.origin.document is None else f", document {self.origin.document}"
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")
        return f"{self.origin.file}{document}, line {self._line()}" + (f", {path}" if path else "")

    def wrong(self, message: str, *, remedy: str) -> UsageError:
        """What is wrong here."""
        return UsageError(f"{self.where}: {message}", remedy=remedy)

    def fields(self, known: Collection[str], *, needed: Collection[str] = ()) -> dict[str, Part]:
        """The fields of an object; those without a value are left out. Raises UsageError for one that is not known."""
        found = self.mapping()
        for name, part in found.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                guess = f"Did you mean {near[0]}? " if near else ""
                raise part.wrong(f"there is no field {name}.", remedy=f"{guess}Fields there are: {', '.join(known)}.")
        for name in needed:
            if name not in found or found[name].value is None:
                raise self.wrong(f"{name} is missing.", remedy=f"Fields there are: {', '.join(known)}.")
        return {name: part for name, part in found.items() if part.value is not None}

    def mapping(self) -> dict[str, Part]:
        """The parts of an object, by name."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object is expected.", remedy="Write one `name: value` a line, indented.")
        return {str(name): Part(value, self.origin, (*self.path, str(name))) for name, value in self.value.items()}

    def items(self) -> list[Part]:
        """The parts of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list is expected.", remedy="Write one `- item` a line.")
        return [Part(value, self.origin, (*self.path, number)) for number, value in enumerate(self.value)]

    def one_or_more(self) -> list[Part]:
        """The parts of a list; a value that is none stands for a list of itself."""
        return self.items() if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """A text that is not empty. Numbers and truth values are taken as they would be written."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, str | int | float) and str(self.value).strip():
            return str(self.value)
        raise self.wrong("a text is expected.", remedy="Put it in quotes if it has special characters.")

    def chosen(self, choices: Collection[str]) -> str:
        """One of these texts."""
        text = self.text()
        if text not in choices:
            raise self.wrong(f"there is no {text}.", remedy=f"There are: {', '.join(choices)}.")
        return text

    def number(self, *, least: int, most: int) -> int:
        """A whole number in this range."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= most:
            raise self.wrong(f"{self.value} is no number from {least} to {most}.", remedy="Write a whole number.")
        return self.value

    def yes(self) -> bool:
        """Whether it says true."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false is expected.", remedy="Write true or false, without quotes.")
        return self.value

    def _line(self) -> int:
        path = self.path
        while path not in self.origin.lines and path:
            path = path[:-1]
        return self.origin.lines.get(path, 1)


def read_documents(file: Path) -> list[Part]:
    """All documents of a YAML file that are not empty. Raises UsageError when it is none."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        if len(text) > LARGEST:
            raise UsageError(f"{file} is too large.", remedy=f"It may have {LARGEST:,} characters.")
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        values = [yaml.SafeLoader("").construct_document(node) for node in nodes]
    except FileNotFoundError as error:
        raise UsageError(f"{file} does not exist.", remedy="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", remedy="It must be a text in UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or error
        raise UsageError(
            f"{file}{line}: this is not YAML ({what}).", remedy="Look at indentation and quotes."
        ) from error
    parts = []
    for number, (node, value) in enumerate(zip(nodes, values, strict=True), start=1):
        if value is not None:
            lines: dict[tuple[Step, ...], int] = {}
            _note_lines(node, (), lines)
            parts.append(Part(value, Origin(file, number if len(nodes) > 1 else None, lines)))
    return parts


def _note_lines(node: Any, path: tuple[Step, ...], lines: dict[tuple[Step, ...], int]) -> None:
    """The line of each part of a document. Of a field, that of its name."""
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > _DEEPEST or len(lines) > _MOST_LINES:  # aliases of aliases may stand for more than fits anywhere
        return
    if node.id == "mapping":
        for name, value in node.value:
            below = (*path, str(name.value))
            lines[below] = name.start_mark.line + 1
            _note_lines(value, below, lines)
    elif node.id == "sequence":
        for number, value in enumerate(node.value):
            _note_lines(value, (*path, number), lines)
