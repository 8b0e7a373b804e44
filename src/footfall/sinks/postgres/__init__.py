"""Turns a PostgreSQL database into a target of table rows."""

from footfall.sinks.postgres.tables import PostgresTables

__all__ = ["PostgresTables"]
