"""Streams of a pipeline that the tests of SQL may name without declaring them."""

from __future__ import annotations

from typing import Final

from footfall.sql.plan import Field, Table
from footfall.sql.types import INT, STRING, TIMESTAMP

CLICKS: Final = Table(
    "Clicks",
    (
        Field("user_id", STRING),
        Field("page", INT),
        Field("action", STRING),
        Field("device", STRING),
        Field("event_time", TIMESTAMP, is_time=True),
    ),
    stream="click",
)
USERS: Final = Table("Users", (Field("user_id", STRING), Field("name", STRING), Field("level", STRING)), stream="user")
STREAMS: Final = {"Clicks": CLICKS, "Users": USERS}
