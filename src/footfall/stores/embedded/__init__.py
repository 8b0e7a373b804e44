"""Turns one SQLite file into the serving store of a data directory."""

from footfall.stores.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore"]
