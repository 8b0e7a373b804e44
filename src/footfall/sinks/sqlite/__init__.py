"""Turns one SQLite file into a target of table rows."""

from footfall.sinks.sqlite.tables import SqliteTables

__all__ = ["SqliteTables"]
