"""Turns what visitors do on the shop's pages into events on disk, or into a note that they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from ipaddress import ip_address
from typing import Final, TypeVar

from starlette.requests import Request

from footfall.apps.web.client import client_ip
from footfall.apps.web.parts import WebParts
from footfall.apps.web.shop.identity import COOKIE, identity_of
from footfall.core.errors import FootfallError, Unavailable
from footfall.core.events import Batch
from footfall.engine.intake import Arrival
from footfall.engine.logs import logger
from footfall.sources.collect import click_of

PATIENCE: Final = 5.0
"""Seconds that a visitor waits for the disk at most."""

_T = TypeVar("_T")


def as_a_person(user_agent: str | None, ip: str | None) -> str | None:
    """A headless browser on this machine says what it would say with a window; all else is as it came.

    Whoever tries the shop by a script sees what shoppers see. From anywhere else it is a bot, and offered nothing.
    """
    if user_agent and ip and ip_address(ip).is_loopback:
        return user_agent.replace("HeadlessChrome/", "Chrome/")
    return user_agent


class Publisher:
    """Hands events to the intake and waits until they are on disk."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self.lost = 0
        """Arrivals that are not on disk, or not known to be, since the start. Each one was logged, and shown."""

    def click(self, request: Request, *, visitor: str, product: str, event_type: str = "view") -> Batch:
        """A click of this request, with the identity that the visitor has chosen."""
        identity = identity_of(request.cookies.get(COOKIE))
        ip = client_ip(request.scope, self._parts.settings) or None
        return click_of(
            user=visitor,
            product=product,
            event_type=event_type,
            ip=ip,
            user_agent=as_a_person(request.headers.get("user-agent"), ip),
            age=identity.age if identity else None,
            gender=identity.gender if identity else None,
            page=str(request.url),
            referrer=request.headers.get("referer"),
            now_ms=self._parts.clock.now_ms(),
        )

    async def publish(self, arrival: Arrival, *, what: str) -> bool:
        """Whether the arrival is on disk. If not, that is logged and counted; ``what`` names it there."""
        try:
            await self._put(arrival)
        except FootfallError as error:
            self.lose(what, why=str(error))
            return False
        return True

    def lose(self, what: str, *, why: str) -> None:
        """Count and log something that could not be kept."""
        self.lost += 1
        logger().error("shop_event_lost", what=what, error=why, lost=self.lost)

    async def _put(self, arrival: Arrival) -> None:
        await in_time(asyncio.wrap_future(self._parts.intake.put(arrival)))


async def in_time(waiting: Awaitable[_T]) -> _T:
    """What comes of it. Raises Unavailable when the log takes longer than a visitor should wait."""
    try:
        return await asyncio.wait_for(waiting, PATIENCE)
    except TimeoutError as error:
        raise Unavailable(f"The log did not answer in {PATIENCE:g} seconds.") from error
