"""Turns an address into a Redis server that we can trust, or into what is wrong with it."""

from footfall.servers.redis.server import GENERATION, RedisServer, RedisSettings, Script, Value

__all__ = ["GENERATION", "RedisServer", "RedisSettings", "Script", "Value"]
