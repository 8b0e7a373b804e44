"""Turns partials and views into keys of Redis: each publication, and all views of one moment, in one script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from footfall.core.errors import Fenced
from footfall.core.events import Batch
from footfall.servers.redis import RedisServer
from footfall.stores.base import Published, PutViews, Row
from footfall.stores.redis.keys import (
    KEPT_LINES,
    PARTIALS,
    PARTIALS_NUMBER,
    STATE_LOGS,
    STATE_LOGS_ROWS,
    TURN,
    TURNS,
    VIEWS,
    view_key,
)

_BETWEEN: Final = "\0"
"""Stands between view and partition in the name of a partial's field."""

_PUBLISH: Final = """
local turn = tonumber(ARGV[2])
for at = 3, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[4], ARGV[at]) or 0) > turn then return 0 end
end
for at = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  redis.call('HSET', KEYS[4], ARGV[at], ARGV[2])
end
redis.call('INCR', KEYS[3])
return 1
"""
"""ARGV: the turn, then pairs of a partial's field and its value."""

_PUT_VIEWS: Final = """
local function append_lines(stream, from, kept)
  local known = {}
  for _, entry in ipairs(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', kept)) do
    local line = (entry[2][2] or '') .. '\\0' .. (entry[2][4] or '')
    known[line] = (known[line] or 0) + 1
  end
  for at = from, #ARGV, 2 do
    local line = ARGV[at] .. '\\0' .. ARGV[at + 1]
    if (known[line] or 0) > 0 then
      known[line] = known[line] - 1
    else
      redis.call('XADD', stream, 'MAXLEN', kept, '*', 'timestamp', ARGV[at], 'line', ARGV[at + 1])
    end
  end
end

local publication, as_of, count, put = ARGV[2], ARGV[3], tonumber(ARGV[4]), 0
for view = 0, count - 1 do
  local name, key = ARGV[6 + 2 * view], KEYS[4 + view]
  local stands = redis.call('HGET', KEYS[2], name)
  if not stands or tonumber(publication) >= tonumber(string.match(stands, '^%d+')) then
    redis.call('SET', key, ARGV[7 + 2 * view])
    redis.call('HSET', KEYS[2], name, publication .. ' ' .. as_of)
    if name == KEYS[3] then append_lines(KEYS[3], 6 + 2 * count, tonumber(ARGV[5])) end
    put = put + 1
  end
end
return put
"""
"""ARGV: publication, as_of, how many views, how many lines the stream keeps; for each view its name and rows; then
for each line of the detector, oldest first, its time and its text. KEYS: the views' hash, the stream, and for each view
where its rows are. A line is appended as often as it is in the view more than in the stream: none is doubled."""

_ALL_VIEWS: Final = """
local publication, as_of, names = -1, -1, redis.call('HGETALL', KEYS[2])
for i = 2, #names, 2 do
  local number, at = string.match(names[i], '^(%d+) (-?%d+)$')
  if tonumber(number) > publication then publication = tonumber(number) end
  if tonumber(at) > as_of then as_of = tonumber(at) end
end
if publication < 0 or tostring(publication) == ARGV[2] then return false end
local found = {string.format('%.0f', publication), string.format('%.0f', as_of)}
for i = 1, #names, 2 do
  local key = names[i]
  if key == ARGV[3] then key = ARGV[4] end
  found[#found + 1] = names[i]
  found[#found + 1] = redis.call('GET', key) or '[]'
end
return found
"""
"""ARGV: the publication that is known, and the view whose rows are elsewhere, with that key."""


class LiveKeys:
    """Partials and views in a Redis server."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._publish = server.script(_PUBLISH)
        self._put = server.script(_PUT_VIEWS)
        self._all = server.script(_ALL_VIEWS)

    def turn(self) -> int:
        """A number greater than all before."""
        [number] = self._server.ask(("INCR", TURN))
        return int(number)

    def publish(self, partition_key: str, partials: Mapping[str, Batch], as_of: int, turn: int) -> None:
        """Replace a partition's partials of these views, unless somebody has done so whose turn was later."""
        arguments: list[str | bytes | int] = [turn]
        for name, batch in partials.items():
            arguments += [f"{name}{_BETWEEN}{partition_key}", b"%d\n" % as_of + _to_bytes(batch)]
        if not self._publish([PARTIALS, PARTIALS_NUMBER, TURNS], arguments):
            raise Fenced(
                f"The views of partition {partition_key} in {self._server.place} are another worker's by now.",
                remedy="Nothing was written. This worker must stop.",
            )

    def partials(self) -> Published:
        """The newest partials of all partitions, as they stand together."""
        number, found = self._server.ask(("GET", PARTIALS_NUMBER), ("HGETALL", PARTIALS), together=True)
        batches: defaultdict[str, list[Batch]] = defaultdict(list)
        newest: int | None = None
        for field, value in sorted((field.decode().split(_BETWEEN, 1), value) for field, value in found.items()):
            as_of, _, data = value.partition(b"\n")
            newest = max(int(as_of), int(as_of) if newest is None else newest)
            batches[field[0]].append(_from_bytes(data))
        return Published(int(number or 0), newest, dict(batches))

    def put(self, views: Mapping[str, Sequence[Row]], as_of: int, publication: int) -> None:
        """Replace these views together, unless newer ones are there."""
        arguments: list[str | bytes | int] = [publication, as_of, len(views), KEPT_LINES]
        for name, rows in views.items():
            arguments += [name, msgspec.json.encode(rows)]
        for row in reversed(views.get(STATE_LOGS, ())):
            arguments += [str(row.get("timestamp")), str(row.get("line"))]
        self._put([VIEWS, STATE_LOGS, *map(view_key, views)], arguments)

    def view(self, name: str) -> list[dict[str, object]]:
        """The rows of a view."""
        put, rows = self._server.ask(("HEXISTS", VIEWS, name), ("GET", view_key(name)), together=True)
        return _rows(rows) if put and rows is not None else []

    def names(self) -> list[str]:
        """The names of the views that were put."""
        [names] = self._server.ask(("HKEYS", VIEWS))
        return sorted(name.decode() for name in names)

    def all(self, known: int | None) -> PutViews | None:
        """All views together, unless their publication is the one that is known."""
        told = "" if known is None else str(known)
        found = self._all([VIEWS], [told, STATE_LOGS, STATE_LOGS_ROWS])
        if found is None:
            return None
        publication, as_of, *rest = found
        rows = {name.decode(): _rows(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}
        return PutViews(int(publication), int(as_of), rows)


def _rows(text: bytes) -> list[dict[str, object]]:
    return msgspec.json.decode(text, type=list[dict[str, object]])


def _to_bytes(batch: Batch) -> bytes:
    batch = pa.RecordBatch.from_arrays([_compact(column) for column in batch.columns], schema=batch.schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _compact(column: Any) -> Any:
    """Without the texts that no row uses: a few rows of a large batch carry its whole dictionary."""
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        return column.dictionary_decode().dictionary_encode().cast(column.type)
    return column


def _from_bytes(data: bytes) -> Batch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()
