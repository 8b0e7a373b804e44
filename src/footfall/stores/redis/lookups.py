"""Turns products and visitors into Redis hashes, each with an index of its ids, and ids into what is known of them.

The index is a sorted set whose members all have score 0, so Redis keeps it in the order of the ids (by their bytes):
all rows can be read in that order, a batch at a time. It also knows rows of which nothing but the id is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from footfall.core.events import Batch
from footfall.servers.redis import RedisServer
from footfall.stores.base import PIPELINE, Counts, Loaded, Progress, product_key, visitor_key
from footfall.stores.redis.keys import LOOKUPS_VERSION, PRODUCTS, VISITORS

_EXPORT: Final = 10_000  # rows a batch
_ASKED: Final = 1_000  # ids a script: about a millisecond of the server's

Values = tuple[str | float | None, ...]
Facts = tuple[str | None, str | None]

_LOAD: Final = """
local width = tonumber(ARGV[3])
local new, updated = 0, 0
for at = 4, #ARGV, width + 1 do
  local key, changed = ARGV[2] .. ARGV[at], false
  local there = redis.call('HMGET', key, unpack(FIELDS))
  local known = redis.call('ZSCORE', KEYS[2], ARGV[at])
  for i = 1, width do
    local value = ARGV[at + i]
    known = known or there[i]
    if value == '' then
      if there[i] then changed = true; redis.call('HDEL', key, FIELDS[i]) end
    else
      value = string.sub(value, 2)
      if there[i] ~= value then changed = true; redis.call('HSET', key, FIELDS[i], value) end
    end
  end
  redis.call('ZADD', KEYS[2], 0, ARGV[at])
  if not known then new = new + 1 elseif changed then updated = updated + 1 end
end
if new + updated > 0 then redis.call('INCR', KEYS[3]) end
return {new, updated}
"""
"""ARGV: the keys' prefix, how many fields, and for each row its id and its values: '' or '=' and the value."""

_LOOK_UP: Final = """
local found = {}
for i = 3, #ARGV do
  local facts = redis.call('HMGET', ARGV[2] .. ARGV[i], FIRST, SECOND)
  if facts[1] or facts[2] or redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    found[i - 2] = facts
  else
    found[i - 2] = 0
  end
end
return found
"""
"""ARGV: the keys' prefix, and the ids."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of look-up data: its columns, with the id first, and where they are in Redis."""

    schema: pa.Schema
    prefix: str
    fields: tuple[str, ...]
    """In the order of the columns after the id."""
    facts: tuple[str, str]
    """What is looked up."""
    index: str


PRODUCT: Final = Kind(
    schema=pa.schema(
        {
            "id": pa.string(),
            "category": pa.string(),
            "title": pa.string(),
            "price": pa.float64(),
            "description": pa.string(),
            "image": pa.string(),
        }
    ),
    prefix=product_key(""),
    fields=("cat", "title", "price", "description", "image"),
    facts=("cat", "title"),
    index=PRODUCTS,
)
VISITOR: Final = Kind(
    schema=pa.schema([("userId", pa.string()), ("gender", pa.string()), ("birthday", pa.string())]),
    prefix=visitor_key(""),
    fields=("gender", "birthday"),
    facts=("gender", "birthday"),
    index=VISITORS,
)


class LookupHashes:
    """One kind of look-up data in a Redis server."""

    def __init__(self, server: RedisServer, kind: Kind) -> None:
        self._server = server
        self._kind = kind
        fields = ", ".join(f"'{field}'" for field in kind.fields)
        first, second = (f"'{field}'" for field in kind.facts)
        self._put = server.script(f"local FIELDS = {{{fields}}}\n{_LOAD}")
        self._find = server.script(f"local FIRST, SECOND = {first}, {second}\n{_LOOK_UP}")

    def load(self, rows: Iterable[tuple[str, Values]], progress: Progress | None) -> Loaded:
        """Add or replace rows, 1,000 in a script: all of these or none."""
        done = Loaded()
        rest = iter(rows)
        while pipeline := list(islice(rest, PIPELINE)):
            done += self._load(pipeline)
            if progress is not None:
                progress(done.rows)
        return done

    def find(self, ids: Sequence[str]) -> list[Facts | None]:
        """What is known of each of these."""
        found: list[Facts | None] = []
        for start in range(0, len(ids), _ASKED):
            answers = self._find([self._kind.index], [self._kind.prefix, *ids[start : start + _ASKED]])
            found += [(_text(answer[0]), _text(answer[1])) if answer else None for answer in answers]
        return found

    def export(self) -> Iterator[Batch]:
        """All rows, by id."""
        after = "-"
        while ids := self._page(after):
            after = f"({ids[-1]}"
            hashes = self._server.ask(*(("HMGET", self._kind.prefix + one, *self._kind.fields) for one in ids))
            texts = zip(*hashes, strict=True)
            columns = [pa.array(ids, type=pa.string())]
            columns += [_column(list(each), field.type) for each, field in zip(texts, self._fields(), strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=self._kind.schema)

    def _load(self, rows: Sequence[tuple[str, Values]]) -> Loaded:
        arguments: list[str] = [self._kind.prefix, str(len(self._kind.fields))]
        for key, values in rows:
            arguments.append(key)
            arguments += ["" if value is None else f"={value}" for value in values]
        new, updated = self._put([self._kind.index, LOOKUPS_VERSION], arguments)
        return Loaded(new, updated, len(rows) - new - updated)

    def _page(self, after: str) -> list[str]:
        [ids] = self._server.ask(("ZRANGEBYLEX", self._kind.index, after, "+", "LIMIT", 0, _EXPORT))
        return [one.decode() for one in ids]

    def _fields(self) -> list[pa.Field]:
        return list(self._kind.schema)[1:]


def counts(server: RedisServer) -> Counts:
    """How many products and visitors there are."""
    return Counts(*server.ask(("ZCARD", PRODUCTS), ("ZCARD", VISITORS)))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _column(values: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    if pa.types.is_floating(kind):
        return pa.array([_number(value) for value in values], type=kind)
    return pa.array([_text(value) for value in values], type=kind)


def _number(value: Any) -> float | None:
    """A price; None where another program wrote something that is none."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
