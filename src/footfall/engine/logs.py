"""Turns log events into JSON lines for the supervisor, or into readable lines on a terminal; on standard error."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def logger() -> Any:
    """Where to log. Set up when there is something to say: loading it takes as long as much of a restart."""
    import structlog

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger()
