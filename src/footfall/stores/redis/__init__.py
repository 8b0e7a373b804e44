"""Turns a Redis server into the serving store, under the key names of the template."""

from footfall.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
