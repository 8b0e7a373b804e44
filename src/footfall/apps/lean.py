"""Turns pandas, which only the dashboard's library needs, into something that is not there for everybody else.

The first list that becomes an Arrow array makes pyarrow look for pandas. Measured: where it is installed, that costs
each process a quarter of a second at the start and 54 MB. pyarrow does without it when it cannot be imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

_NEEDING: Final = ("dashboard",)
"""Commands that work with pandas."""


class _NotHere(MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is left out on purpose (footfall.apps.lean)", name=fullname)
        return None


def leave_out_pandas(arguments: Sequence[str] = ()) -> None:
    """Do without pandas in this process, unless the command with these arguments may need it.

    That is the dashboard, and what runs a Python file of the user's own.
    """
    if not any(argument in _NEEDING or argument.endswith(".py") for argument in arguments):
        sys.meta_path.insert(0, _NotHere())
