"""Footfall turns a shop's clicks into live views, sessions and offers.

From Python, use ``on_event``, ``on_batch`` and ``windowed`` for processors of your own; all else is the command
``footfall``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

__version__ = "0.1.0"
__all__ = [
    "Count",
    "Distinct",
    "Hopping",
    "Max",
    "Min",
    "Session",
    "Sum",
    "Top",
    "Tumbling",
    "__version__",
    "on_batch",
    "on_event",
    "windowed",
]

if TYPE_CHECKING:
    from footfall.engine.functions import on_batch, on_event
    from footfall.engine.windows import windowed
    from footfall.processors.windows import Count, Distinct, Hopping, Max, Min, Session, Sum, Top, Tumbling

_ELSEWHERE: Final = {
    "on_batch": "footfall.engine.functions",
    "on_event": "footfall.engine.functions",
    "windowed": "footfall.engine.windows",
}


def __getattr__(name: str) -> Any:
    """Import on first use: `import footfall` alone costs nothing."""
    if name in __all__:
        return getattr(import_module(_ELSEWHERE.get(name, "footfall.processors.windows")), name)
    msg = f"module 'footfall' has no attribute '{name}'"
    raise AttributeError(msg)
