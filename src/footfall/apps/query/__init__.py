"""Turns one SQL text into rows: over live views, look-ups, and streams as Parquet files."""

from footfall.apps.query.results import Result
from footfall.apps.query.run import Limits, run_query
from footfall.apps.query.streams import log_sources
from footfall.apps.query.tables import Table, all_tables

__all__ = ["Limits", "Result", "Table", "all_tables", "log_sources", "run_query"]
