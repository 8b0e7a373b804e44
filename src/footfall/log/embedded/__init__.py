"""Turns a directory into a durable log that several processes read and write, without a server.

    DIR/manifest.db              SQLite: which bytes are committed, at which offsets; positions; state
    DIR/segments/STREAM/*.seg    the bytes: Arrow batches, one after the other

SQLite decides, the files carry the bytes: what the manifest does not name does not exist.
An append goes: write the bytes, sync the segment, name the bytes in one transaction, return.
"""

from footfall.log.embedded.log import EmbeddedLog
from footfall.log.embedded.settings import EmbeddedSettings

__all__ = ["EmbeddedLog", "EmbeddedSettings"]
