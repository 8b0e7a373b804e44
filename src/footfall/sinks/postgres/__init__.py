"""Turns a PostgreSQL database into a target of table rows."""

from footfall.core.errors import UsageError

try:
    import psycopg as _client
except ImportError as error:
    raise UsageError(
        "PostgreSQL's client is not installed, or lacks its library.",
        remedy="Install it: pip install 'footfall[postgres]'.",
    ) from error

from footfall.sinks.postgres.tables import PostgresTables

del _client
__all__ = ["PostgresTables"]
