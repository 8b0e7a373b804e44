"""Footfall turns a shop's clicks into live views, sessions and offers.

From Python, use ``on_event`` and ``on_batch`` for processors of your own; all else is the command ``footfall``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "on_batch", "on_event"]

if TYPE_CHECKING:
    from footfall.engine.functions import on_batch, on_event


def __getattr__(name: str) -> Any:
    """Import on first use: `import footfall` alone costs nothing."""
    if name in __all__:
        from footfall.engine import functions

        return getattr(functions, name)
    msg = f"module 'footfall' has no attribute '{name}'"
    raise AttributeError(msg)
