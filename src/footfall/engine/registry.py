"""Turns a user's Python file into what it registers: functions and windows, for ``footfall run`` to work on."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from footfall.core.errors import UsageError
from footfall.processors.windows import Windowed


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """A function of the user's, and where it stands in the data's way."""

    name: str
    stream: str
    to: str | None
    key: str
    form: Literal["event", "batch"]
    function: Callable[..., Any]
    with_state: bool


Registered = FunctionSettings | Windowed

REGISTERED: Final[list[Registered]] = []
"""What this process has registered, in order."""


def load_registered(paths: Iterable[Path]) -> list[Registered]:
    """Run Python files and return what they register.

    Raises UsageError when one cannot be run or registers nothing, or when two things have the same name.
    """
    found: list[Registered] = []
    for path in paths:
        found += _run(path)
    names = [(type(one), one.name) for one in found]
    twice = [name for kind, name in names if names.count((kind, name)) > 1]
    if twice:
        raise UsageError(
            f"Two are called {twice[0]!r}: they would share one position and one state.",
            remedy="Give one of them another name=….",
        )
    return found


def _run(path: Path) -> Sequence[Registered]:
    before = len(REGISTERED)
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", remedy="Name a Python file with functions or windows.")
    try:
        runpy.run_path(str(path))
    except UsageError as error:  # registering it was wrong: say where
        raise UsageError(f"{_place(error, path)}: {error.message}", remedy=error.remedy) from error
    except Exception as error:  # the user's file: whatever it raises is theirs
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        msg = f"{_place(error, path)}: {type(error).__name__}: {said}"
        raise UsageError(msg, remedy="Mend the file and start again.") from error
    found = REGISTERED[before:]
    if not found:
        raise UsageError(
            f"{path} registers nothing.",
            remedy="Put @footfall.on_event(…) or @footfall.on_batch(…) above a function, or call footfall.windowed(…).",
        )
    return found


def _place(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}, line {error.lineno}"
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f"{path}, line {lines[-1]}" if lines else str(path)
