"""Turns the name of a function into the function: a built-in one, one of a module, or one of a file.

upper_case            built in
shop.texts.shout      the function shout of the module shop.texts
shout.py              what the file registers with @footfall.on_event and the like
shout.py:shout        the function shout of that file, whether it is registered or not
"""

from __future__ import annotations

import importlib
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from footfall.core.errors import UsageError

Event = dict[str, Any]
_KEPT: Final = ("timestamp", "event_id")


def upper_case(event: Event) -> Event:
    """The event with all its texts in capitals. Its id is made anew, as that of every event that is put out."""
    return {
        name: value.upper() if isinstance(value, str) and name not in _KEPT else value
        for name, value in event.items()
        if name != "event_id"
    }


BUILT_IN: Final[Mapping[str, Callable[[Event], Any]]] = {"upper_case": upper_case}


def is_file(name: str) -> bool:
    """Whether the name is that of a file which registers its functions itself."""
    return name.endswith(".py")


def function_named(name: str, *, directory: Path) -> Callable[..., Any]:
    """The function of this name; files are looked for in the directory.

    Raises UsageError when there is none. A module or file is run to find it.
    """
    path, colon, function = name.rpartition(":")
    if colon:
        found = _of_file(directory / path, name).get(function)
        where = str(directory / path)
    elif name in BUILT_IN:
        return BUILT_IN[name]
    else:
        where, _, function = name.rpartition(".")
        found = getattr(_module(where, name), function, None) if where else None
    if callable(found):
        return cast("Callable[..., Any]", found)
    raise UsageError(
        f"There is no function {function}" + (f" in {where}." if where else "."),
        remedy=f"Name one of a module (module.function), of a file (file.py:function), or {', '.join(BUILT_IN)}.",
    )


def _of_file(file: Path, name: str) -> dict[str, Any]:
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", remedy="Check the path.")
    try:
        return runpy.run_path(str(file))
    except Exception as error:  # the user's file: whatever it raises is theirs
        raise UsageError(f"{name}: {type(error).__name__}: {error}.", remedy="Mend the file and try again.") from error


def _module(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{name}: there is no module {error.name}.", remedy="Install it, or put it where Python looks for modules."
        ) from error
    except Exception as error:  # the user's module: whatever it raises is theirs
        raise UsageError(f"{name}: {type(error).__name__}: {error}.", remedy="Mend it and try again.") from error
