"""Turns positions and rows of state into keys of Redis, and what happens to them into scripts that run as a whole.

    footfall:groups                          a set: all groups
    footfall:positions:GROUP                 a hash: "PARTITION STREAM" to "OFFSET SEQUENCE"
    footfall:partitions:GROUP                a set: the partitions of which there is state
    footfall:tables:GROUP:PARTITION          a hash: TABLE to "NEXT EPOCH"
    footfall:state:GROUP:PARTITION:TABLE     a hash: a row's number to its bytes
    footfall:large:ID                        a hash: the pieces of a row that is too large for the one above
    footfall:pieces:GROUP:PARTITION:TABLE    a set: the keys of such rows
    footfall:epochs                          a number: the newest epoch of all

Rows are numbered 0, 1, 2, … and no number is used twice. A row's bytes change, and a row goes, only when its table
gets a new epoch (by a reset or a merge): rows that were read are still so as long as the epoch is the same.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

GROUPS: Final = "footfall:groups"
EPOCHS: Final = "footfall:epochs"


def positions_key(group: str) -> str:
    """Where a group's positions are."""
    return f"footfall:positions:{quote(group, safe='')}"


def partitions_key(group: str) -> str:
    """Where it is said of which partitions a group has state."""
    return f"footfall:partitions:{quote(group, safe='')}"


def tables_key(group: str, partition: int | str) -> str:
    """Where a group's state tables of a partition are listed."""
    return f"footfall:tables:{quote(group, safe='')}:{partition}"


def rows_key(group: str, partition: int | str, table: str) -> str:
    """Where the rows of a state table are."""
    return f"footfall:state:{quote(group, safe='')}:{partition}:{table}"


def pieces_key(group: str, partition: int | str, table: str) -> str:
    """Where the keys of a state table's large rows are."""
    return f"footfall:pieces:{quote(group, safe='')}:{partition}:{table}"


def field_of(stream: str, partition: int) -> str:
    """The field of a position."""
    return f"{partition} {stream}"


_DROP: Final = """
local function drop(rows, pieces)
  for _, key in ipairs(redis.call('SMEMBERS', pieces)) do redis.call('UNLINK', key) end
  redis.call('UNLINK', rows, pieces)
end
"""

SAVE: Final = f"""{_DROP}
local positions, writes = tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 0, positions - 1 do
  local stands = redis.call('HGET', KEYS[4 + i], ARGV[4 + 4 * i]) or '0 0'
  if stands ~= ARGV[5 + 4 * i] then return {{i, stands}} end
end
for i = 0, writes - 1 do
  local large = ARGV[9 + 4 * positions + 6 * i]
  if large ~= '' and redis.call('EXISTS', large) == 0 then return {{-2}} end
end
local done = {{-1}}
for i = 0, positions - 1 do
  redis.call('SADD', KEYS[2], ARGV[7 + 4 * i])
  redis.call('HSET', KEYS[4 + i], ARGV[4 + 4 * i], ARGV[6 + 4 * i])
end
for i = 0, writes - 1 do
  local key, at = 4 + positions + 4 * i, 4 + 4 * positions + 6 * i
  local tables, rows, partitions, pieces = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  redis.call('SADD', KEYS[2], ARGV[at + 2])
  redis.call('SADD', partitions, ARGV[at + 3])
  local number, epoch = 0, nil
  local stands = redis.call('HGET', tables, ARGV[at])
  if stands then number, epoch = string.match(stands, '^(%d+) (%d+)$') end
  if ARGV[at + 1] == '1' then drop(rows, pieces); epoch = nil end
  if not epoch then epoch = redis.call('INCR', KEYS[3]) end
  redis.call('HSET', rows, number, ARGV[at + 4])
  if ARGV[at + 5] ~= '' then
    redis.call('PERSIST', ARGV[at + 5])
    redis.call('SADD', pieces, ARGV[at + 5])
  end
  redis.call('HSET', tables, ARGV[at], string.format('%d %d', number + 1, epoch))
  done[#done + 1] = tonumber(number)
  done[#done + 1] = redis.call('HLEN', rows)
end
return done
"""
"""KEYS: groups, epochs; of each position its hash; of each write its tables, rows, partitions and pieces.

ARGV: how many positions, how many writes; of each position its field, where it is expected, where it moves, and its
group; of each write its table, 1 for a reset, group, partition, bytes, and the key of its pieces or ''.
Gives -1, and of each write its number and how many rows there are; or which position is elsewhere, and where; or -2
when pieces are gone. It begins with a write that Redis refuses when it has no memory left: what comes after the first
write of a script is not refused."""

DIRECTORY: Final = """
local found = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if ARGV[3] == '' or ARGV[3] == name then
    local epoch = string.match(redis.call('HGET', KEYS[2], name), '%d+$')
    local rows, sizes = redis.call('HKEYS', ARGV[2] .. name), {}
    for i, row in ipairs(rows) do
      sizes[i] = redis.call('HSTRLEN', ARGV[2] .. name, row)
      if sizes[i] < 100 then
        local size = string.match(redis.call('HGET', ARGV[2] .. name, row), '^large .* (%d+)$')
        if size then sizes[i] = tonumber(size) end
      end
    end
    found[#found + 1] = {name, epoch, rows, sizes}
  end
end
return found
"""
"""KEYS: tables. ARGV: how the rows' keys begin, and one table or ''.

Gives of each table its name, epoch, and the numbers and sizes of its rows."""

MERGE: Final = """
local stands = redis.call('HGET', KEYS[2], ARGV[2])
if not stands then return 0 end
local next_number, epoch = string.match(stands, '^(%d+) (%d+)$')
if epoch ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[3], ARGV[5], ARGV[4])
for i = 6, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
epoch = redis.call('INCR', KEYS[4])
redis.call('HSET', KEYS[2], ARGV[2], string.format('%d %d', next_number, epoch))
return epoch
"""
"""KEYS: tables, rows, epochs. ARGV: table, the epoch of the rows, the merged bytes, the last row's number, the others'.

Gives the new epoch, or 0 when the rows are not those any more."""

DELETE: Final = f"""{_DROP}
for _, partition in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  local tables = ARGV[3] .. partition
  for _, name in ipairs(redis.call('HKEYS', tables)) do
    drop(ARGV[4] .. partition .. ':' .. name, ARGV[5] .. partition .. ':' .. name)
  end
  redis.call('UNLINK', tables)
end
redis.call('UNLINK', KEYS[3], KEYS[4])
redis.call('SREM', KEYS[2], ARGV[2])
return 1
"""
"""KEYS: groups, positions, partitions. ARGV: the group, and how the keys of its tables, rows and pieces begin."""
