"""Turns a stream's declaration, in any of three forms that mean the same, into one value.

The forms are fields in YAML, an Avro schema, and CREATE TABLE. ``docs/reference/streams.md`` shows them side by side.
"""

from footfall.sql.declarations.model import Computed, Declaration, Protocol, TimeAttribute
from footfall.sql.declarations.reading import FIELDS, read_declaration

__all__ = ["FIELDS", "Computed", "Declaration", "Protocol", "TimeAttribute", "read_declaration"]
